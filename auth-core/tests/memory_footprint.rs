#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

//! What the memory stores take, counted by the allocator: a binary of its own, for it replaces the global one.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use allocation_counter::measure;
use auth_core::{
    AuthEpoch, Authentication, CounterKey, CounterStore, Inserted, KeyName, KeyRing, MemoryCounters,
    MemorySessions, Method, PrincipalId, Purpose, Realm, Secret, SecretHash, SecretState, SessionBlob,
    SessionId, SessionKind, SessionOwner, SessionRecord, SessionStore, UnixTime, Version, Window,
    testing::{SeededEntropy, block_on},
};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const DATA: usize = 100;

fn keys() -> KeyRing {
    KeyRing::new(KeyName::from_static("a"), Secret::new((1..).take(32).collect())).unwrap()
}

/// The session of the `n`th user, whose id is as long as a UUID. Nothing in it is shared with another's.
fn session(n: u64, keys: &KeyRing) -> SessionRecord {
    let principal = PrincipalId::local_user(&format!("{n:036}")).unwrap();
    let owner = SessionOwner::new(principal.clone(), keys);
    let data = SessionBlob::empty().with_slot("data", 1, &[7; DATA - 11]).unwrap();
    assert_eq!(data.as_bytes().len(), DATA);
    SessionRecord {
        id: SessionId::for_owner(&owner, &SeededEntropy::new(n)).unwrap(),
        kind: SessionKind::Cookie,
        authentication: Some(Arc::new(Authentication::new(
            principal,
            Method::PASSWORD,
            NOW,
            AuthEpoch::ZERO,
        ))),
        terms: None,
        // One that was rotated has two hashes.
        secret: SecretState::first(SecretHash::of(b"a"), NOW).rotated(SecretHash::of(b"b"), NOW),
        version: Version::FIRST,
        created_at: NOW,
        last_used_at: NOW,
        // Out of the order in which they come.
        idle_until: NOW.saturating_add(Duration::from_secs(3_600 + n * 7_919 % 3_600)),
        absolute_until: NOW.saturating_add(Duration::from_secs(86_400)),
        data,
    }
}

/// What each of many sessions leaves in a store, beside the application's data: all that is there once the
/// callers have dropped what they passed in. That is the row, every index, the login, the principal's id, and
/// what is free in tables and chunks.
fn bytes_each(sessions: u64, session: impl Fn(u64) -> SessionRecord) -> u64 {
    // Shared bytes of a blob have two counters before them.
    let blob = (DATA + 16) as u64;
    let mut store = None;
    let taken = measure(|| {
        let new = MemorySessions::new(usize::MAX);
        for n in 0..sessions {
            let inserted = block_on(new.insert(&session(n), None, NOW)).unwrap();
            assert_eq!(inserted, Inserted::Stored { ended: 0 });
        }
        store = Some(new);
    });
    assert_eq!(store.unwrap().len() as u64, sessions);
    u64::try_from(taken.bytes_current).unwrap() / sessions - blob
}

/// The budget is 350 bytes.
#[test]
fn a_session_takes_at_most_350_bytes_beside_its_data() {
    let keys = keys();
    // The tables are fullest right before they grow, and emptiest right after: both lie between these.
    for sessions in [16_000, 17_000, 18_000, 19_000, 20_000] {
        let bytes = bytes_each(sessions, |n| session(n, &keys));
        println!("{sessions} sessions: {bytes} bytes each");
        assert!(bytes <= 350, "{sessions} sessions: {bytes} bytes each");
    }
}

#[test]
fn a_session_with_limits_takes_up_to_400_bytes_more() {
    let keys = keys();
    let limited = |n| {
        let mut record = session(n, &keys);
        let login = Arc::make_mut(record.authentication.as_mut().unwrap());
        login.limits.tenant = Some(Realm::LOCAL);
        record
    };
    let bytes = bytes_each(20_000, limited);
    println!("{bytes} bytes each");
    assert!(bytes <= 350 + 400, "{bytes} bytes each");
}

/// Without this, an attacker who makes up addresses makes the table grow.
#[test]
fn counting_takes_no_memory_after_the_start() {
    let mut store = None;
    let window = Window::new(Duration::from_secs(600));
    let start = measure(|| store = Some(MemoryCounters::new(1_600)));
    let store = store.unwrap();
    let cell = u64::try_from(start.bytes_current).unwrap() / store.cells() as u64;
    assert!(cell <= 111, "a cell takes {cell} bytes");
    let flood = measure(|| {
        for n in 0..20_000_u64 {
            let key = CounterKey::new(&Realm::LOCAL, Purpose::new("test"), &[&n.to_be_bytes()]);
            let count = block_on(store.add(&key, 1, window, NOW)).unwrap();
            assert!(count.value >= 1);
        }
    });
    assert_eq!(flood.bytes_current, 0);
}

/// What a request costs the allocator: the future of the trait, the login with its list of methods, and
/// nothing for the application's data, which is shared.
#[test]
fn loading_a_session_allocates_three_times() {
    let store = MemorySessions::new(10);
    let record = session(1, &keys());
    assert_eq!(block_on(store.insert(&record, None, NOW)).unwrap(), Inserted::Stored { ended: 0 });
    let load = measure(|| drop(std::hint::black_box(poll(store.load(&record.id, NOW)))));
    assert_eq!(load.count_total, 3);
    assert_eq!(load.bytes_current, 0);
}

/// Ends a future that never waits, without what `block_on` allocates for those that do.
fn poll<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a store in memory does not wait"),
    }
}
