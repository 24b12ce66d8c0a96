//! One fetch for all who wait for it.
//!
//! Whoever waits also drives it, so no caller is the one on whom the others depend: one that goes away, or is
//! not polled any more, takes nothing with it. When all have gone away the fetch lies where it is, and the
//! next caller goes on with it; so going away costs the server no second request. A fetcher's own timeout may be
//! over by then, which is why a fetcher goes on without being polled (`FetchKeySet`).

use std::{
    collections::BTreeMap,
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use auth_core::UnixTime;

use super::{FetchError, FetchedKeySet};

/// A fetch under way.
pub(super) type Fetching = Pin<Box<dyn Future<Output = Result<FetchedKeySet, FetchError>> + Send>>;

/// What came of a fetch; `None` if the fetcher panicked.
pub(super) type Landed = Option<Result<FetchedKeySet, FetchError>>;

pub(super) struct Flight {
    /// Which of all fetches this is: a later one has a higher number.
    pub(super) number: u64,
    pub(super) started_at: UnixTime,
    inner: Mutex<Inner>,
    /// Whether the fetch asked to be polled again while it was being polled.
    woken: AtomicBool,
}

struct Inner {
    stage: Stage,
    waiters: BTreeMap<u64, Waker>,
    next_waiter: u64,
}

enum Stage {
    /// To be polled by the next who comes.
    Idle(Fetching),
    /// Somebody is polling it, on whatever thread.
    Polled,
    Over,
}

impl Flight {
    pub(super) fn new(number: u64, started_at: UnixTime, fetching: Fetching) -> Self {
        let inner = Inner { stage: Stage::Idle(fetching), waiters: BTreeMap::new(), next_waiter: 0 };
        Self { number, started_at, inner: Mutex::new(inner), woken: AtomicBool::new(false) }
    }

    /// Whether somebody is waiting for it, and so drives it.
    pub(super) fn is_driven(&self) -> bool {
        !self.lock().waiters.is_empty()
    }

    /// Ends it without an answer. An answer that is being read at this moment still lands.
    pub(super) fn give_up(&self) {
        let stage = mem::replace(&mut self.lock().stage, Stage::Over);
        self.wake_all();
        // A stranger's code runs in its drop, so not under the lock, and not before others were woken.
        drop(stage);
    }

    /// Waits until it is over. `land` is called by one of those who wait, before the others learn of it.
    pub(super) fn wait<L: Fn(&Self, Landed)>(self: Arc<Self>, land: L) -> Wait<L> {
        let mut inner = self.lock();
        let id = inner.next_waiter;
        inner.next_waiter = id.wrapping_add(1);
        // From now on it is driven; the waker proper comes with the first poll.
        inner.waiters.insert(id, Waker::noop().clone());
        drop(inner);
        Wait { flight: self, id, land }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_all(&self) {
        let waiters: Vec<Waker> = self.lock().waiters.values().cloned().collect();
        waiters.iter().for_each(Waker::wake_by_ref);
    }
}

/// All are woken, for any one of them may be stuck elsewhere.
impl Wake for Flight {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.wake_all();
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight").field("number", &self.number).finish_non_exhaustive()
    }
}

/// Somebody who waits for a [`Flight`].
pub(super) struct Wait<L> {
    flight: Arc<Flight>,
    id: u64,
    land: L,
}

impl<L: Fn(&Flight, Landed) + Unpin> Future for Wait<L> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let flight = &self.flight;
        let mut inner = flight.lock();
        if matches!(inner.stage, Stage::Over) {
            return Poll::Ready(());
        }
        inner.waiters.insert(self.id, context.waker().clone());
        let Stage::Idle(mut fetching) = mem::replace(&mut inner.stage, Stage::Polled) else {
            return Poll::Pending;
        };
        drop(inner);

        flight.woken.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(flight));
        let polled =
            catch_unwind(AssertUnwindSafe(|| fetching.as_mut().poll(&mut Context::from_waker(&waker))));
        let landed = match polled {
            Ok(Poll::Ready(result)) => Some(result),
            Ok(Poll::Pending) => {
                let mut inner = flight.lock();
                if matches!(inner.stage, Stage::Over) {
                    return Poll::Ready(());
                }
                inner.stage = Stage::Idle(fetching);
                drop(inner);
                // Whoever was woken meanwhile found it being polled, and sleeps again.
                if flight.woken.load(Ordering::SeqCst) {
                    flight.wake_all();
                }
                return Poll::Pending;
            }
            Err(_) => None,
        };
        // Whatever happens while it is dropped and lands, nobody waits for it any more.
        let _over = Over(flight);
        drop(fetching);
        (self.land)(flight, landed);
        Poll::Ready(())
    }
}

struct Over<'f>(&'f Flight);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

impl<L> Drop for Wait<L> {
    fn drop(&mut self) {
        self.flight.lock().waiters.remove(&self.id);
    }
}
