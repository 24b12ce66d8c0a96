//! A race and what comes before and after it, many times over.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use super::{
    check::{Bench, Verdict, Wrong},
    race::Contender,
};

impl<S: ?Sized> Bench<'_, S> {
    /// Runs `body` in as many rounds as a race has. A body prepares its rows, makes calls at once by the
    /// methods of its [`Round`], and looks at what became of the rows.
    ///
    /// All bodies run up to their race first, then all races, then all bodies go on: with races back to
    /// back, threads stay in step, and meet within the nanoseconds that a fault is open. So the rounds share
    /// a store, and each needs rows of its own.
    pub(super) async fn race<F>(&self, body: impl Fn(Round<S>) -> F) -> Verdict
    where
        F: Future<Output = Verdict> + Send,
    {
        let width = self.race.width().max(2);
        let mut bodies: Vec<_> = (0..u64::from(self.race.rounds()))
            .map(|n| {
                let contenders = Handover::default();
                let handover = Arc::clone(&contenders);
                let round = Round { n, width, store: Arc::clone(&self.store), handover };
                Body { run: Some(Box::pin(body(round))), contenders }
            })
            .collect();
        loop {
            let mut races = Vec::new();
            for body in &mut bodies {
                races.extend(body.go_on().await?);
            }
            if races.is_empty() {
                return Ok(());
            }
            self.race.run(races).await;
        }
    }
}

/// One of the rounds.
pub(super) struct Round<S: ?Sized> {
    /// Its number, from 0.
    pub(super) n: u64,
    /// How many calls [`many`](Self::many) makes.
    pub(super) width: u32,
    pub(super) store: Arc<S>,
    handover: Handover,
}

/// Where a round leaves its contenders for the race.
type Handover = Arc<Mutex<Option<Vec<Contender>>>>;

struct Body<F> {
    run: Option<Pin<Box<F>>>,
    contenders: Handover,
}

impl<F: Future<Output = Verdict>> Body<F> {
    /// Runs up to the next race and answers its contenders, or to the end.
    async fn go_on(&mut self) -> Result<Option<Vec<Contender>>, Wrong> {
        let Some(run) = &mut self.run else { return Ok(None) };
        let contenders = &self.contenders;
        let outcome = poll_fn(|context| match run.as_mut().poll(context) {
            Poll::Ready(verdict) => Poll::Ready(Err(verdict)),
            // Pending is either the race, or a store that waits for something.
            Poll::Pending => match lock(contenders).take() {
                Some(contenders) => Poll::Ready(Ok(contenders)),
                None => Poll::Pending,
            },
        })
        .await;
        match outcome {
            Ok(contenders) => Ok(Some(contenders)),
            Err(verdict) => {
                self.run = None;
                verdict.map(|()| None)
            }
        }
    }
}

