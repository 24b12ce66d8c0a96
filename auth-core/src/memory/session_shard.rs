//! The sessions of one shard, seen by one call at a time.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use super::{expiring::Expiring, session_row::SessionRow, slab::Slot, table::Table};
use crate::{
    AuthEpoch, Inserted, PrincipalId, Rotated, SecretState, SessionBlob, SessionId, SessionLimit,
    SessionRecord, UnixTime, Updated, Version, WhenReached,
};

/// Rows, found by id, by principal, by deadline, and, if nobody is logged in, by age; and the epoch markers
/// of principals.
#[derive(Debug)]
pub(super) struct SessionShard {
    rows: Expiring<SessionRow>,
    /// The first row in the chain of each principal's, the latest to be inserted first.
    chains: Table,
    hasher: RandomState,
    /// The chain of rows of nobody: the first to be inserted, and the last.
    nobody: Option<(Slot, Slot)>,
    markers: Markers,
}

/// What an [`end_all`](SessionShard::end_all) removed.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Ended {
    /// Rows.
    pub(super) rows: usize,
    /// Those of them that were alive.
    pub(super) live: usize,
}

impl SessionShard {
    pub(super) fn new() -> Self {
        Self {
            rows: Expiring::new(),
            chains: Table::default(),
            hasher: RandomState::new(),
            nobody: None,
            markers: Markers::default(),
        }
    }

    /// The rows that a limit ends for a new session, or why it may not begin. Changes nothing.
    pub(super) fn admit(
        &self,
        record: &SessionRecord,
        limit: Option<&SessionLimit>,
        now: UnixTime,
    ) -> Result<Vec<Slot>, Inserted> {
        if self.rows.find(&record.id).is_some() {
            return Err(Inserted::Collision);
        }
        let Some(principal) = record.principal() else { return Ok(Vec::new()) };
        if record.epoch() < self.markers.epoch_of(principal) {
            return Err(Inserted::Outdated);
        }
        let Some(limit) = limit.filter(|_| !record.has_actor()) else { return Ok(Vec::new()) };
        let counted = self.live_of(principal, now).filter(|(_, row)| !row.has_actor());
        let mut live: Vec<_> = counted.map(|(slot, row)| (row.created_at(), *row.id(), slot)).collect();
        let others = usize::try_from(limit.max.max(1)).unwrap_or(usize::MAX).saturating_sub(1);
        let too_many = live.len().saturating_sub(others);
        match limit.when_reached {
            WhenReached::Refuse if too_many > 0 => Err(Inserted::LimitReached),
            WhenReached::Refuse => Ok(Vec::new()),
            WhenReached::EndOldest => {
                live.sort_unstable_by_key(|(created_at, id, _)| (*created_at, *id));
                Ok(live.into_iter().take(too_many).map(|(.., slot)| slot).collect())
            }
        }
    }

    /// Adds a session that was [admitted](Self::admit). Answers whether there was a number left for it.
    pub(super) fn insert(&mut self, record: &SessionRecord) -> bool {
        let Ok(slot) = self.rows.insert(SessionRow::of(record)) else { return false };
        match record.principal() {
            Some(principal) => self.chain(principal, slot),
            None => self.chain_nobody(slot),
        }
        true
    }

    #[inline]
    pub(super) fn load(&self, id: &SessionId, now: UnixTime) -> Option<SessionRecord> {
        // No marker is looked at: what `end_all` ends leaves in the same step, and `insert` lets nothing in.
        let row = self.rows.get(self.rows.find(id)?)?;
        if row.is_live(now) { Some(row.record()) } else { None }
    }

    pub(super) fn update(&mut self, id: &SessionId, expected: Version, data: &SessionBlob) -> Updated {
        match self.find_mut(id) {
            None => Updated::Gone,
            Some(row) if row.version() != expected => Updated::Conflict,
            Some(row) => {
                row.change(|record| {
                    record.data = data.clone();
                    record.version = record.version.next();
                });
                Updated::Updated
            }
        }
    }

    pub(super) fn rotate(&mut self, id: &SessionId, expected: Version, next: &SecretState) -> Rotated {
        match self.find_mut(id) {
            None => Rotated::Gone,
            Some(row) if row.version() != expected => Rotated::Conflict,
            Some(row) => {
                row.change(|record| {
                    record.secret = next.clone();
                    record.version = record.version.next();
                });
                Rotated::Rotated
            }
        }
    }

