//! What the methods of a [`SessionStore`](crate::SessionStore) make of a session: the conditions of its contract, pure,
//! for stores to apply in one step with reading and writing. Nothing here writes to a store.

use std::{cmp::Reverse, sync::Arc};

use super::{EndAll, Rotated, SecretState, SessionLimit, SessionRecord, SessionSummary, WhenReached};
use crate::{Page, SessionBlob, SessionId, SessionOwner, UnixTime, Updated, Version};

impl SessionRecord {
    /// What [`SessionStore::update`](crate::SessionStore::update) makes of it.
    pub fn update(&mut self, expected: Version, data: &SessionBlob) -> Updated {
        if self.version != expected {
            return Updated::Conflict;
        }
        self.data = data.clone();
        self.version = self.version.next();
        Updated::Updated
    }

    /// What [`SessionStore::rotate`](crate::SessionStore::rotate) makes of it.
    pub fn rotate(&mut self, expected: Version, next: &SecretState) -> Rotated {
        if self.version != expected {
            return Rotated::Conflict;
        }
        self.secret = next.clone();
        self.version = self.version.next();
        Rotated::Rotated
    }

    /// What [`SessionStore::touch`](crate::SessionStore::touch) makes of it. Answers whether it is alive.
    #[must_use]
    pub fn touch(&mut self, idle_until: UnixTime, now: UnixTime) -> bool {
        let is_live = self.is_live(now);
        if is_live {
            self.idle_until = self.idle_until.max(idle_until.min(self.absolute_until));
            self.last_used_at = self.last_used_at.max(now);
        }
        is_live
    }
}

impl EndAll<'_> {
    /// Whether a session ends by it. One that is somebody else's or not older is left as it is, and the excepted one
    /// is moved up. A store that may hold what an [`EpochMarker`](super::EpochMarker) ended before asks that first.
    #[must_use]
    pub fn ends(&self, record: &mut SessionRecord) -> bool {
        if record.principal() != Some(self.owner.principal()) || record.epoch() >= self.epoch {
            return false;
        }
        if Some(&record.id) != self.except || Some(record.epoch()) != self.epoch.before() {
            return true;
        }
        if let Some(authentication) = &mut record.authentication {
            Arc::make_mut(authentication).epoch = self.epoch;
        }
        false
    }
}

impl SessionLimit {
    /// Those of these sessions that have to end for a new one, or `None` if it may not begin. What is dead, of
    /// another principal or [acted in](SessionRecord::has_actor) by somebody else does not count, nor does anything for a
    /// session of nobody, or one that is acted in.
    #[must_use]
    pub fn make_room<'a>(
        &self,
        new: &SessionRecord,
        others: impl IntoIterator<Item = &'a SessionRecord>,
        now: UnixTime,
    ) -> Option<Vec<SessionId>> {
        let Some(principal) = new.principal().filter(|_| !new.has_actor()) else { return Some(Vec::new()) };
        let counts =
            |row: &&SessionRecord| row.principal() == Some(principal) && row.is_live(now) && !row.has_actor();
        let mut live: Vec<_> =
            others.into_iter().filter(counts).map(|row| (row.created_at, row.id)).collect();
        let others = usize::try_from(self.max.max(1)).unwrap_or(usize::MAX).saturating_sub(1);
        let too_many = live.len().saturating_sub(others);
        if too_many > 0 && self.when_reached == WhenReached::Refuse {
            return None;
        }
        live.sort_unstable();
        Some(live.into_iter().take(too_many).map(|(_, id)| id).collect())
    }
}

