//! Races among the tasks of a runtime.

use std::{
    fmt,
    future::poll_fn,
    sync::{Mutex, PoisonError},
    task::{Poll, Waker},
};

use async_trait::async_trait;

use super::{Contender, Race, lanes};

/// A task of the caller's runtime for each contender, with a barrier before each race.
///
/// The runtime must have several threads. With tokio: `Tasks::new(tokio::spawn)`.
#[derive(Clone, Copy)]
pub struct Tasks<F> {
    spawn: F,
    rounds: u32,
}

impl<F, J> Tasks<F>
where
    F: Fn(Contender) -> J + Send + Sync,
    J: Future + Send,
{
    /// Races of 25 rounds among tasks that `spawn` starts. What it returns ends with the task.
    pub const fn new(spawn: F) -> Self {
        Self { spawn, rounds: 25 }
    }

    /// The same with another number of rounds, at least one.
    #[must_use]
    pub fn with_rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds.max(1);
        self
    }
}

impl<F> fmt::Debug for Tasks<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("rounds", &self.rounds).finish_non_exhaustive()
    }
}

#[async_trait]
impl<F, J> Race for Tasks<F>
where
    F: Fn(Contender) -> J + Send + Sync,
    J: Future + Send,
{
    async fn run(&self, races: Vec<Vec<Contender>>) {
        let tasks: Vec<_> = lanes(races, Gate::new)
            .into_iter()
            .map(|lane| {
                (self.spawn)(Box::pin(async move {
                    for (gate, contender) in lane {
                        gate.pass().await;
                        contender.await;
                    }
                }))
            })
            .collect();
        for task in tasks {
            // A task that a runtime dropped shows as an answer that is missing.
            let _ = task.await;
        }
    }

    fn rounds(&self) -> u32 {
        self.rounds
    }

    fn width(&self) -> u32 {
        4
    }
}

/// Opens once as many have come as were announced.
struct Gate(Mutex<Waiting>);

struct Waiting {
    missing: usize,
    wakers: Vec<Waker>,
}

impl Gate {
    const fn new(missing: usize) -> Self {
        Self(Mutex::new(Waiting { missing, wakers: Vec::new() }))
    }

    async fn pass(&self) {
        let mut arrived = false;
        poll_fn(|context| {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if !arrived {
                arrived = true;
                waiting.missing = waiting.missing.saturating_sub(1);
            }
            if waiting.missing == 0 {
                waiting.wakers.drain(..).for_each(Waker::wake);
                return Poll::Ready(());
            }
            waiting.wakers.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
