//! HTTP Basic authentication, on both frameworks.

use std::sync::Arc;

use auth_web::{
    Auth, PublicUrl, SetupError,
    core::{
        AuditSink, Authenticated, Authenticator, Entropy, KeyName, KeyRing, LoginGate, LoginOutcome,
        MemoryAccounts, MemoryAudit, MemoryCounters, MemorySessions, SystemEntropy,
        testing::{FailWith, FailingStore, SteppedClock},
    },
    credentials::{
        AccountStores, Accounts, BasicAuthenticator, BasicCredential, HashPool, HashPoolSize, OneFactor,
        PasswordAuthenticator, PasswordCredential, PasswordHasher, PasswordPolicy, SecondFactors, Throttle,
        danger,
    },
    session::{CookiePolicy, EpochCheck, SessionPolicy, Sessions},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::app::{Fixture, ORIGIN, START, fixture, fixture_with};

pub const PASSWORD: &str = "velvet otters at dawn";
const CHALLENGES: [&str; 2] = ["Bearer", r#"Basic realm="old programs", charset="UTF-8""#];

struct Site {
    fixture: Fixture,
    accounts: Accounts,
    store: Arc<FailingStore<MemoryAccounts>>,
    log: Arc<MemoryAudit>,
    clock: SteppedClock,
}

/// Accounts with one for `ann`.
pub async fn accounts() -> (Accounts, Arc<FailingStore<MemoryAccounts>>, Arc<MemoryAudit>, SteppedClock) {
    let store = Arc::new(FailingStore::new(MemoryAccounts::new(10)));
    let (log, clock) = (Arc::new(MemoryAudit::new(1_000)), SteppedClock::new(START));
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let cheap = danger::allow_weak_params(8, 1, 1).unwrap();
    let authenticator = PasswordAuthenticator::new(
        AccountStores::new(Arc::clone(&store)),
        HashPool::start(PasswordHasher::new(cheap, Arc::clone(&entropy)).unwrap(), HashPoolSize::default())
            .unwrap(),
        Throttle::login(Arc::new(MemoryCounters::new(100))),
        Arc::clone(&log) as Arc<dyn AuditSink>,
        Arc::new(clock.clone()),
    );
    let gate = LoginGate::new(Arc::new(OneFactor::password()));
    let counters = Arc::new(MemoryCounters::new(100));
    let accounts = Accounts::new(authenticator, gate, PasswordPolicy::single_factor(), counters, entropy);
    accounts.sign_up(PasswordCredential::typed("ann", PASSWORD.to_owned(), None)).await.unwrap();
    (accounts, store, log, clock)
}

impl Site {
    async fn new() -> Self {
        let (accounts, store, log, clock) = accounts().await;
        let basic = BasicAuthenticator::new(accounts.clone());
        let fixture = fixture_with(|auth| auth.basic("old programs", basic).unwrap());
        Self { fixture, accounts, store, log, clock }
    }
}

fn basic(login: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{login}:{password}")))
}

/// What is answered to each request, whichever framework serves it.
type Case<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>, u16);

fn cases<'a>(right: &'a str, wrong: &'a str, cookie: &'a str) -> Vec<Case<'a>> {
    let (right, wrong) = (("authorization", right), ("authorization", wrong));
    vec![
        ("GET", "/user", vec![right], 200),
        ("GET", "/maybe", vec![right], 200),
        // It is no token and no key, and the cookie beside it is ignored.
        ("GET", "/bearer", vec![right], 401),
        ("GET", "/key", vec![right], 401),
        ("GET", "/user", vec![wrong, ("cookie", cookie)], 401),
        ("GET", "/maybe", vec![wrong], 401),
        // Whoever has signed up a moment ago has no role.
        ("GET", "/read", vec![right], 403),
        // Browsers add it by themselves, so another site is in question.
        ("POST", "/delete", vec![right, ("origin", "https://evil.example")], 403),
        ("POST", "/delete", vec![right], 403),
        // Nor may it make a browser ask, which costs a hash even where nothing is changed.
        ("GET", "/user", vec![right, ("sec-fetch-site", "cross-site")], 403),
        ("GET", "/open", vec![right, ("sec-fetch-site", "same-site")], 403),
        ("GET", "/user", vec![right, ("sec-fetch-site", "same-origin")], 200),
        ("GET", "/user", vec![right, ("sec-fetch-site", "none")], 200),
        // It is no session.
        ("POST", "/logout", vec![right, ("origin", ORIGIN)], 401),
        ("GET", "/count", vec![right], 401),
        ("GET", "/user", vec![right, right], 400),
        ("GET", "/user", vec![("authorization", "Basic")], 400),
        ("GET", "/user", vec![("authorization", "Basic x")], 400),
        ("GET", "/open", vec![("authorization", "Basic QTo")], 400),
    ]
}

#[tokio::test]
async fn a_password_with_each_request_is_taken_where_it_is_set_up() {
    let site = Site::new().await;
    let (right, wrong) = (basic("Ann", PASSWORD), basic("ann", "wrong"));
    let cookie = site.fixture.log_in().await;
    for (method, path, headers, status) in cases(&right, &wrong, &cookie) {
        let answer = site.fixture.send(method, path, &headers).await;
        assert_eq!(answer.status, status, "{method} {path} {headers:?}: {}", answer.body);
        let told: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
        assert_eq!(told.is_empty(), status != 401, "{path}");
        if status == 401 {
            assert_eq!(told, CHALLENGES, "{path}");
        }
    }
    let evil = [("authorization", right.as_str()), ("origin", "https://evil.example")];
    assert!(site.fixture.send("POST", "/delete", &evil).await.body.contains("cross-site"));
    assert!(!site.log.has("login"), "nobody logs in");
    assert!(site.log.has("factor.passed") && site.log.has("credential.refused"));
}

