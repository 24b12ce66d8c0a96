//! The throttle: what is counted, where it bites, and what it must not do.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Barrier, Mutex},
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use async_trait::async_trait;
use auth_core::{
    AuthenticateError, Authenticator, Clock, Count, CounterKey, CounterStore, LoginName, Purpose, Realm,
    StoreError, Throttled, UnixTime, Window,
    testing::{FailWith, FailingStore, SteppedClock, block_on},
};
use auth_credentials::{
    BasicAuthenticator, BasicCredential, Limit, PasswordAuthenticator, SourceKey, Throttle, ThrottleError,
    ThrottleLimits,
};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::support::{
    address,
    app::{App, NEXT, PASSWORD},
    counters::TestCounters,
    source,
};

struct Fixture {
    counters: Arc<TestCounters>,
    throttle: Throttle,
    clock: SteppedClock,
}

fn login(name: &str) -> LoginName {
    LoginName::parse(name).unwrap()
}

impl Fixture {
    fn new() -> Self {
        let counters = Arc::new(TestCounters::default());
        let throttle = Throttle::login(Arc::<TestCounters>::clone(&counters));
        // The start of a window's eighth (113 seconds) and of a soft cycle, so that boundaries are plain.
        let clock = SteppedClock::new(UnixTime::from_secs(113 * 16 * 1_000_000));
        Self { counters, throttle, clock }
    }

    fn attempt(&self, name: &str, source: SourceKey) -> Result<(), Duration> {
        match block_on(self.throttle.attempt(&Realm::LOCAL, &login(name), source, self.clock.now())) {
            Ok(()) => Ok(()),
            Err(ThrottleError::Throttled(Throttled { retry_after })) => Err(retry_after),
            Err(error) => panic!("{error}"),
        }
    }

    fn succeeded(&self, name: &str, source: SourceKey) {
        block_on(self.throttle.succeeded(&Realm::LOCAL, &login(name), source)).unwrap();
    }

    fn step(&self, secs: u64) {
        self.clock.step(Duration::from_secs(secs));
    }
}

/// The eleventh try of a pair waits until tries have left the window, not longer and not for ever.
#[test]
fn a_pair_has_ten_tries_in_its_window() {
    let fixture = Fixture::new();
    for _ in 0..10 {
        fixture.attempt("ann", source(1)).unwrap();
    }
    let writes = fixture.counters.writes();
    assert_eq!(fixture.attempt("ann", source(1)), Err(Duration::from_secs(113)));
    fixture.step(112);
    assert_eq!(fixture.attempt("ann", source(1)), Err(Duration::from_secs(1)));
    assert_eq!(fixture.counters.writes(), writes, "what is refused is not counted");

    // 904 seconds of window, and the eighth in which the tries were made.
    fixture.step(904 - 112);
    assert!(fixture.attempt("ann", source(1)).is_err());
    fixture.step(113);
    assert_eq!(fixture.attempt("ann", source(1)), Ok(()));
}

/// Asking again while one has to wait must not prolong the wait: people do.
#[test]
fn asking_again_does_not_prolong_the_wait() {
    let fixture = Fixture::new();
    for _ in 0..10 {
        fixture.attempt("ann", source(1)).unwrap();
    }
    // To the last second of the window and the eighth that the tries were made in.
    for _ in 0..(904 + 112) / 8 {
        assert!(fixture.attempt("ann", source(1)).is_err());
        fixture.step(8);
    }
    assert_eq!(fixture.attempt("ann", source(1)), Err(Duration::from_secs(1)));
    fixture.step(1);
    assert_eq!(fixture.attempt("ann", source(1)), Ok(()));
}

