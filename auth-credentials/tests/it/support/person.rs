//! What only a person does, and no program: everything that changes how somebody logs in.

use std::{sync::Arc, time::Duration};

use auth_core::{
    Authenticated, Authentication, MemoryTokens, Method, Refusal, RejectionReason, Scopes, testing::block_on,
};
use auth_credentials::{
    ApiKeyPrefix, ApiKeyTerms, ApiKeys, MemoryNotifier, NewApiKey, OtpUri, Password, RememberedDevices,
    SecondFactors,
};

use super::{
    address,
    app::{NEXT, PASSWORD},
    counters::TestCounters,
    mail::{ANN, Post, token_of},
    password,
};

const NEW: &str = "ann@new.example";
const NUMBER: &str = "+49 170 1234567";

/// Ann's account, in which every flow would go through: with a device, another that waits for its code, a link to
/// another address, a key, and a device that is remembered.
pub(crate) struct Person {
    pub(crate) post: Post,
    pub(crate) keys: ApiKeys,
    factors: SecondFactors,
    devices: RememberedDevices,
    waiting: OtpUri,
    /// The code that was sent to her telephone.
    texted: String,
    pub(crate) key: NewApiKey,
    link: String,
}

type Flow = (&'static str, fn(&Person, &Authenticated) -> Result<(), Refusal>);

const FLOWS: [Flow; 16] = [
    ("begin", |it, who| block_on(it.factors.begin(who)).map(drop).map_err(Into::into)),
    ("confirm", |it, who| block_on(it.factors.confirm(who, &it.code())).map(drop).map_err(Into::into)),
    ("begin_phone", |it, who| block_on(it.factors.begin_phone(who, NUMBER, None)).map_err(Into::into)),
    ("renew_recovery_codes", |it, who| {
        block_on(it.factors.renew_recovery_codes(who)).map(drop).map_err(Into::into)
    }),
    ("remove", |it, who| {
        block_on(it.factors.remove(who, current(), None, None)).map(drop).map_err(Into::into)
    }),
    ("remove_one", |it, who| {
        let method = Method::ONE_TIME_CODE;
        let removed = it.factors.remove_one(who, &method, current(), None, None);
        block_on(removed).map(drop).map_err(Into::into)
    }),
    ("remove_own", |it, who| {
        let (accounts, sessions) = (&it.post.accounts, &*it.post.sessions);
        let removed = accounts.remove_own(who, current(), None, sessions, &it.post.keys);
        block_on(removed).map(drop).map_err(Into::into)
    }),
    ("remember", |it, who| block_on(it.devices.remember(who)).map(drop).map_err(Into::into)),
    ("forget_all", |it, who| block_on(it.devices.forget_all(who)).map(drop).map_err(Into::into)),
    ("create", |it, who| block_on(it.keys.create(who, &terms())).map(drop).map_err(Into::into)),
    ("rotate", |it, who| {
        block_on(it.keys.rotate(who, &it.key.id, Duration::ZERO)).map(drop).map_err(Into::into)
    }),
    ("revoke", |it, who| block_on(it.keys.revoke(who, &it.key.id)).map_err(Into::into)),
    ("ask_to_change", |it, who| block_on(it.post.links.ask_to_change(who, NEW, None)).map_err(Into::into)),
    ("change", |it, who| block_on(it.post.links.change(&it.link, who, None)).map(drop).map_err(Into::into)),
    ("change_password", |it, who| {
        block_on(it.post.accounts.change_password(who, current(), password(NEXT), None))
            .map(drop)
            .map_err(Into::into)
    }),
    ("confirm_phone", |it, who| {
        block_on(it.factors.confirm_phone(who, &it.texted)).map(drop).map_err(Into::into)
    }),
];

impl Person {
    pub(crate) fn new() -> Self {
        let post = Post::verified();
        let counters = Arc::<TestCounters>::clone(&post.app.counters);
        let (tokens, texts) = (Arc::new(MemoryTokens::new(100)), Arc::new(MemoryNotifier::default()));
        let queue = Arc::<MemoryNotifier>::clone(&texts);
        let factors = post.factors.clone().with_restricted_text_messages(tokens, queue, counters);
        let first = post.request();
        let uri = block_on(factors.begin(&first)).unwrap();
        let code = uri.device().code_now(post.now()).unwrap().to_string();
        let _ = block_on(factors.confirm(&first, &code)).unwrap();
        let counters = Arc::<TestCounters>::clone(&post.app.counters);
        let prefix = ApiKeyPrefix::parse("acme").unwrap();
        let keys = ApiKeys::new(post.accounts.clone(), prefix, counters);
        let devices = RememberedDevices::new(post.accounts.clone(), Arc::clone(&post.keys));
        let who = login(&post, vec![Method::PASSWORD]);
        let _ = block_on(devices.remember(&who)).unwrap();
        let waiting = block_on(factors.begin(&who)).unwrap();
        block_on(factors.begin_phone(&who, NUMBER, None)).unwrap();
        let texted = texts.take()[0].notice.code().unwrap().expose().to_owned();
        let key = block_on(keys.create(&who, &terms().with_all_scopes())).unwrap();
        block_on(post.links.ask_to_change(&who, NEW, Some(address(8)))).unwrap();
        let link = post.messages().iter().find_map(token_of).unwrap();
        Self { post, keys, factors, devices, waiting, texted, key, link }
    }

    /// The proof of a request of Ann's, by a login of a moment ago.
    pub(crate) fn by(&self, methods: Vec<Method>) -> Authenticated {
        login(&self.post, methods)
    }

    fn code(&self) -> String {
        self.waiting.device().code_now(self.post.now()).unwrap().to_string()
    }
}

/// Holds that nobody but a person gets any of it: `carried` makes the proof of a request that a program could have sent.
/// Each flow goes through for Ann herself, so that none is refused for another reason.
pub(crate) fn refused_everything(carried: impl Fn(&Person) -> Authenticated) {
    for (name, flow) in FLOWS {
        let person = Person::new();
        let who = carried(&person);
        let before = person.post.app.account(ANN).version;
        match flow(&person, &who) {
            Err(Refusal::Rejected(rejection)) => {
                assert_eq!(rejection.reason(), RejectionReason::Policy, "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(person.post.app.account(ANN).version, before, "{name}");
        if let Err(refusal) = flow(&person, &person.by(vec![Method::PASSWORD])) {
            panic!("{name}: {refusal:?}");
        }
    }
}

fn login(post: &Post, methods: Vec<Method>) -> Authenticated {
    let account = post.app.account(ANN);
    let authentication = Authentication::new(account.id, Method::PASSWORD, post.now(), account.epoch);
    Authenticated::assertion(authentication.with_methods(methods))
}

fn current() -> Password {
    password(PASSWORD)
}

fn terms() -> ApiKeyTerms {
    let scopes = Scopes::parse("notes.read").unwrap();
    ApiKeyTerms::new("nightly backup", scopes, Duration::from_secs(86_400)).unwrap()
}
