//! Stores that break their contract on purpose, one fault each: proof that the suite catches it.
//!
//! Each fault names the check that must notice it; a test of this crate runs the suite against every fault, and sees
//! that there is no check that nothing fails.

use std::thread;

use async_trait::async_trait;
use auth_core::{StoreError, UnixTime};

use super::{
    reference::{ReferenceRevocations, Rows, dated, key, later},
    sample::at,
};
use crate::{LoadEach, Revocation, RevocationKind, RevocationRecord, RevocationStore};

macro_rules! faults {
    ($( $(#[$doc:meta])* $fault:ident => $check:ident $($raced:ident)?, )*) => {
        /// What can be wrong with a store of revocations.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum RevocationFault {
            $( $(#[$doc])* $fault, )*
        }

        impl RevocationFault {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$fault),*];

            /// The check that must notice it.
            #[must_use]
            pub const fn caught_by(self) -> &'static str {
                match self {
                    $( Self::$fault => stringify!($check), )*
                }
            }

            /// Whether it shows only when calls are made at once.
            #[must_use]
            pub const fn needs_a_race(self) -> bool {
                match self {
                    $( Self::$fault => faults!(@raced $($raced)?), )*
                }
            }
        }
    };
    (@raced raced) => { true };
    (@raced) => { false };
}

faults! {
    /// `put` keeps nothing of what it confirms.
    PutKeepsNothing => a_revocation_is_kept_exactly,
    /// `put` keeps at most a kilobyte of a name.
    PutCutsNames => a_revocation_is_kept_exactly,
    /// `put` keeps the first thousand.
    PutKeepsAThousand => every_one_of_many_is_handed_over,
    /// The last date counts.
    DateGoesBack => the_later_date_counts,
    /// The first date counts.
    DateStays => the_later_date_counts,
    /// A date takes the place of none.
    NoDateIsTheEarliest => no_date_is_later_than_any,
    /// The last end counts.
    EndGoesBack => the_later_end_counts,
    /// The first end counts.
    EndStays => the_later_end_counts,
    /// Of two records, the one with the later end counts.
    LaterRecordCounts => date_and_end_count_each_for_itself,
    /// `put` drops what ends within the minute.
    PutDropsLive => a_put_drops_nothing_that_has_not_ended,
    /// The issuer is not part of the key.
    IssuerIgnored => revocations_of_two_issuers_are_kept_apart,
    /// The issuer is compared without its case.
    IssuerCaseIgnored => revocations_of_two_issuers_are_kept_apart,
    /// The kind is not part of the key.
    KindIgnored => kinds_of_one_name_are_kept_apart,
    /// Names are compared without their case.
    CaseIgnored => names_that_look_alike_are_kept_apart,
    /// Names are compared without the spaces at their end.
    SpacesIgnored => names_that_look_alike_are_kept_apart,
    /// The key has the beginning of a name only.
    LongNamesCut => long_names_are_kept_apart,
    /// The key is issuer, kind and name with nothing in between.
    PartsRunTogether => parts_that_run_together_are_kept_apart,
    /// `load` reads the first page.
    LoadStopsEarly => every_one_of_many_is_handed_over,
    /// `load` leaves out the row behind each page.
    LoadSkipsBetweenPages => every_one_of_many_is_handed_over,
    /// `load` leaves out what ends in the next second.
    LoadEndsEarly => a_revocation_is_handed_over_until_it_ends,
    /// `load` goes on whatever it is answered.
    LoadIgnoresAnswers => what_each_answers_is_passed_on,
    /// `load` ends at an error, and says that all is well.
    LoadStopsQuietly => what_each_answers_is_passed_on,
    /// `load` has an error of its own for what it is answered.
    LoadChangesAnswers => what_each_answers_is_passed_on,
    /// `load` goes on at an offset.
    LoadByOffset => what_was_confirmed_is_loaded_whatever_leaves_meanwhile raced,
    /// `put` reads in one step and writes in another.
    PutNotAtomic => of_many_that_put_one_name_the_latest_count raced,
    /// `put` writes back the whole table that it read before, as files are written.
    PutWritesTheTable => of_many_that_put_many_names_all_stay raced,
}

use RevocationFault as Fault;

/// A [`RevocationStore`] with one fault.
#[derive(Debug)]
pub struct BrokenRevocations {
    fault: Fault,
    good: ReferenceRevocations,
}

