//! A few threads that wait for the disk, so that no future does.

use std::{
    collections::VecDeque,
    io,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use auth_core::StoreError;
use futures_channel::oneshot;

/// More calls wait for the disk than are taken on. HTTP 503: try again in a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many calls wait for the disk")]
struct Overloaded;

/// The store was closed before the call was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("store was closed")]
struct Closed;

/// Reading or writing ended in a bug of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("call was given up half-way")]
struct Aborted;

/// Threads, and a bounded queue before them.
///
/// A job whose caller has left is dropped if it still waits, and runs to its end if it has begun. Dropping the pool
/// drops what waits, and waits for what runs.
pub(super) struct Pool {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    pub(super) fn start(name: &str, workers: NonZeroUsize, places: NonZeroUsize) -> io::Result<Self> {
        let queue =
            Arc::new(Queue { places: places.get(), state: Mutex::default(), changed: Condvar::new() });
        // From here on a return drops the pool, which ends the threads that were started.
        let mut pool = Self { queue, threads: Vec::new() };
        for index in 0..workers.get() {
            let queue = Arc::clone(&pool.queue);
            let name = format!("{name}-{index}");
            pool.threads.push(thread::Builder::new().name(name).spawn(move || queue.work_off())?);
        }
        Ok(pool)
    }

    /// Does `job` on one of the threads.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue.push(Box::new(Task { job, reply })).map_err(StoreError::not_written)?;
        // A job that was dropped before it began took its sender along.
        answer.await.unwrap_or_else(|_| Err(StoreError::not_written(Closed)))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // The store may be dropped by a future that a worker just woke, on that worker's thread.
            if thread.thread().id() != thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

/// Something to do, and whom to tell.
trait Work: Send {
    fn is_abandoned(&self) -> bool;
    fn perform(self: Box<Self>);
}

struct Task<T, F> {
    job: F,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F: FnOnce() -> Result<T, StoreError> + Send> Work for Task<T, F> {
    fn is_abandoned(&self) -> bool {
        self.reply.is_canceled()
    }

    fn perform(self: Box<Self>) {
        let Self { job, reply } = *self;
        // Unwind safety: what a job shares are files, and locks that hold no data.
        let done = catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|_| Err(StoreError::unknown(Aborted)));
        // Answering runs the caller's waker, which is foreign code. A caller that has left misses nothing.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(reply.send(done))));
    }
}

struct Queue {
    places: usize,
    state: Mutex<State>,
    /// Signalled when there is something to do, and when the pool closes.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Box<dyn Work>>,
    closed: bool,
}

impl Queue {
    fn push(&self, work: Box<dyn Work>) -> Result<(), Overloaded> {
        let mut state = self.lock();
        if state.waiting.len() >= self.places {
            // The dead do not keep the living out.
            state.waiting.retain(|work| !work.is_abandoned());
        }
        if state.closed || state.waiting.len() >= self.places {
            return Err(Overloaded);
        }
        state.waiting.push_back(work);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    fn work_off(&self) {
        while let Some(work) = self.next() {
            if !work.is_abandoned() {
                work.perform();
            }
        }
    }

    fn next(&self) -> Option<Box<dyn Work>> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(work) = state.waiting.pop_front() {
                return Some(work);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        // Wakes those who wait for them: not under the lock.
        drop(waiting);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        pin::pin,
        sync::mpsc,
        task::{Context, Poll, Waker},
    };

    use auth_core::{Written, testing::block_on};

    use super::*;

    fn pool(places: usize) -> Pool {
        Pool::start("test", NonZeroUsize::MIN, NonZeroUsize::new(places).unwrap()).unwrap()
    }

    /// Holds the pool's only thread until the sender goes.
    fn occupy(pool: &Pool) -> (mpsc::Sender<()>, impl Future<Output = Result<(), StoreError>> + '_) {
        let (release, held) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        let mut job = Box::pin(pool.run(move || {
            begun.send(()).unwrap();
            let _ = held.recv();
            Ok(())
        }));
        assert!(job.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        has_begun.recv().unwrap();
        (release, job)
    }

    #[test]
    fn what_does_not_fit_is_refused_at_once_and_was_not_written() {
        let pool = pool(1);
        let (release, running) = occupy(&pool);
        let mut waiting = pin!(pool.run(|| Ok(2)));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let refused = block_on(pool.run(|| Ok(3))).unwrap_err();
        assert_eq!(refused.written(), Written::No);
        assert!(std::error::Error::source(&refused).unwrap().is::<Overloaded>());
        drop(release);
        block_on(running).unwrap();
        assert_eq!(block_on(waiting).unwrap(), 2);
    }

    /// A client that hangs up must not leave half a write behind: what has begun ends, what waits never begins.
    #[test]
    fn a_job_that_has_begun_ends_without_its_caller_and_one_that_waits_does_not_begin() {
        let pool = pool(1);
        let (release, running) = occupy(&pool);
        let (done, is_done) = mpsc::channel();
        {
            let done = done.clone();
            let mut abandoned = pin!(pool.run(move || done.send("abandoned").map_err(StoreError::unknown)));
            let poll = abandoned.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(poll.is_pending());
        }
        // Its place is free again.
        let mut wanted = pin!(pool.run(move || done.send("wanted").map_err(StoreError::unknown)));
        assert!(wanted.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(running);
        drop(release);
        block_on(wanted).unwrap();
        assert_eq!(is_done.iter().collect::<Vec<_>>(), ["wanted"]);
    }

    #[test]
    fn a_panic_is_that_jobs_end_and_not_the_threads() {
        let pool = pool(1);
        let panicked = block_on(pool.run(|| -> Result<(), StoreError> { panic!("a job panicked") }));
        assert_eq!(panicked.unwrap_err().written(), Written::Unknown);
        assert_eq!(block_on(pool.run(|| Ok(7))).unwrap(), 7);
    }

    #[test]
    fn a_closed_pool_says_that_nothing_was_written() {
        let pool = pool(2);
        let queue = Arc::clone(&pool.queue);
        let (release, running) = occupy(&pool);
        let mut waiting = pin!(pool.run(|| Ok(())));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        queue.close();
        let error = block_on(poll_fn(|context| match waiting.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(answer.unwrap_err()),
            Poll::Pending => Poll::Pending,
        }));
        assert_eq!(error.written(), Written::No);
        drop(release);
        block_on(running).unwrap();
        assert_eq!(block_on(pool.run(|| Ok(()))).unwrap_err().written(), Written::No);
    }
}
