//! Sessions in memory: `session/<case>/<implementation>`. Every answer is asserted.
//!
//! All implementations hold the same 100,000 live sessions under the same random ids, and are asked in the same
//! random order. A peer's answer is a clone of the record, as ours is.

use std::{
    hint::black_box,
    pin::pin,
    sync::{Arc, Barrier},
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use auth_benches::Numbers;
use auth_core::{
    Clock, DiscardAudit, KeyName, KeyRing, MemorySessions, PrincipalId, SessionId, SessionRecord,
    SessionStore, SessionTerms, SystemClock, SystemEntropy, UnixTime, testing::login_as,
};
use auth_session::{
    CookiePolicy, EpochCheck, Incoming, RefreshPolicy, RefreshToken, RefreshTokens, Session, SessionData,
    SessionPolicy, Sessions,
};
use criterion::{Criterion, criterion_group, criterion_main};
use serde::{Deserialize, Serialize};

const SESSIONS: usize = 100_000;
const ROUNDS: usize = 9;

/// The application's data, so that a record is not emptier than it would be.
#[derive(Serialize, Deserialize)]
struct Visits(u32);

impl SessionData for Visits {
    const SLOT: &'static str = "visits";
    const VERSION: u16 = 1;
}

/// The memory stores are ready at once, so no runtime takes part.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("a memory store waits for nothing"),
    }
}

fn open(sessions: &Sessions, cookie: &[u8]) -> Session {
    let incoming = sessions.read([cookie]).unwrap();
    now(sessions.open(&incoming)).unwrap()
}

struct World {
    store: Arc<MemorySessions>,
    sessions: Sessions,
    /// In random order.
    cookies: Vec<String>,
    ids: Vec<SessionId>,
    now: UnixTime,
}

impl World {
    fn new() -> Self {
        let store = Arc::new(MemorySessions::new(2 * SESSIONS));
        let keys = Arc::new(KeyRing::generate(KeyName::from_static("bench"), &SystemEntropy).unwrap());
        let policy = SessionPolicy::aal1(CookiePolicy::default());
        let by_store = EpochCheck::by_session_store_only();
        let sessions = Sessions::new(Arc::clone(&store) as _, keys, by_store, Arc::new(DiscardAudit), policy);
        let mut cookies: Vec<_> = (0..SESSIONS).map(|user| Self::log_in(&sessions, user)).collect();
        let mut numbers = Numbers::new(1);
        for last in (1..cookies.len()).rev() {
            cookies.swap(last, numbers.below(last as u64 + 1) as usize);
        }
        let ids = cookies.iter().map(|cookie| {
            let (_, value) = cookie.split_once('=').unwrap();
            SessionId::parse(value.split_once('.').unwrap().0.as_bytes()).unwrap()
        });
        let ids = ids.collect();
        Self { store, sessions, cookies, ids, now: SystemClock.now() }
    }

    /// Logs somebody in and yields the `Cookie` line of the next request.
    fn log_in(sessions: &Sessions, user: usize) -> String {
        let principal = PrincipalId::local_user(&format!("user{user}")).unwrap();
        let mut session = now(sessions.open(&Incoming::nothing())).unwrap();
        now(session.start(login_as(&principal, SystemClock.now()))).unwrap();
        session.set(&Visits(1)).unwrap();
        let outgoing = now(session.commit());
        outgoing.saved().unwrap();
        let cookie = outgoing.cookie().unwrap().expose().split(';').next().unwrap().to_owned();
        // The first use of a secret is written down; the rows are about those after it.
        assert!(open(sessions, cookie.as_bytes()).authenticated().is_some());
        cookie
    }

    fn record(&self, id: &SessionId) -> Option<SessionRecord> {
        now(self.store.load(id, self.now)).unwrap()
    }
}

/// `count` questions, starting somewhere in the random order.
fn ask(ids: &[SessionId], from: usize, count: u64, get: impl Fn(&SessionId) -> Option<SessionRecord>) {
    let mut next = from;
    for _ in 0..count {
        next = if next + 1 < ids.len() { next + 1 } else { 0 };
        let record = get(black_box(&ids[next])).unwrap();
        assert_eq!(record.id, ids[next]);
        black_box(record);
    }
}

/// How long two threads take that ask `count` questions each, at once.
fn on_two_threads(
    ids: &[SessionId],
    count: u64,
    get: impl Fn(&SessionId) -> Option<SessionRecord> + Sync,
) -> Duration {
    let barrier = Barrier::new(2);
    let one = |from| {
        barrier.wait();
        let start = Instant::now();
        ask(ids, from, count, &get);
        start.elapsed()
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| one(ids.len() / 2));
        one(0).max(other.join().unwrap())
    })
}

