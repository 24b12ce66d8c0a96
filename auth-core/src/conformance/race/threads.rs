//! Races among OS threads.

use std::{
    hint,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use async_trait::async_trait;

use super::{Contender, Race, lanes};
use crate::testing::block_on;

/// An OS thread for each contender, with a barrier before each race: the sharpest race there is.
///
/// For stores that need no runtime. A store whose calls wait for one (`sqlx`, `redis`) needs
/// [`Tasks`](super::Tasks).
#[derive(Debug, Clone, Copy)]
pub struct Threads {
    rounds: u32,
}

impl Threads {
    /// Races of 300 rounds.
    #[must_use]
    pub const fn new() -> Self {
        Self { rounds: 300 }
    }

    /// The same with another number of rounds, at least one.
    #[must_use]
    pub fn with_rounds(self, rounds: u32) -> Self {
        Self { rounds: rounds.max(1) }
    }
}

impl Default for Threads {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Race for Threads {
    async fn run(&self, races: Vec<Vec<Contender>>) {
        let mut races = races.into_iter();
        loop {
            let burst: Vec<_> = races.by_ref().take(BURST).collect();
            if burst.is_empty() {
                return;
            }
            thread::scope(|scope| {
                for (number, lane) in (0_u64..).zip(lanes(burst, AtomicUsize::new)) {
                    scope.spawn(move || run_lane(number, lane));
                }
            });
        }
    }

    fn rounds(&self) -> u32 {
        self.rounds
    }

    fn width(&self) -> u32 {
        4
    }
}

/// How many races run on the same threads. A kernel spreads new threads over the cores; on a busy machine,
/// old ones that spin are soon on the same core, or on none.
const BURST: usize = 16;

fn run_lane(number: u64, lane: Vec<(Arc<AtomicUsize>, Contender)>) {
    for (race, (missing, contender)) in lane.into_iter().enumerate() {
        wait_for_all(&missing);
        for _ in 0..jitter(race, number) {
            hint::spin_loop();
        }
        block_on(contender);
    }
}

/// Spins, since threads that a kernel wakes start microseconds apart, and the window of a race is shorter.
/// Yields in the end, since the thread that is waited for may need this core.
fn wait_for_all(missing: &AtomicUsize) {
    missing.fetch_sub(1, Ordering::AcqRel);
    let mut spins = 0_u32;
    while missing.load(Ordering::Acquire) > 0 {
        spins = spins.wrapping_add(1);
        if spins.is_multiple_of(1_024) {
            thread::yield_now();
        } else {
            hint::spin_loop();
        }
    }
}

/// Two calls of different length that start together always meet in the same phase. So their starts are
/// shifted against each other, differently in each race, from not at all to a few microseconds.
fn jitter(race: usize, lane: u64) -> u64 {
    // SplitMix64: repeatable, and every bit depends on every other.
    let mix = |n: u64| {
        let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    };
    let race = mix(u64::try_from(race).unwrap_or(0));
    let most = [0, 3, 15, 63].get(usize::try_from(race % 4).unwrap_or(0)).copied().unwrap_or(0);
    mix(race.wrapping_add(lane)) & most
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn starts_are_shifted_differently_in_each_race() {
        let shifts: BTreeSet<_> = (0..1_000).map(|race| (jitter(race, 0), jitter(race, 1))).collect();
        assert!(shifts.len() > 200, "{}", shifts.len());
        assert!((0..1_000).any(|race| jitter(race, 0) == jitter(race, 1)));
    }
}
