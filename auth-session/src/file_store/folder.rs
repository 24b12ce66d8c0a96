//! One of the folders that sessions are spread over: reading it, and writing to it under its lock.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use auth_core::{PrincipalTag, SessionId, SessionRecord, StoreError};

use super::{
    FileDurability,
    encoding::{self, MAX_LEN, Markers},
    names::{self, LOCK, Name, TEMPORARY},
};

/// Another process holds the lock and does not let go: it was stopped, or its disk does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another process holds the lock")]
struct Locked;

/// A folder. What is read without its lock is a whole file, either old or new.
pub(super) struct Folder {
    path: PathBuf,
    durability: FileDurability,
    patience: Duration,
    /// Open for as long as the store is: one descriptor, which the threads of this store take turns with. Other
    /// stores, in this process and in others, have one of their own, and exclude this one by locking it.
    lock: Mutex<File>,
}

impl Folder {
    pub(super) fn open(path: PathBuf, durability: FileDurability, patience: Duration) -> io::Result<Self> {
        let lock = Mutex::new(open_lock(&path.join(LOCK))?);
        Ok(Self { path, durability, patience, lock })
    }

    /// The names in the folder, in no order.
    pub(super) fn names(&self) -> Result<Vec<Name>, StoreError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(StoreError::not_written)? {
            let name = entry.map_err(StoreError::not_written)?.file_name();
            names.push(name.to_str().map_or(Name::Other, Name::parse));
        }
        Ok(names)
    }

    pub(super) fn session(&self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
        let read = self.read(&names::session(id))?;
        read.map(|bytes| encoding::decode(id, &bytes)).transpose()
    }

    pub(super) fn markers(&self, tag: PrincipalTag) -> Result<Markers, StoreError> {
        match self.read(&names::markers(tag))? {
            Some(bytes) => Markers::decode(&bytes),
            None => Ok(Markers::default()),
        }
    }

    /// Waits until nobody else writes here.
    pub(super) fn lock(&self) -> Result<Writer<'_>, StoreError> {
        // Guards a file without content: nothing can be half-done in it.
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        take(&lock, self.patience).map_err(StoreError::not_written)?;
        Ok(Writer { folder: self, lock, changed: false })
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path.join(name);
        match read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            // A link, which is not followed, or something else that is no file.
            Err(_) if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) => {
                Err(StoreError::corrupt("kind of file"))
            }
            Err(error) => Err(StoreError::not_written(error)),
        }
    }
}

/// The right to write to a folder, until it is dropped.
///
/// An error says [`Unknown`](StoreError::Unknown) once something was changed, and before that, that nothing was.
pub(super) struct Writer<'a> {
    folder: &'a Folder,
    lock: MutexGuard<'a, File>,
    changed: bool,
}

