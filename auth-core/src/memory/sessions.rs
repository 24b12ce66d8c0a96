//! The session store in memory.

use std::{cmp::Reverse, fmt, sync::Arc};

use async_trait::async_trait;

use super::{
    page_of,
    room::{Alarm, MOST, Place, Room, SWEPT},
    session_row::SessionRow,
    session_shards::{SessionShards, Victim},
    shards::SHARDS,
};
use crate::{
    AuditSink, EndAll, Inserted, Page, Rotated, SecretState, SessionBlob, SessionId, SessionLimit,
    SessionOwner, SessionRecord, SessionStore, SessionSummary, StoreError, UnixTime, Updated, Version,
};

/// Keeps sessions in memory: for one process, and gone when it ends.
///
/// Holds up to [`capacity`](Self::capacity) sessions. When it is full, expired sessions leave first, then
/// those in which nobody is logged in, oldest first. A live session of a principal is never thrown away: if
/// there are only those, [`insert`](SessionStore::insert) answers [`StoreError::Full`], and
/// [`with_audit`](Self::with_audit) has it recorded, at most once a second. So a flood of anonymous visitors
/// shortens the sessions of anonymous visitors only; against a person who logs in again and again, use a
/// [`SessionLimit`].
///
/// A session takes at most 350 bytes beside the application's data, its login and all indexes included
/// (`tests/memory_footprint.rs`); one whose login has limits or an actor, up to 400 more, and what these take.
/// Loading takes the read lock of one of 64 shards; there is no background task, and a few expired
/// sessions leave with each insertion.
///
/// Sessions are sharded by the [tag](SessionId::tag) of their id, under a hash with random keys: those of one
/// principal are together, so limits, ending all, and adding one are single steps. After a change of the key
/// that tags are made with, a principal has sessions on several shards. [`end_all`](SessionStore::end_all) and
/// [`list`](SessionStore::list) lock all of them; a [`SessionLimit`], which is checked against the tag of the
/// new session, does not count those of the old key until they end.
///
/// The marker that `end_all` leaves is kept for 24 hours. It takes about 100 bytes, which the capacity does
/// not count; there is at most one for each principal and key.
pub struct MemorySessions {
    shards: SessionShards,
    room: Room,
    alarm: Alarm,
}

impl MemorySessions {
    /// An empty store for up to `capacity` sessions, 4 billion at most. Memory is taken as sessions come.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            shards: SessionShards::new(),
            room: Room::new(capacity.min(MOST)),
            alarm: Alarm::new("sessions"),
        }
    }

    /// Records in `audit` that the store is full, at most once a second.
    #[must_use]
    pub fn with_audit(mut self, audit: Arc<dyn AuditSink>) -> Self {
        self.alarm.set_sink(audit);
        self
    }

    /// How many sessions there may be.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.room.capacity()
    }

    /// How many sessions there are, those included that have expired and not left yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.room.used()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A place for one more session, after another left if need be. To be called without any lock.
    fn room_for(&self, now: UnixTime) -> Option<Place<'_>> {
        loop {
            if let Some(place) = self.room.take() {
                return Some(place);
            }
            // If somebody was faster there, the hints have changed: look again.
            let left = match self.shards.victim(now)? {
                Victim::Expired(shard) => self.shards.write(shard).drop_expired(now, 1) == 1,
                Victim::OfNobody(shard) => self.shards.write(shard).drop_oldest_of_nobody(),
            };
            if left {
                return Some(self.room.inherit());
            }
        }
    }
}