impl SessionOwner {
    /// What [`SessionStore::list`](crate::SessionStore::list) makes of these sessions: those that are the owner's and
    /// alive, in its order.
    #[must_use]
    pub fn list<'a>(
        &self,
        records: impl IntoIterator<Item = &'a SessionRecord>,
        page: Page,
        now: UnixTime,
    ) -> Vec<SessionSummary> {
        let is_listed = |row: &&SessionRecord| row.principal() == Some(self.principal()) && row.is_live(now);
        let mut live: Vec<_> = records.into_iter().filter(is_listed).collect();
        live.sort_unstable_by_key(|row| (Reverse(row.created_at), row.id));
        let (skip, take) = (usize::try_from(page.offset()), usize::try_from(page.limit()));
        let (skip, take) = (skip.unwrap_or(usize::MAX), take.unwrap_or(usize::MAX));
        live.into_iter().skip(skip).take(take).map(SessionRecord::summary).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AuthEpoch, EpochMarker, SecretHash, memory::sample};
    use sample::{NOW, after, ann, owner, session};

    fn at_epoch(n: u64, epoch: u64) -> SessionRecord {
        let mut record = session(&ann(), n);
        if let Some(login) = &mut record.authentication {
            Arc::make_mut(login).epoch = AuthEpoch::new(epoch);
        }
        record
    }

    /// The last writer must not win.
    #[test]
    fn a_change_from_an_older_version_changes_nothing() {
        let record = session(&ann(), 0);
        let data = SessionBlob::empty().with_slot("n", 1, b"1").unwrap();
        let next = record.secret.rotated(SecretHash::of(b"2"), NOW);
        let mut changed = record.clone();
        assert_eq!(changed.update(record.version.next(), &data), Updated::Conflict);
        assert_eq!(changed.rotate(record.version.next(), &next), Rotated::Conflict);
        assert_eq!(changed, record);

        assert_eq!(changed.update(record.version, &data), Updated::Updated);
        assert_eq!(changed.rotate(record.version.next(), &next), Rotated::Rotated);
        let version = record.version.next().next();
        assert_eq!(changed, SessionRecord { data, secret: next, version, ..record });
    }

    #[test]
    fn a_touch_moves_forward_up_to_the_absolute_deadline_and_revives_nothing() {
        let record = SessionRecord { idle_until: after(10), absolute_until: after(20), ..session(&ann(), 0) };
        let mut touched = record.clone();
        assert!(touched.touch(after(5), after(3)));
        assert_eq!((touched.idle_until, touched.last_used_at), (after(10), after(3)));
        assert!(touched.touch(after(99), after(1)));
        assert_eq!((touched.idle_until, touched.last_used_at), (after(20), after(3)));
        let dead = touched.clone();
        assert!(!touched.touch(after(99), after(20)));
        assert_eq!(touched, dead);
        assert_eq!(touched.version, record.version);
    }

    #[test]
    fn what_ends_is_the_principals_and_older_but_for_the_excepted_one() {
        let (ann, bob) = (ann(), owner("bob"));
        let (mut direct, mut older, mut newer) = (at_epoch(0, 2), at_epoch(1, 1), at_epoch(2, 3));
        let mut of_bob = session(&bob, 3);
        let id = direct.id;
        let all = EndAll { owner: &ann, except: None, epoch: AuthEpoch::new(3) };
        assert!(all.ends(&mut direct) && all.ends(&mut older));
        assert!(!all.ends(&mut newer) && !all.ends(&mut of_bob));
        assert_eq!((direct.epoch(), newer.epoch()), (AuthEpoch::new(2), AuthEpoch::new(3)));

        let old = older.id;
        assert!(EndAll { except: Some(&old), ..all }.ends(&mut older), "an earlier change had ended it");
        let version = direct.version;
        assert!(!EndAll { except: Some(&id), ..all }.ends(&mut direct));
        assert_eq!((direct.epoch(), direct.version), (AuthEpoch::new(3), version));
    }

    #[test]
    fn a_limit_counts_the_live_sessions_of_the_principal_and_ends_the_oldest() {
        let rows: Vec<_> = [3, 1, 2].map(|n| session(&ann(), n)).into();
        let others = [session(&owner("bob"), 0), SessionRecord { idle_until: NOW, ..session(&ann(), 0) }];
        let new = session(&ann(), 9);
        let room = |max, when_reached| {
            let limit = SessionLimit { max, when_reached };
            limit.make_room(&new, rows.iter().chain(&others), after(9))
        };
        assert_eq!(room(2, WhenReached::EndOldest), Some(vec![rows[1].id, rows[2].id]));
        assert_eq!(room(0, WhenReached::EndOldest), Some(vec![rows[1].id, rows[2].id, rows[0].id]));
        assert_eq!(room(4, WhenReached::EndOldest), Some(vec![]));
        assert_eq!((room(3, WhenReached::Refuse), room(4, WhenReached::Refuse)), (None, Some(vec![])));
        let nobody = SessionRecord { authentication: None, ..new.clone() };
        let limit = SessionLimit { max: 1, when_reached: WhenReached::Refuse };
        assert_eq!(limit.make_room(&nobody, &rows, after(9)), Some(vec![]));
    }

    #[test]
    fn a_limit_says_nothing_of_sessions_with_an_actor() {
        let (new, rows) = (session(&ann(), 9), [session(&ann(), 1)]);
        let acted_in = |mut record: SessionRecord| {
            let login = record.authentication.as_mut().map(Arc::make_mut).unwrap();
            login.actor = Some(owner("support").principal().clone());
            record
        };
        let acted: Vec<_> = (0..3).map(|n| acted_in(session(&ann(), n))).collect();
        for when_reached in [WhenReached::Refuse, WhenReached::EndOldest] {
            let limit = SessionLimit { max: 1, when_reached };
            assert_eq!(limit.make_room(&new, &acted, after(9)), Some(vec![]));
            assert_eq!(limit.make_room(&acted_in(new.clone()), &rows, after(9)), Some(vec![]));
        }
    }

    #[test]
    fn a_list_names_the_live_sessions_of_the_owner_the_latest_first() {
        let rows = [session(&ann(), 1), session(&owner("bob"), 2), session(&ann(), 3), session(&ann(), 2)];
        let ids = |page, now| ann().list(&rows, page, now).iter().map(|row| row.id).collect::<Vec<_>>();
        assert_eq!(ids(Page::first(), after(9)), [rows[2].id, rows[3].id, rows[0].id]);
        assert_eq!(ids(Page::new(1, 1), after(9)), [rows[3].id]);
        assert!(ids(Page::first(), UnixTime::MAX).is_empty());
    }

    #[test]
    fn a_marker_goes_up_only_and_ends_what_is_older() {
        let marker = EpochMarker::raised(None, AuthEpoch::new(3), NOW);
        let lower = EpochMarker::raised(Some(marker), AuthEpoch::new(1), after(5));
        assert_eq!(lower.epoch, AuthEpoch::new(3));
        assert!(!lower.is_over(after(5).saturating_add(EpochMarker::KEPT)));
        assert!(lower.is_over(after(6).saturating_add(EpochMarker::KEPT)));
        assert_eq!(EpochMarker::raised(Some(lower), AuthEpoch::ZERO, NOW), lower);
        assert!(lower.ends(&at_epoch(0, 2)) && !lower.ends(&at_epoch(0, 3)));
        let nobody = SessionRecord { authentication: None, ..session(&ann(), 0) };
        assert!(!lower.ends(&nobody));
    }
}