    pub(super) fn touch(&mut self, id: &SessionId, idle_until: UnixTime, now: UnixTime) -> bool {
        let live = |slot: &Slot| self.rows.get(*slot).is_some_and(|row| row.is_live(now));
        let Some(slot) = self.rows.find(id).filter(live) else { return false };
        self.rows.change_deadline(slot, |row| {
            row.change(|record| {
                record.idle_until = record.idle_until.max(idle_until.min(record.absolute_until));
                record.last_used_at = record.last_used_at.max(now);
            });
        });
        true
    }

    pub(super) fn remove(&mut self, id: &SessionId) -> bool {
        self.rows.find(id).is_some_and(|slot| self.remove_at(slot))
    }

    /// The live sessions of a principal, in no order.
    pub(super) fn live_of(
        &self,
        principal: &PrincipalId,
        now: UnixTime,
    ) -> impl Iterator<Item = (Slot, &SessionRow)> {
        self.chain_of(principal).filter(move |(_, row)| row.is_live(now))
    }

    /// Ends what is older than `epoch`, and remembers that for a day. `except` is moved up instead if it is of
    /// the epoch directly before.
    pub(super) fn end_all(
        &mut self,
        principal: &PrincipalId,
        except: Option<&SessionId>,
        epoch: AuthEpoch,
        now: UnixTime,
    ) -> Ended {
        self.markers.raise(principal, epoch, now);
        let older: Vec<_> =
            self.chain_of(principal).filter(|(_, row)| row.epoch() < epoch).map(|(slot, _)| slot).collect();
        let mut ended = Ended::default();
        for slot in older {
            let Some(row) = self.rows.get_mut(slot) else { continue };
            if Some(row.id()) == except && Some(row.epoch()) == epoch.before() {
                row.change(|record| move_up(record, epoch));
                continue;
            }
            ended.rows = ended.rows.saturating_add(1);
            ended.live = ended.live.saturating_add(usize::from(row.is_live(now)));
            self.remove_at(slot);
        }
        ended
    }

    /// Removes up to `limit` rows that are past a deadline. Answers how many.
    pub(super) fn drop_expired(&mut self, now: UnixTime, limit: usize) -> usize {
        self.markers.forget(now, limit);
        let mut dropped = 0_usize;
        while dropped < limit
            && let Some((slot, deadline)) = self.rows.first()
            && deadline <= now
        {
            self.remove_at(slot);
            dropped = dropped.saturating_add(1);
        }
        dropped
    }

    /// Removes the session of nobody that was inserted first. Answers whether there was one.
    pub(super) fn drop_oldest_of_nobody(&mut self) -> bool {
        self.nobody.is_some_and(|(oldest, _)| self.remove_at(oldest))
    }

    /// Removes what a limit ends.
    pub(super) fn remove_all(&mut self, slots: Vec<Slot>) {
        for slot in slots {
            self.remove_at(slot);
        }
    }

    /// When the next session expires, if one does.
    pub(super) fn next_deadline(&self) -> Option<UnixTime> {
        self.rows.first().map(|(_, deadline)| deadline)
    }

    /// When the oldest session of nobody began.
    pub(super) fn oldest_of_nobody(&self) -> Option<UnixTime> {
        let (oldest, _) = self.nobody?;
        self.rows.get(oldest).map(|row| row.created_at())
    }

    fn find_mut(&mut self, id: &SessionId) -> Option<&mut SessionRow> {
        let slot = self.rows.find(id)?;
        self.rows.get_mut(slot)
    }

    fn chain_of(&self, principal: &PrincipalId) -> impl Iterator<Item = (Slot, &SessionRow)> {
        let mut next = self.first_of(self.hasher.hash_one(principal), principal);
        std::iter::from_fn(move || {
            let slot = next?;
            let row = self.rows.get(slot)?;
            next = row.after;
            Some((slot, row))
        })
    }

    fn first_of(&self, hash: u64, principal: &PrincipalId) -> Option<Slot> {
        self.chains
            .find(hash, |slot| self.rows.get(slot).is_some_and(|row| row.principal() == Some(principal)))
    }

