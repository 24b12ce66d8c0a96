//! Principals, each with a number beside it.

use std::hash::{BuildHasher, Hasher};

use auth_core::{PrincipalId, PrincipalKind, Realm};
use foldhash::fast::RandomState;

use crate::{names::Names, slots::Slots};

/// Bytes of a record before the id: value, realm, kind, length of the id.
const HEADER: usize = 10;

/// Where a principal's record begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RecordAt(u32);

impl RecordAt {
    #[inline]
    pub(crate) const fn number(self) -> u32 {
        self.0
    }
}

/// Principals in the order of arrival. The three parts of an id are compared each by itself, never joined.
///
/// A principal is one run of bytes, so that finding a cold one costs two cache misses: one for its place in
/// the index, one for everything else.
#[derive(Debug, Clone)]
pub(crate) struct Principals {
    // Seeded per table: people choose their own names, and must not be able to make them collide.
    hasher: RandomState,
    slots: Slots,
    records: Vec<u8>,
    count: usize,
    realms: Names,
}

struct Record<'a> {
    value: u32,
    realm: u32,
    kind: u8,
    id: &'a [u8],
}

impl Principals {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::default(),
            slots: Slots::new(),
            records: Vec::new(),
            count: 0,
            realms: Names::new(),
        }
    }

    #[inline]
    pub(crate) fn find(&self, principal: &PrincipalId) -> Option<RecordAt> {
        self.find_hashed(self.hash(principal), principal)
    }

    /// The value beside a principal.
    #[inline]
    pub(crate) fn value(&self, at: RecordAt) -> Option<u32> {
        self.record(at).map(|record| record.value)
    }

    /// The value beside a principal. One that is new is added with its place in the order of arrival as
    /// value, unless there are `max` of them.
    pub(crate) fn intern(&mut self, principal: &PrincipalId, max: usize) -> Option<u32> {
        let hash = self.hash(principal);
        if let Some(at) = self.find_hashed(hash, principal) {
            return self.value(at);
        }
        if self.count >= max {
            return None;
        }
        let at = u32::try_from(self.records.len()).ok()?;
        let value = u32::try_from(self.count).ok()?;
        let len = u8::try_from(principal.id().len()).ok()?;
        let realm = principal.realm().as_str();
        let realm = self.realms.find(realm).unwrap_or_else(|| self.realms.push(realm));
        self.records.extend_from_slice(&value.to_le_bytes());
        self.records.extend_from_slice(&realm.to_le_bytes());
        self.records.extend_from_slice(&[code(principal.kind())?, len]);
        self.records.extend_from_slice(principal.id().as_bytes());
        self.slots.insert(hash, at);
        self.count = self.count.saturating_add(1);
        Some(value)
    }

    /// Replaces the value of each principal by what `change` makes of it.
    pub(crate) fn change_values(&mut self, mut change: impl FnMut(u32) -> u32) {
        let mut at = RecordAt(0);
        while let Some(record) = self.record(at) {
            let (value, next) = (record.value, self.after(at, &record));
            let start = at.0 as usize;
            if let Some(bytes) = self.records.get_mut(start..start.saturating_add(size_of::<u32>())) {
                bytes.copy_from_slice(&change(value).to_le_bytes());
            }
            at = next;
        }
    }

    /// All principals' places and values, in the order of arrival.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (RecordAt, u32)> {
        let mut at = RecordAt(0);
        std::iter::from_fn(move || {
            let record = self.record(at)?;
            let item = (at, record.value);
            at = self.after(at, &record);
            Some(item)
        })
    }

    pub(crate) fn get(&self, at: RecordAt) -> Option<PrincipalId> {
        let record = self.record(at)?;
        // They were a principal's parts before, so they are valid.
        let realm = Realm::parse(self.realms.get(record.realm)?).ok()?;
        PrincipalId::new(realm, kind(record.kind)?, std::str::from_utf8(record.id).ok()?).ok()
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn shrink(&mut self) {
        self.records.shrink_to_fit();
        self.realms.shrink();
    }

    /// What it holds on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.bytes().saturating_add(self.records.len()).saturating_add(self.realms.bytes())
    }

    #[inline]
    fn find_hashed(&self, hash: u64, principal: &PrincipalId) -> Option<RecordAt> {
        let kind = code(principal.kind());
        let same = |at: u32| {
            self.record(RecordAt(at)).is_some_and(|record| {
                record.id == principal.id().as_bytes()
                    && Some(record.kind) == kind
                    && self.realms.get(record.realm) == Some(principal.realm().as_str())
            })
        };
        self.slots.find(hash, same).map(RecordAt)
    }

    #[inline]
    fn record(&self, at: RecordAt) -> Option<Record<'_>> {
        let (header, rest) = self.records.get(at.0 as usize..)?.split_first_chunk::<HEADER>()?;
        let [v0, v1, v2, v3, r0, r1, r2, r3, kind, len] = *header;
        Some(Record {
            value: u32::from_le_bytes([v0, v1, v2, v3]),
            realm: u32::from_le_bytes([r0, r1, r2, r3]),
            kind,
            id: rest.get(..usize::from(len))?,
        })
    }

    fn after(&self, at: RecordAt, record: &Record<'_>) -> RecordAt {
        let len = HEADER.saturating_add(record.id.len());
        RecordAt(at.0.saturating_add(u32::try_from(len).unwrap_or(u32::MAX)))
    }

    #[inline]
    fn hash(&self, principal: &PrincipalId) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(principal.realm().as_str().as_bytes());
        hasher.write_u8(code(principal.kind()).unwrap_or_default());
        hasher.write(principal.id().as_bytes());
        hasher.finish()
    }
}

