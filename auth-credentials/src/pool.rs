//! A bounded pool of threads that hash.

mod queue;
mod worker;

use std::{
    fmt, io,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use auth_core::{AuthenticateError, EntropyError, Refusal, Unavailable};
use futures_channel::oneshot;

use self::queue::{Done, Job, Queue, Work};
pub use self::queue::{HashPoolStats, PasswordCheck};
use crate::{
    hash::{
        hasher::{HashError, PasswordHasher},
        memory::{HashMemory, OutOfMemory},
        phc::PasswordHash,
    },
    password::Password,
    source::{Origin, SourceKey},
};

/// How large a [`HashPool`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashPoolSize {
    /// Threads that hash. By default one less than there are cores, and at least one, so that a flood of
    /// logins leaves the runtime a core.
    pub workers: NonZeroUsize,
    /// Places for jobs that wait. By default 64. One source holds at most an eighth of them, and at least one. As many
    /// again are kept for devices that are [remembered](crate::RememberedDevices) and find no place of their source; those
    /// of one account hold two at most.
    pub queue: NonZeroUsize,
}

impl HashPoolSize {
    const DEFAULT_QUEUE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);
}

impl Default for HashPoolSize {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let workers = NonZeroUsize::new(cores.saturating_sub(1)).unwrap_or(NonZeroUsize::MIN);
        Self { workers, queue: Self::DEFAULT_QUEUE }
    }
}