/// An attacker must not clear the record of a source by logging in to an account of their own now and then,
/// nor that of an account by waiting for its owner to log in.
#[test]
fn success_clears_the_pair_only() {
    let fixture = Fixture::new();
    for _ in 0..10 {
        fixture.attempt("ann", source(1)).unwrap();
    }
    fixture.succeeded("ann", source(1));
    for _ in 0..10 {
        fixture.attempt("ann", source(1)).unwrap();
    }
    assert!(fixture.attempt("ann", source(1)).is_err());

    // 20 of 30 for the account; the pair of another source is its own.
    for _ in 0..10 {
        fixture.attempt("ann", source(2)).unwrap();
    }
    fixture.succeeded("ann", source(2));
    let mut throttled = false;
    for second in 0..16 {
        // From everywhere, so that no pair is what is over its limit.
        throttled |= fixture.attempt("ann", source(300 + second)).is_err();
        fixture.step(1);
    }
    assert!(throttled, "the account's count was cleared");

    // 100 for the source, whoever it tries and however often it succeeds.
    for n in 0..100 {
        let name = format!("own{n}");
        fixture.attempt(&name, source(4)).unwrap();
        fixture.succeeded(&name, source(4));
    }
    assert!(fixture.attempt("somebody", source(4)).is_err());
    assert_eq!(fixture.attempt("somebody", source(5)), Ok(()));
}

/// One source, many accounts (stuffing).
#[test]
fn a_source_has_a_hundred_tries_whatever_the_accounts() {
    let fixture = Fixture::new();
    for n in 0..100 {
        fixture.attempt(&format!("user{n}"), source(1)).unwrap();
    }
    assert!(fixture.attempt("user100", source(1)).is_err());
    assert_eq!(fixture.attempt("user100", source(2)), Ok(()));
}

/// A /64 is one source, an IPv4 address is one, and a mapped address is not a second.
#[test]
fn an_ipv6_64_and_a_mapped_address_are_one_source() {
    let fixture = Fixture::new();
    let from = |address: &str| SourceKey::from_ip(address.parse::<IpAddr>().unwrap());
    for n in 0..10 {
        fixture.attempt("ann", from(&format!("2001:db8:1:2::{n:x}"))).unwrap();
    }
    assert!(fixture.attempt("ann", from("2001:db8:1:2:ffff::1")).is_err());
    assert_eq!(fixture.attempt("ann", from("2001:db8:1:3::1")), Ok(()));

    for _ in 0..5 {
        fixture.attempt("bob", from("203.0.113.9")).unwrap();
        fixture.attempt("bob", from("::ffff:203.0.113.9")).unwrap();
    }
    assert!(fixture.attempt("bob", from("203.0.113.9")).is_err());
}

/// Guessing from everywhere slows everybody at this account, its
/// owner included, and keeps nobody out: whoever waits as told gets in.
#[test]
fn an_account_over_its_limit_is_delayed_and_never_shut() {
    let fixture = Fixture::new();
    for n in 0..300 {
        // In their turns the attackers get through, from ever new sources.
        let _ = fixture.attempt("ann", source(n));
    }
    let mut delayed = 0;
    for n in 0..40 {
        fixture.step(1);
        let owner = source(10_000 + n);
        if let Err(retry_after) = fixture.attempt("ann", owner) {
            assert!(retry_after <= Duration::from_secs(Throttle::SOFT_CYCLE - Throttle::SOFT_OPEN));
            fixture.clock.step(retry_after);
            assert_eq!(fixture.attempt("ann", owner), Ok(()));
            delayed += 1;
        }
    }
    // After each wait there is a turn of two seconds, in which the next try is not delayed.
    assert!((10..=30).contains(&delayed), "{delayed}");
}

/// Most of the time, tries at such an account are turned away.
#[test]
fn soft_throttling_lets_an_eighth_of_the_time_through() {
    let fixture = Fixture::new();
    let mut n = 0;
    while fixture.attempt("ann", source(n)).is_ok() && n < 31 {
        n += 1;
    }
    let mut passed = 0;
    for second in 0..160 {
        passed += u32::from(fixture.attempt("ann", source(1_000 + second)).is_ok());
        fixture.step(1);
    }
    assert_eq!(passed, 160 / 8);
}