impl BrokenRevocations {
    /// An empty store with this fault. What is not atomic in it is as far apart as statements that a network carries.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self { fault, good: ReferenceRevocations::default() }
    }

    /// The key that is used instead.
    fn key(&self, record: &RevocationRecord) -> (String, &'static str, String) {
        let (issuer, kind, name) = key(record);
        match self.fault {
            Fault::IssuerIgnored => (String::new(), kind, name),
            Fault::IssuerCaseIgnored => (issuer.to_lowercase(), kind, name),
            Fault::KindIgnored => (issuer, "", name),
            Fault::CaseIgnored => (issuer, kind, name.to_lowercase()),
            Fault::SpacesIgnored => (issuer, kind, name.trim_end_matches(' ').to_owned()),
            Fault::LongNamesCut => (issuer, kind, name.chars().take(255).collect()),
            Fault::PartsRunTogether => (String::new(), kind, format!("{issuer}{name}")),
            _ => (issuer, kind, name),
        }
    }

    /// What is kept where there is one already.
    fn merged(
        &self,
        there: &RevocationRecord,
        record: &RevocationRecord,
    ) -> Result<RevocationRecord, StoreError> {
        let kept = later(there, record)?;
        let (before, behind) = (there.revocation.date(), record.revocation.date());
        let with = |date| {
            let revocation = dated(&kept.revocation, date)?;
            Ok(RevocationRecord { revocation, ends_at: kept.ends_at })
        };
        Ok(match self.fault {
            Fault::DateGoesBack => return with(behind),
            Fault::DateStays => return with(before),
            // As GREATEST of PostgreSQL.
            Fault::NoDateIsTheEarliest => return with(before.max(behind)),
            Fault::EndGoesBack => RevocationRecord { ends_at: record.ends_at, ..kept },
            Fault::EndStays => RevocationRecord { ends_at: there.ends_at, ..kept },
            Fault::LaterRecordCounts if there.ends_at >= record.ends_at => there.clone(),
            Fault::LaterRecordCounts => record.clone(),
            _ => kept,
        })
    }

    fn write(&self, rows: &mut Rows, record: &RevocationRecord) -> Result<(), StoreError> {
        let key = self.key(record);
        let kept = match rows.get(&key) {
            // Of another kind, where that is not part of the key.
            Some(there) if there.revocation.kind() == record.revocation.kind() => {
                self.merged(there, record)?
            }
            _ => record.clone(),
        };
        rows.insert(key, kept);
        Ok(())
    }

    /// Row by row of pages, each read when the one before it was handed over.
    fn load_pages(
        &self,
        skipped: usize,
        by_offset: bool,
        now: UnixTime,
        each: &mut LoadEach<'_>,
    ) -> Result<(), StoreError> {
        const PAGE: usize = 8;
        let (mut offset, mut last) = (0_usize, None);
        loop {
            let rows = self.good.lock().clone();
            let left =
                rows.into_iter().filter(|(key, _)| by_offset || last.as_ref().is_none_or(|last| key > last));
            let page: Vec<_> = left.skip(if by_offset { offset } else { 0 }).take(PAGE).collect();
            let Some((end, _)) = page.last() else { return Ok(()) };
            last = Some(end.clone());
            offset = offset.saturating_add(PAGE);
            page.into_iter().map(|(_, row)| row).filter(|row| row.ends_at > now).try_for_each(&mut *each)?;
            if skipped > 0 {
                let rows = self.good.lock();
                let behind = rows.keys().find(|key| last.as_ref().is_some_and(|last| *key > last)).cloned();
                last = behind.or(last);
            }
            pass();
        }
    }
}

/// What lies between two statements: others get their turn.
fn pass() {
    for _ in 0..4 {
        thread::yield_now();
    }
}

#[async_trait]
impl RevocationStore for BrokenRevocations {
    async fn put(&self, record: &RevocationRecord, now: UnixTime) -> Result<(), StoreError> {
        let dropped_at = match self.fault {
            Fault::PutDropsLive => now.saturating_add(std::time::Duration::from_secs(60)),
            _ => now,
        };
        self.good.lock().retain(|_, row| row.ends_at > dropped_at);
        match self.fault {
            Fault::PutKeepsNothing => Ok(()),
            Fault::PutKeepsAThousand if self.good.lock().len() >= 1_000 => Ok(()),
            Fault::PutCutsNames => {
                let revocation = &record.revocation;
                if revocation.kind() != RevocationKind::Token {
                    return self.good.put(record, now).await;
                }
                let name: String = revocation.name().chars().take(1_024).collect();
                let cut = Revocation::token(revocation.issuer().clone(), &name, revocation.date());
                let revocation = cut.map_err(StoreError::not_written)?;
                self.good.put(&RevocationRecord { revocation, ends_at: record.ends_at }, now).await
            }
            Fault::PutNotAtomic => {
                let key = self.key(record);
                let there = self.good.lock().get(&key).cloned();
                pass();
                let kept = there.map_or_else(|| Ok(record.clone()), |there| later(&there, record))?;
                self.good.lock().insert(key, kept);
                Ok(())
            }
            Fault::PutWritesTheTable => {
                let mut rows = self.good.lock().clone();
                pass();
                self.write(&mut rows, record)?;
                *self.good.lock() = rows;
                Ok(())
            }
            _ => self.write(&mut self.good.lock(), record),
        }
    }

    async fn load(&self, now: UnixTime, each: &mut LoadEach<'_>) -> Result<(), StoreError> {
        match self.fault {
            Fault::LoadStopsEarly => {
                let page: Vec<_> = self.good.lock().values().take(1_000).cloned().collect();
                page.into_iter().try_for_each(each)
            }
            Fault::LoadSkipsBetweenPages => self.load_pages(1, false, now, each),
            Fault::LoadByOffset => self.load_pages(0, true, now, each),
            Fault::LoadEndsEarly => self.good.load(now.saturating_add(at(1).since(at(0))), each).await,
            Fault::LoadIgnoresAnswers => {
                let mut deaf = |record| {
                    let _ = each(record);
                    Ok(())
                };
                self.good.load(now, &mut deaf).await
            }
            Fault::LoadStopsQuietly => {
                let _ = self.good.load(now, each).await;
                Ok(())
            }
            Fault::LoadChangesAnswers => self.good.load(now, each).await.map_err(StoreError::unknown),
            _ => self.good.load(now, each).await,
        }
    }
}