#[async_trait]
impl SessionStore for MemorySessions {
    async fn insert(
        &self,
        record: &SessionRecord,
        limit: Option<&SessionLimit>,
        now: UnixTime,
    ) -> Result<Inserted, StoreError> {
        let shard = self.shards.of(&record.id);
        let mut place = None;
        loop {
            let mut rows = self.shards.write(shard);
            let ended = match rows.admit(record, limit, now) {
                Ok(ended) => ended,
                Err(why_not) => return Ok(why_not),
            };
            if ended.is_empty() && place.is_none() {
                place = self.room.take();
            }
            if ended.is_empty() && place.is_none() {
                // Room is made without this lock, for it may take another's. Then all is checked anew.
                drop(rows);
                place = Some(self.room_for(now).ok_or_else(|| self.alarm.full(now))?);
                continue;
            }
            let count = ended.len();
            rows.remove_all(ended);
            let stored = rows.insert(record);
            let expired = rows.drop_expired(now, SWEPT);
            drop(rows);
            let left = count.saturating_add(expired);
            match place {
                Some(place) if stored => {
                    place.used();
                    self.room.leave(left);
                }
                // It has the place of one that was ended.
                None if stored => self.room.leave(left.saturating_sub(1)),
                _ => {
                    self.room.leave(left);
                    return Err(self.alarm.full(now));
                }
            }
            return Ok(Inserted::Stored { ended: u32::try_from(count).unwrap_or(u32::MAX) });
        }
    }

    async fn load(&self, id: &SessionId, now: UnixTime) -> Result<Option<SessionRecord>, StoreError> {
        Ok(self.shards.read(self.shards.of(id)).load(id, now))
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        data: &SessionBlob,
    ) -> Result<Updated, StoreError> {
        Ok(self.shards.write(self.shards.of(id)).update(id, expected, data))
    }

    async fn touch(&self, id: &SessionId, idle_until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        Ok(self.shards.write(self.shards.of(id)).touch(id, idle_until, now))
    }

    async fn rotate(
        &self,
        id: &SessionId,
        expected: Version,
        next: &SecretState,
    ) -> Result<Rotated, StoreError> {
        Ok(self.shards.write(self.shards.of(id)).rotate(id, expected, next))
    }

    async fn remove(&self, id: &SessionId) -> Result<bool, StoreError> {
        let removed = self.shards.write(self.shards.of(id)).remove(id);
        self.room.leave(usize::from(removed));
        Ok(removed)
    }

    async fn list(
        &self,
        owner: &SessionOwner,
        page: Page,
        now: UnixTime,
    ) -> Result<Vec<SessionSummary>, StoreError> {
        let shards: Vec<_> =
            self.shards.of_owner(owner, None).into_iter().map(|shard| self.shards.read(shard)).collect();
        let mut rows: Vec<_> = shards
            .iter()
            .flat_map(|shard| shard.live_of(owner.principal(), now))
            .map(|(_, row)| row)
            .collect();
        rows.sort_unstable_by_key(|row| (Reverse(row.created_at()), *row.id()));
        Ok(page_of(rows.into_iter().map(SessionRow::summary), page))
    }

    async fn end_all(&self, what: EndAll<'_>, now: UnixTime) -> Result<u64, StoreError> {
        let mut shards: Vec<_> = self
            .shards
            .of_owner(what.owner, what.except)
            .into_iter()
            .map(|shard| self.shards.write(shard))
            .collect();
        let mut live = 0_usize;
        for shard in &mut shards {
            let ended = shard.end_all(what.owner.principal(), what.except, what.epoch, now);
            self.room.leave(ended.rows);
            live = live.saturating_add(ended.live);
        }
        Ok(u64::try_from(live).unwrap_or(u64::MAX))
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        // In small bites, so that nobody waits long for a shard.
        const BITE: usize = 128;
        let mut left = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut purged = 0_u64;
        for shard in 0..SHARDS {
            loop {
                let bite = left.min(BITE);
                let dropped = self.shards.write(shard).drop_expired(now, bite);
                self.room.leave(dropped);
                left = left.saturating_sub(dropped);
                purged = purged.saturating_add(dropped as u64);
                if dropped < bite || left == 0 {
                    break;
                }
            }
        }
        Ok(purged)
    }
}

