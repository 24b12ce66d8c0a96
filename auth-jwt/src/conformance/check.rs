//! What a check is made of: a bench to work at, and a verdict that explains itself.

use std::{
    error::Error,
    fmt::Debug,
    future::poll_fn,
    panic::{AssertUnwindSafe, Location, catch_unwind},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use auth_core::{
    StoreError, UnixTime,
    conformance::{Contender, Race},
};

use crate::{RevocationRecord, RevocationStore};

/// What a check found wrong.
pub(super) struct Wrong(pub(super) String);

pub(super) type Verdict = Result<(), Wrong>;

impl Wrong {
    #[track_caller]
    pub(super) fn new(why: &str) -> Self {
        Self(format!("{why} (at {})", Location::caller()))
    }
}

/// Any error ends a check, but for those that it looks at.
impl<E: Error> From<E> for Wrong {
    #[track_caller]
    fn from(error: E) -> Self {
        let mut why = format!("failed: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            why.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        Self::new(&why)
    }
}

/// What `what` says must hold.
#[track_caller]
pub(super) fn ensure(holds: bool, what: &str) -> Verdict {
    if holds { Ok(()) } else { Err(Wrong::new(&format!("does not hold: {what}"))) }
}

/// `found` must be `wanted`, in whatever order and however often.
#[track_caller]
pub(super) fn expect_all<T: PartialEq + Debug>(what: &str, found: &[T], wanted: &[T]) -> Verdict {
    if let Some(missing) = wanted.iter().find(|wanted| !found.contains(wanted)) {
        return Err(Wrong::new(&short(format!("{what}: missing {missing:?}; found {found:?}"))));
    }
    if let Some(more) = found.iter().find(|found| !wanted.contains(found)) {
        return Err(Wrong::new(&short(format!("{what}: found {more:?}, wanted {wanted:?}"))));
    }
    Ok(())
}

/// Names may have 64 KiB.
fn short(mut why: String) -> String {
    const MAX: usize = 2_000;
    if why.len() > MAX {
        let end = (0..=MAX).rev().find(|end| why.is_char_boundary(*end)).unwrap_or(0);
        why.truncate(end);
        why.push_str(" ..");
    }
    why
}

/// A fresh, empty store, and the way in which calls are raced.
pub(super) struct Bench<'a> {
    pub(super) store: Arc<dyn RevocationStore>,
    pub(super) race: &'a dyn Race,
}

/// A call to be made at once with others.
pub(super) type Call<T> = Pin<Box<dyn Future<Output = Result<T, Wrong>> + Send>>;

impl Bench<'_> {
    /// Keeps revocations, one after the other.
    pub(super) async fn put_all(&self, records: &[RevocationRecord], now: UnixTime) -> Verdict {
        for record in records {
            self.store.put(record, now).await?;
        }
        Ok(())
    }

    /// What is handed over at `now`.
    pub(super) async fn load(&self, now: UnixTime) -> Result<Vec<RevocationRecord>, Wrong> {
        Ok(load(&*self.store, now).await?)
    }

    /// Everything that is handed over at `now` must be `wanted`, and all of that.
    pub(super) async fn expect(&self, what: &str, now: UnixTime, wanted: &[RevocationRecord]) -> Verdict {
        expect_all(what, &self.load(now).await?, wanted)
    }

    /// Runs races, the calls of each at once, and answers what they answered.
    pub(super) async fn race<T: Send + 'static>(
        &self,
        races: impl IntoIterator<Item = Vec<Call<T>>>,
    ) -> Result<Vec<T>, Wrong> {
        let (mut answers, mut contending) = (Vec::new(), Vec::new());
        for calls in races {
            let (slots, contenders): (Vec<_>, Vec<_>) = calls.into_iter().map(contend).unzip();
            answers.extend(slots);
            contending.push(contenders);
        }
        self.race.run(contending).await;
        answers.into_iter().map(answer).collect()
    }

    /// A call that keeps a revocation.
    pub(super) fn putting<T: Default>(&self, record: RevocationRecord, now: UnixTime) -> Call<T> {
        let store = Arc::clone(&self.store);
        Box::pin(async move {
            store.put(&record, now).await?;
            Ok(T::default())
        })
    }
}

/// What a store hands over.
pub(super) async fn load(
    store: &dyn RevocationStore,
    now: UnixTime,
) -> Result<Vec<RevocationRecord>, StoreError> {
    let mut found = Vec::new();
    let mut each = |record| {
        found.push(record);
        Ok(())
    };
    store.load(now, &mut each).await?;
    Ok(found)
}

type Slot<T> = Arc<Mutex<Option<Result<T, Wrong>>>>;

/// A call as a contender, and where it leaves its answer.
fn contend<T: Send + 'static>(call: Call<T>) -> (Slot<T>, Contender) {
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
        let end = end.await;
        *filled.lock().unwrap_or_else(PoisonError::into_inner) = end;
    });
    (slot, contender)
}

fn answer<T>(slot: Slot<T>) -> Result<T, Wrong> {
    slot.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take()
        .unwrap_or_else(|| Err(Wrong::new("a call did not end: it panicked, or its task was dropped")))
}
