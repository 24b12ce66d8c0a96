//! Whether a chained log is as it was written.

use std::{error::Error, fmt};

use subtle::ConstantTimeEq;

use super::{ChainEntry, ChainHead};
use crate::KeyRing;

/// Checks the entries of a chained log, one after the other, and tells where it is not as it was written.
///
/// It begins with whatever entry comes first: those that were put aside long ago are no fault. A [known](Self::knowing)
/// entry says what has to be there.
#[derive(Debug)]
#[must_use = "what was found is in `finish`"]
pub struct ChainVerifier<'a> {
    ring: &'a KeyRing,
    known: Vec<ChainHead>,
    first: Option<u64>,
    /// The last entry that was where it belongs.
    last: Option<ChainHead>,
    /// How many came since then of which it is not known which they were.
    doubtful: u64,
    position: u64,
    faults: Vec<ChainFault>,
    more: u64,
}

/// A log that is as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainExtent {
    /// The number of its first entry: those before it were put aside or purged. 0 if there is none.
    pub first: u64,
    /// Its last entry; [`ChainHead::START`] if there is none.
    pub head: ChainHead,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainFault {
    /// At what place it was found: the line or row, counted from 1 over the whole log as it is.
    pub position: u64,
    /// Which entry it says it is, if it says so; unless it was [changed](ChainFaultKind::Changed), that is so.
    pub entry: Option<u64>,
    /// What is wrong.
    pub kind: ChainFaultKind,
}

/// What is wrong with a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainFaultKind {
    /// The entry is not as the log wrote it, or the log did not write it.
    Changed,
    /// It is no entry: half a line, as a process leaves it that is killed, or a line of somebody else.
    Unreadable,
    /// Before this entry, these are missing.
    Missing {
        /// The number of the first one.
        from: u64,
        /// The number of the last one.
        to: u64,
    },
    /// The entry stands behind one that came after it, or is there twice.
    OutOfPlace,
    /// The log wrote this entry, and after another one than stands before it, or than is known: it was set back to
    /// an earlier state and went on from there, or two processes wrote it.
    Forked,
    /// At the end of the log, these are missing.
    Truncated {
        /// The number of the first one.
        from: u64,
        /// The number of the last one that is known.
        to: u64,
    },
}

/// A log is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("audit log is not as it was written, at {} places", self.more.saturating_add(self.faults.len() as u64))]
pub struct ChainBroken {
    /// Where and how: the first [`ChainVerifier::MAX_FAULTS`] of them.
    pub faults: Vec<ChainFault>,
    /// How many more there are.
    pub more: u64,
}

