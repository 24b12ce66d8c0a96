//! Passwords that leaked elsewhere cannot be chosen, and nobody else learns which one was asked about.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use auth_core::{
    AuthenticateError, Authenticated, CounterStore, KeyName, KeyRing, LoginOutcome, Refusal, SystemEntropy,
    TokenStore, Unavailable, testing::block_on,
};
use auth_credentials::{
    AccountLinks, Accounts, ChangePasswordError, HashPrefix, IfUnanswered, LeakedError, LeakedPasswords,
    LinkBase, LinkError, Notifier, PolicyError, RangeClient, RangeError, SecondFactorError, SignUpError,
};

use crate::support::{
    address,
    app::{App, NEXT, PASSWORD, credential},
    factors::Site,
    mail::{ANN, Post},
    password, source,
};

const OTHER: &str = "paper boats in the attic";

/// The SHA-1 of [`NEXT`].
const PREFIX: &str = "1F9BD";
const SUFFIX: &str = "58EC1897EDD65D7DAA7AC694918DB976A0A";

/// Answers what it is told to, and notes what it was asked and how many places of the pool were taken meanwhile.
#[derive(Default)]
struct List {
    down: bool,
    asked: Mutex<Vec<String>>,
    app: Mutex<Option<App>>,
    places: AtomicUsize,
}

#[async_trait]
impl RangeClient for List {
    async fn range(&self, prefix: HashPrefix) -> Result<Vec<u8>, RangeError> {
        self.asked.lock().unwrap().push(prefix.as_str().to_owned());
        if let Some(app) = &*self.app.lock().unwrap() {
            self.places.store(app.pool.stats().waiting, Ordering::SeqCst);
        }
        match self.down {
            true => Err(RangeError::Timeout),
            false => Ok(format!("0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n{SUFFIX}:2\r\n").into_bytes()),
        }
    }
}

fn asking(app: &App, list: &Arc<List>, if_unanswered: IfUnanswered) -> Accounts {
    let leaked = LeakedPasswords::new(Arc::<List>::clone(list), if_unanswered);
    app.accounts.clone().with_leaked_passwords(leaked)
}

/// And what is refused was not hashed.
#[test]
fn a_leaked_password_cannot_be_chosen() {
    let (app, list) = (App::new(), Arc::new(List::default()));
    *list.app.lock().unwrap() = Some(app.clone());
    let accounts = asking(&app, &list, IfUnanswered::Refuse);
    block_on(accounts.sign_up(credential("ann", PASSWORD, address(1)))).unwrap();
    let hashed = app.pool.stats().finished;

    let sign_up = block_on(accounts.sign_up(credential("bob", NEXT, address(1))));
    assert!(matches!(sign_up, Err(SignUpError::Policy(PolicyError::Leaked))), "{sign_up:?}");
    let set = block_on(accounts.set_password(&app.id("ann"), password(NEXT), None));
    assert!(matches!(set, Err(ChangePasswordError::Policy(PolicyError::Leaked))), "{set:?}");
    assert_eq!(app.pool.stats().finished, hashed);

    let who = app.request_of("ann", PASSWORD);
    let change = block_on(accounts.change_password(&who, password(PASSWORD), password(NEXT), None));
    let Err(change) = change else { panic!("it was changed") };
    assert!(matches!(change, ChangePasswordError::Policy(PolicyError::Leaked)));
    assert_eq!(Refusal::from(change).status(), 400);
    assert_eq!(list.asked.lock().unwrap()[1..], [PREFIX; 3]);
    assert_eq!(list.places.load(Ordering::SeqCst), 0, "no place of the pool is held meanwhile");

    // It was chosen before, and is right.
    app.sign_up("eve", NEXT);
    let asked = list.asked.lock().unwrap().len();
    let login = block_on(accounts.log_in(credential("eve", NEXT, address(1)))).unwrap();
    assert!(matches!(login, LoginOutcome::Complete(_)));
    assert_eq!(list.asked.lock().unwrap().len(), asked, "who logs in chooses nothing");
}

