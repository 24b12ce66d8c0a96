//! What the store does, on whichever thread calls it.

use std::{collections::HashSet, path::Path, time::Duration};

use auth_core::{
    AuthEpoch, EndAll, Inserted, Page, PrincipalTag, Rotated, SecretState, SessionBlob, SessionId,
    SessionLimit, SessionOwner, SessionRecord, SessionSummary, StoreError, UnixTime, Updated, Version,
    Written,
};

use super::{
    FileOptions, FileStoreError,
    folder::{Deadline, Folder, Writer},
    names::Name,
    root,
};

/// A whole store. What belongs to one tag is in one folder.
pub(super) struct Disk {
    folders: Vec<Folder>,
    patience: Duration,
    /// The most sessions of one folder.
    share: usize,
}

/// The store for one call, which waits for locks until its deadline.
pub(super) struct Call<'a> {
    disk: &'a Disk,
    deadline: Deadline,
}

/// Whose sessions are meant, and where they may be.
pub(super) struct Owner {
    pub(super) owner: SessionOwner,
    pub(super) tags: Vec<PrincipalTag>,
}

impl Disk {
    pub(super) fn open(path: &Path, options: &FileOptions) -> Result<Self, FileStoreError> {
        let share = options.capacity.get().div_ceil(usize::from(root::FOLDERS));
        Ok(Self { folders: root::open(path, options)?, patience: options.patience, share })
    }

    /// Begins a call's patience.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.patience)
    }

    pub(super) const fn call(&self, deadline: Deadline) -> Call<'_> {
        Call { disk: self, deadline }
    }
}