impl fmt::Debug for MemorySessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySessions")
            .field("room", &self.room)
            .field("alarm", &self.alarm)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        sync::{
            Barrier,
            atomic::{AtomicUsize, Ordering},
        },
        thread,
    };

    use super::*;
    use crate::{
        AuditEvent, AuthEpoch, MemoryAudit, WhenReached,
        memory::sample::{NOW, after, ann, anonymous, keys, owner, session},
        testing::block_on,
    };

    const STORED: Inserted = Inserted::Stored { ended: 0 };

    fn insert(store: &MemorySessions, record: &SessionRecord, now: UnixTime) -> Result<Inserted, StoreError> {
        block_on(store.insert(record, None, now))
    }

    fn full_of(records: &[SessionRecord]) -> MemorySessions {
        let store = MemorySessions::new(records.len());
        for record in records {
            assert_eq!(insert(&store, record, NOW).unwrap(), STORED);
        }
        store
    }

    fn is_there(store: &MemorySessions, record: &SessionRecord, now: UnixTime) -> bool {
        block_on(store.load(&record.id, now)).unwrap().is_some()
    }

    /// Whether it is there at all, alive or not.
    fn is_kept(store: &MemorySessions, record: &SessionRecord) -> bool {
        block_on(store.update(&record.id, Version::new(u64::MAX), &SessionBlob::empty())).unwrap()
            != Updated::Gone
    }

    #[test]
    fn what_has_expired_leaves_before_any_live_session() {
        // The visitor came first, and the person's session expired last.
        let visitor = anonymous(0);
        let expired = SessionRecord { idle_until: after(50), ..session(&ann(), 1) };
        let store = full_of(&[visitor.clone(), expired.clone(), session(&owner("bob"), 2)]);
        assert_eq!(insert(&store, &session(&owner("cid"), 50), after(50)).unwrap(), STORED);
        assert!(!is_kept(&store, &expired));
        assert!(is_there(&store, &visitor, after(50)));
        assert_eq!(store.len(), 3);
    }

    #[test]
    fn visitors_leave_next_and_the_oldest_first() {
        let person = session(&ann(), 0);
        let visitors: Vec<_> = [3, 5, 7, 9].map(anonymous).into();
        let store = full_of(&[std::slice::from_ref(&person), &visitors].concat());
        for (oldest, new) in [3, 5, 7, 9].into_iter().zip(0..) {
            assert_eq!(
                insert(&store, &session(&owner(&format!("new{new}")), 10), after(10)).unwrap(),
                STORED
            );
            for visitor in &visitors {
                assert_eq!(is_kept(&store, visitor), visitor.created_at > after(oldest));
            }
        }
        assert!(is_there(&store, &person, after(10)));
    }

    /// Throwing a live session away would log a person out because a stranger came.
    #[test]
    fn a_live_session_of_a_person_is_never_thrown_away() {
        let log = Arc::new(MemoryAudit::new(10));
        let people: Vec<_> = (0..8).map(|n| session(&owner(&format!("p{n}")), n)).collect();
        let store = full_of(&people).with_audit(log.clone());
        for record in [anonymous(20), session(&ann(), 20), session(&owner("p0"), 20)] {
            assert!(matches!(insert(&store, &record, after(20)), Err(StoreError::Full)));
            assert!(!is_kept(&store, &record));
        }
        assert!(people.iter().all(|record| is_there(&store, record, after(20))));
        assert_eq!(log.events(), [(after(20), AuditEvent::StoreFull { store: "sessions" })]);
        // One logs out, one comes in.
        assert!(block_on(store.remove(&people[3].id)).unwrap());
        assert_eq!(insert(&store, &session(&ann(), 21), after(21)).unwrap(), STORED);
        assert!(insert(&store, &anonymous(21), after(21)).is_err());
    }

    /// Who may have two sessions and logs in a third time takes nobody's place.
    #[test]
    fn a_login_that_ends_an_older_session_needs_no_room() {
        let (first, second) = (session(&ann(), 0), session(&ann(), 1));
        let store = full_of(&[first.clone(), second.clone(), session(&owner("bob"), 0)]);
        let limit = SessionLimit { max: 2, when_reached: WhenReached::EndOldest };
        for n in 2..10 {
            let ended = block_on(store.insert(&session(&ann(), n), Some(&limit), after(n))).unwrap();
            assert_eq!((ended, store.len()), (Inserted::Stored { ended: 1 }, 3));
        }
        assert!(!is_kept(&store, &first) && !is_kept(&store, &second));
    }

    /// Else whoever causes a refusal could empty the store of visitors.
    #[test]
    fn a_refusal_makes_no_room() {
        let (person, visitor) = (session(&ann(), 0), anonymous(0));
        let store = full_of(&[person.clone(), visitor.clone()]);
        let limit = SessionLimit { max: 1, when_reached: WhenReached::Refuse };
        assert_eq!(insert(&store, &person, NOW).unwrap(), Inserted::Collision);
        let refused = block_on(store.insert(&session(&ann(), 1), Some(&limit), NOW)).unwrap();
        assert_eq!(refused, Inserted::LimitReached);
        let bob = owner("bob");
        let what = EndAll { owner: &bob, except: None, epoch: AuthEpoch::new(1) };
        block_on(store.end_all(what, NOW)).unwrap();
        assert_eq!(insert(&store, &session(&bob, 1), NOW).unwrap(), Inserted::Outdated);
        assert!(is_there(&store, &visitor, NOW) && is_there(&store, &person, NOW));
    }

    /// A thousand visitors a second must not cost the people who are logged in anything.
    #[test]
    fn a_flood_of_visitors_shortens_only_their_own_sessions() {
        let people: Vec<_> = (0..50).map(|n| session(&owner(&format!("p{n}")), n)).collect();
        let store = MemorySessions::new(200);
        for person in &people {
            assert_eq!(insert(&store, person, NOW).unwrap(), STORED);
        }
        let flood: Vec<_> = (0..5_000).map(|n| anonymous(n / 100)).collect();
        for visitor in &flood {
            assert_eq!(insert(&store, visitor, visitor.created_at).unwrap(), STORED);
            assert!(store.len() <= store.capacity());
        }
        assert!(people.iter().all(|person| is_there(&store, person, after(50))));
        let kept: HashSet<_> =
            flood.iter().filter(|visitor| is_kept(&store, visitor)).map(|v| v.id).collect();
        assert_eq!(kept.len(), 150);
        // The latest second is kept whole, and of the one before, what there is room for.
        assert!(flood[4_900..].iter().all(|visitor| kept.contains(&visitor.id)));
        assert!(flood[..4_800].iter().all(|visitor| !kept.contains(&visitor.id)));
    }

    /// Without a purge and far from full, the dead must not pile up.
    #[test]
    fn expired_sessions_leave_as_others_come() {
        let store = MemorySessions::new(100_000);
        for n in 0..2_000 {
            assert_eq!(insert(&store, &session(&ann(), n), after(n)).unwrap(), STORED);
        }
        for n in 0..1_010 {
            assert_eq!(insert(&store, &session(&ann(), 9_000 + n), after(9_000 + n)).unwrap(), STORED);
        }
        assert_eq!(store.len(), 1_010);
    }

    /// A place that is lost in a race shrinks the store for ever; one that is given twice overfills it.
    #[test]
    fn places_are_counted_right_among_threads() {
        const THREADS: usize = 8;
        let store = MemorySessions::new(40);
        let (barrier, most) = (Barrier::new(THREADS), AtomicUsize::new(0));
        thread::scope(|threads| {
            for thread in 0..THREADS {
                let (store, barrier, most) = (&store, &barrier, &most);
                threads.spawn(move || {
                    let owner = owner(&format!("p{}", thread / 2));
                    let limit = SessionLimit { max: 3, when_reached: WhenReached::EndOldest };
                    barrier.wait();
                    for n in 0..400 {
                        let record = if n % 3 == 0 { anonymous(n) } else { session(&owner, n) };
                        let record = SessionRecord { idle_until: after(n + 20), ..record };
                        let inserted = block_on(store.insert(&record, Some(&limit), after(n))).unwrap();
                        assert!(matches!(inserted, Inserted::Stored { .. } | Inserted::Outdated));
                        match n % 16 {
                            1 => drop(block_on(store.remove(&record.id)).unwrap()),
                            2 => drop(block_on(store.purge(after(n), 5)).unwrap()),
                            15 => {
                                let what = EndAll { owner: &owner, except: None, epoch: AuthEpoch::ZERO };
                                block_on(store.end_all(what, after(n))).unwrap();
                            }
                            _ => {}
                        }
                        most.fetch_max(store.len(), Ordering::Relaxed);
                    }
                });
            }
        });
        assert!(most.into_inner() <= store.capacity());
        let kept = store.len();
        assert_eq!(block_on(store.purge(UnixTime::MAX, u32::MAX)).unwrap(), kept as u64);
        assert_eq!(store.len(), 0);
        // All places are there again.
        for n in 0..40 {
            assert_eq!(insert(&store, &session(&owner(&format!("q{n}")), 0), NOW).unwrap(), STORED);
        }
        assert!(insert(&store, &session(&ann(), 0), NOW).is_err());
    }

    /// Two writers, and a write of one is lost (fastify-session#237).
    #[test]
    fn no_update_of_eight_threads_is_lost() {
        const EACH: u64 = 200;
        let record = session(&ann(), 0);
        let store = full_of(std::slice::from_ref(&record));
        let barrier = Barrier::new(8);
        let number_in = |data: &SessionBlob| {
            data.slot("n").map_or(0, |slot| u64::from_be_bytes(slot.bytes.try_into().unwrap()))
        };
        let add_one = || loop {
            let read = block_on(store.load(&record.id, NOW)).unwrap().unwrap();
            let next = number_in(&read.data) + 1;
            let data = SessionBlob::empty().with_slot("n", 1, &next.to_be_bytes()).unwrap();
            if block_on(store.update(&record.id, read.version, &data)).unwrap() == Updated::Updated {
                return;
            }
        };
        thread::scope(|threads| {
            for _ in 0..8 {
                threads.spawn(|| {
                    barrier.wait();
                    (0..EACH).for_each(|_| add_one());
                });
            }
        });
        let read = block_on(store.load(&record.id, NOW)).unwrap().unwrap();
        assert_eq!(number_in(&read.data), 8 * EACH);
        assert_eq!(read.version.get(), record.version.get() + 8 * EACH);
    }

    /// A key change puts a principal on several shards; what is one step must stay one.
    #[test]
    fn sessions_under_several_keys_are_ended_and_listed_together() {
        let secret = |n: u8| crate::Secret::new((n..).take(32).collect());
        let retired = |n: u8| (crate::KeyName::parse(&format!("k{n}")).unwrap(), secret(n));
        let ring = (2..10).fold(keys(), |ring, n| ring.with_retired(retired(n).0, retired(n).1).unwrap());
        let now = SessionOwner::new(ann().principal().clone(), &ring);
        let store = MemorySessions::new(100);
        for (n, tag) in (0..).zip(now.tags()) {
            let mut id = *session(&ann(), 0).id.as_bytes();
            id[..8].copy_from_slice(tag.as_bytes());
            let record = SessionRecord { id: SessionId::from_bytes(id), ..session(&ann(), n) };
            assert_eq!(insert(&store, &record, NOW).unwrap(), STORED);
        }
        assert!(store.shards.of_owner(&now, None).len() > 1);
        let listed = block_on(store.list(&now, Page::first(), after(10))).unwrap();
        assert!(listed.iter().map(|summary| summary.created_at).eq((0..9).rev().map(after)));
        let what = EndAll { owner: &now, except: None, epoch: AuthEpoch::new(1) };
        assert_eq!(block_on(store.end_all(what, after(10))).unwrap(), 9);
        assert_eq!(insert(&store, &session(&now, 11), after(11)).unwrap(), Inserted::Outdated);
        assert!(store.is_empty());
    }
}