/// A log is not as it was written, or could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// It is not as it was written.
    #[error(transparent)]
    Broken(#[from] ChainBroken),
    /// It could not be read, so nothing is known of it.
    #[error("audit log cannot be read")]
    Read(#[source] Box<dyn Error + Send + Sync>),
}

impl<'a> ChainVerifier<'a> {
    /// The most faults that are told one by one.
    pub const MAX_FAULTS: usize = 1_000;

    /// A verifier of the log that was written under this ring.
    pub const fn new(ring: &'a KeyRing) -> Self {
        Self {
            ring,
            known: Vec::new(),
            first: None,
            last: None,
            doubtful: 0,
            position: 0,
            faults: Vec::new(),
            more: 0,
        }
    }

    /// This entry was the log's last one at some time, and is known from elsewhere. If the log has been put aside up to
    /// it or further, the entries after it have to be there.
    pub fn knowing(mut self, head: ChainHead) -> Self {
        if head.entry > 0 {
            self.known.push(head);
        }
        self
    }

    /// Checks the next entry.
    pub fn entry(&mut self, entry: &ChainEntry<'_>) {
        self.position = self.position.saturating_add(1);
        let number = entry.number;
        if number == 0 || !entry.is_genuine(self.ring) {
            self.doubtful = self.doubtful.saturating_add(1);
            return self.fault(Some(number), ChainFaultKind::Changed);
        }
        let differs = |known: &ChainHead| {
            (known.entry == number && !same(&known.hash, &entry.hash))
                || (known.entry.checked_add(1) == Some(number) && !same(&known.hash, &entry.before))
        };
        let mut forked = self.known.iter().any(differs);
        match self.last {
            None => self.begin(number),
            Some(last) if number <= last.entry => {
                return self.fault(Some(number), ChainFaultKind::OutOfPlace);
            }
            Some(last) => {
                let from = last.entry.saturating_add(1).saturating_add(self.doubtful);
                if number > from {
                    let missing = ChainFaultKind::Missing { from, to: number.saturating_sub(1) };
                    self.fault(Some(number), missing);
                }
                forked |= number == last.entry.saturating_add(1) && !same(&last.hash, &entry.before);
            }
        }
        if forked {
            self.fault(Some(number), ChainFaultKind::Forked);
        }
        (self.last, self.doubtful) = (Some(ChainHead { entry: number, hash: entry.hash }), 0);
    }

    /// Notes that the next line or row is no entry.
    pub fn unreadable(&mut self) {
        self.doubt(None, ChainFaultKind::Unreadable);
    }

    /// Notes that the next line or row says of an entry what the entry does not.
    pub fn contradicted(&mut self, number: u64) {
        self.doubt(Some(number), ChainFaultKind::Changed);
    }

    /// What came of it.
    ///
    /// # Errors
    /// [`ChainBroken`] says where the log is not as it was written.
    pub fn finish(mut self) -> Result<ChainExtent, ChainBroken> {
        let head = self.last.unwrap_or(ChainHead::START);
        let end = head.entry.saturating_add(self.doubtful);
        let known = self.known.iter().map(|known| known.entry).max().unwrap_or(0);
        if known > end {
            let truncated = ChainFaultKind::Truncated { from: end.saturating_add(1), to: known };
            self.fault(None, truncated);
        }
        if self.faults.is_empty() {
            Ok(ChainExtent { first: self.first.unwrap_or(0), head })
        } else {
            Err(ChainBroken { faults: self.faults, more: self.more })
        }
    }

    /// The log may begin anywhere, but not behind what has to be there.
    fn begin(&mut self, number: u64) {
        self.first = Some(number);
        let known = self.known.iter().map(|known| known.entry).filter(|known| *known < number).max();
        let from = known.map(|known| known.saturating_add(1).saturating_add(self.doubtful));
        if let Some(from) = from
            && from < number
        {
            self.fault(Some(number), ChainFaultKind::Missing { from, to: number.saturating_sub(1) });
        }
    }

    fn doubt(&mut self, entry: Option<u64>, kind: ChainFaultKind) {
        self.position = self.position.saturating_add(1);
        self.doubtful = self.doubtful.saturating_add(1);
        self.fault(entry, kind);
    }

    fn fault(&mut self, entry: Option<u64>, kind: ChainFaultKind) {
        if self.faults.len() < Self::MAX_FAULTS {
            self.faults.push(ChainFault { position: self.position, entry, kind });
        } else {
            self.more = self.more.saturating_add(1);
        }
    }
}

fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.ct_eq(b).into()
}

