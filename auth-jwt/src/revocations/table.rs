//! Names and their ends, in a table that readers read without a lock.

use std::{
    hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use auth_core::UnixTime;

/// Cells of a set.
const WAYS: usize = 16;

/// What is in an empty cell, and is nobody's tag.
const EMPTY: u64 = 0;

/// A table of fixed size: two sets of cells for each name, of which it takes a cell in the emptier one.
///
/// Names are not kept. A cell holds 64 bits of a keyed hash of the name, and the end; another keyed hash chooses
/// the sets. A name is mistaken for another if its tag is among the at most 32 that are where it is looked for:
/// one question in 2^59, and each process has other keys. A name that was put in stays in its cell until it has
/// ended, so whoever looks for it finds it, whatever is written meanwhile.
pub(super) struct Table {
    sets: Box<[Set]>,
    capacity: usize,
    writer: Mutex<Writer>,
    /// Two, so that what decides on the sets says nothing about the tag.
    set_hasher: RandomState,
    tag_hasher: RandomState,
}

struct Set {
    tags: [AtomicU64; WAYS],
    /// Until when each is remembered, in seconds since 1970.
    ends: [AtomicU64; WAYS],
}

/// What only one writer at a time knows.
struct Writer {
    /// Cells that are not empty.
    used: usize,
    /// No cell can be freed before.
    next_end: u64,
}

/// The beginning of names, already hashed.
#[derive(Clone)]
pub(super) struct Prefix {
    sets: DefaultHasher,
    tag: DefaultHasher,
}

/// Where a name is looked for, and what it is called there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    sets: [usize; 2],
    tag: u64,
}

/// There is no room.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Table {
    /// Room for `capacity` names, all of it taken now: three cells of 16 bytes for each two names. The odds that
    /// both sets of a name are full before the table is are below 10^-20.
    pub(super) fn new(capacity: usize) -> Self {
        let cells = capacity.saturating_add(capacity / 2);
        let sets = cells.div_ceil(WAYS).max(2);
        Self {
            sets: (0..sets).map(|_| Set::new()).collect(),
            capacity,
            writer: Mutex::new(Writer { used: 0, next_end: 0 }),
            set_hasher: RandomState::new(),
            tag_hasher: RandomState::new(),
        }
    }

    pub(super) fn prefix(&self, prefix: &str) -> Prefix {
        let mut hashed = Prefix { sets: self.set_hasher.build_hasher(), tag: self.tag_hasher.build_hasher() };
        prefix.hash(&mut hashed.sets);
        prefix.hash(&mut hashed.tag);
        hashed
    }

    /// Where a name is. `kind` keeps names of several kinds apart.
    pub(super) fn place(&self, prefix: &Prefix, kind: u8, name: &str) -> Place {
        let hash = |mut hasher: DefaultHasher| {
            (kind, name).hash(&mut hasher);
            hasher.finish()
        };
        let sets = hash(prefix.sets.clone());
        // The halves of the hash, scaled to the number of sets, and to that of the others.
        let first = scale(sets >> 32, self.sets.len());
        let step = scale(sets & u64::from(u32::MAX), self.sets.len().saturating_sub(1));
        let second = first.saturating_add(step).saturating_add(1);
        let second = second.checked_sub(self.sets.len()).unwrap_or(second);
        Place { sets: [first, second], tag: hash(prefix.tag.clone()).max(1) }
    }

    /// Until when the name of a place is remembered, if it is.
    #[inline]
    pub(super) fn find(&self, place: Place) -> Option<UnixTime> {
        self.sets_of(place).find_map(|set| set.find(place.tag)).map(UnixTime::from_secs)
    }

    /// Remembers a name until `ends_at`, or longer if it is remembered longer already. Answers whether that was
    /// news.
    pub(super) fn insert(&self, place: Place, ends_at: UnixTime, now: UnixTime) -> Result<bool, Full> {
        let (ends_at, now) = (ends_at.as_secs(), now.as_secs());
        // Nothing panics under the lock.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(is_later) = self.sets_of(place).find_map(|set| set.extend(place.tag, ends_at)) {
            return Ok(is_later);
        }
        if writer.used >= self.capacity {
            self.sweep(&mut writer, now);
        }
        let room = self.sets_of(place).min_by_key(|set| set.live(now)).and_then(|set| set.room(now));
        let Some((tag, end)) = room else { return Err(Full) };
        if tag.load(Ordering::Relaxed) == EMPTY {
            if writer.used >= self.capacity {
                return Err(Full);
            }
            writer.used = writer.used.saturating_add(1);
        }
        // A reader that is here sees the old tag with the old end, or no tag, or the new ones.
        tag.store(EMPTY, Ordering::Release);
        end.store(ends_at, Ordering::Release);
        tag.store(place.tag, Ordering::Release);
        writer.next_end = writer.next_end.min(ends_at);
        Ok(true)
    }

    /// How many names there are, those included that have ended and whose cells nobody has needed since.
    pub(super) fn len(&self) -> usize {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).used
    }

    pub(super) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Empties the cells of names that have ended; at most once for each end.
    fn sweep(&self, writer: &mut Writer, now: u64) {
        if now < writer.next_end {
            return;
        }
        writer.next_end = u64::MAX;
        for (tag, end) in self.sets.iter().flat_map(Set::cells) {
            if tag.load(Ordering::Relaxed) == EMPTY {
                continue;
            }
            match end.load(Ordering::Relaxed) {
                end if end <= now => {
                    tag.store(EMPTY, Ordering::Release);
                    writer.used = writer.used.saturating_sub(1);
                }
                end => writer.next_end = writer.next_end.min(end),
            }
        }
    }

    fn sets_of(&self, place: Place) -> impl Iterator<Item = &Set> {
        place.sets.into_iter().filter_map(|set| self.sets.get(set))
    }
}