fn links_of(post: &Post, leaked: LeakedPasswords) -> AccountLinks {
    AccountLinks::new(
        post.accounts.clone().with_leaked_passwords(leaked),
        Arc::clone(&post.tokens) as Arc<dyn TokenStore>,
        Arc::clone(&post.notifier) as Arc<dyn Notifier>,
        LinkBase::parse("https://app.example").unwrap(),
        Arc::clone(&post.app.counters) as Arc<dyn CounterStore>,
    )
}

/// A link that is not used up is tried as often as its holder likes, and each time somebody else would be asked.
#[test]
fn the_holder_of_a_link_does_not_make_us_ask_without_an_end() {
    let (post, list) = (Post::verified(), Arc::new(List::default()));
    let leaked = LeakedPasswords::new(Arc::<List>::clone(&list), IfUnanswered::Refuse);
    let links = links_of(&post, leaked);
    let token = post.reset_token();
    let reset = |text: &str, from| block_on(links.reset(&token, password(text), Some(address(from))));
    for _ in 0..20 {
        assert!(matches!(reset(NEXT, 7), Err(LinkError::Policy(PolicyError::Leaked))));
    }
    assert_eq!(Refusal::from(reset(NEXT, 7).unwrap_err()).status(), 429);
    assert_eq!(list.asked.lock().unwrap().len(), 20);

    block_on(post.links.invite("bob@example.com", b"", None)).unwrap();
    let invitation = post.token();
    let accept = |from| block_on(links.accept(&invitation, password(NEXT), Some(address(from))));
    assert_eq!(Refusal::from(accept(7).unwrap_err()).status(), 429);
    assert!(matches!(accept(8), Err(LinkError::Policy(PolicyError::Leaked))));
    // The link works on, from elsewhere.
    assert!(reset(OTHER, 9).is_ok());
}

/// The links that a password is chosen by still work, for another one; and so does the factor that was to go.
#[test]
fn a_leaked_password_gets_in_by_no_link_and_for_no_factor() {
    let (post, list) = (Post::verified(), Arc::new(List::default()));
    let leaked = LeakedPasswords::new(Arc::<List>::clone(&list), IfUnanswered::Refuse);
    let links = links_of(&post, leaked.clone());
    let token = post.reset_token();
    let reset = |text: &str| block_on(links.reset(&token, password(text), None));
    assert!(matches!(reset(NEXT), Err(LinkError::Policy(PolicyError::Leaked))));
    assert!(post.app.log_in(ANN, PASSWORD).is_ok());
    assert!(reset(OTHER).is_ok());
    let _ = post.messages();

    block_on(post.links.invite("bob@example.com", b"", None)).unwrap();
    let token = post.token();
    let accept = |text: &str| block_on(links.accept(&token, password(text), None));
    assert!(matches!(accept(NEXT), Err(LinkError::Policy(PolicyError::Leaked))));
    assert!(accept(OTHER).is_ok());
    assert_eq!(list.asked.lock().unwrap().len(), 4);

    let site = Site::new();
    let (uri, _) = site.enrol();
    site.next_step();
    let who = Authenticated::assertion(site.log_in(&uri).into_authentication());
    let keys = KeyRing::generate(KeyName::from_static("k"), &SystemEntropy).unwrap();
    let factors =
        Site::factors(&site.app, &site.accounts.clone().with_leaked_passwords(leaked), Arc::new(keys));
    let remove = |text: &str| block_on(factors.remove(&who, password(PASSWORD), Some(password(text)), None));
    assert!(matches!(remove(NEXT), Err(SecondFactorError::Policy(PolicyError::Leaked))));
    assert!(!block_on(site.accounts.enrolled(who.principal())).unwrap().is_empty());
    assert!(remove(OTHER).is_ok());
}