impl fmt::Display for ChainFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "place {}", self.position)?;
        if let Some(entry) = self.entry {
            write!(f, ", entry {entry}")?;
        }
        match self.kind {
            ChainFaultKind::Changed => write!(f, ": changed or added"),
            ChainFaultKind::Unreadable => write!(f, ": no entry"),
            ChainFaultKind::Missing { from, to } => write!(f, ": {from} to {to} missing before it"),
            ChainFaultKind::OutOfPlace => write!(f, ": out of place"),
            ChainFaultKind::Forked => write!(f, ": follows another entry"),
            ChainFaultKind::Truncated { from, to } => write!(f, ": {from} to {to} missing at the end"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::ring, *};
    use crate::AuditChain;

    type Kept = (ChainHead, [u8; 32], Vec<u8>);

    /// Entries that say so many things after `head`, one after the other.
    fn log(head: ChainHead, contents: impl Iterator<Item = String>) -> Vec<Kept> {
        let mut chain = AuditChain::new(ring(1), head);
        let entries = contents.map(|content| {
            let entry = chain.next(content.as_bytes());
            let before = entry.before;
            let head = ChainHead { entry: entry.number, hash: entry.hash };
            chain.kept(&entry);
            (head, before, content.into_bytes())
        });
        entries.collect()
    }

    fn ten() -> Vec<Kept> {
        log(ChainHead::START, (1..=10).map(|n| format!("{{\"at\":{n}}}")))
    }

    fn verify(log: &[Kept], known: Option<ChainHead>) -> Vec<ChainFaultKind> {
        let ring = ring(1);
        let verifier = ChainVerifier::new(&ring);
        let mut verifier = known.into_iter().fold(verifier, ChainVerifier::knowing);
        for (head, before, content) in log {
            let (number, hash) = (head.entry, head.hash);
            verifier.entry(&ChainEntry { number, before: *before, hash, content });
        }
        match verifier.finish() {
            Ok(extent) => {
                assert_eq!(extent.head, log.last().map_or(ChainHead::START, |entry| entry.0));
                assert_eq!(extent.first, log.first().map_or(0, |entry| entry.0.entry));
                Vec::new()
            }
            Err(broken) => broken.faults.iter().map(|fault| fault.kind).collect(),
        }
    }

    #[test]
    fn a_log_that_nobody_touched_is_whole_from_wherever_it_begins() {
        let log = ten();
        for from in 0..=10 {
            assert_eq!(verify(&log[from..], None), []);
        }
        for known in &log {
            assert_eq!(verify(&log, Some(known.0)), []);
        }
        // Put aside up to what is known, and no further.
        assert_eq!(verify(&log[4..], Some(log[3].0)), []);
        let missing = ChainFaultKind::Missing { from: 4, to: 5 };
        assert_eq!(verify(&log[5..], Some(log[2].0)), [missing]);
    }

    /// Every single removal, run of removals, exchange and repetition is told with its place.
    #[test]
    fn what_is_missing_or_moved_is_told() {
        let whole = ten();
        for from in 1..9 {
            for to in from..9 {
                let mut log = whole.clone();
                log.drain(from..=to);
                let missing = ChainFaultKind::Missing { from: from as u64 + 1, to: to as u64 + 1 };
                assert_eq!(verify(&log, None), [missing], "{from} {to}");
            }
            let mut log = whole.clone();
            log.swap(from, from + 1);
            let n = from as u64 + 1;
            let missing = ChainFaultKind::Missing { from: n, to: n };
            assert_eq!(verify(&log, None), [missing, ChainFaultKind::OutOfPlace], "{from}");
            let mut log = whole.clone();
            log.insert(from + 1, whole[from].clone());
            assert_eq!(verify(&log, None), [ChainFaultKind::OutOfPlace], "{from}");
        }
    }

    /// Only who knows what was there can tell that the end is not.
    #[test]
    fn a_missing_end_is_told_to_who_knows_a_later_entry() {
        let whole = ten();
        for keep in 0..10 {
            let truncated = ChainFaultKind::Truncated { from: keep as u64 + 1, to: 10 };
            assert_eq!(verify(&whole[..keep], Some(whole[9].0)), [truncated], "{keep}");
            assert_eq!(verify(&whole[..keep], None), []);
        }
    }

    /// A log that was set back and written on has hashes that are right, and not the one that is known.
    #[test]
    fn a_log_that_was_set_back_is_told_to_who_knows_what_was_there() {
        let whole = ten();
        let mut other = whole[..6].to_vec();
        other.extend(log(whole[5].0, (0..6).map(|n| format!("{{\"other\":{n}}}"))));
        assert_eq!(verify(&other, None), []);
        assert_eq!(verify(&other, Some(whole[5].0)), []);
        assert_eq!(verify(&other, Some(whole[9].0)), [ChainFaultKind::Forked; 2]);
        // The rest of the one behind the beginning of the other.
        let mut mixed = whole[..7].to_vec();
        mixed.extend_from_slice(&other[7..]);
        assert_eq!(verify(&mixed, None), [ChainFaultKind::Forked]);
    }

    #[test]
    fn what_is_changed_is_told_once_and_the_rest_is_checked_on() {
        let whole = ten();
        for at in 0..10 {
            for what in 0..4 {
                let mut log = whole.clone();
                match what {
                    0 => log[at].2[1] ^= 1,
                    1 => log[at].1[0] ^= 1,
                    2 => log[at].0.hash[31] ^= 1,
                    _ => log[at].0.entry += 100,
                }
                assert_eq!(verify(&log, None), [ChainFaultKind::Changed], "{at} {what}");
            }
            // Something that was added.
            let mut log = whole.clone();
            log.insert(at, (ChainHead { entry: 5, hash: [7; 32] }, [8; 32], b"{}".to_vec()));
            assert_eq!(verify(&log, None), [ChainFaultKind::Changed], "{at}");
        }
    }

    #[test]
    fn many_faults_are_counted() {
        let ring = ring(1);
        let mut verifier = ChainVerifier::new(&ring);
        for _ in 0..1_500 {
            verifier.unreadable();
        }
        let broken = verifier.finish().unwrap_err();
        assert_eq!((broken.faults.len(), broken.more), (1_000, 500));
        assert_eq!(broken.to_string(), "audit log is not as it was written, at 1500 places");
        assert_eq!(broken.faults[0].to_string(), "place 1: no entry");
    }
}
