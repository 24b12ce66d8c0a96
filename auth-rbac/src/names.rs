//! Numbers for names: each name once, in the order of arrival.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;

use crate::slots::Slots;

/// Names of one kind. Roles, permissions and principals have one each, so that a name of one kind is never
/// found among another's.
#[derive(Debug, Clone)]
pub(crate) struct Names<T> {
    // Seeded per table: names come from outside too, and must not be chosen to collide.
    hasher: RandomState,
    slots: Slots,
    items: Vec<T>,
}

impl<T: AsRef<str>> Names<T> {
    pub(crate) fn new() -> Self {
        Self { hasher: RandomState::default(), slots: Slots::new(), items: Vec::new() }
    }

    /// The number of a name.
    #[inline]
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.slots.find(self.hash(name), |index| self.get(index).is_some_and(|item| item.as_ref() == name))
    }

    /// Adds a name that is not there yet, and answers its number. The caller keeps the count below its cap.
    pub(crate) fn push(&mut self, item: T) -> u32 {
        let index = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        self.slots.insert(self.hash(item.as_ref()), index);
        self.items.push(item);
        index
    }

    #[inline]
    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        self.items.get(index as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn shrink(&mut self) {
        self.items.shrink_to_fit();
    }

    /// What it holds on the heap, shared texts aside.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.bytes().saturating_add(size_of_val(self.items.as_slice()))
    }

    #[inline]
    fn hash(&self, name: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(name.as_bytes());
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_exact_text_only() {
        let mut names = Names::new();
        for n in 0..1_000 {
            assert_eq!(names.push(format!("role{n}")), n);
        }
        for n in 0..1_000 {
            assert_eq!(names.find(&format!("role{n}")), Some(n));
        }
        for other in ["role", "role1000", "Role1", "role1 ", ""] {
            assert_eq!(names.find(other), None, "{other:?}");
        }
    }
}
