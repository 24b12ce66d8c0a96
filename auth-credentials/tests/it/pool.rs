//! The hash pool: places, shares, leaving, overload, shutdown.

use std::{
    pin::{Pin, pin},
    process::Command,
    sync::{Arc, Mutex, mpsc},
    task::{Context, Wake, Waker},
    thread,
};

use auth_core::testing::block_on;
use auth_credentials::{
    Argon2Params, HashError, HashPool, HashPoolStats, Overloaded, PasswordCheck, PasswordHash,
};

use crate::support::{
    alone, cheap,
    gate::{Gate, gate},
    password, pool, pool_with, source,
};

type Job = Pin<Box<dyn Future<Output = Result<PasswordHash, HashError>> + Send>>;

fn hash(pool: &HashPool, n: u32) -> Result<Job, Overloaded> {
    Ok(Box::pin(pool.admit(source(n))?.hash(password("a password"))))
}

/// A pool whose workers can be held up. The gate is dropped first, so that a test that fails does not hang.
fn gated_pool(workers: usize, queue: usize) -> (HashPool, Gate) {
    let (gate, entropy) = gate();
    (pool_with(cheap(), entropy, workers, queue), gate)
}

#[test]
fn a_password_matches_its_hash_and_no_other() {
    let pool = pool(cheap(), 1, 64);
    let stored = block_on(hash(&pool, 0).unwrap()).unwrap();
    let check = |text: &str| {
        let place = pool.admit(source(0)).unwrap();
        block_on(place.verify(password(text), stored.clone())).unwrap()
    };
    assert!(matches!(check("a password"), PasswordCheck::Match { replacement: None }));
    // NUL bytes neither end nor start a password, and every byte counts.
    for wrong in ["", "a passwor", "a password ", "A password", "a password\0", "\0a password", "a\0password"]
    {
        assert!(matches!(check(wrong), PasswordCheck::Mismatch), "{wrong:?}");
    }
    let place = pool.admit(source(0)).unwrap();
    let nothing = block_on(place.verify_nothing(password("a password"))).unwrap();
    assert!(matches!(nothing, PasswordCheck::Mismatch));
}

/// An empty password and one of a NUL byte are two.
#[test]
fn a_nul_byte_is_not_nothing() {
    let pool = pool(cheap(), 1, 64);
    let stored = block_on(pool.admit(source(0)).unwrap().hash(password("\0"))).unwrap();
    let place = pool.admit(source(0)).unwrap();
    assert!(matches!(block_on(place.verify(password(""), stored)).unwrap(), PasswordCheck::Mismatch));
}

/// Nothing is cut off, least of all at 72 bytes (CVE-2025-22228).
#[test]
fn the_end_of_a_long_password_counts() {
    let pool = pool(cheap(), 1, 64);
    let long = "x".repeat(72);
    let stored = block_on(pool.admit(source(0)).unwrap().hash(password(&long))).unwrap();
    for wrong in [long.clone() + "x", long.clone() + "y", "x".repeat(71), "x".repeat(4096)] {
        let place = pool.admit(source(0)).unwrap();
        let check = block_on(place.verify(password(&wrong), stored.clone())).unwrap();
        assert!(matches!(check, PasswordCheck::Mismatch), "{}", wrong.len());
    }
}

/// Who finds no place learns it at once, and nothing was done for them.
#[test]
fn a_full_queue_turns_away_at_once() {
    let (pool, gate) = gated_pool(1, 64);
    gate.close();
    let running = hash(&pool, 0).unwrap();
    gate.wait_for_arrival();

    let waiting: Vec<Job> = (1..=64).map(|n| hash(&pool, n).unwrap()).collect();
    assert_eq!(hash(&pool, 65).err(), Some(Overloaded));
    let HashPoolStats { waiting: queued, running: now, overloaded, .. } = pool.stats();
    assert_eq!((queued, now, overloaded), (64, 1, 1));

    gate.open();
    block_on(running).unwrap();
    for job in waiting {
        block_on(job).unwrap();
    }
    assert_eq!(pool.stats().finished, 65);
    assert!(hash(&pool, 65).is_ok());
}

/// One source that sends all it can must leave seven eighths of the places to everybody else.
#[test]
fn no_source_holds_more_than_an_eighth() {
    let (pool, gate) = gated_pool(1, 64);
    gate.close();
    let running = hash(&pool, 7).unwrap();
    gate.wait_for_arrival();

    // The one that runs counts: its source holds eight with seven that wait.
    let waiting: Vec<Job> = (0..7).map(|_| hash(&pool, 7).unwrap()).collect();
    assert_eq!(hash(&pool, 7).err(), Some(Overloaded));
    let other = hash(&pool, 8).unwrap();

    gate.open();
    block_on(running).unwrap();
    assert!(hash(&pool, 7).is_ok(), "a place was given back");
    for job in waiting {
        block_on(job).unwrap();
    }
    block_on(other).unwrap();
}

