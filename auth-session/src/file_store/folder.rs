//! One of the folders that sessions are spread over: reading it, and writing to it under its lock.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use auth_core::{PrincipalTag, SessionId, SessionRecord, StoreError, UnixTime};

use super::{
    FileDurability,
    encoding::{self, MAX_LEN, Markers},
    names::{self, LOCK, Name, TEMPORARY},
};

/// The lock is held and not let go: by a process that was stopped, or whose disk does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lock is held for too long")]
struct Locked;

/// When a call gives up waiting; never, if that is beyond what clocks can say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    at: Option<Instant>,
    /// After how long a wait is a long one: a twentieth of the whole patience.
    long: Duration,
}

impl Deadline {
    pub(super) fn after(patience: Duration) -> Self {
        Self { at: Instant::now().checked_add(patience), long: patience.checked_div(20).unwrap_or_default() }
    }

    fn left(self) -> Duration {
        self.at.map_or(Duration::from_secs(3_600), |at| at.saturating_duration_since(Instant::now()))
    }

    fn earlier(self, other: Self) -> Self {
        Self { at: self.at.into_iter().chain(other.at).min(), ..self }
    }
}

/// A folder. What is read without its lock is a whole file, either old or new.
pub(super) struct Folder {
    path: PathBuf,
    durability: FileDurability,
    /// Whose the store is, and each file in it.
    owner: u32,
    /// Open for as long as the store is: one descriptor, which the threads of this store take turns with. Other
    /// stores, in this process and in others, have one of their own, and exclude this one by locking it.
    lock: File,
    turn: Mutex<Turn>,
    /// Signalled when a turn ends, and when it is known to be a long one.
    changed: Condvar,
    /// How many sessions were looked at for want of room.
    looked_at: AtomicUsize,
    /// When that was in vain, as long as nothing was removed since.
    full_at: Mutex<Option<UnixTime>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Free,
    Taken,
    /// By a thread that already waits long for another process. No other waits behind it.
    Stuck,
}

