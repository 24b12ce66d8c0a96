//! Servers, stores and values for all tests.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use auth_core::{
    AuthEpoch, Authentication, Clock, KeyName, KeyRing, Method, PrincipalId, Purpose, Realm, Secret,
    SecretHash, SecretState, SessionBlob, SessionId, SessionKind, SessionOwner, SessionRecord, SystemClock,
    SystemEntropy, TokenKey, TokenRecord, TokenSubject, UnixTime, Version,
};
use auth_redis::{Redis, RedisOptions};
use servers::RedisServer;

/// The stores on a server, under a prefix that nobody else has.
pub(crate) async fn on(server: &RedisServer) -> Redis {
    Redis::connect(&server.url(), RedisOptions::default().prefix(prefix())).await.expect("a server")
}

pub(crate) fn prefix() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("test-{}:", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn now() -> UnixTime {
    SystemClock.now()
}

pub(crate) fn in_an_hour() -> UnixTime {
    now().saturating_add(std::time::Duration::from_secs(3_600))
}

pub(crate) fn owner(name: &str) -> SessionOwner {
    let ring = KeyRing::new(KeyName::from_static("k"), Secret::new((0..32).collect())).unwrap();
    SessionOwner::new(PrincipalId::local_user(name).unwrap(), &ring)
}

/// A session of epoch zero that lives for an hour.
pub(crate) fn session(owner: &SessionOwner) -> SessionRecord {
    let now = now();
    let login = Authentication::new(owner.principal().clone(), Method::PASSWORD, now, AuthEpoch::ZERO);
    SessionRecord {
        id: SessionId::for_owner(owner, &SystemEntropy).unwrap(),
        kind: SessionKind::Cookie,
        authentication: Some(Arc::new(login)),
        terms: None,
        secret: SecretState::first(SecretHash::of(b"secret"), now),
        version: Version::FIRST,
        created_at: now,
        last_used_at: now,
        idle_until: in_an_hour(),
        absolute_until: in_an_hour(),
        data: SessionBlob::empty(),
    }
}

pub(crate) const PURPOSE: Purpose = Purpose::new("test");

/// A token about somebody that lives for an hour.
pub(crate) fn token(about: &str, n: u64) -> TokenRecord {
    TokenRecord {
        key: TokenKey { realm: Realm::LOCAL, purpose: PURPOSE, hash: SecretHash::of(&n.to_be_bytes()) },
        subject: TokenSubject::parse(about).unwrap(),
        expires_at: in_an_hour(),
        payload: n.to_be_bytes().into(),
    }
}

/// Commands behind the store's back.
pub(crate) fn raw(server: &RedisServer) -> redis::Connection {
    redis::Client::open(server.url()).unwrap().get_connection().unwrap()
}

/// The names of all keys.
pub(crate) fn all_keys(server: &RedisServer) -> Vec<String> {
    let mut keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut raw(server)).unwrap();
    keys.sort();
    keys
}

/// The one key that has this part in its name.
pub(crate) fn key_with(server: &RedisServer, part: &str) -> String {
    let keys: Vec<_> = all_keys(server).into_iter().filter(|key| key.contains(part)).collect();
    let [key] = <[String; 1]>::try_from(keys).expect("one key");
    key
}
