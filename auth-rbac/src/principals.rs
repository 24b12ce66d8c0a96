//! Numbers for principals, and what each of them holds.

use std::hash::{BuildHasher, Hasher};

use auth_core::{PrincipalId, PrincipalKind, Realm};
use foldhash::quality::RandomState;

use crate::slots::Slots;

/// Marks what a principal holds as the number of a list of roles; without it, it is the one role itself.
const MANY: u32 = 1 << 31;

/// What a principal holds. Most hold one role; the others share lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holding<'a> {
    One(&'a u32),
    List(u32),
}

/// Sixteen bytes a principal, beside its text and its place in the index.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Where its id begins in the text.
    start: u32,
    realm: u32,
    holding: u32,
    kind: PrincipalKind,
    len: u8,
}

/// Principals by number. The three parts of an id are compared each by itself, never joined.
#[derive(Debug, Clone)]
pub(crate) struct Principals {
    // Seeded per table: people choose their own names, and must not be able to make them collide.
    hasher: RandomState,
    slots: Slots,
    entries: Vec<Entry>,
    text: Vec<u8>,
    realm_slots: Slots,
    realms: Vec<Realm>,
}

impl Principals {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::default(),
            slots: Slots::new(),
            entries: Vec::new(),
            text: Vec::new(),
            realm_slots: Slots::new(),
            realms: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn find(&self, principal: &PrincipalId) -> Option<u32> {
        self.slots.find(self.hash(principal), |index| self.is(index, principal))
    }

    /// The number of a principal, which is added if it is new and `max` is not reached.
    pub(crate) fn intern(&mut self, principal: &PrincipalId, max: usize) -> Option<u32> {
        let hash = self.hash(principal);
        if let Some(index) = self.slots.find(hash, |index| self.is(index, principal)) {
            return Some(index);
        }
        if self.entries.len() >= max {
            return None;
        }
        let index = u32::try_from(self.entries.len()).ok()?;
        let entry = Entry {
            start: u32::try_from(self.text.len()).ok()?,
            realm: self.intern_realm(principal.realm())?,
            holding: 0,
            kind: principal.kind(),
            len: u8::try_from(principal.id().len()).ok()?,
        };
        self.text.extend_from_slice(principal.id().as_bytes());
        self.entries.push(entry);
        self.slots.insert(hash, index);
        Some(index)
    }

    #[inline]
    pub(crate) fn holding(&self, index: u32) -> Option<Holding<'_>> {
        let holding = &self.entries.get(index as usize)?.holding;
        Some(if holding & MANY == 0 { Holding::One(holding) } else { Holding::List(holding & !MANY) })
    }

    pub(crate) fn hold_one(&mut self, index: u32, role: u32) {
        if let Some(entry) = self.entries.get_mut(index as usize) {
            entry.holding = role;
        }
    }

    pub(crate) fn hold_list(&mut self, index: u32, list: u32) {
        if let Some(entry) = self.entries.get_mut(index as usize) {
            entry.holding = list | MANY;
        }
    }

    /// The principal with this number.
    pub(crate) fn get(&self, index: u32) -> Option<PrincipalId> {
        let entry = self.entries.get(index as usize)?;
        let realm = self.realms.get(entry.realm as usize)?;
        let id = std::str::from_utf8(self.id(entry)).ok()?;
        // It was a principal's id before, so it is valid.
        PrincipalId::new(realm.clone(), entry.kind, id).ok()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn shrink(&mut self) {
        self.entries.shrink_to_fit();
        self.text.shrink_to_fit();
        self.realms.shrink_to_fit();
    }

    /// What it holds on the heap, shared texts aside.
    pub(crate) fn bytes(&self) -> usize {
        [
            self.slots.bytes(),
            size_of_val(self.entries.as_slice()),
            self.text.len(),
            self.realm_slots.bytes(),
            size_of_val(self.realms.as_slice()),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }

    fn intern_realm(&mut self, realm: &Realm) -> Option<u32> {
        let last = self.realms.len().saturating_sub(1);
        if self.realms.last() == Some(realm) {
            return u32::try_from(last).ok();
        }
        let mut hasher = self.hasher.build_hasher();
        hasher.write(realm.as_str().as_bytes());
        let hash = hasher.finish();
        let same = |index: u32| self.realms.get(index as usize) == Some(realm);
        if let Some(index) = self.realm_slots.find(hash, same) {
            return Some(index);
        }
        let index = u32::try_from(self.realms.len()).ok()?;
        self.realm_slots.insert(hash, index);
        self.realms.push(realm.clone());
        Some(index)
    }

    #[inline]
    fn is(&self, index: u32, principal: &PrincipalId) -> bool {
        self.entries.get(index as usize).is_some_and(|entry| {
            self.id(entry) == principal.id().as_bytes()
                && entry.kind == principal.kind()
                && self.realms.get(entry.realm as usize) == Some(principal.realm())
        })
    }

    #[inline]
    fn id(&self, entry: &Entry) -> &[u8] {
        let start = entry.start as usize;
        self.text.get(start..start.saturating_add(usize::from(entry.len))).unwrap_or_default()
    }

    #[inline]
    fn hash(&self, principal: &PrincipalId) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(principal.realm().as_str().as_bytes());
        hasher.write_u8(principal.kind() as u8);
        hasher.write(principal.id().as_bytes());
        hasher.finish()
    }
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
        let names = ["1", "b", "b/1", "::", "a::b", "a#b", "ä", "a\u{308}", "A", "a"];
        realms
            .iter()
            .flat_map(|realm| kinds.map(|kind| (realm, kind)))
            .flat_map(|(realm, kind)| names.map(|id| PrincipalId::new(realm.clone(), kind, id).unwrap()))
            .collect()
    }

    /// Checklist, authorization 12 and 23: separators, kinds, tenants, case and Unicode forms stay apart.
    #[test]
    fn principals_that_differ_in_any_part_are_different() {
        let mut principals = Principals::new();
        let ids = ids();
        for (n, id) in (0..).zip(&ids) {
            assert_eq!(principals.find(id), None);
            assert_eq!(principals.intern(id, 1_000), Some(n));
        }
        for (n, id) in (0..).zip(&ids) {
            assert_eq!(principals.find(id), Some(n));
            assert_eq!(principals.intern(id, 0), Some(n));
            assert_eq!(principals.get(n).as_ref(), Some(id));
        }
        assert_eq!(principals.len(), ids.len());
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