#[cfg(feature = "actix4")]
#[actix_web::test]
async fn a_password_with_each_request_is_taken_on_actix_too() {
    let site = Site::new().await;
    let (right, wrong) = (basic("ann", PASSWORD), basic("ann", "wrong"));
    let cookie = crate::actix::log_in(&site.fixture).await;
    for (method, path, headers, status) in cases(&right, &wrong, &cookie) {
        if path == "/count" {
            continue;
        }
        let answer = crate::actix::send(&site.fixture, method, path, &headers).await;
        assert_eq!(answer.status, status, "{method} {path} {headers:?}: {}", answer.body);
        let told: Vec<_> = answer.headers.get_all("www-authenticate").collect();
        assert_eq!(told.is_empty(), status != 401, "{path}");
        if status == 401 {
            assert_eq!(told, CHALLENGES, "{path}");
        }
    }
}

/// Off unless it is asked for, like every way in.
#[tokio::test]
async fn where_it_is_not_set_up_a_password_is_nobody() {
    let site = fixture();
    let right = basic("ann", PASSWORD);
    assert_eq!(site.get("/maybe", &[("authorization", &right)]).await.body, "nobody");
    let refused = site.get("/user", &[("authorization", &right)]).await;
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(refused.headers.get_all("www-authenticate").iter().count(), 1);
}

/// There is no way to ask for a second factor, so a password alone must not do. And what looks like a login a moment ago
/// must not change how somebody logs in.
#[tokio::test]
async fn whoever_has_a_second_factor_is_refused_like_a_wrong_password() {
    let site = Site::new().await;
    let keys = KeyRing::generate(KeyName::from_static("k"), &SystemEntropy).unwrap();
    let counters = Arc::new(MemoryCounters::new(100));
    let factors = SecondFactors::new(site.accounts.clone(), Arc::new(keys), counters, "Test").unwrap();
    let right = basic("ann", PASSWORD);
    let basic_only = BasicAuthenticator::new(site.accounts.clone());
    let by_basic = basic_only.authenticate(BasicCredential::parse(right.as_bytes(), None).unwrap());
    assert!(factors.begin(&by_basic.await.unwrap()).await.is_err(), "a program does not enrol");

    let login = site.accounts.log_in(PasswordCredential::typed("ann", PASSWORD.to_owned(), None)).await;
    let Ok(LoginOutcome::Complete(login)) = login else { panic!("one factor is enough") };
    let who = Authenticated::assertion(login.into_authentication());
    let uri = factors.begin(&who).await.unwrap();
    let code = uri.device().code_now(START).unwrap().to_string();
    let _ = factors.confirm(&who, &code).await.unwrap();

    let [right, wrong] = [right, basic("ann", "wrong")].map(async |line| {
        let answer = site.fixture.get("/user", &[("authorization", &line)]).await;
        (
            answer.status,
            answer.body,
            answer.headers.get_all("www-authenticate").iter().cloned().collect::<Vec<_>>(),
        )
    });
    let (right, wrong) = (right.await, wrong.await);
    assert_eq!(right, wrong);
    assert_eq!(right.0, 401);
}

#[tokio::test]
async fn guesses_are_throttled_and_a_dead_store_is_503() {
    let site = Site::new().await;
    let (right, wrong) = (basic("ann", PASSWORD), basic("ann", "wrong"));
    site.store.fail_with(Some(FailWith::NotWritten));
    assert_eq!(site.fixture.get("/maybe", &[("authorization", &right)]).await.status, 503);
    site.store.fail_with(None);
    site.clock.step(std::time::Duration::from_secs(3_600));
    let mut statuses = Vec::new();
    for _ in 0..11 {
        statuses.push(site.fixture.get("/maybe", &[("authorization", &wrong)]).await.status);
    }
    assert_eq!(statuses[..10], [401; 10]);
    assert_eq!(statuses[10], 429);
    assert_eq!(site.fixture.get("/user", &[("authorization", &right)]).await.status, 429);
}

/// A password in the clear on the wire is everybody's, and a realm is quoted as it is.
#[tokio::test]
async fn it_takes_https_and_a_plain_realm() {
    let (accounts, ..) = accounts().await;
    let keys = Arc::new(KeyRing::generate(KeyName::from_static("k"), &SystemEntropy).unwrap());
    let builder = |public: PublicUrl, cookie: CookiePolicy| {
        let sessions = Sessions::new(
            Arc::new(MemorySessions::new(10)),
            Arc::clone(&keys),
            EpochCheck::by_session_store_only(),
            Arc::new(MemoryAudit::new(10)),
            SessionPolicy::aal1(cookie),
        );
        Auth::builder(public, sessions)
    };
    let basic = BasicAuthenticator::new(accounts);
    let plain =
        PublicUrl::plain_http_loopback("http://127.0.0.1:3000", "127.0.0.1:3000".parse().unwrap()).unwrap();
    let cookie = CookiePolicy::plain_http_loopback(plain.origin()).unwrap();
    let built = builder(plain, cookie).basic("x", basic.clone()).unwrap().build();
    assert_eq!(built.unwrap_err(), SetupError::Basic);
    for realm in ["", "a\"b", "a\\b", "a\nb", "caf\u{e9}", &"x".repeat(65)] {
        let public = PublicUrl::https(ORIGIN).unwrap();
        let made = builder(public, CookiePolicy::default()).basic(realm, basic.clone());
        assert_eq!(made.unwrap_err(), SetupError::Basic, "{realm:?}");
    }
}
