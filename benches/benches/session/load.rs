//! Loading one record of many: `session/load-100000` and what two threads make of it.

use std::{
    hint::black_box,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use criterion::Criterion;

use crate::world::World;

const ROUNDS: usize = 9;

pub(crate) fn rows(c: &mut Criterion, world: &World) {
    load(c, "ours", world.ids.len(), |n| {
        let record = world.record(black_box(&world.ids[n])).unwrap();
        assert_eq!(record.id, world.ids[n]);
        black_box(record);
    });
}

/// `count` questions, starting somewhere in the random order of `len` sessions.
fn ask(len: usize, from: usize, count: u64, get: impl Fn(usize)) {
    let mut next = from;
    for _ in 0..count {
        next = if next + 1 < len { next + 1 } else { 0 };
        get(next);
    }
}

/// How long two threads take that ask `count` questions each, at once.
fn on_two_threads(len: usize, count: u64, get: impl Fn(usize) + Sync) -> Duration {
    let barrier = Barrier::new(2);
    let one = |from| {
        barrier.wait();
        let start = Instant::now();
        ask(len, from, count, &get);
        start.elapsed()
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| one(len / 2));
        one(0).max(other.join().unwrap())
    })
}

/// The rows of one implementation: `get` loads the nth session, and asserts that it is that one.
pub(crate) fn load(c: &mut Criterion, implementation: &str, len: usize, get: impl Fn(usize) + Sync) {
    let mut next = 0;
    c.bench_function(&format!("session/load-100000/{implementation}"), |b| {
        b.iter_custom(|count| {
            next = (next + 7_919) % len;
            let start = Instant::now();
            ask(len, next, count, &get);
            start.elapsed()
        });
    });
    // Time by the number of loads on both threads together: half of the row above would be perfect.
    c.bench_function(&format!("session/load-100000-two-threads/{implementation}"), |b| {
        b.iter_custom(|count| on_two_threads(len, count.div_ceil(2), &get));
    });
    if !auth_benches::is_measuring() {
        return;
    }
    // By turns, so that what else the machine does hits both alike; the median of the ratios.
    let mut scales: Vec<f64> = (0..ROUNDS)
        .map(|round| {
            let start = Instant::now();
            ask(len, round * 10_007 % len, 100_000, &get);
            let alone = start.elapsed();
            2.0 * alone.as_secs_f64() / on_two_threads(len, 100_000, &get).as_secs_f64()
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
