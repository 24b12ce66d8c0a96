//! Sessions as files.

mod disk;
mod encoding;
mod folder;
mod names;
mod pool;
mod root;

use std::{fmt, io, num::NonZeroUsize, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use auth_core::{
    EndAll, Inserted, Page, Rotated, SecretState, SessionBlob, SessionId, SessionLimit, SessionOwner,
    SessionRecord, SessionStore, SessionSummary, StoreError, UnixTime, Updated, Version,
};

use self::{
    disk::{Call, Disk, Owner},
    pool::Pool,
};

/// What acknowledged writes of a [`FileSessions`] survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FileDurability {
    /// Loss of power and a crash of the operating system too, as far as the disk keeps what it confirmed: before a write
    /// is answered, the file and its folder are on the disk (`fsync`).
    #[default]
    PowerLoss,
    /// The end of the process, however it comes, and no more. Nothing waits for the disk, and after a loss of power the
    /// last seconds may be missing or unreadable, file by file, **and sessions that were ended in them may be alive
    /// again** until the account's [epoch](crate::EpochCheck) ends them. For development, and for folders in memory.
    ProcessCrash,
}

/// How a [`FileSessions`] works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOptions {
    /// What is waited for. By default [`FileDurability::PowerLoss`].
    pub durability: FileDurability,
    /// Threads that write, and as many more that [load](SessionStore::load). By default 4.
    pub workers: NonZeroUsize,
    /// Calls that may wait for a thread to write, and as many more to load; one more is refused as not written. By
    /// default 256.
    pub queue: NonZeroUsize,
    /// The most sessions, in shares: each of 16 folders takes a sixteenth of them, rounded up, and one session more than
    /// its share is [`StoreError::Full`]. All of a principal's are in one folder. By default 100,000.
    pub capacity: NonZeroUsize,
    /// How long after it was made a call still waits for a lock that another process holds. It is then refused as
    /// not written, and at once if another call already waits for that lock for a twentieth of it. By default 5 s, and so 250 ms.
    pub patience: Duration,
}

impl Default for FileOptions {
    fn default() -> Self {
        const ONE: NonZeroUsize = NonZeroUsize::MIN;
        Self {
            durability: FileDurability::PowerLoss,
            workers: ONE.saturating_add(3),
            queue: ONE.saturating_add(255),
            capacity: ONE.saturating_add(99_999),
            patience: Duration::from_secs(5),
        }
    }
}

/// Why a [`FileSessions`] was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileStoreError {
    /// Others than the owner may write to the folder, or to one in it: they could log in as anybody. Take that right
    /// away (`chmod go-w`).
    #[error("others may write to the folder")]
    NotPrivate,
    /// The folder is somebody else's than the files that this process makes.
    #[error("the folder belongs to another user")]
    NotOurs,
    /// It is no folder, or one with other things in it, which are left as they are. Name an empty one, or one that does
    /// not exist.
    #[error("the folder is not empty and not a store of sessions")]
    Foreign,
    /// It is a store of another version.
    #[error("the folder is a store of another version")]
    Version,
    /// A file could not be read or written, or a thread could not be started.
    #[error("the folder cannot be used")]
    Io(#[from] io::Error),
}

/// Keeps sessions as files in a folder: one file for each session. For tools on one machine that have no database.
///
/// Several processes may share a folder. It has to be on a local disk, or in memory, where locks (`flock`) and
/// renaming do what they should; on a network file system they may not.
///
/// - A file is written beside the old one and renamed over it, so it is always whole. Reading takes no lock. Writing
///   locks one of 16 folders, against threads and against other processes, and checks its conditions under it.
/// - What was acknowledged outlives the process however it ends; [`FileDurability`] says what outlives the machine.
/// - A call that ends several sessions writes several files. If the process dies in between, no session that had
///   ended comes back: [`end_all`](SessionStore::end_all) leaves its marker first. Of a login that a
///   [`SessionLimit`] makes room for, both sessions may be left; the next login ends the one that is too many.
/// - A file that is damaged or that was put there is [`StoreError::Corrupt`] to whoever asks for that session. A list
///   and a limit leave it out, and nothing else removes it: a newer version may be able to read it. As long as it is
///   there, so are the markers that end it. Symbolic links are not followed.
/// - The folder above must not be writable by others either: whoever can rename the store can put another in its place.
///   Names are looked up for each call; a file that is not the folder's owner's is refused as damaged.
/// - Files are readable by their owner only and hold SHA-256 hashes, no secret; the checksum in them is against
///   damage, not against whoever can write there. The application's data is in them as it is.
/// - Reading and writing happen on [a few threads](FileOptions::workers) of its own. A call that is dropped before one
///   of them began it does nothing; one that was begun ends.
///
/// A principal's sessions are found by the [tag](SessionId::tag) in their ids. After a change of the key that tags are
/// made with, [`list`](SessionStore::list) and [`end_all`](SessionStore::end_all) find those of retired keys; a
/// [`SessionLimit`] counts those of the new session's key only.
///
/// There are no more sessions than [`FileOptions::capacity`], and no more than the disk has room for: then new ones are
/// [`StoreError::Full`], and no live one is thrown away. Loading and
/// changing one costs the same however many there are; a new one, a list and an `end_all` read
/// the names of a sixteenth of them. Visitors who are not logged in can fill it: limit their rate, and how long their
/// sessions [live](crate::SessionPolicy::with_anonymous).
///
/// Expired sessions stay until [`purge`](SessionStore::purge), which reads every file; markers and what crashes left
/// behind leave with it too. Where a folder is full, a session that is refused looks at 256 of its files first, and
/// forgets those that have expired: once a second, and room that another process made is noticed no sooner.
///
/// Cloning shares the store. Dropping the last clone waits for the calls that run.
#[derive(Clone)]
pub struct FileSessions(Arc<Inner>);