impl Call<'_> {
    pub(super) fn insert(
        &self,
        record: &SessionRecord,
        limit: Option<&SessionLimit>,
        now: UnixTime,
    ) -> Result<Inserted, StoreError> {
        let mut writer = self.lock_of(record.id.tag())?;
        if writer.has_file_of(&record.id)? {
            return Ok(Inserted::Collision);
        }
        if self.is_outdated(record)? {
            return Ok(Inserted::Outdated);
        }
        let room = match limit {
            Some(limit) => limit.make_room(record, &sessions_of(&writer, record.id.tag())?, now),
            None => Some(Vec::new()),
        };
        let Some(ended) = room else { return Ok(Inserted::LimitReached) };
        if !writer.has_room(self.disk.share, ended.len(), now)? {
            return Err(StoreError::full());
        }
        // In this order, a crash leaves one session too many, which the next login ends, and never one too few.
        writer.put(record)?;
        for id in &ended {
            writer.remove(id)?;
        }
        writer.finish()?;
        Ok(Inserted::Stored { ended: u32::try_from(ended.len()).unwrap_or(u32::MAX) })
    }

    /// Takes no lock, and so waits for nobody. The marker is read first: a spared session is moved up before its marker
    /// is left, and what has ended is removed before its marker is, so what is read second is never older.
    pub(super) fn load(&self, id: &SessionId, now: UnixTime) -> Result<Option<SessionRecord>, StoreError> {
        let folder = self.folder(id.tag())?;
        let markers = folder.markers(id.tag())?;
        let found = folder.session(id)?;
        Ok(found.filter(|record| record.is_live(now) && !markers.ended(record)))
    }

    pub(super) fn update(
        &self,
        id: &SessionId,
        expected: Version,
        data: &SessionBlob,
    ) -> Result<Updated, StoreError> {
        self.change(id, Updated::Gone, |record| record.update(expected, data))
    }

    pub(super) fn rotate(
        &self,
        id: &SessionId,
        expected: Version,
        next: &SecretState,
    ) -> Result<Rotated, StoreError> {
        self.change(id, Rotated::Gone, |record| record.rotate(expected, next))
    }

    pub(super) fn touch(
        &self,
        id: &SessionId,
        idle_until: UnixTime,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        self.change(id, false, |record| record.touch(idle_until, now))
    }

    /// Writes what `change` makes of a session, unless it leaves it as it was.
    fn change<T>(
        &self,
        id: &SessionId,
        gone: T,
        change: impl FnOnce(&mut SessionRecord) -> T,
    ) -> Result<T, StoreError> {
        let mut writer = self.lock_of(id.tag())?;
        let Some(before) = writer.session(id)? else { return Ok(gone) };
        let mut record = before.clone();
        let answer = change(&mut record);
        if record != before {
            writer.put(&record)?;
            writer.finish()?;
        }
        Ok(answer)
    }

    /// Also a session whose file is damaged: nobody can use it, and whoever asks for this knows of it.
    pub(super) fn remove(&self, id: &SessionId) -> Result<bool, StoreError> {
        let mut writer = self.lock_of(id.tag())?;
        let had_ended = match writer.session_or_left_over(id) {
            Ok(Some(record)) => self.is_outdated(&record)?,
            Ok(None) => return Ok(false),
            Err(StoreError::Corrupt(_)) if writer.has_own_file_of(id) => false,
            Err(error) => return Err(error),
        };
        writer.remove(id)?;
        writer.finish()?;
        Ok(!had_ended)
    }

    pub(super) fn list(
        &self,
        owner: &Owner,
        page: Page,
        now: UnixTime,
    ) -> Result<Vec<SessionSummary>, StoreError> {
        let writers = self.lock(&owner.tags)?;
        let mut found = Vec::new();
        for tag in &owner.tags {
            found.extend(sessions_of(writer_of(&writers, *tag)?, *tag)?);
        }
        drop(writers);
        Ok(owner.owner.list(&found, page, now))
    }

    /// First the spared session is moved up, then the marker is left, and only then files are removed: whenever the
    /// process dies, what has ended stays ended, and doing it again does the rest.
    pub(super) fn end_all(
        &self,
        owner: &Owner,
        except: Option<&SessionId>,
        epoch: AuthEpoch,
        now: UnixTime,
    ) -> Result<u64, StoreError> {
        let mut writers = self.lock(&owner.tags)?;
        let ended = self.end_all_under(&mut writers, owner, except, epoch, now);
        // Of the folder that it happened in, an error is true; before it, another one may have been changed.
        let was_changed = writers.iter().any(|(_, writer)| writer.was_changed());
        let ended = ended.map_err(|error| match error.written() {
            Written::No if was_changed => StoreError::unknown(error),
            _ => error,
        })?;
        for (_, writer) in writers {
            writer.finish()?;
        }
        Ok(ended)
    }

    fn end_all_under(
        &self,
        writers: &mut [(usize, Writer<'_>)],
        owner: &Owner,
        except: Option<&SessionId>,
        epoch: AuthEpoch,
        now: UnixTime,
    ) -> Result<u64, StoreError> {
        let what = EndAll { owner: &owner.owner, except, epoch };
        let mut older = Vec::new();
        for tag in &owner.tags {
            let markers = self.folder(*tag)?.markers(*tag)?;
            let writer = writer_of_mut(writers, *tag)?;
            // The marker alone ends those that cannot be read.
            let (sessions, _) = writer.sessions_of(*tag)?;
            for mut record in sessions {
                let (before, was_live) = (record.epoch(), record.is_live(now));
                if record.principal() == Some(owner.owner.principal()) && markers.ended(&record) {
                    older.push((*tag, record.id, false));
                } else if what.ends(&mut record) {
                    older.push((*tag, record.id, was_live));
                } else if record.epoch() != before {
                    writer.put(&record)?;
                }
            }
        }
        for tag in &owner.tags {
            let mut markers = self.folder(*tag)?.markers(*tag)?;
            markers.raise(owner.owner.principal(), epoch, now);
            writer_of_mut(writers, *tag)?.put_markers(*tag, &markers)?;
        }
        let mut ended = 0_u64;
        for (tag, id, was_live) in older {
            writer_of_mut(writers, tag)?.remove(&id)?;
            ended = ended.saturating_add(u64::from(was_live));
        }
        Ok(ended)
    }

    pub(super) fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let mut left = limit;
        for folder in &self.disk.folders {
            if left == 0 {
                break;
            }
            // Reading takes long, and is no waiting: there is patience for each folder.
            left = left.saturating_sub(purge(folder, self.disk.deadline(), now, left)?);
        }
        Ok(u64::from(limit.saturating_sub(left)))
    }

    fn is_outdated(&self, record: &SessionRecord) -> Result<bool, StoreError> {
        if record.authentication.is_none() {
            return Ok(false);
        }
        let tag = record.id.tag();
        Ok(self.folder(tag)?.markers(tag)?.ended(record))
    }

    /// The folders of some tags, each locked once and all in one order, so that nobody waits in a circle.
    fn lock(&self, tags: &[PrincipalTag]) -> Result<Vec<(usize, Writer<'_>)>, StoreError> {
        let mut numbers: Vec<_> = tags.iter().map(|tag| number(*tag)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let open = |number: usize| {
            let folder = self.disk.folders.get(number).ok_or(StoreError::corrupt("folder"))?;
            Ok((number, folder.lock(self.deadline)?))
        };
        numbers.into_iter().map(open).collect()
    }

    fn lock_of(&self, tag: PrincipalTag) -> Result<Writer<'_>, StoreError> {
        self.folder(tag)?.lock(self.deadline)
    }

    fn folder(&self, tag: PrincipalTag) -> Result<&Folder, StoreError> {
        self.disk.folders.get(number(tag)).ok_or(StoreError::corrupt("folder"))
    }
}

