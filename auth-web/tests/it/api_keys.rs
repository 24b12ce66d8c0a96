//! Keys of programs beside bearer tokens, on both frameworks.

use std::{sync::Arc, time::Duration};

use auth_web::{
    core::{
        Account, AccountStore, AuditEvent, LoginGate, LoginName, MemoryAccounts, MemoryAudit, MemoryCounters,
        Method, RejectionReason, Scopes, SystemEntropy,
        testing::{FailWith, FailingStore, SteppedClock},
    },
    credentials::{
        AccountStores, Accounts, ApiKeyPrefix, ApiKeyTerms, ApiKeys, HashPool, HashPoolSize, OneFactor,
        PasswordAuthenticator, PasswordHasher, PasswordPolicy, Throttle, danger,
    },
};

use crate::app::{Fixture, PEER, START, ann, fixture, fixture_with};

const DAY: Duration = Duration::from_secs(86_400);

struct Programs {
    fixture: Fixture,
    keys: ApiKeys,
    store: Arc<FailingStore<MemoryAccounts>>,
    /// What the accounts write down.
    log: Arc<MemoryAudit>,
    clock: SteppedClock,
}

impl Programs {
    async fn new() -> Self {
        let store = Arc::new(FailingStore::new(MemoryAccounts::new(10)));
        let login = LoginName::canonical("ann@example.com").unwrap();
        let _ = store.create(&Account::new(ann(), login, START), &[]).await.unwrap();
        let (log, clock) = (Arc::new(MemoryAudit::new(1_000)), SteppedClock::new(START));
        let entropy = Arc::new(SystemEntropy);
        let cheap = danger::allow_weak_params(8, 1, 1).unwrap();
        let hasher = PasswordHasher::new(cheap, Arc::clone(&entropy) as _).unwrap();
        let authenticator = PasswordAuthenticator::new(
            AccountStores::new(Arc::clone(&store)),
            HashPool::start(hasher, HashPoolSize::default()).unwrap(),
            Throttle::login(Arc::new(MemoryCounters::new(100))),
            Arc::clone(&log) as _,
            Arc::new(clock.clone()),
        );
        let gate = LoginGate::new(Arc::new(OneFactor::password()));
        let counters = Arc::new(MemoryCounters::new(100));
        let policy = PasswordPolicy::single_factor();
        let accounts = Accounts::new(authenticator, gate, policy, Arc::clone(&counters) as _, entropy);
        let keys = ApiKeys::new(accounts, ApiKeyPrefix::parse("acme").unwrap(), counters);
        let fixture = fixture_with(|auth| auth.api_keys(keys.clone()));
        Self { fixture, keys, store, log, clock }
    }

    /// The `Authorization` line of a new key of Ann's.
    async fn key(&self, scopes: &str) -> String {
        let terms = ApiKeyTerms::new("backup", Scopes::parse(scopes).unwrap(), DAY).unwrap();
        let new = self.keys.create_for(&ann(), &terms).await.unwrap();
        format!("Bearer {}", new.key.expose_str().unwrap())
    }

    /// Why keys were refused, as the accounts have it.
    fn refused(&self) -> Vec<RejectionReason> {
        let events = self.log.events();
        let reasons = events.into_iter().filter_map(|(_, event)| match event {
            AuditEvent::CredentialRefused { reason, method, source, .. } if method == Method::API_KEY => {
                assert_eq!(source, Some(PEER.ip()));
                Some(reason)
            }
            _ => None,
        });
        reasons.collect()
    }
}

/// What is answered to each request, whichever framework serves it.
type Case<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>, u16);

fn on_one_route<'a>(key: &'a str, narrow: &'a str, token: &'a str, cookie: &'a str) -> Vec<Case<'a>> {
    let (key, token) = (("authorization", key), ("authorization", token));
    let narrow = ("authorization", narrow);
    vec![
        ("GET", "/user", vec![key], 200),
        ("GET", "/user", vec![token], 200),
        ("GET", "/maybe", vec![key], 200),
        ("GET", "/bearer", vec![key], 200),
        ("GET", "/bearer", vec![token], 200),
        // For programs with a key, a token is not enough.
        ("GET", "/key", vec![key], 200),
        ("GET", "/key", vec![token], 401),
        ("GET", "/key", vec![("cookie", cookie)], 401),
        ("GET", "/key", vec![], 401),
        // Whoever writes the header means it; the cookie is ignored.
        ("GET", "/key", vec![key, ("cookie", cookie)], 200),
        // Its scopes are limits, and its owner's permissions too.
        ("GET", "/read", vec![key], 200),
        ("GET", "/read", vec![narrow], 403),
        // No browser adds the header by itself, so another site is not in question; Ann may not delete.
        ("POST", "/delete", vec![key, ("origin", "https://evil.example")], 403),
        // A key is no session, and begins and ends none.
        ("POST", "/logout", vec![key], 401),
        // Which one was meant?
        ("GET", "/open", vec![key, key], 400),
        ("GET", "/open", vec![key, token], 400),
    ]
}

