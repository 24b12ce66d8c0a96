//! What the tests share.

pub(crate) mod app;
pub(crate) mod counters;
pub(crate) mod factors;
pub(crate) mod gate;
pub(crate) mod hooked;
pub(crate) mod mail;
pub(crate) mod person;
#[cfg(feature = "smtp")]
pub(crate) mod smtp_server;

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use auth_core::{
    Authentication, Entropy, KeyRing, SecretHash, SecretState, SessionBlob, SessionId, SessionKind,
    SessionOwner, SessionRecord, SystemEntropy, UnixTime, Version,
};
use auth_credentials::{Argon2Params, HashPool, HashPoolSize, Password, PasswordHasher, SourceKey, danger};

/// The cheapest that Argon2 knows: for tests of everything but its cost.
pub(crate) fn cheap() -> Argon2Params {
    danger::allow_weak_params(8, 1, 1).unwrap()
}

pub(crate) fn hasher(params: Argon2Params) -> PasswordHasher {
    PasswordHasher::new(params, Arc::new(SystemEntropy)).unwrap()
}

pub(crate) fn pool(params: Argon2Params, workers: usize, queue: usize) -> HashPool {
    pool_with(params, Arc::new(SystemEntropy), workers, queue)
}

pub(crate) fn pool_with(
    params: Argon2Params,
    entropy: Arc<dyn Entropy>,
    workers: usize,
    queue: usize,
) -> HashPool {
    let hasher = PasswordHasher::new(params, entropy).unwrap();
    let size = HashPoolSize { workers: workers.try_into().unwrap(), queue: queue.try_into().unwrap() };
    HashPool::start(hasher, size).unwrap()
}

pub(crate) fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

/// The `n`th address.
pub(crate) fn address(n: u32) -> IpAddr {
    Ipv4Addr::from(0x0A00_0000 + n).into()
}

pub(crate) fn source(n: u32) -> SourceKey {
    SourceKey::from_ip(address(n))
}

/// Tests that measure time or memory take turns, so that they do not measure each other.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The median time of each action, over `rounds` in which they take turns.
pub(crate) fn medians(rounds: usize, actions: impl IntoIterator<Item = impl Fn()>) -> Vec<Duration> {
    let mut actions: Vec<_> =
        actions.into_iter().map(|action| (action, Vec::with_capacity(rounds))).collect();
    for _ in 0..rounds {
        for (action, times) in &mut actions {
            let started = Instant::now();
            action();
            times.push(started.elapsed());
        }
    }
    let median = |(_, mut times): (_, Vec<Duration>)| {
        times.sort();
        times[rounds / 2]
    };
    actions.into_iter().map(median).collect()
}

/// Whether two medians differ by half and more.
pub(crate) fn far_apart(a: Duration, b: Duration) -> bool {
    a.abs_diff(b) > a.max(b) / 2
}

/// A hash of [`app::PASSWORD`] that is due for renewal.
pub(crate) fn legacy_hash() -> String {
    let old = hasher(danger::allow_weak_params(16, 1, 1).unwrap());
    let hash = old.hash(&password(app::PASSWORD), &mut old.memory().unwrap()).unwrap();
    hash.expose_phc().expose_str().unwrap().to_owned()
}

/// A session of this login, as a store keeps it.
pub(crate) fn session(authentication: Authentication, keys: &KeyRing, now: UnixTime) -> SessionRecord {
    let owner = SessionOwner::new(authentication.principal.clone(), keys);
    SessionRecord {
        id: SessionId::for_owner(&owner, &SystemEntropy).unwrap(),
        kind: SessionKind::Cookie,
        authentication: Some(Arc::new(authentication)),
        terms: None,
        secret: SecretState::first(SecretHash::of(b"test"), now),
        version: Version::FIRST,
        created_at: now,
        last_used_at: now,
        idle_until: now.saturating_add(Duration::from_secs(3_600)),
        absolute_until: now.saturating_add(Duration::from_secs(7_200)),
        data: SessionBlob::empty(),
    }
}