/// Why a [`HashPool`] did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashPoolError {
    /// There is no memory for the workers.
    #[error("no memory to hash in")]
    OutOfMemory(#[from] OutOfMemory),
    /// A thread could not be started.
    #[error("hash worker did not start")]
    Spawn(#[source] io::Error),
    /// The operating system gave no random bytes.
    #[error("no random bytes for the hasher")]
    Entropy(#[from] EntropyError),
}

/// The pool has no place left, or none for this source. HTTP 503: try again in a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("overloaded")]
pub struct Overloaded;

impl From<Overloaded> for Unavailable {
    fn from(_: Overloaded) -> Self {
        Self::Overloaded
    }
}

impl From<Overloaded> for AuthenticateError {
    fn from(_: Overloaded) -> Self {
        Self::Unavailable(Unavailable::Overloaded)
    }
}

impl From<Overloaded> for Refusal {
    fn from(_: Overloaded) -> Self {
        Self::Unavailable(Unavailable::Overloaded)
    }
}

/// Threads of our own that hash passwords, a bounded queue before them, and one block of memory each.
///
/// Needs no runtime and blocks none: [`admit`](Self::admit) answers at once, and the futures wait for a
/// channel. Clones share the pool; when the last one is dropped, jobs that wait are given up, and the drop
/// waits for those that run (tens of milliseconds at the default parameters).
///
/// - A flood costs its source an eighth of the queue and everybody else nothing; what does not fit is
///   [`Overloaded`] at once. One from everywhere fills the queue, and not the places of remembered devices.
/// - A job whose caller has left is dropped unhashed if it still waits. If it has started it runs on and its
///   source keeps the place until it ends: leaving early buys no extra work.
/// - Memory is the workers' blocks and nothing else, taken and touched at the start. (A stored hash that is
///   dearer than today's parameters takes more while it is checked, and so does every check where scrypt is accepted.) A block is wiped whenever its worker
///   finds nothing to do, after the answer is out; under load the next job overwrites it instead. So what
///   can be found in it is never older than one hash, and the throughput pays nothing.
/// - A panic in a job is that job's end, not the worker's.
#[derive(Clone)]
pub struct HashPool(Arc<Inner>);

struct Inner {
    queue: Arc<Queue>,
    hasher: PasswordHasher,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl HashPool {
    /// Starts the workers, each with its memory.
    ///
    /// # Errors
    /// [`HashPoolError::OutOfMemory`] or [`HashPoolError::Spawn`].
    pub fn start(hasher: PasswordHasher, size: HashPoolSize) -> Result<Self, HashPoolError> {
        let queue = Arc::new(Queue::new(size));
        // From here on a return drops the pool, which ends the workers that were started.
        let pool = Self(Arc::new(Inner { queue, hasher: hasher.clone(), threads: Mutex::new(Vec::new()) }));
        for index in 0..size.workers.get() {
            let memory = HashMemory::new(hasher.params())?;
            let (queue, hasher) = (Arc::clone(&pool.0.queue), hasher.clone());
            let thread = thread::Builder::new()
                .name(format!("auth-hash-{index}"))
                .spawn(move || worker::run(&queue, &hasher, memory))
                .map_err(HashPoolError::Spawn)?;
            pool.0.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        Ok(pool)
    }

    /// Takes a place for one job, before anything else is spent on the request.
    ///
    /// Dropping the place gives it back.
    ///
    /// # Errors
    /// [`Overloaded`] if the queue is full, or `source` holds its eighth of it.
    pub fn admit(&self, source: SourceKey) -> Result<HashPlace, Overloaded> {
        self.admit_from(source.into(), None)
    }

    /// The same, or a kept place if there is none left for `origin`.
    pub(crate) fn admit_from(&self, origin: Origin, kept: Option<Origin>) -> Result<HashPlace, Overloaded> {
        let origin = self.0.queue.reserve(origin, kept)?;
        Ok(HashPlace { queue: Some(Arc::clone(&self.0.queue)), origin })
    }

    /// The hasher that the workers use.
    #[must_use]
    pub fn hasher(&self) -> &PasswordHasher {
        &self.0.hasher
    }

    /// What the pool is doing and has done.
    #[must_use]
    pub fn stats(&self) -> HashPoolStats {
        self.0.queue.stats()
    }
}

impl fmt::Debug for HashPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashPool").field("hasher", &self.0.hasher).field("stats", &self.stats()).finish()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
        let threads = std::mem::take(self.threads.get_mut().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // The last clone may be dropped by a future that a worker just woke, on that worker's thread.
            if thread.thread().id() != thread::current().id() {
                // Workers catch panics of jobs; one that died nevertheless has nothing left to wait for.
                let _ = thread.join();
            }
        }
    }
}

/// A place in a [`HashPool`], good for one job.
///
/// Each method puts its job into the queue at once, not when its future is first polled: a caller may do
/// other work meanwhile. Dropping the future is how a caller leaves.
#[must_use = "dropping a place gives it back"]
pub struct HashPlace {
    /// Empty once the place has become a job, which then gives it back.
    queue: Option<Arc<Queue>>,
    origin: Origin,
}

impl HashPlace {
    /// Whose it is.
    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`HashError`]. A password that is too long is refused without waiting.
    pub fn hash(
        self,
        password: Password,
    ) -> impl Future<Output = Result<PasswordHash, HashError>> + Send + use<> {
        let job = if password.is_too_long() { None } else { Some(self.submit(Work::Hash { password })) };
        async move {
            match job.ok_or(HashError::TooLong)?.await? {
                Done::Hashed(hash) => Ok(hash),
                Done::Checked(_) => Err(HashError::Aborted),
            }
        }
    }

    /// Checks a password, and hashes it anew in the same job if it is right and its hash is out of date.
    ///
    /// # Errors
    /// [`HashError`]; whether the password is right is then unknown.
    pub fn verify(
        self,
        password: Password,
        stored: PasswordHash,
    ) -> impl Future<Output = Result<PasswordCheck, HashError>> + Send + use<> {
        self.check(password, Some(stored), None)
    }

    /// Checks a password, and hashes `replacement` in the same job if it is right.
    ///
    /// # Errors
    /// [`HashError`]. A replacement that is too long is refused once the password is right.
    pub fn verify_and_replace(
        self,
        password: Password,
        stored: PasswordHash,
        replacement: Password,
    ) -> impl Future<Output = Result<PasswordCheck, HashError>> + Send + use<> {
        self.check(password, Some(stored), Some(replacement))
    }

    /// Does the work of [`verify`](Self::verify) where there is nothing to check, and answers
    /// [`PasswordCheck::Mismatch`].
    ///
    /// # Errors
    /// [`HashError`].
    pub fn verify_nothing(
        self,
        password: Password,
    ) -> impl Future<Output = Result<PasswordCheck, HashError>> + Send + use<> {
        self.check(password, None, None)
    }

    /// All checks are this one, so that their futures are of one type and take one path.
    pub(crate) fn check(
        self,
        password: Password,
        stored: Option<PasswordHash>,
        replacement: Option<Password>,
    ) -> impl Future<Output = Result<PasswordCheck, HashError>> + Send + use<> {
        let job = self.submit(Work::Check { password, stored: stored.map(Box::new), replacement });
        async move {
            match job.await? {
                Done::Checked(check) => Ok(check),
                Done::Hashed(_) => Err(HashError::Aborted),
            }
        }
    }

    fn submit(mut self, work: Work) -> impl Future<Output = Result<Done, HashError>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        if let Some(queue) = self.queue.take() {
            queue.submit(Job { origin: self.origin, work, reply });
        }
        // A job that was dropped took its sender along.
        async move { answer.await.unwrap_or(Err(HashError::Aborted)) }
    }
}

impl Drop for HashPlace {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.take() {
            queue.cancel_reservation(self.origin);
        }
    }
}

impl fmt::Debug for HashPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashPlace").field("origin", &self.origin).finish_non_exhaustive()
    }
}