fn load(
    c: &mut Criterion,
    implementation: &str,
    ids: &[SessionId],
    get: impl Fn(&SessionId) -> Option<SessionRecord> + Sync,
) {
    let mut next = 0;
    c.bench_function(&format!("session/load-100000/{implementation}"), |b| {
        b.iter_custom(|count| {
            next = (next + 7_919) % ids.len();
            let start = Instant::now();
            ask(ids, next, count, &get);
            start.elapsed()
        });
    });
    // Time by the number of loads on both threads together: half of the row above would be perfect.
    c.bench_function(&format!("session/load-100000-two-threads/{implementation}"), |b| {
        b.iter_custom(|count| on_two_threads(ids, count.div_ceil(2), &get));
    });
    if !auth_benches::is_measuring() {
        return;
    }
    // By turns, so that what else the machine does hits both alike; the median of the ratios.
    let mut scales: Vec<f64> = (0..ROUNDS)
        .map(|round| {
            let start = Instant::now();
            ask(ids, round * 10_007, 1_000_000, &get);
            let alone = start.elapsed();
            2.0 * alone.as_secs_f64() / on_two_threads(ids, 1_000_000, &get).as_secs_f64()
        })
        .collect();
    scales.sort_by(f64::total_cmp);
    println!(
        "session/load-100000-scaling/{implementation}: {:.2} x on two threads (median of {ROUNDS}, {:.2} to {:.2})",
        scales[ROUNDS / 2],
        scales[0],
        scales[ROUNDS - 1],
    );
}

fn cookies(c: &mut Criterion, world: &World) {
    let World { sessions, cookies, .. } = world;
    c.bench_function("session/cookie-to-authenticated-warm/ours", |b| {
        let cookie = cookies[0].as_bytes();
        b.iter(|| assert!(open(sessions, black_box(cookie)).authenticated().is_some()));
    });
    let mut next = 0;
    c.bench_function("session/cookie-to-authenticated-random/ours", |b| {
        b.iter(|| {
            next = if next + 1 < cookies.len() { next + 1 } else { 0 };
            assert!(open(sessions, black_box(cookies[next].as_bytes())).authenticated().is_some());
        });
    });
    c.bench_function("session/no-cookie/ours", |b| {
        b.iter(|| assert!(open(sessions, black_box(b"theme=dark; lang=de")).authenticated().is_none()));
    });
    let unknown = format!("__Host-sid={}.{}", "A".repeat(32), "A".repeat(43));
    c.bench_function("session/unknown-cookie/ours", |b| {
        b.iter(|| assert!(open(sessions, black_box(unknown.as_bytes())).authenticated().is_none()));
    });
}

/// Refresh tokens of one login, among the sessions of the others.
fn refresh(c: &mut Criterion, world: &World) {
    let tokens = RefreshTokens::new(&world.sessions, RefreshPolicy::default());
    let principal = PrincipalId::local_user("phone").unwrap();
    let login = login_as(&principal, SystemClock.now());
    let mut token = now(tokens.issue(login, SessionTerms::new())).unwrap().token;
    c.bench_function("session/refresh/ours", |b| {
        b.iter(|| {
            let refreshed = now(tokens.refresh(black_box(&token))).unwrap();
            assert_eq!(refreshed.live.id(), token.id());
            token = refreshed.token;
        });
    });
    let text = now(tokens.refresh(&token)).unwrap().token.expose();
    c.bench_function("session/refresh-raced/ours", |b| {
        b.iter(|| {
            let again = now(tokens.refresh(black_box(&token)));
            assert!(again.is_ok_and(|again| *again.token.expose() == *text));
        });
    });
    let forged = RefreshToken::parse(format!("{}{}", &text[..text.len() - 43], "A".repeat(43)).as_bytes());
    let forged = forged.unwrap();
    c.bench_function("session/refresh-forged/ours", |b| {
        b.iter(|| assert!(now(tokens.refresh(black_box(&forged))).is_err()));
    });
}

fn all(c: &mut Criterion) {
    let world = World::new();
    load(c, "ours", &world.ids, |id| world.record(id));
    peers(c, &world);
    cookies(c, &world);
    refresh(c, &world);
}

#[cfg(feature = "peers")]
fn peers(c: &mut Criterion, world: &World) {
    // Not in the order in which they are asked: the records would lie in memory as they are read.
    let mut ids = world.ids.clone();
    ids.sort_unstable_by_key(|id| *id.as_bytes());
    let records = || ids.iter().map(|id| (*id, world.record(id).unwrap()));

    let map: dashmap::DashMap<SessionId, SessionRecord> = records().collect();
    load(c, "dashmap", &world.ids, |id| map.get(id).map(|record| record.clone()));
    drop(map);
    let map: papaya::HashMap<SessionId, SessionRecord> = records().collect();
    load(c, "papaya", &world.ids, |id| map.pin().get(id).cloned());
}

#[cfg(not(feature = "peers"))]
fn peers(_: &mut Criterion, _: &World) {}

criterion_group!(benches, all);
criterion_main!(benches);