impl Writer<'_> {
    /// The session of a file, unless it was ended and only its file is left.
    pub(super) fn session(&self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
        let Some(record) = self.folder.session(id)? else { return Ok(None) };
        let ended = record.authentication.is_some() && self.folder.markers(id.tag())?.outdate(&record);
        Ok((!ended).then_some(record))
    }

    /// The session of a file, though it may have ended.
    pub(super) fn session_or_left_over(&self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
        self.folder.session(id)
    }

    pub(super) fn markers(&self, tag: PrincipalTag) -> Result<Markers, StoreError> {
        self.folder.markers(tag)
    }

    /// Whether there is a file for this session, whatever is in it.
    pub(super) fn has_file_of(&self, id: &SessionId) -> Result<bool, StoreError> {
        match fs::symlink_metadata(self.path(&names::session(id))) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// The sessions whose ids have this tag, those included that have ended; without files that cannot be read.
    pub(super) fn sessions_of(&self, tag: PrincipalTag) -> Result<Vec<SessionRecord>, StoreError> {
        let mut found = Vec::new();
        for name in self.folder.names()? {
            let Name::Session(id) = name else { continue };
            if id.tag() != tag {
                continue;
            }
            match self.folder.session(&id) {
                Ok(record) => found.extend(record),
                Err(StoreError::Corrupt(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Writes a session's file in the place of the one that there may be.
    pub(super) fn put(&mut self, record: &SessionRecord) -> Result<(), StoreError> {
        let bytes = encoding::encode(record)?;
        self.replace(&names::session(&record.id), &bytes)
    }

    pub(super) fn put_markers(&mut self, tag: PrincipalTag, markers: &Markers) -> Result<(), StoreError> {
        let bytes = markers.encode()?;
        self.replace(&names::markers(tag), &bytes)
    }

    pub(super) fn remove(&mut self, id: &SessionId) -> Result<bool, StoreError> {
        self.unlink(&names::session(id))
    }

    pub(super) fn remove_markers(&mut self, tag: PrincipalTag) -> Result<bool, StoreError> {
        self.unlink(&names::markers(tag))
    }

    /// Removes what a process that died was writing.
    pub(super) fn remove_temporary(&mut self) -> Result<bool, StoreError> {
        self.unlink(TEMPORARY)
    }

    /// Makes what was changed last, as far as [`FileDurability`] says.
    pub(super) fn finish(self) -> Result<(), StoreError> {
        if !self.changed || self.folder.durability == FileDurability::ProcessCrash {
            return Ok(());
        }
        File::open(&self.folder.path).and_then(|folder| folder.sync_all()).map_err(|error| self.failed(error))
    }

    /// Written beside it, made to last, and only then renamed: the name stands for the old content or the new.
    fn replace(&mut self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let (temporary, path) = (self.path(TEMPORARY), self.path(name));
        let written = self.write_new(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
        if let Err(error) = written {
            // Room for others. What stays is replaced by the next write.
            let _ = fs::remove_file(&temporary);
            return Err(self.failed(error));
        }
        self.changed = true;
        Ok(())
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = create(path)?;
        file.write_all(bytes)?;
        if self.folder.durability == FileDurability::PowerLoss { file.sync_all() } else { Ok(()) }
    }

    fn unlink(&mut self, name: &str) -> Result<bool, StoreError> {
        match fs::remove_file(self.path(name)) {
            Ok(()) => {
                self.changed = true;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path.join(name)
    }

    fn failed(&self, error: io::Error) -> StoreError {
        match error.kind() {
            _ if self.changed => StoreError::unknown(error),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::full(),
            _ => StoreError::not_written(error),
        }
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        // Fails only for a descriptor that is none; closing it would unlock it as well.
        #[expect(clippy::incompatible_msrv, reason = "the feature needs Rust 1.89")]
        let _ = self.lock.unlock();
    }
}

/// A file that processes lock, made if it is missing.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    options().write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Takes a lock, and gives up after `patience`. On a thread that may wait.
pub(super) fn take(lock: &File, patience: Duration) -> io::Result<()> {
    const LONGEST: Duration = Duration::from_millis(10);
    let (begun, mut pause) = (Instant::now(), Duration::from_micros(20));
    loop {
        #[expect(clippy::incompatible_msrv, reason = "the feature needs Rust 1.89")]
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(fs::TryLockError::Error(error)) => return Err(error),
            Err(fs::TryLockError::WouldBlock) if begun.elapsed() >= patience => {
                return Err(io::Error::new(io::ErrorKind::TimedOut, Locked));
            }
            Err(fs::TryLockError::WouldBlock) => thread::sleep(pause),
        }
        pause = pause.saturating_mul(2).min(LONGEST);
    }
}

/// A new file, in the place of what a crash may have left under its name. Under the lock.
fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    create_new(path)
}

/// A file that was not there.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// All of a regular file, or an error beyond what one may have.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = options().read(true).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    // One more than there may be, which is then found to be too many.
    file.take(u64::try_from(MAX_LEN).unwrap_or(u64::MAX).saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Follows no symbolic link, and does not wait for the other end of a pipe.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options
}