/// Issue: a service has people with tokens and programs with keys, and one set of routes.
#[tokio::test]
async fn one_route_takes_a_token_or_a_key() {
    let programs = Programs::new().await;
    let (key, narrow) = (programs.key("users.read").await, programs.key("users.delete").await);
    let (token, cookie) = (programs.fixture.token(None), programs.fixture.log_in().await);
    for (method, path, headers, status) in on_one_route(&key, &narrow, &token, &cookie) {
        let answer = programs.fixture.send(method, path, &headers).await;
        assert_eq!(answer.status, status, "{method} {path} {headers:?}: {}", answer.body);
        if status == 200 && path != "/read" {
            assert_eq!(answer.body, "ann", "{path}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
    let evil = [("authorization", key.as_str()), ("origin", "https://evil.example")];
    let allowed = programs.fixture.send("POST", "/delete", &evil).await;
    assert!(allowed.body.contains("insufficient-scope"), "{}", allowed.body);
    // A key has no claims to read.
    let claims = programs.fixture.get("/bearer-token", &[("authorization", &key)]).await;
    assert_eq!(claims.body, "None");
}

#[cfg(feature = "actix4")]
#[actix_web::test]
async fn one_route_takes_a_token_or_a_key_on_actix_too() {
    let programs = Programs::new().await;
    let (key, narrow) = (programs.key("users.read").await, programs.key("users.delete").await);
    let (token, cookie) = (programs.fixture.token(None), programs.fixture.log_in().await);
    for (method, path, headers, status) in on_one_route(&key, &narrow, &token, &cookie) {
        let answer = crate::actix::send(&programs.fixture, method, path, &headers).await;
        assert_eq!(answer.status, status, "{method} {path} {headers:?}: {}", answer.body);
    }
}

/// Ways to bring a key that are none: each request is one of nobody, and none of them is an error.
fn elsewhere(line: &str) -> Vec<(String, Vec<(&'static str, String)>)> {
    let key = line.strip_prefix("Bearer ").unwrap();
    let queries = ["api_key", "access_token", "key", "token"];
    let mut ways: Vec<_> = queries.iter().map(|name| (format!("/maybe?{name}={key}"), vec![])).collect();
    for name in ["x-api-key", "api-key", "x-auth-token", "proxy-authorization"] {
        ways.push(("/maybe".to_owned(), vec![(name, key.to_owned())]));
    }
    for line in [format!("ApiKey {key}"), format!("Token {key}"), format!("Basic {key}")] {
        ways.push(("/maybe".to_owned(), vec![("authorization", line)]));
    }
    ways.push(("/maybe".to_owned(), vec![("cookie", format!("api_key={key}; __Host-sid={key}"))]));
    ways
}

/// A URL ends up in logs, histories and `Referer`.
#[tokio::test]
async fn a_key_is_read_from_its_header_and_from_nowhere_else() {
    let programs = Programs::new().await;
    let key = programs.key("users.read").await;
    for (path, headers) in elsewhere(&key) {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = programs.fixture.send("GET", &path, &headers).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "nobody"), "{path} {headers:?}");
    }
    // A key without its scheme is a header that cannot be read.
    let bare = key.strip_prefix("Bearer ").unwrap();
    assert_eq!(programs.fixture.get("/maybe", &[("authorization", bare)]).await.status, 400);
    assert!(programs.refused().is_empty());
}

#[cfg(feature = "actix4")]
#[actix_web::test]
async fn a_key_is_read_from_nowhere_else_on_actix_too() {
    let programs = Programs::new().await;
    let key = programs.key("users.read").await;
    for (path, headers) in elsewhere(&key) {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = crate::actix::send(&programs.fixture, "GET", &path, &headers).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "nobody"), "{path} {headers:?}");
    }
}

/// A key that is refused is not the same as none, and why it was is for the log of the accounts alone.
#[tokio::test]
async fn a_refused_key_is_401_and_its_reason_is_written_down_once() {
    let programs = Programs::new().await;
    let key = programs.key("users.read").await;
    let mistyped = format!("{}0", &key[..key.len() - 1]);
    programs.clock.step(DAY);
    for (bad, reason) in
        [(key.as_str(), RejectionReason::Expired), (mistyped.as_str(), RejectionReason::Malformed)]
    {
        let before = programs.refused().len();
        let answer = programs.fixture.get("/maybe", &[("authorization", bad)]).await;
        assert_eq!(answer.status, 401, "{bad}");
        assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#));
        assert!(!answer.body.contains(reason.as_str()));
        assert_eq!(programs.refused()[before..], [reason]);
        // Asked twice by one handler, checked once.
        let asked = programs.fixture.get("/maybe-and-bearer", &[("authorization", bad)]).await;
        assert_eq!((asked.status, programs.refused().len()), (401, before + 2));
    }
    assert!(programs.fixture.refused_tokens().is_empty(), "no token was refused");
}

#[tokio::test]
async fn refused_keys_are_throttled_and_a_dead_store_is_503() {
    let programs = Programs::new().await;
    let key = programs.key("users.read").await;
    programs.store.fail_with(Some(FailWith::NotWritten));
    for path in ["/maybe", "/user", "/bearer", "/key"] {
        assert_eq!(programs.fixture.get(path, &[("authorization", &key)]).await.status, 503, "{path}");
    }
    programs.store.fail_with(None);
    programs.clock.step(DAY);
    let mut last = 401;
    for _ in 0..301 {
        let answer = programs.fixture.get("/key", &[("authorization", &key)]).await;
        last = answer.status;
        assert_eq!(answer.header("retry-after").is_some(), last == 429);
    }
    assert_eq!(last, 429);
}

/// What is left out is refused, and not ignored.
#[tokio::test]
async fn where_keys_are_not_accepted_a_key_is_a_token_that_is_refused() {
    let key = Programs::new().await.key("users.read").await;
    let without = fixture();
    for path in ["/maybe", "/user", "/bearer", "/key"] {
        assert_eq!(without.get(path, &[("authorization", &key)]).await.status, 401, "{path}");
    }
    assert_eq!(without.refused_tokens(), [RejectionReason::Malformed; 3]);
}