/// A place that is held while the account is looked up counts like a job, and dropping it gives it back.
#[test]
fn a_place_counts_from_the_moment_it_is_given() {
    let pool = pool(cheap(), 1, 8);
    let place = pool.admit(source(1)).unwrap();
    assert_eq!(pool.admit(source(1)).err(), Some(Overloaded));
    let others: Vec<_> = (2..9).map(|n| pool.admit(source(n)).unwrap()).collect();
    assert_eq!(pool.admit(source(9)).err(), Some(Overloaded));
    drop(place);
    assert!(pool.admit(source(1)).is_ok());
    drop(others);
    assert_eq!(pool.stats().waiting, 0);
}

/// Work for nobody is what a flood of requests that are broken off would otherwise buy.
#[test]
fn a_queued_job_whose_caller_left_is_dropped_unhashed() {
    let (pool, gate) = gated_pool(1, 64);
    gate.close();
    let running = hash(&pool, 0).unwrap();
    gate.wait_for_arrival();
    let leaves = hash(&pool, 1).unwrap();
    let stays = hash(&pool, 2).unwrap();
    drop(leaves);

    gate.open();
    block_on(running).unwrap();
    block_on(stays).unwrap();
    let stats = pool.stats();
    assert_eq!((stats.finished, stats.abandoned, stats.waiting), (2, 1, 0));
}

/// The same flood must not keep others out either, while a worker is busy.
#[test]
fn jobs_whose_callers_left_make_room() {
    let (pool, gate) = gated_pool(1, 8);
    gate.close();
    let running = hash(&pool, 0).unwrap();
    gate.wait_for_arrival();

    let leave: Vec<Job> = (1..9).map(|n| hash(&pool, n).unwrap()).collect();
    assert_eq!(hash(&pool, 9).err(), Some(Overloaded));
    drop(leave);
    let stays: Vec<Job> = (1..9).map(|n| hash(&pool, n).unwrap()).collect();
    assert_eq!(pool.stats().abandoned, 8);

    gate.open();
    block_on(running).unwrap();
    for job in stays {
        block_on(job).unwrap();
    }
}

/// Whoever leaves early and comes again must not get a second worker for it.
#[test]
fn a_started_job_keeps_its_place_until_it_ends() {
    let (pool, gate) = gated_pool(2, 8);
    gate.close();
    let started = hash(&pool, 1).unwrap();
    gate.wait_for_arrival();
    drop(started);
    assert_eq!(hash(&pool, 1).err(), Some(Overloaded));
    assert_eq!(pool.stats().running, 1);

    // A second job, held up too, so that it is known when the first has ended.
    let mut second = hash(&pool, 2).unwrap();
    gate.wait_for_arrival();
    gate.let_one_through();
    gate.let_one_through();
    let mut again = loop {
        match hash(&pool, 1) {
            Ok(job) => break job,
            Err(Overloaded) => thread::yield_now(),
        }
    };
    gate.open();
    block_on(&mut second).unwrap();
    block_on(&mut again).unwrap();
    assert_eq!(pool.stats().finished, 3);
}

/// The rehash of a login is part of its job: it needs no second place, and only a right password gets it.
#[test]
fn a_hash_is_renewed_in_the_same_job_and_only_for_the_right_password() {
    let old = auth_credentials::danger::allow_weak_params(16, 1, 1).unwrap();
    let stored = block_on(hash(&pool(old, 1, 8), 0).unwrap()).unwrap();
    let pool = pool(cheap(), 1, 8);
    let check = |text: &str| {
        let place = pool.admit(source(0)).unwrap();
        block_on(place.verify(password(text), stored.clone())).unwrap()
    };
    assert!(matches!(check("another"), PasswordCheck::Mismatch));
    let PasswordCheck::Match { replacement: Some(renewed) } = check("a password") else {
        panic!("not renewed")
    };
    assert_eq!(renewed.params(), Some(cheap()));
    assert_eq!(pool.stats().finished, 2);

    let place = pool.admit(source(0)).unwrap();
    let check = block_on(place.verify_and_replace(password("a password"), renewed, password("the next one")));
    let PasswordCheck::Match { replacement: Some(next) } = check.unwrap() else { panic!("not replaced") };
    let place = pool.admit(source(0)).unwrap();
    let check = block_on(place.verify(password("the next one"), next)).unwrap();
    assert!(matches!(check, PasswordCheck::Match { replacement: None }));
}

/// Too long is refused when made, and matches nothing when checked.
#[test]
fn an_over_long_password_is_never_hashed_anew_and_never_matches() {
    let pool = pool(cheap(), 1, 8);
    let too_long = "x".repeat(4097);
    let place = pool.admit(source(0)).unwrap();
    assert_eq!(block_on(place.hash(password(&too_long))).err(), Some(HashError::TooLong));
    assert_eq!((pool.stats().finished, pool.stats().waiting), (0, 0));

    // Its bytes are gone, but it is not the empty password.
    let stored = block_on(pool.admit(source(0)).unwrap().hash(password(""))).unwrap();
    let place = pool.admit(source(0)).unwrap();
    let check = block_on(place.verify(password(&too_long), stored)).unwrap();
    assert!(matches!(check, PasswordCheck::Mismatch));
    assert_eq!(pool.stats().finished, 2);
}