struct Inner {
    disk: Arc<Disk>,
    /// Apart, so that nobody who only reads waits for who waits for a lock.
    reads: Pool,
    writes: Pool,
    options: FileOptions,
}

impl FileSessions {
    /// Opens the store in `folder`, and makes it if there is none; the folder above has to exist. Reads and writes
    /// on the thread that calls it.
    ///
    /// # Errors
    /// [`FileStoreError`].
    pub fn open(folder: impl AsRef<Path>, options: FileOptions) -> Result<Self, FileStoreError> {
        let disk = Arc::new(Disk::open(folder.as_ref(), &options)?);
        let reads = Pool::start("auth-file-read", options.workers, options.queue)?;
        let writes = Pool::start("auth-file-write", options.workers, options.queue)?;
        Ok(Self(Arc::new(Inner { disk, reads, writes, options })))
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Call<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_on(&self.0.writes, job).await
    }

    async fn run_on<T: Send + 'static>(
        &self,
        pool: &Pool,
        job: impl FnOnce(&Call<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let disk = Arc::clone(&self.0.disk);
        // What it waits for a thread counts.
        let deadline = disk.deadline();
        pool.run(move || job(&disk.call(deadline))).await
    }
}

impl fmt::Debug for FileSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSessions").field("options", &self.0.options).finish_non_exhaustive()
    }
}

#[async_trait]
impl SessionStore for FileSessions {
    async fn insert(
        &self,
        record: &SessionRecord,
        limit: Option<&SessionLimit>,
        now: UnixTime,
    ) -> Result<Inserted, StoreError> {
        let (record, limit) = (record.clone(), limit.cloned());
        self.run(move |disk| disk.insert(&record, limit.as_ref(), now)).await
    }

    async fn load(&self, id: &SessionId, now: UnixTime) -> Result<Option<SessionRecord>, StoreError> {
        let id = *id;
        self.run_on(&self.0.reads, move |disk| disk.load(&id, now)).await
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        data: &SessionBlob,
    ) -> Result<Updated, StoreError> {
        let (id, data) = (*id, data.clone());
        self.run(move |disk| disk.update(&id, expected, &data)).await
    }

    async fn touch(&self, id: &SessionId, idle_until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        let id = *id;
        self.run(move |disk| disk.touch(&id, idle_until, now)).await
    }

    async fn rotate(
        &self,
        id: &SessionId,
        expected: Version,
        next: &SecretState,
    ) -> Result<Rotated, StoreError> {
        let (id, next) = (*id, next.clone());
        self.run(move |disk| disk.rotate(&id, expected, &next)).await
    }

    async fn remove(&self, id: &SessionId) -> Result<bool, StoreError> {
        let id = *id;
        self.run(move |disk| disk.remove(&id)).await
    }

    async fn list(
        &self,
        owner: &SessionOwner,
        page: Page,
        now: UnixTime,
    ) -> Result<Vec<SessionSummary>, StoreError> {
        let owner = Owner::of(owner, None);
        self.run(move |disk| disk.list(&owner, page, now)).await
    }

    async fn end_all(&self, what: EndAll<'_>, now: UnixTime) -> Result<u64, StoreError> {
        let (owner, except) = (Owner::of(what.owner, what.except), what.except.copied());
        let epoch = what.epoch;
        self.run(move |disk| disk.end_all(&owner, except.as_ref(), epoch, now)).await
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.run(move |disk| disk.purge(now, limit)).await
    }
}

impl Owner {
    fn of(owner: &SessionOwner, except: Option<&SessionId>) -> Self {
        // The spared session may be under a key that the ring has no more.
        let mut tags: Vec<_> = owner.tags().chain(except.map(SessionId::tag)).collect();
        tags.sort_unstable();
        tags.dedup();
        Self { owner: owner.clone(), tags }
    }
}