impl Set {
    fn new() -> Self {
        Self { tags: [const { AtomicU64::new(EMPTY) }; WAYS], ends: [const { AtomicU64::new(0) }; WAYS] }
    }

    fn cells(&self) -> impl Iterator<Item = (&AtomicU64, &AtomicU64)> {
        self.tags.iter().zip(&self.ends)
    }

    #[inline]
    fn find(&self, wanted: u64) -> Option<u64> {
        let (tag, end) = self.cells().find(|(tag, _)| tag.load(Ordering::Acquire) == wanted)?;
        let end = end.load(Ordering::Acquire);
        // If the end is already that of another name, this one is gone, and had ended.
        (tag.load(Ordering::Relaxed) == wanted).then_some(end)
    }

    /// Under the lock. If the name is here, it ends no sooner than `ends_at` from now on; whether it did before.
    fn extend(&self, wanted: u64, ends_at: u64) -> Option<bool> {
        let (_, end) = self.cells().find(|(tag, _)| tag.load(Ordering::Relaxed) == wanted)?;
        Some(end.fetch_max(ends_at, Ordering::Release) < ends_at)
    }

    /// Under the lock. A cell that is empty, else one whose name has ended.
    fn room(&self, now: u64) -> Option<(&AtomicU64, &AtomicU64)> {
        let is_empty = |cell: &(&AtomicU64, &AtomicU64)| cell.0.load(Ordering::Relaxed) == EMPTY;
        self.cells()
            .find(is_empty)
            .or_else(|| self.cells().find(|(_, end)| end.load(Ordering::Relaxed) <= now))
    }

    /// Under the lock. How many names are here that have not ended.
    fn live(&self, now: u64) -> usize {
        self.cells()
            .filter(|(tag, end)| tag.load(Ordering::Relaxed) != EMPTY && end.load(Ordering::Relaxed) > now)
            .count()
    }
}

/// 32 bits of a hash, scaled to a number below `len`, which need not be a power of two.
fn scale(hash: u64, len: usize) -> usize {
    let scaled = u128::from(hash).saturating_mul(len as u128) >> 32;
    usize::try_from(scaled).unwrap_or(0)
}

#[cfg(test)]
mod tests;
