//! Connections that are open already.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use auth_core::StoreError;
use sqlx::Connection as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit},
    time::timeout,
};

use super::{
    driver::{Connect, Connection, Driver, Settings},
    failure::{Failure, Phase},
    work::Work,
};

/// A connection that was used within this is taken to be alive without asking it.
const SURELY_ALIVE: Duration = Duration::from_secs(1);

/// How long a connection may take to say that it lives. One that is as dead as its server says nothing at all.
const PING: Duration = Duration::from_secs(1);

/// How long a connection that nobody needs stays open.
pub(crate) const IDLE: Duration = Duration::from_secs(10 * 60);

/// How old a connection gets.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// The open connections to one server, and the right to open more.
///
/// One that was given up in the middle of anything, for want of time or because the caller went away, is closed and
/// never used again: nobody waits for what it may still answer, and the server undoes what it did not commit.
pub(super) struct Pool<D: Driver> {
    connect: Connect<D>,
    pub(super) settings: Settings,
    permits: Arc<Semaphore>,
    /// The right to count something. Whoever guesses makes calls that all wait for one counter.
    counting: Semaphore,
    /// The one that was used last is at the end, and is used next.
    idle: Mutex<Vec<Open<D>>>,
}

struct Open<D: Driver> {
    connection: Connection<D>,
    born: Instant,
    used: Instant,
}

impl<D: Driver> Pool<D> {
    pub(super) fn new(connect: Connect<D>, settings: Settings) -> Self {
        let max = usize::try_from(settings.max_connections).unwrap_or(1);
        let permits = Arc::new(Semaphore::new(max));
        let counting = Semaphore::new((max / 2).max(1));
        Self { connect, settings, permits, counting, idle: Mutex::default() }
    }

    /// Waits, without a connection, until fewer than half of them count.
    pub(super) async fn count(&self, work: &Work) -> Result<SemaphorePermit<'_>, Failure> {
        let permit = work.step(Phase::Open, self.counting.acquire()).await?;
        permit.map_err(|_| Failure::from(StoreError::not_written("database was closed")))
    }

    /// A connection, an open one if there is one.
    pub(super) async fn lease(self: &Arc<Self>, work: &Work) -> Result<Lease<D>, Failure> {
        let permit = work.step(Phase::Open, Arc::clone(&self.permits).acquire_owned()).await?;
        let permit = permit.map_err(|_| Failure::from(StoreError::not_written("database was closed")))?;
        while let Some(mut open) = self.pop() {
            if open.used.elapsed() < SURELY_ALIVE || self.lives(&mut open, work).await? {
                return Ok(Lease {
                    open: Some(open),
                    usable: false,
                    pool: Arc::clone(self),
                    _permit: permit,
                });
            }
        }
        let connecting = D::connect(&self.connect, &self.settings);
        let connection = work.step(Phase::Open, connecting).await?.map_err(Failure::unconnected::<D>)?;
        let now = Instant::now();
        let open = Some(Open { connection, born: now, used: now });
        Ok(Lease { open, usable: false, pool: Arc::clone(self), _permit: permit })
    }

    /// Whether a connection answers. If it does not, the others that are idle go with it.
    async fn lives(&self, open: &mut Open<D>, work: &Work) -> Result<bool, Failure> {
        let ping = timeout(PING, open.connection.ping());
        let answer = work.step(Phase::Open, ping).await;
        let lives = matches!(answer, Ok(Ok(Ok(()))));
        if !lives {
            self.forget_idle();
        }
        answer.map(|_| lives)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Open<D>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pop(&self) -> Option<Open<D>> {
        let mut idle = self.idle();
        idle.retain(|open| open.used.elapsed() < IDLE && open.born.elapsed() < LIFETIME);
        idle.pop()
    }

    /// Closes the connections that nobody uses: the server is not the one that they were made to.
    pub(super) fn forget_idle(&self) {
        self.idle().clear();
    }

    /// Refuses new calls, waits for those under way, and closes every connection.
    pub(super) async fn close(&self) {
        let all = self.permits.acquire_many(self.settings.max_connections).await;
        self.permits.close();
        drop(all);
        let open = std::mem::take(&mut *self.idle());
        for open in open {
            // Saying farewell is a courtesy, and a server that does not answer gets none.
            let _ = timeout(SURELY_ALIVE, open.connection.close()).await;
        }
    }
}

impl<D: Driver> fmt::Debug for Pool<D> {
    /// Without the options of the connections, which have the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// One connection, for one call.
pub(super) struct Lease<D: Driver> {
    open: Option<Open<D>>,
    /// Whether it may be used again: nothing is under way, and no transaction is open.
    usable: bool,
    pool: Arc<Pool<D>>,
    _permit: OwnedSemaphorePermit,
}

impl<D: Driver> Lease<D> {
    /// The connection, which is of no further use unless it is [given back](Self::give_back).
    pub(super) fn connection(&mut self) -> Result<&mut Connection<D>, Failure> {
        let open = self.open.as_mut().ok_or(Failure::from(StoreError::not_written("no connection")))?;
        Ok(&mut open.connection)
    }

    pub(super) fn settings(&self) -> Settings {
        self.pool.settings.clone()
    }

    /// Lets others use the connection.
    pub(super) fn give_back(mut self) {
        self.usable = true;
    }

    /// The connection may be used by others once this lease ends.
    pub(super) fn mark_usable(&mut self) {
        self.usable = true;
    }

    /// After a connection broke or did not answer in time, the others are doubtful.
    pub(super) fn doubt_others(&self, failure: &Failure) {
        if failure.lost {
            self.pool.forget_idle();
        }
    }
}

impl<D: Driver> Drop for Lease<D> {
    fn drop(&mut self) {
        if let (true, Some(mut open)) = (self.usable, self.open.take()) {
            open.used = Instant::now();
            // Before the permit is free.
            self.pool.idle().push(open);
        }
    }
}