/// Counts that are not exact may be somebody else's: they may delay, and must never refuse.
#[test]
fn a_count_that_is_not_exact_delays_and_never_refuses() {
    let fixture = Fixture::new();
    for _ in 0..10 {
        fixture.attempt("ann", source(1)).unwrap();
    }
    assert_eq!(fixture.attempt("ann", source(1)), Err(Duration::from_secs(113)));
    fixture.counters.fold();
    let mut delayed = 0;
    for n in 0..200 {
        if let Err(retry_after) = fixture.attempt("ann", source(1)) {
            assert!(retry_after <= Duration::from_secs(Throttle::SOFT_CYCLE - Throttle::SOFT_OPEN));
            fixture.clock.step(retry_after);
            // Pair, account and source are all over their limits by now and have one turn between them.
            assert_eq!(fixture.attempt("ann", source(1)), Ok(()));
            delayed += 1;
        }
        // Out of the turn, so that there is something to wait for.
        fixture.step(if n % 2 == 0 { 1 } else { 3 });
    }
    assert!(delayed >= 50, "{delayed}");
}

/// The second factor and the password must not share a count (keycloak#46164), nor two tenants.
#[test]
fn purposes_and_realms_are_counted_apart() {
    let fixture = Fixture::new();
    for _ in 0..10 {
        fixture.attempt("ann", source(1)).unwrap();
    }
    assert!(fixture.attempt("ann", source(1)).is_err());
    let counters = Arc::<TestCounters>::clone(&fixture.counters);
    let codes = Throttle::new(counters, Purpose::new("code"), ThrottleLimits::login());
    let now = fixture.clock.now();
    block_on(codes.attempt(&Realm::LOCAL, &login("ann"), source(1), now)).unwrap();
    let tenant = Realm::local("other").unwrap();
    block_on(fixture.throttle.attempt(&tenant, &login("ann"), source(1), now)).unwrap();
}

/// Counters that let nobody count before everybody has looked: the worst that tries at once can do.
struct LookTogether {
    inner: TestCounters,
    everybody: Barrier,
}

#[async_trait]
impl CounterStore for LookTogether {
    async fn add(
        &self,
        key: &CounterKey,
        n: u32,
        window: Window,
        now: UnixTime,
    ) -> Result<Count, StoreError> {
        let count = self.inner.add(key, n, window, now).await;
        if n == 0 {
            self.everybody.wait();
        }
        count
    }

    async fn reset(&self, key: &CounterKey, window: Window) -> Result<(), StoreError> {
        self.inner.reset(key, window).await
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.inner.purge(now, limit).await
    }
}

/// Guesses sent at once must count each other, or the limit is per round trip.
#[test]
fn tries_at_once_do_not_exceed_the_limit() {
    let counters = LookTogether { inner: TestCounters::default(), everybody: Barrier::new(32) };
    let throttle = Throttle::login(Arc::new(counters));
    let passed: usize = thread::scope(|scope| {
        let attempt = || {
            let now = UnixTime::from_secs(1_000_000);
            block_on(throttle.attempt(&Realm::LOCAL, &login("ann"), source(1), now)).is_ok()
        };
        let threads: Vec<_> = (0..32).map(|_| scope.spawn(attempt)).collect();
        threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
    });
    assert_eq!(passed, 10);
}

/// A throttle that cannot count lets nobody through.
#[test]
fn counters_that_fail_let_nobody_through() {
    let counters = Arc::new(FailingStore::new(TestCounters::default()));
    let throttle =
        Throttle::login(Arc::<FailingStore<TestCounters>>::clone(&counters) as Arc<dyn CounterStore>);
    for how in [FailWith::NotWritten, FailWith::LostAnswer, FailWith::Timeout, FailWith::Full] {
        counters.fail_with(Some(how));
        let now = UnixTime::from_secs(1);
        let outcome = block_on(throttle.attempt(&Realm::LOCAL, &login("ann"), source(1), now));
        assert!(matches!(outcome, Err(ThrottleError::Store(_))), "{how:?}");
    }
}