/// Nothing fails open: giving that up is a word in the program, and leaves a line in the log.
#[test]
fn a_list_that_does_not_answer_refuses_unless_it_was_told_otherwise() {
    for if_unanswered in [IfUnanswered::Refuse, IfUnanswered::Accept] {
        let (app, list) = (App::new(), Arc::new(List { down: true, ..List::default() }));
        let accounts = asking(&app, &list, if_unanswered);
        let sign_up = block_on(accounts.sign_up(credential("ann", PASSWORD, address(1))));
        assert!(app.audit.has("unanswered"));
        match if_unanswered {
            IfUnanswered::Accept => {
                sign_up.unwrap();
                assert!(app.log_in("ann", PASSWORD).is_ok());
            }
            IfUnanswered::Refuse => {
                let error = sign_up.unwrap_err();
                assert!(matches!(error, SignUpError::Unavailable(Unavailable::Unanswered(_))), "{error:?}");
                assert_eq!(Refusal::from(error).status(), 503);
                app.sign_up("ann", PASSWORD);
                let set = block_on(accounts.set_password(&app.id("ann"), password(NEXT), None)).unwrap_err();
                assert!(matches!(
                    set,
                    ChangePasswordError::Refused(AuthenticateError::Unavailable(Unavailable::Unanswered(_)))
                ));
            }
        }
    }
}

/// Whoever is over the limit of sign-ups makes us ask nobody, and what the policy refuses leaves the program in no form.
#[test]
fn nobody_is_asked_for_what_is_refused_anyway() {
    let (app, list) = (App::new(), Arc::new(List::default()));
    let accounts = asking(&app, &list, IfUnanswered::Refuse);
    let sign_up = |text: &str| block_on(accounts.sign_up(credential("ann", text, address(1))));
    assert!(matches!(sign_up("too short"), Err(SignUpError::Policy(_))));
    assert!(matches!(sign_up("passwordpassword"), Err(SignUpError::Policy(PolicyError::Common))));
    let places: Vec<_> = (0..64).map(|_| app.pool.admit(source(1)).unwrap()).collect();
    assert!(matches!(sign_up(PASSWORD), Err(SignUpError::Unavailable(Unavailable::Overloaded))));
    drop(places);
    assert_eq!(list.asked.lock().unwrap().len(), 0);
    while !matches!(sign_up(PASSWORD), Err(SignUpError::Throttled(_))) {}
    let asked = list.asked.lock().unwrap().len();
    assert!(matches!(sign_up(PASSWORD), Err(SignUpError::Throttled(_))));
    assert_eq!(list.asked.lock().unwrap().len(), asked);
}

/// Twenty bits of a hash that is not even ours, and only to whom it is sent.
#[test]
fn what_is_asked_shows_nowhere_else() {
    let list = Arc::new(List::default());
    let leaked = LeakedPasswords::new(Arc::<List>::clone(&list), IfUnanswered::Refuse);
    assert!(matches!(block_on(leaked.check(&password(NEXT))), Err(LeakedError::Leaked)));
    assert!(block_on(leaked.check(&password(PASSWORD))).is_ok());
    assert_eq!(list.asked.lock().unwrap().iter().map(String::len).collect::<Vec<_>>(), [5, 5]);
    struct Shown(Mutex<String>);
    #[async_trait]
    impl RangeClient for Shown {
        async fn range(&self, prefix: HashPrefix) -> Result<Vec<u8>, RangeError> {
            *self.0.lock().unwrap() = format!("{prefix:?}");
            Ok(vec![b'x'; LeakedPasswords::MAX_ANSWER_LEN + 1])
        }
    }
    let shown = Arc::new(Shown(Mutex::default()));
    let leaked = LeakedPasswords::new(Arc::<Shown>::clone(&shown), IfUnanswered::Refuse);
    let error = block_on(leaked.check(&password(NEXT))).unwrap_err();
    assert!(matches!(error, LeakedError::Unanswered(RangeError::TooLarge { .. })));
    let printed = format!("{} {error:?} {leaked:?}", shown.0.lock().unwrap());
    assert!(!printed.contains(PREFIX) && !printed.contains(NEXT), "{printed}");
}