    /// Puts a row at the front of its principal's chain. (It is not in the table yet, so it cannot be taken
    /// for the first one.)
    fn chain(&mut self, principal: &PrincipalId, slot: Slot) {
        let hash = self.hasher.hash_one(principal);
        match self.first_of(hash, principal) {
            Some(first) => {
                self.link(Some(slot), Some(first));
                self.chains.replace(hash, first, slot);
            }
            None => self.chains.insert(hash, slot),
        }
    }

    /// Puts a row at the end of the chain of nobody's.
    fn chain_nobody(&mut self, slot: Slot) {
        self.nobody = match self.nobody {
            Some((first, last)) => {
                self.link(Some(last), Some(slot));
                Some((first, slot))
            }
            None => Some((slot, slot)),
        };
    }

    fn remove_at(&mut self, slot: Slot) -> bool {
        let Some(row) = self.rows.remove(slot) else { return false };
        self.link(row.before, row.after);
        match (row.principal(), row.before, row.after) {
            (Some(principal), None, Some(next)) => {
                self.chains.replace(self.hasher.hash_one(principal), slot, next);
            }
            (Some(principal), None, None) => {
                self.chains.remove(self.hasher.hash_one(principal), slot);
            }
            (Some(_), Some(_), _) => {}
            (None, before, after) => {
                self.nobody = self.nobody.and_then(|(first, last)| {
                    let first = if first == slot { after } else { Some(first) };
                    let last = if last == slot { before } else { Some(last) };
                    first.zip(last)
                });
            }
        }
        true
    }

    fn link(&mut self, before: Option<Slot>, after: Option<Slot>) {
        if let Some(row) = before.and_then(|slot| self.rows.get_mut(slot)) {
            row.after = after;
        }
        if let Some(row) = after.and_then(|slot| self.rows.get_mut(slot)) {
            row.before = before;
        }
    }
}

fn move_up(record: &mut SessionRecord, epoch: AuthEpoch) {
    if let Some(authentication) = &mut record.authentication {
        Arc::make_mut(authentication).epoch = epoch;
    }
}

/// The epochs below which everything of a principal was ended.
#[derive(Debug, Default)]
struct Markers {
    by_principal: HashMap<PrincipalId, Marker>,
    /// Each principal once, about in the order in which their markers may be forgotten.
    queue: VecDeque<(UnixTime, PrincipalId)>,
}

#[derive(Debug)]
struct Marker {
    epoch: AuthEpoch,
    keep_until: UnixTime,
}

/// Longer than any login is under way.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

impl Markers {
    fn epoch_of(&self, principal: &PrincipalId) -> AuthEpoch {
        self.by_principal.get(principal).map_or(AuthEpoch::ZERO, |marker| marker.epoch)
    }

    fn raise(&mut self, principal: &PrincipalId, epoch: AuthEpoch, now: UnixTime) {
        // Two for each one that comes: without any purge, only what is needed stays.
        self.forget(now, 2);
        let keep_until = now.saturating_add(KEPT);
        match self.by_principal.get_mut(principal) {
            Some(marker) => {
                marker.epoch = epoch.max(marker.epoch);
                marker.keep_until = keep_until.max(marker.keep_until);
            }
            None => {
                self.by_principal.insert(principal.clone(), Marker { epoch, keep_until });
                self.queue.push_back((keep_until, principal.clone()));
            }
        }
    }