impl Folder {
    pub(super) fn open(path: PathBuf, durability: FileDurability, owner: u32) -> io::Result<Self> {
        let lock = open_lock(&path.join(LOCK))?;
        let (turn, changed, looked_at) = (Mutex::new(Turn::Free), Condvar::new(), AtomicUsize::new(0));
        let full_at = Mutex::new(None);
        Ok(Self { path, durability, owner, lock, turn, changed, looked_at, full_at })
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

    /// Waits until nobody else writes here, at most until `deadline`.
    pub(super) fn lock(&self, deadline: Deadline) -> Result<Writer<'_>, StoreError> {
        self.take_turn(deadline).map_err(StoreError::not_written)?;
        // From here on a return ends the turn.
        let writer = Writer { folder: self, changed: false };
        let taken = match take(&self.lock, deadline.earlier(Deadline::after(deadline.long))) {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                self.set_turn(Turn::Stuck);
                let taken = take(&self.lock, deadline);
                self.set_turn(Turn::Taken);
                taken
            }
            taken => taken,
        };
        taken.map_err(StoreError::not_written)?;
        Ok(writer)
    }

    fn take_turn(&self, deadline: Deadline) -> Result<(), Locked> {
        // Whatever panicked, one word cannot be half-changed.
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        while *turn != Turn::Free {
            let left = deadline.left();
            if *turn == Turn::Stuck || left.is_zero() {
                return Err(Locked);
            }
            (turn, _) = self.changed.wait_timeout(turn, left).unwrap_or_else(PoisonError::into_inner);
        }
        *turn = Turn::Taken;
        Ok(())
    }

    fn set_turn(&self, turn: Turn) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = turn;
        match turn {
            Turn::Free => self.changed.notify_one(),
            Turn::Taken => {}
            Turn::Stuck => self.changed.notify_all(),
        }
    }

    fn was_full_at(&self) -> Option<UnixTime> {
        *self.full_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_full_at(&self, at: Option<UnixTime>) {
        *self.full_at.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path.join(name);
        match read(&path, self.owner) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            // A link, which is not followed, or something else that is no file, or is somebody else's.
            Err(_) if fs::symlink_metadata(&path).is_ok_and(|found| !is_ours(&found, self.owner)) => {
                Err(StoreError::corrupt("kind or owner of file"))
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
    changed: bool,
}

impl Writer<'_> {
    /// The session of a file, unless it was ended and only its file is left.
    pub(super) fn session(&self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
        let Some(record) = self.folder.session(id)? else { return Ok(None) };
        let ended = record.authentication.is_some() && self.folder.markers(id.tag())?.ended(&record);
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

    /// Whether it is a file, and ours.
    pub(super) fn has_own_file_of(&self, id: &SessionId) -> bool {
        let found = fs::symlink_metadata(self.path(&names::session(id)));
        found.is_ok_and(|found| is_ours(&found, self.folder.owner))
    }

    /// The sessions whose ids have this tag, those included that have ended; and whether there are files beside them
    /// that cannot be read.
    pub(super) fn sessions_of(&self, tag: PrincipalTag) -> Result<(Vec<SessionRecord>, bool), StoreError> {
        let (mut found, mut has_damaged) = (Vec::new(), false);
        for name in self.folder.names()? {
            let Name::Session(id) = name else { continue };
            if id.tag() != tag {
                continue;
            }
            match self.folder.session(&id) {
                Ok(record) => found.extend(record),
                Err(StoreError::Corrupt(_)) => has_damaged = true,
                Err(error) => return Err(error),
            }
        }
        Ok((found, has_damaged))
    }

    /// Whether there is room for another session where there may be `share`, once `ending` are gone. Where there is none,
    /// some that have expired are forgotten first, of those that come after the ones that were looked at last: once a
    /// second, for others wait for the lock.
    pub(super) fn has_room(
        &mut self,
        share: usize,
        ending: usize,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        const AT_ONCE: usize = 256;
        if ending == 0 && self.folder.was_full_at() == Some(now) {
            return Ok(false);
        }
        let most = share.saturating_add(ending);
        let of_sessions = |name| match name {
            Name::Session(id) => Some(id),
            _ => None,
        };
        let sessions: Vec<_> = self.folder.names()?.into_iter().filter_map(of_sessions).collect();
        let mut left = sessions.len();
        if left < most {
            return Ok(true);
        }
        let looked_at = self.folder.looked_at.fetch_add(AT_ONCE, Ordering::Relaxed);
        let from = looked_at.checked_rem(left).unwrap_or(0);
        for id in sessions.iter().cycle().skip(from).take(left.min(AT_ONCE)) {
            let expired = self.folder.session(id).is_ok_and(|found| found.is_some_and(|r| !r.is_live(now)));
            if expired && self.remove(id)? {
                left = left.saturating_sub(1);
            }
        }
        let has_room = left < most;
        if !has_room {
            self.folder.set_full_at(Some(now));
        }
        Ok(has_room)
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

    /// Whether an error before the end leaves something changed.
    pub(super) const fn was_changed(&self) -> bool {
        self.changed
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
                self.folder.set_full_at(None);
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
        let _ = self.folder.lock.unlock();
        self.folder.set_turn(Turn::Free);
    }
}

/// A file that processes lock, made if it is missing.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    options().write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Takes a lock, and gives up at `deadline`. On a thread that may wait.
pub(super) fn take(lock: &File, deadline: Deadline) -> io::Result<()> {
    const LONGEST: Duration = Duration::from_millis(10);
    let mut pause = Duration::from_micros(20);
    loop {
        #[expect(clippy::incompatible_msrv, reason = "the feature needs Rust 1.89")]
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(fs::TryLockError::Error(error)) => return Err(error),
            Err(fs::TryLockError::WouldBlock) if deadline.left().is_zero() => {
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

/// All of a regular file of `owner`'s, or an error beyond what one may have.
pub(super) fn read(path: &Path, owner: u32) -> io::Result<Vec<u8>> {
    let file = options().read(true).open(path)?;
    // What is open is asked, not what has its name by now.
    if !is_ours(&file.metadata()?, owner) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file, or somebody else's"));
    }
    let mut bytes = Vec::new();
    // One more than there may be, which is then found to be too many.
    file.take(u64::try_from(MAX_LEN).unwrap_or(u64::MAX).saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_ours(file: &Metadata, owner: u32) -> bool {
    file.is_file() && file.uid() == owner
}

/// Follows no symbolic link, and does not wait for the other end of a pipe.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options
}

#[cfg(test)]
mod tests {
    use auth_core::SystemEntropy;

    use super::*;

    /// Where an attacker can put another folder in the place of a checked one, what is in it is still theirs.
    #[test]
    fn a_file_of_another_owner_is_no_session_and_no_marker() {
        let above = tempfile::tempdir().unwrap();
        let id = SessionId::anonymous(&SystemEntropy).unwrap();
        let markers = Markers::default().encode().unwrap();
        let path = above.path().join(names::markers(id.tag()));
        fs::write(&path, &markers).unwrap();
        fs::write(above.path().join(names::session(&id)), &markers).unwrap();
        let owner = fs::metadata(&path).unwrap().uid();
        let open =
            |owner| Folder::open(above.path().to_owned(), FileDurability::ProcessCrash, owner).unwrap();
        assert_eq!(open(owner).markers(id.tag()).unwrap(), Markers::default());
        let theirs = open(owner.wrapping_add(1));
        const WHAT: &str = "kind or owner of file";
        assert!(matches!(theirs.markers(id.tag()), Err(StoreError::Corrupt(WHAT))));
        assert!(matches!(theirs.session(&id), Err(StoreError::Corrupt(WHAT))));
        assert_eq!(read(&path, owner).unwrap(), markers);
        assert_eq!(read(&path, owner.wrapping_add(1)).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
