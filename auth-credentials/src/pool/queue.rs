//! The places of a pool: who waits, who runs, who is turned away.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use futures_channel::oneshot;

use super::{HashPoolSize, Overloaded};
use crate::{
    hash::{hasher::HashError, memory::HashMemory, phc::PasswordHash},
    password::Password,
    source::Origin,
};

/// What came of checking a password in a [`HashPool`](crate::HashPool).
#[derive(Debug)]
#[must_use]
pub enum PasswordCheck {
    /// It is another password.
    Mismatch,
    /// It is the password.
    Match {
        /// The hash to store from now on: of the replacement if there was one, else of the same password if
        /// its hash is out of date.
        replacement: Option<PasswordHash>,
    },
}

/// What a [`HashPool`](crate::HashPool) is doing and has done since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct HashPoolStats {
    /// Places that are taken and whose job has not started: queued, or still looking something up.
    pub waiting: usize,
    /// Jobs that run now.
    pub running: usize,
    /// Jobs that were worked off.
    pub finished: u64,
    /// Requests that found no place.
    pub overloaded: u64,
    /// Jobs that were dropped unhashed, because their caller had left.
    pub abandoned: u64,
}

pub(super) enum Work {
    Hash {
        password: Password,
    },
    Check {
        password: Password,
        /// Apart, for jobs are moved about under the lock.
        stored: Option<Box<PasswordHash>>,
        replacement: Option<Password>,
    },
    #[cfg(test)]
    Panic,
}

pub(super) enum Done {
    Hashed(PasswordHash),
    Checked(PasswordCheck),
}

pub(super) struct Job {
    pub(super) origin: Origin,
    pub(super) work: Work,
    pub(super) reply: oneshot::Sender<Result<Done, HashError>>,
}

pub(super) struct Queue {
    size: usize,
    /// Places beyond them, for remembered devices whose source has none left.
    kept: usize,
    share: usize,
    state: Mutex<State>,
    /// Signalled when a job was submitted, and when the pool closes.
    changed: Condvar,
}

struct State {
    jobs: VecDeque<Job>,
    /// Places that were given out and have no job yet.
    reserved: usize,
    /// Kept places among those that are taken and whose job has not started.
    kept: usize,
    /// Places of each source, and kept ones of each account: reserved, queued or running.
    held: HashMap<Origin, usize>,
    closed: bool,
    stats: HashPoolStats,
}

impl Queue {
    /// The most kept places of one account, however many devices it has: whoever stole one, or has an account of their
    /// own, does not hold all that are kept.
    const KEPT_SHARE: usize = 2;

