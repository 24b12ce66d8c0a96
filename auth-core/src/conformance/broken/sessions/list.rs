//! Faults of `list`.

use std::cmp::Reverse;

use super::{BrokenSessions, SessionFault as Fault};
use crate::{
    Page, PrincipalId, SecretHash, SessionOwner, SessionRecord, SessionStore, SessionSummary, StoreError,
    UnixTime, conformance::reference::page_of,
};

impl BrokenSessions {
    pub(super) async fn broken_list(
        &self,
        owner: &SessionOwner,
        page: Page,
        now: UnixTime,
    ) -> Result<Vec<SessionSummary>, StoreError> {
        let id = owner.principal();
        let alive = |row: &SessionRecord| row.is_live(now);
        let own = |row: &SessionRecord| row.principal() == Some(id);
        let rows = match self.fault {
            Fault::ListIgnoresRealm => {
                self.rows(|row| row.principal().is_some_and(|other| same_id(other, id)) && alive(row))
            }
            Fault::ListIgnoresCase => {
                let folds = |other: &PrincipalId| {
                    other.realm() == id.realm() && other.id().eq_ignore_ascii_case(id.id())
                };
                self.rows(|row| row.principal().is_some_and(folds) && alive(row))
            }
            Fault::ListShowsTheDead => self.rows(own),
            Fault::ListUnderOneTag => {
                let tag = owner.tag();
                self.rows(|row| own(row) && alive(row) && row.id.as_bytes().starts_with(tag.as_bytes()))
            }
            Fault::ListOldestFirst => {
                let mut rows = self.rows(|row| own(row) && alive(row));
                rows.reverse();
                rows
            }
            Fault::ListTiesAtRandom => {
                let mut rows = self.rows(|row| own(row) && alive(row));
                rows.sort_by_key(|row| (Reverse(row.created_at), SecretHash::of(row.id.as_bytes())));
                rows
            }
            Fault::ListIgnoresPage => {
                return Ok(self
                    .rows(|row| own(row) && alive(row))
                    .iter()
                    .map(SessionRecord::summary)
                    .collect());
            }
            Fault::ListForgetsTerms => {
                let mut listed = self.good.list(owner, page, now).await?;
                listed.iter_mut().for_each(|session| session.terms = None);
                return Ok(listed);
            }
            Fault::ListCutsFirst => {
                let rows = page_of(self.rows(own), page);
                return Ok(rows.iter().filter(|row| alive(row)).map(SessionRecord::summary).collect());
            }
            _ => return self.good.list(owner, page, now).await,
        };
        Ok(page_of(rows.iter().map(SessionRecord::summary), page))
    }

    /// The rows that are wanted, newest first.
    fn rows(&self, wanted: impl Fn(&SessionRecord) -> bool) -> Vec<SessionRecord> {
        let mut rows: Vec<_> = self.good.lock().rows.values().filter(|row| wanted(row)).cloned().collect();
        rows.sort_by_key(|row| (Reverse(row.created_at), row.id));
        rows
    }
}

/// All that a careless index compares.
pub(super) fn same_id(one: &PrincipalId, other: &PrincipalId) -> bool {
    one.id() == other.id()
}