/// A kind as a byte. A kind that is not known here has none, so its principals cannot hold anything.
#[inline]
const fn code(kind: PrincipalKind) -> Option<u8> {
    Some(match kind {
        PrincipalKind::User => 1,
        PrincipalKind::Service => 2,
        PrincipalKind::Device => 3,
        _ => return None,
    })
}

const fn kind(code: u8) -> Option<PrincipalKind> {
    Some(match code {
        1 => PrincipalKind::User,
        2 => PrincipalKind::Service,
        3 => PrincipalKind::Device,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> Vec<PrincipalId> {
        let realms = [
            Realm::LOCAL,
            Realm::local("a").unwrap(),
            Realm::local("a/b").unwrap(),
            Realm::issuer("a").unwrap(),
        ];
        let kinds = [PrincipalKind::User, PrincipalKind::Service, PrincipalKind::Device];
        let long = "x".repeat(PrincipalId::MAX_LEN);
        let names = ["1", "b", "b/1", "::", "a::b", "a#b", "ä", "a\u{308}", "A", "a", &long];
        realms
            .iter()
            .flat_map(|realm| kinds.map(|kind| (realm, kind)))
            .flat_map(|(realm, kind)| names.map(|id| PrincipalId::new(realm.clone(), kind, id).unwrap()))
            .collect()
    }

    /// Separators, kinds, tenants, case and Unicode forms stay apart.
    #[test]
    fn principals_that_differ_in_any_part_are_different() {
        let mut principals = Principals::new();
        let ids = ids();
        for (n, id) in (0..).zip(&ids) {
            assert_eq!(principals.find(id), None);
            assert_eq!(principals.intern(id, 1_000), Some(n));
        }
        principals.change_values(|value| value * 2);
        for (n, id) in (0..).zip(&ids) {
            let at = principals.find(id).unwrap();
            assert_eq!(principals.value(at), Some(n * 2));
            assert_eq!(principals.intern(id, 0), Some(n * 2));
            assert_eq!(principals.get(at).as_ref(), Some(id));
        }
        let listed: Vec<_> = principals.iter().filter_map(|(at, _)| principals.get(at)).collect();
        assert_eq!(listed, ids);
        assert_eq!(principals.len(), ids.len());
    }

    /// A hash is no proof: whatever collides, each part of an id is compared.
    #[test]
    fn principals_with_the_same_hash_are_told_apart() {
        for one in ids() {
            let mut principals = Principals::new();
            principals.intern(&one, 1).unwrap();
            let hash = principals.hash(&one);
            for other in ids() {
                assert_eq!(principals.find_hashed(hash, &other).is_some(), one == other, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn no_more_than_the_cap_are_taken() {
        let mut principals = Principals::new();
        let ids = ids();
        assert_eq!(principals.intern(&ids[0], 1), Some(0));
        assert_eq!(principals.intern(&ids[1], 1), None);
        assert_eq!(principals.find(&ids[1]), None);
    }
}