    pub(super) fn new(size: HashPoolSize) -> Self {
        let (workers, size) = (size.workers.get(), size.queue.get());
        let share = size.div_euclid(8).max(1);
        let places = size.saturating_add(share);
        let state = State {
            jobs: VecDeque::with_capacity(places),
            reserved: 0,
            kept: 0,
            held: HashMap::with_capacity(places.saturating_add(workers)),
            closed: false,
            stats: HashPoolStats::default(),
        };
        Self { size, kept: share, share, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Takes a place for `origin`, or a kept one if it has none left. Answers whose it is.
    pub(super) fn reserve(&self, origin: Origin, kept: Option<Origin>) -> Result<Origin, Overloaded> {
        let free =
            |state: &State| [Some(origin), kept].into_iter().flatten().find(|one| self.is_free(state, *one));
        // Dropped after the lock is released: wiping passwords takes time.
        let mut abandoned = Vec::new();
        let mut state = self.lock();
        let mut found = free(&state);
        if found.is_none() {
            abandoned = state.remove_abandoned();
            found = free(&state);
        }
        let found = found.filter(|_| !state.closed);
        match found {
            Some(origin) => state.reserve(origin),
            None => state.stats.overloaded = state.stats.overloaded.saturating_add(1),
        }
        drop(state);
        drop(abandoned);
        found.ok_or(Overloaded)
    }

    fn is_free(&self, state: &State, origin: Origin) -> bool {
        let (taken, size, share) = match origin {
            Origin::Source(_) => (state.waiting().saturating_sub(state.kept), self.size, self.share),
            Origin::Device(_) => (state.kept, self.kept, Self::KEPT_SHARE),
        };
        taken < size && state.held.get(&origin).is_none_or(|held| *held < share)
    }

    /// Gives a place back that has no job.
    pub(super) fn cancel_reservation(&self, origin: Origin) {
        let mut state = self.lock();
        state.reserved = state.reserved.saturating_sub(1);
        state.leave_queue(origin);
        state.release(origin);
    }

    /// Puts a job into a place that was reserved for it.
    pub(super) fn submit(&self, job: Job) {
        let mut state = self.lock();
        state.reserved = state.reserved.saturating_sub(1);
        if state.closed {
            state.leave_queue(job.origin);
            state.release(job.origin);
            drop(state);
            // The job goes, and its sender with it: the caller reads that it was given up.
            return;
        }
        state.jobs.push_back(job);
        drop(state);
        self.changed.notify_one();
    }

    /// The next job whose caller still waits for it; none when the pool is closed.
    pub(super) fn next(&self, memory: &mut HashMemory) -> Option<Job> {
        let mut state = self.lock();
        loop {
            match state.step(memory.is_dirty()) {
                Step::End => return None,
                Step::Run(job) => return Some(job),
                // Both take time that others need not wait for.
                Step::Drop(job) => {
                    drop(state);
                    drop(job);
                    state = self.lock();
                }
                Step::Wipe => {
                    drop(state);
                    memory.wipe();
                    state = self.lock();
                }
                Step::Wait => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Gives the place of a job back that ran to its end, wanted or not.
    pub(super) fn finish(&self, origin: Origin) {
        let mut state = self.lock();
        state.stats.running = state.stats.running.saturating_sub(1);
        state.stats.finished = state.stats.finished.saturating_add(1);
        state.release(origin);
    }

    /// Gives up what waits and lets the workers end.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let jobs = std::mem::take(&mut state.jobs);
        for job in &jobs {
            state.leave_queue(job.origin);
            state.release(job.origin);
        }
        drop(state);
        drop(jobs);
        self.changed.notify_all();
    }

    pub(super) fn stats(&self) -> HashPoolStats {
        let state = self.lock();
        HashPoolStats { waiting: state.waiting(), ..state.stats }
    }

    /// No code that can panic runs under the lock, so a poisoned one holds nothing half-done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a worker does next.
enum Step {
    Run(Job),
    /// Nobody waits for this one.
    Drop(Job),
    Wipe,
    Wait,
    End,
}

impl State {
    /// What a worker does next whose memory is dirty or not.
    fn step(&mut self, dirty: bool) -> Step {
        if self.closed {
            return Step::End;
        }
        match self.jobs.pop_front() {
            Some(job) if job.reply.is_canceled() => {
                self.abandon(job.origin);
                Step::Drop(job)
            }
            Some(job) => {
                self.stats.running = self.stats.running.saturating_add(1);
                self.leave_queue(job.origin);
                Step::Run(job)
            }
            None if dirty => Step::Wipe,
            None => Step::Wait,
        }
    }

    fn waiting(&self) -> usize {
        self.jobs.len().saturating_add(self.reserved)
    }

    fn reserve(&mut self, origin: Origin) {
        self.reserved = self.reserved.saturating_add(1);
        if let Origin::Device(_) = origin {
            self.kept = self.kept.saturating_add(1);
        }
        let held = self.held.entry(origin).or_default();
        *held = held.saturating_add(1);
    }

    /// A place is no longer one of those that wait.
    fn leave_queue(&mut self, origin: Origin) {
        if let Origin::Device(_) = origin {
            self.kept = self.kept.saturating_sub(1);
        }
    }

    /// Takes out the queued jobs whose callers have left, so that the dead do not keep the living out.
    fn remove_abandoned(&mut self) -> Vec<Job> {
        // One turn of the queue, within its own allocation; the order of what stays is kept.
        let mut gone = Vec::new();
        for _ in 0..self.jobs.len() {
            match self.jobs.pop_front() {
                Some(job) if job.reply.is_canceled() => {
                    self.abandon(job.origin);
                    gone.push(job);
                }
                Some(job) => self.jobs.push_back(job),
                None => break,
            }
        }
        gone
    }

    fn abandon(&mut self, origin: Origin) {
        self.stats.abandoned = self.stats.abandoned.saturating_add(1);
        self.leave_queue(origin);
        self.release(origin);
    }

    fn release(&mut self, origin: Origin) {
        if let Some(held) = self.held.get_mut(&origin) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                self.held.remove(&origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The state of the last hash makes guesses at its password cheap. It must not lie about for as long as
    /// nobody logs in; while somebody waits, the next hash overwrites it.
    #[test]
    fn memory_is_wiped_when_nothing_waits_and_not_before() {
        let queue = Queue::new(HashPoolSize::default());
        assert!(matches!(queue.lock().step(true), Step::Wipe));
        assert!(matches!(queue.lock().step(false), Step::Wait));

        let origin = Origin::from_peer(None);
        queue.reserve(origin, None).unwrap();
        let (reply, _answer) = oneshot::channel();
        queue.submit(Job { origin, work: Work::Panic, reply });
        assert!(matches!(queue.lock().step(true), Step::Run(_)));
        assert!(matches!(queue.lock().step(true), Step::Wipe));
    }

    /// A flood that fills the queue must not keep those out who have been here before; nor may one of them, whose cookie
    /// was stolen, keep out the others.
    #[test]
    fn a_full_queue_has_places_for_remembered_devices() {
        let queue = Queue::new(HashPoolSize::default());
        for n in 0..64 {
            queue.reserve(address(n), None).unwrap();
        }
        assert_eq!(queue.reserve(address(64), None), Err(Overloaded));
        for n in 0..4 {
            for _ in 0..2 {
                assert_eq!(queue.reserve(address(64), Some(account(n))), Ok(account(n)));
            }
            assert_eq!(queue.reserve(address(64), Some(account(n))), Err(Overloaded));
        }
        // An eighth as many again, and then nobody.
        assert_eq!(queue.reserve(address(64), Some(account(4))), Err(Overloaded));
        queue.cancel_reservation(account(0));
        assert_eq!(queue.reserve(address(64), None), Err(Overloaded));
        assert_eq!(queue.reserve(address(64), Some(account(4))), Ok(account(4)));
        // Kept places take none of the others.
        queue.cancel_reservation(address(0));
        assert_eq!(queue.reserve(address(64), None), Ok(address(64)));
    }

    /// Whoever has accounts of their own, with as many devices as they like, holds the share of their source and what is
    /// kept for each account, and nobody else waits for a place.
    #[test]
    fn many_devices_at_one_source_leave_the_places_of_others() {
        let queue = Queue::new(HashPoolSize::default());
        let held = (0..40).filter(|n| queue.reserve(address(0), Some(account(n % 2))).is_ok()).count();
        assert_eq!(held, 8 + 2 * 2);
        for n in 1..=7 {
            for _ in 0..8 {
                assert_eq!(queue.reserve(address(n), None), Ok(address(n)));
            }
        }
        assert_eq!(queue.reserve(address(8), Some(account(2))), Ok(account(2)));
        assert_eq!(queue.lock().stats.overloaded, 40 - 12);
    }

    fn address(n: u8) -> Origin {
        Origin::from_peer(Some([10, 0, 0, n].into()))
    }

    /// What is kept for the devices of an account.
    fn account(n: u8) -> Origin {
        Origin::Device([n; 16])
    }
}