#[test]
fn limits_are_settable() {
    let counters = Arc::new(TestCounters::default());
    let limit = Limit::new(NonZeroU32::MIN, Window::new(Duration::from_secs(8)));
    let limits = ThrottleLimits { pair: limit, ..ThrottleLimits::login() };
    let throttle = Throttle::new(counters, Purpose::new("login"), limits);
    let attempt = |secs| {
        let now = UnixTime::from_secs(secs);
        block_on(throttle.attempt(&Realm::LOCAL, &login("ann"), source(1), now)).is_ok()
    };
    assert_eq!([attempt(800), attempt(808), attempt(809)], [true, false, true]);
}

/// A program shows the password with each request. Those that are right are nobody's guesses.
#[test]
fn good_basic_requests_use_up_nothing_of_logins() {
    let app = App::new();
    for login in ["ann", "bob"] {
        app.sign_up(login, PASSWORD);
    }
    let basic = BasicAuthenticator::new(app.accounts.clone());
    let request = |login: &str, password: &str| {
        let header = format!("Basic {}", STANDARD.encode(format!("{login}:{password}")));
        block_on(basic.authenticate(BasicCredential::parse(header.as_bytes(), Some(address(7))).unwrap()))
    };
    for n in 0..200 {
        assert!(request("ann", PASSWORD).is_ok(), "{n}");
    }
    for login in ["ann", "bob"] {
        assert!(app.log_in_from(login, PASSWORD, address(7)).is_ok());
    }
    // Those that are wrong are counted: ten for a pair, a hundred for a source.
    let wrong = |login: &str| matches!(request(login, NEXT), Err(AuthenticateError::Rejected(_)));
    assert_eq!((0..20).filter(|_| wrong("bob")).count(), 10);
    assert_eq!((0..200).filter(|n| wrong(&format!("nobody{n}"))).count(), 90);
    assert!(matches!(request("ann", PASSWORD), Err(AuthenticateError::Throttled(_))));
    assert!(app.log_in_from("ann", PASSWORD, address(7)).is_ok());
}

/// Whoever asks and hangs up while the password is hashed has tried all the same, and must not lock it for everybody.
#[test]
fn whoever_hangs_up_is_counted() {
    let app = App::new();
    app.sign_up("ann", PASSWORD);
    let basic = BasicAuthenticator::new(app.accounts.clone());
    let header = format!("Basic {}", STANDARD.encode(format!("ann:{NEXT}")));
    let mut throttled = 0;
    for _ in 0..2 * PasswordAuthenticator::MAX_FAILURES {
        let credential = BasicCredential::parse(header.as_bytes(), Some(address(7))).unwrap();
        let mut asked = basic.authenticate(credential);
        let answer = asked.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        throttled += u32::from(matches!(answer, Poll::Ready(Err(AuthenticateError::Throttled(_)))));
    }
    assert!(throttled >= 2 * PasswordAuthenticator::MAX_FAILURES - 40, "{throttled}");
    assert!(app.log_in_from("ann", PASSWORD, address(8)).is_ok(), "not locked");
}

/// A program that works side by side has many in flight, and none of them is a guess.
#[test]
fn good_basic_requests_at_once_use_nothing_up_either() {
    let app = App::new();
    app.sign_up("ann", PASSWORD);
    let basic = BasicAuthenticator::new(app.accounts.clone());
    let header = format!("Basic {}", STANDARD.encode(format!("ann:{PASSWORD}")));
    let answers = Arc::new(Mutex::new(Vec::new()));
    let request = {
        let answers = Arc::clone(&answers);
        move || {
            let credential = BasicCredential::parse(header.as_bytes(), Some(address(7))).unwrap();
            let answer = block_on(basic.authenticate(credential)).map(drop);
            answers.lock().unwrap().push(answer);
        }
    };
    // Each is sent while the one before it is looked up, so that all are in flight at once.
    for _ in 1..32 {
        app.store.before("find", request.clone());
    }
    request();
    let answers = answers.lock().unwrap();
    assert!(answers.len() == 32 && answers.iter().all(Result::is_ok), "{answers:?}");
}