/// The answer wakes a task by code that is not ours, on the worker's thread. A worker that dies takes a
/// share of the throughput with it until the next restart.
#[test]
fn a_waker_that_panics_does_not_kill_the_worker() {
    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker panicked, as this test wants");
        }
    }

    let (pool, gate) = gated_pool(1, 8);
    gate.close();
    let mut job = pin!(hash(&pool, 0).unwrap());
    gate.wait_for_arrival();
    let waker = Waker::from(Arc::new(Panics));
    assert!(job.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    gate.open();
    block_on(hash(&pool, 1).unwrap()).unwrap();
    block_on(job).unwrap();
}

#[test]
fn dropping_the_pool_ends_what_runs_and_gives_up_what_waits() {
    let (pool, gate) = gated_pool(1, 8);
    gate.close();
    let running = hash(&pool, 0).unwrap();
    gate.wait_for_arrival();
    let waiting = hash(&pool, 1).unwrap();
    let place = pool.admit(source(2)).unwrap();

    let dropping = thread::spawn(move || drop(pool));
    // Given up before the running job has ended.
    assert_eq!(block_on(waiting).err(), Some(HashError::Aborted));
    gate.open();
    dropping.join().unwrap();
    assert!(block_on(running).is_ok());
    // A place outlives the pool, and is worth nothing then.
    assert_eq!(block_on(place.hash(password("late"))).err(), Some(HashError::Aborted));
}

/// A future that owns the application's state may be dropped by the very thread that woke it.
#[test]
fn the_last_handle_may_be_dropped_on_a_workers_thread() {
    struct DropsPool {
        pool: Mutex<Option<HashPool>>,
        done: Mutex<mpsc::Sender<()>>,
    }

    impl Wake for DropsPool {
        fn wake(self: Arc<Self>) {
            drop(self.pool.lock().unwrap().take());
            self.done.lock().unwrap().send(()).unwrap();
        }
    }

    let (pool, gate) = gated_pool(1, 8);
    gate.close();
    let mut job = pin!(hash(&pool, 0).unwrap());
    gate.wait_for_arrival();
    let (done, dropped) = mpsc::channel();
    let waker = Waker::from(Arc::new(DropsPool { pool: Mutex::new(Some(pool)), done: Mutex::new(done) }));
    assert!(job.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    gate.open();
    dropped.recv().unwrap();
    assert!(block_on(job).is_ok());
}

/// At the real parameters: a thousand at once are hashed or turned away at once,
/// in the workers' memory and no other. In a process of its own, where nobody else takes memory.
#[test]
fn a_flood_of_a_thousand_stays_within_its_memory() {
    const ALONE: &str = "FLOOD_HAS_A_PROCESS_OF_ITS_OWN";
    if std::env::var_os(ALONE).is_some() {
        return flood_of_a_thousand();
    }
    let _turn = alone();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["pool::a_flood_of_a_thousand_stays_within_its_memory", "--exact", "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let ran = said.contains("1 passed");
    assert!(output.status.success() && ran, "{said}{}", String::from_utf8_lossy(&output.stderr));
}

fn flood_of_a_thousand() {
    let before = resident_bytes();
    let pool = pool(Argon2Params::OWASP, 2, 64);
    let mut jobs = Vec::new();
    let mut turned_away = 0;
    for n in 0..1_000 {
        match hash(&pool, n) {
            Ok(job) => jobs.push(job),
            Err(Overloaded) => turned_away += 1,
        }
    }
    assert!(jobs.len() >= 64 && turned_away > 800, "{} {turned_away}", jobs.len());
    let mut most = 0;
    for job in jobs {
        block_on(job).unwrap();
        most = most.max(resident_bytes());
    }
    assert_eq!(pool.stats().overloaded, turned_away);
    let grown = most.saturating_sub(before);
    let budget = 2 * 19_456 * 1024 + 16 * 1024 * 1024;
    assert!(grown <= budget, "{grown} bytes more, {budget} allowed");
}

/// Resident memory of this process; 0 where that cannot be read.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).map_or(0, |pages| pages * 4096)
}

/// Fairness in time: places are worked off in the order in which they became jobs.
#[test]
fn jobs_are_worked_off_in_order() {
    let (pool, gate) = gated_pool(1, 64);
    gate.close();
    let mut jobs: Vec<Job> = (0..5).map(|n| hash(&pool, n).unwrap()).collect();
    for done in 0..5 {
        gate.wait_for_arrival();
        if done == 4 {
            gate.open();
        } else {
            gate.let_one_through();
        }
        let job = jobs.remove(0);
        block_on(job).unwrap();
        let mut context = Context::from_waker(Waker::noop());
        assert!(jobs.iter_mut().all(|job| job.as_mut().poll(&mut context).is_pending()));
    }
}