/// In which folder a tag is.
fn number(tag: PrincipalTag) -> usize {
    let [first, ..] = *tag.as_bytes();
    usize::from(first % root::FOLDERS)
}

fn writer_of<'a, 'b>(
    writers: &'a [(usize, Writer<'b>)],
    tag: PrincipalTag,
) -> Result<&'a Writer<'b>, StoreError> {
    let found = writers.iter().find(|(folder, _)| *folder == number(tag));
    found.map(|(_, writer)| writer).ok_or(StoreError::corrupt("folder"))
}

fn writer_of_mut<'a, 'b>(
    writers: &'a mut [(usize, Writer<'b>)],
    tag: PrincipalTag,
) -> Result<&'a mut Writer<'b>, StoreError> {
    let found = writers.iter_mut().find(|(folder, _)| *folder == number(tag));
    found.map(|(_, writer)| writer).ok_or(StoreError::corrupt("folder"))
}

/// The sessions of one tag that were not ended.
fn sessions_of(writer: &Writer<'_>, tag: PrincipalTag) -> Result<Vec<SessionRecord>, StoreError> {
    let markers = writer.markers(tag)?;
    let (mut found, _) = writer.sessions_of(tag)?;
    found.retain(|record| !markers.ended(record));
    Ok(found)
}

/// Looks without the lock, and then again with it at what seems to have expired.
fn purge(folder: &Folder, deadline: Deadline, now: UnixTime, limit: u32) -> Result<u32, StoreError> {
    let names = folder.names()?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let expired = |id: &SessionId| {
        folder.session(id).is_ok_and(|found| found.is_some_and(|record| !record.is_live(now)))
    };
    let (mut sessions, mut damaged) = (Vec::new(), HashSet::new());
    for name in &names {
        let Name::Session(id) = name else { continue };
        match folder.session(id) {
            Ok(Some(record)) if !record.is_live(now) && sessions.len() < most => sessions.push(*id),
            // Beside it, markers stay: nothing is to be done about them, and nothing of that is to be tried again and again.
            Err(StoreError::Corrupt(_)) => {
                damaged.insert(id.tag());
            }
            _ => {}
        }
    }
    let due = |tag: &PrincipalTag| {
        !damaged.contains(tag) && folder.markers(*tag).is_ok_and(|markers| markers.after(now) != markers)
    };
    let markers = names.iter().filter_map(|name| match name {
        Name::Markers(tag) if due(tag) => Some(*tag),
        _ => None,
    });
    let markers: Vec<_> = markers.take(most).collect();
    if sessions.is_empty() && markers.is_empty() && !names.contains(&Name::Temporary) {
        return Ok(0);
    }
    let mut writer = folder.lock(deadline)?;
    writer.remove_temporary()?;
    let mut purged = 0_u32;
    for id in sessions {
        if expired(&id) && writer.remove(&id)? {
            purged = purged.saturating_add(1);
        }
    }
    for tag in markers {
        forget(&mut writer, tag, now)?;
    }
    writer.finish()?;
    Ok(purged)
}

/// Forgets what was kept long enough, and what it had ended before: a crash may have left it behind, and it must not
/// come back. Nor must what nobody here can read, and a newer version of the program may: beside it, all stays.
fn forget(writer: &mut Writer<'_>, tag: PrincipalTag, now: UnixTime) -> Result<(), StoreError> {
    let markers = writer.markers(tag)?;
    let (sessions, has_damaged) = writer.sessions_of(tag)?;
    for record in sessions {
        if markers.ended(&record) {
            writer.remove(&record.id)?;
        }
    }
    if has_damaged {
        return Ok(());
    }
    let left = markers.after(now);
    if left.is_empty() {
        writer.remove_markers(tag)?;
    } else if left != markers {
        writer.put_markers(tag, &left)?;
    }
    Ok(())
}
