//! How long it is counted.

use std::time::Duration;

use super::{
    CounterBench,
    sample::{expect_between, expect_count, key, window},
};
use crate::{
    UnixTime, Window,
    conformance::{
        check::Verdict,
        sample::{DAY, START, at},
    },
};

/// Windows of every size, the smallest and the largest with them, one after the other.
fn windows() -> [(Window, UnixTime); 4] {
    [(0, 0), (80, 1), (DAY, 2), (u64::MAX, 10)]
        .map(|(secs, days)| (Window::new(Duration::from_secs(secs)), at(DAY.saturating_mul(days))))
}

/// When things happen within buckets of a second, of ten seconds and of hours.
const SHIFTS: [u64; 6] = [0, 1, 3, 7, 8, 9];

fn after(moment: UnixTime, secs: u64) -> UnixTime {
    moment.saturating_add(Duration::from_secs(secs))
}

pub(super) async fn a_count_looks_back_over_the_whole_window(bench: &CounterBench<'_>) -> Verdict {
    let store = &bench.store;
    for (window, begin) in windows() {
        let length = window.length().as_secs();
        let mut looks = Vec::new();
        for (n, shift) in (0..).zip(SHIFTS) {
            let then = after(begin, shift);
            store.add(&key(n), 1, window, then).await?;
            looks.extend([length / 2, length.saturating_sub(1), length].map(|back| (after(then, back), n)));
        }
        looks.sort_unstable();
        for (now, n) in looks {
            expect_count("within the window", store.add(&key(n), 0, window, now).await?, 1)?;
        }
    }
    Ok(())
}

/// Who was stopped must not stay so for ever.
pub(super) async fn a_count_is_forgotten_a_bucket_after_the_window(bench: &CounterBench<'_>) -> Verdict {
    let store = &bench.store;
    for (window, begin) in windows() {
        let mut looks = Vec::new();
        for (n, shift) in (0..).zip(SHIFTS) {
            store.add(&key(n), 5, window, after(begin, shift)).await?;
            looks.push((window.forgotten_at(after(begin, shift)), n));
        }
        looks.sort_unstable();
        for (now, n) in looks {
            expect_between("after the window", store.add(&key(n), 0, window, now).await?, 0, 0)?;
            expect_between("counting anew", store.add(&key(n), 1, window, now).await?, 1, 1)?;
        }
    }
    Ok(())
}

/// At every moment the count has all of the last `length`, and nothing of before its bucket. A window that
/// begins anew forgets everything at its border, and lets twice as much through around it.
pub(super) async fn a_window_slides(bench: &CounterBench<'_>) -> Verdict {
    let (store, window) = (&bench.store, window());
    let mut added: Vec<(UnixTime, u32)> = Vec::new();
    let mut now = START;
    for step in 0..120_u32 {
        // Steps of 0 to 22 seconds, with a pause now and then.
        let pause = if step % 40 == 39 { 75 } else { u64::from(step.wrapping_mul(step) % 23) };
        now = after(now, pause);
        let n = step % 4;
        added.push((now, n));
        let sum = |counts: &dyn Fn(UnixTime) -> bool| -> u64 {
            added.iter().filter(|(then, _)| counts(*then)).map(|(_, n)| u64::from(*n)).sum()
        };
        let least = sum(&|then| now.since(then) <= window.length());
        let most = sum(&|then| window.bucket(then) >= window.oldest(now));
        let found = store.add(&key(1), n, window, now).await?;
        expect_between("the count at a step", found, least, most)?;
    }
    Ok(())
}

/// Two servers whose clocks differ: what the slow one writes must not push out what the fast one wrote,
/// however many buckets lie between them.
pub(super) async fn a_slow_clock_takes_nothing_away(bench: &CounterBench<'_>) -> Verdict {
    let (store, window) = (&bench.store, window());
    let now = at(DAY);
    for n in 0..40 {
        store.add(&key(n), 5, window, now).await?;
        let back = Duration::from_secs(window.bucket_length().as_secs().saturating_mul(n));
        store.add(&key(n), 1, window, now.saturating_sub(back)).await?;
        let found = store.add(&key(n), 0, window, now).await?;
        expect_between("after an add by a slow clock", found, 5, 6)?;
    }
    Ok(())
}

pub(super) async fn a_slow_clock_counts(bench: &CounterBench<'_>) -> Verdict {
    let (store, window) = (&bench.store, window());
    store.add(&key(1), 5, window, at(100)).await?;
    let back = at(100).saturating_sub(window.bucket_length());
    expect_between("by a slow clock", store.add(&key(1), 3, window, back).await?, 3, 8)?;
    expect_count("by the other", store.add(&key(1), 0, window, at(100)).await?, 8)
}