    /// Looks at up to `limit` markers and forgets those that were kept long enough.
    fn forget(&mut self, now: UnixTime, limit: usize) {
        for _ in 0..limit {
            if self.queue.front().is_none_or(|(until, _)| *until >= now) {
                return;
            }
            let Some((_, principal)) = self.queue.pop_front() else { return };
            match self.by_principal.get(&principal).map(|marker| marker.keep_until) {
                Some(until) if until >= now => self.queue.push_back((until, principal)),
                _ => drop(self.by_principal.remove(&principal)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::memory::sample::{NOW, after, anonymous, owner, session};

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Insert { of: usize },
        Remove { nth: usize },
        DropExpired { at: u64 },
        DropOldestOfNobody,
        EndAll { of: usize, epoch: u64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0_usize..4).prop_map(|of| Step::Insert { of }),
            1 => (0_usize..40).prop_map(|nth| Step::Remove { nth }),
            1 => (0_u64..60).prop_map(|at| Step::DropExpired { at }),
            1 => Just(Step::DropOldestOfNobody),
            1 => (0_usize..3, 0_u64..4).prop_map(|(of, epoch)| Step::EndAll { of, epoch }),
        ]
    }

    proptest! {
        /// A row that is out of its chain is found by its id and by nothing else: ending all would miss it.
        #[test]
        fn the_chains_have_exactly_the_rows(steps in proptest::collection::vec(step(), 0..80)) {
            let owners = ["ann", "bob", "cid"].map(owner);
            let mut shard = SessionShard::new();
            let mut model: Vec<SessionRecord> = Vec::new();
            for (n, step) in (0..).zip(steps) {
                match step {
                    Step::Insert { of } => {
                        let mut record = owners.get(of).map_or_else(|| anonymous(n), |owner| session(owner, n));
                        record.idle_until = after(n * 7 % 60);
                        move_up(&mut record, AuthEpoch::new(n % 4));
                        if shard.admit(&record, None, NOW).is_ok() {
                            assert!(shard.insert(&record));
                            model.push(record);
                        }
                    }
                    Step::Remove { nth } if nth < model.len() => assert!(shard.remove(&model.remove(nth).id)),
                    Step::Remove { .. } => assert!(!shard.remove(&anonymous(0).id)),
                    Step::DropExpired { at } => {
                        let live = model.iter().filter(|record| record.is_live(after(at))).count();
                        assert_eq!(shard.drop_expired(after(at), usize::MAX), model.len() - live);
                        model.retain(|record| record.is_live(after(at)));
                    }
                    Step::DropOldestOfNobody => {
                        let oldest = model.iter().position(|record| record.authentication.is_none());
                        assert_eq!(shard.drop_oldest_of_nobody(), oldest.is_some());
                        oldest.map(|oldest| model.remove(oldest));
                    }
                    Step::EndAll { of, epoch } => {
                        let (principal, epoch) = (owners[of].principal(), AuthEpoch::new(epoch));
                        let ended = shard.end_all(principal, None, epoch, NOW);
                        let before = model.len();
                        model.retain(|record| record.principal() != Some(principal) || record.epoch() >= epoch);
                        assert_eq!(ended.rows, before - model.len());
                    }
                }
                for owner in &owners {
                    let chain = shard.chain_of(owner.principal()).map(|(_, row)| *row.id());
                    let own = model.iter().rev().filter(|record| record.principal() == Some(owner.principal()));
                    assert!(chain.eq(own.map(|record| record.id)));
                }
                let oldest = model.iter().find(|record| record.authentication.is_none());
                assert_eq!(shard.oldest_of_nobody(), oldest.map(|record| record.created_at));
                assert_eq!(shard.next_deadline(), model.iter().map(SessionRecord::ends_at).min());
                for record in &model {
                    assert_eq!(shard.load(&record.id, UnixTime::EPOCH).as_ref(), Some(record));
                }
            }
        }
    }

    /// Markers are the one thing here that no capacity counts.
    #[test]
    fn markers_are_forgotten_after_a_day_and_not_before() {
        let day = KEPT.as_secs();
        let ids: Vec<_> = (0..200).map(|n| owner(&format!("p{n}")).principal().clone()).collect();
        let mut markers = Markers::default();
        for id in &ids {
            markers.raise(id, AuthEpoch::new(1), NOW);
        }
        // Raised again later: kept longer.
        markers.raise(&ids[0], AuthEpoch::new(1), after(100));
        markers.forget(after(day), usize::MAX);
        assert_eq!(markers.by_principal.len(), 200);
        for n in 0..150 {
            markers.raise(&ids[1], AuthEpoch::new(2), after(day + 1 + n / 100));
        }
        assert_eq!((markers.by_principal.len(), markers.queue.len()), (2, 2));
        assert_eq!(markers.epoch_of(&ids[0]), AuthEpoch::new(1));
        assert_eq!(markers.epoch_of(&ids[1]), AuthEpoch::new(2));
    }
}