impl<S: ?Sized> Round<S> {
    /// As many calls at once as a race has, each made with its number, and their answers in that order.
    pub(super) async fn many<T, E, F>(&self, call: impl Fn(u64, Arc<S>) -> F) -> Result<Vec<T>, Wrong>
    where
        T: Send + 'static,
        E: Into<Wrong> + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let calls = (0..u64::from(self.width)).map(|n| contend(call(n, Arc::clone(&self.store))));
        let (answers, contenders): (Vec<_>, Vec<_>) = calls.unzip();
        self.run(contenders).await;
        answers.iter().map(answer).collect()
    }

    /// Two different calls at once, and what they answered.
    pub(super) async fn both<A, B, D, E, F, G>(
        &self,
        one: impl FnOnce(Arc<S>) -> F,
        other: impl FnOnce(Arc<S>) -> G,
    ) -> Result<(A, B), Wrong>
    where
        A: Send + 'static,
        B: Send + 'static,
        D: Into<Wrong> + Send + 'static,
        E: Into<Wrong> + Send + 'static,
        F: Future<Output = Result<A, D>> + Send + 'static,
        G: Future<Output = Result<B, E>> + Send + 'static,
    {
        let (a, one) = contend(one(Arc::clone(&self.store)));
        let (b, other) = contend(other(Arc::clone(&self.store)));
        self.run(vec![one, other]).await;
        Ok((answer(&a)?, answer(&b)?))
    }

    /// One call at once with several others, each of them made with its number.
    pub(super) async fn one_and_many<A, B, D, E, F, G>(
        &self,
        one: impl FnOnce(Arc<S>) -> F,
        many: impl Fn(u64, Arc<S>) -> G,
    ) -> Result<(A, Vec<B>), Wrong>
    where
        A: Send + 'static,
        B: Send + 'static,
        D: Into<Wrong> + Send + 'static,
        E: Into<Wrong> + Send + 'static,
        F: Future<Output = Result<A, D>> + Send + 'static,
        G: Future<Output = Result<B, E>> + Send + 'static,
    {
        let (a, one) = contend(one(Arc::clone(&self.store)));
        let others = (0..u64::from(self.width)).skip(1).map(|n| contend(many(n, Arc::clone(&self.store))));
        let (answers, mut contenders): (Vec<_>, Vec<_>) = others.unzip();
        contenders.push(one);
        self.run(contenders).await;
        Ok((answer(&a)?, answers.iter().map(answer).collect::<Result<_, _>>()?))
    }

    async fn run(&self, contenders: Vec<Contender>) {
        let mut contenders = Some(contenders);
        // The bench takes them, races them, and polls again.
        poll_fn(|_| match contenders.take() {
            Some(contenders) => {
                *lock(&self.handover) = Some(contenders);
                Poll::Pending
            }
            None => Poll::Ready(()),
        })
        .await;
    }
}

type Slot<T, E> = Arc<Mutex<Option<Result<T, E>>>>;

/// A call as a contender, and where it leaves its answer.
fn contend<T, E>(call: impl Future<Output = Result<T, E>> + Send + 'static) -> (Slot<T, E>, Contender)
where
    T: Send + 'static,
    E: Send + 'static,
{
    let slot = Slot::default();
    let filled = Arc::clone(&slot);
    let contender = Box::pin(async move {
        let mut call = pin!(call);
        let end = poll_fn(|context| {
            // A panic must not leave the others waiting at the next barrier.
            match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context))) {
                Ok(poll) => poll.map(Some),
                Err(_) => Poll::Ready(None),
            }
        });
        *lock(&filled) = end.await;
    });
    (slot, contender)
}

fn answer<T, E: Into<Wrong>>(slot: &Slot<T, E>) -> Result<T, Wrong> {
    match lock(slot).take() {
        Some(answer) => answer.map_err(Into::into),
        None => Err(Wrong::new("a call did not end: it panicked, or its task was dropped")),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{StoreError, conformance::Threads, testing::block_on};
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn every_round_runs_all_its_races() {
        let bench = Bench { store: Arc::new(AtomicU64::new(0)), race: &Threads::new().with_rounds(7) };
        let rounds = bench.race(|round| async move {
            for _ in 0..=round.n {
                let call = |_, store: Arc<AtomicU64>| async move {
                    Ok::<_, StoreError>(store.fetch_add(1, Ordering::SeqCst))
                };
                round.many(call).await?;
            }
            Ok(())
        });
        block_on(rounds).unwrap();
        let width = u64::from(bench.race.width());
        assert_eq!(bench.store.load(Ordering::SeqCst), (1..=7).sum::<u64>() * width);
    }

    #[test]
    fn a_call_that_panics_is_a_failure_and_not_a_panic() {
        let bench = Bench { store: Arc::new(()), race: &Threads::new().with_rounds(3) };
        let outcome = block_on(bench.race(|round| async move {
            let call = |n, ()| async move {
                assert!(n != 1, "a store with a bug");
                Ok::<_, StoreError>(n)
            };
            round.many(move |n, _| call(n, ())).await.map(drop)
        }));
        assert!(format!("{outcome:?}").contains("did not end"));
    }
}