#[cfg(feature = "reqwest")]
mod https {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread,
    };

    use auth_credentials::{HttpsRanges, HttpsRangesError, danger};

    use super::*;

    /// Answers one request with this, and yields what it was asked.
    fn serve(answer: String) -> (String, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/range", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.push(byte[0]);
            }
            // Who has read enough goes away.
            let _ = stream.write_all(answer.as_bytes());
            String::from_utf8(request).unwrap()
        });
        (url, server)
    }

    fn answer(status: &str, headers: &str, body: &str) -> String {
        format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
            body.len()
        )
    }

    fn check(answer: String) -> (Result<(), LeakedError>, String) {
        let (url, server) = serve(answer);
        let client = danger::ranges_on_loopback(&url).unwrap();
        let leaked = LeakedPasswords::new(Arc::new(client), IfUnanswered::Refuse);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let checked = runtime.block_on(leaked.check(&password(NEXT)));
        (checked, server.join().unwrap())
    }

    #[test]
    fn a_server_is_told_five_digits_and_nothing_else() {
        let (leaked, request) = check(answer("200 OK", "", &format!("{SUFFIX}:2")));
        assert!(matches!(leaked, Err(LeakedError::Leaked)));
        assert!(request.starts_with(&format!("GET /range/{PREFIX} HTTP/1.1\r\n")), "{request}");
        assert!(request.to_lowercase().contains("add-padding: true\r\n"), "{request}");
        assert!(!request.contains(SUFFIX) && !request.to_lowercase().contains("cookie"), "{request}");
        let (other, _) = check(answer("200 OK", "", "0018A45C4D1DEF81644B54AB7F969B88D65:1"));
        assert!(other.is_ok());
    }

    /// None of these says that a password did not leak.
    #[test]
    fn what_is_no_answer_is_an_error() {
        let of = |text: String| match check(text).0 {
            Err(LeakedError::Unanswered(error)) => error,
            other => panic!("{other:?}"),
        };
        let redirect = answer("302 Found", "location: http://127.0.0.1:1/\r\n", "");
        assert!(matches!(of(redirect), RangeError::Redirect(302)));
        assert!(matches!(of(answer("404 Not Found", "", "")), RangeError::Status(404)));
        assert!(matches!(of(answer("204 No Content", "", "")), RangeError::Status(204)));
        assert!(matches!(of(answer("200 OK", "", "")), RangeError::Malformed));
        assert!(matches!(of(answer("200 OK", "", "<html>")), RangeError::Malformed));
        let long = "x".repeat(LeakedPasswords::MAX_ANSWER_LEN + 1);
        assert!(matches!(of(answer("200 OK", "", &long)), RangeError::TooLarge { .. }));
        let error = of("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_owned());
        assert!(matches!(error, RangeError::Unreachable(_)));
        assert!(!format!("{error:?}").contains(PREFIX), "{error:?}");
    }

    #[test]
    fn only_https_is_asked_but_for_this_machine() {
        assert!(HttpsRanges::pwned_passwords().is_ok());
        assert!(matches!(HttpsRanges::new("http://list.example/"), Err(HttpsRangesError::NotHttps)));
        assert!(matches!(HttpsRanges::new("https://a:b@list.example/"), Err(HttpsRangesError::Credentials)));
        for url in
            ["list.example", "https://list.example/?q=", "https://list.example/#x", "data:text/plain,x"]
        {
            assert!(matches!(HttpsRanges::new(url), Err(HttpsRangesError::Url)), "{url}");
        }
        for url in ["http://localhost/", "http://10.0.0.1/", "https://127.0.0.1/"] {
            let refused = danger::ranges_on_loopback(url);
            assert!(matches!(refused, Err(HttpsRangesError::NotLoopback)), "{url}");
        }
    }
}
