//! Numbers for names: each name once, in the order of arrival.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;

use crate::slots::Slots;

/// Names of one kind. Roles and permissions have one each, so that a name of one kind is never found among
/// the other's.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    // Seeded per table: names come from outside too, and must not be chosen to collide.
    hasher: RandomState,
    slots: Slots,
    text: String,
    /// Where each name begins; one more than there are names.
    starts: Vec<u32>,
}

impl Names {
    pub(crate) fn new() -> Self {
        Self { hasher: RandomState::default(), slots: Slots::new(), text: String::new(), starts: vec![0] }
    }

    /// The number of a name.
    #[inline]
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.find_hashed(self.hash(name), name)
    }

    /// Adds a name that is not there yet, and answers its number. The caller keeps count and lengths capped.
    pub(crate) fn push(&mut self, name: &str) -> u32 {
        let index = u32::try_from(self.len()).unwrap_or(u32::MAX);
        self.slots.insert(self.hash(name), index);
        self.text.push_str(name);
        self.starts.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        index
    }

    #[inline]
    pub(crate) fn get(&self, index: u32) -> Option<&str> {
        let index = index as usize;
        let (start, end) = (self.starts.get(index)?, self.starts.get(index.saturating_add(1))?);
        self.text.get(*start as usize..*end as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub(crate) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.starts.shrink_to_fit();
    }

    /// What it holds on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.bytes().saturating_add(self.text.len()).saturating_add(size_of_val(self.starts.as_slice()))
    }

    #[inline]
    fn find_hashed(&self, hash: u64, name: &str) -> Option<u32> {
        self.slots.find(hash, |index| self.get(index) == Some(name))
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
            assert_eq!(names.push(&format!("role{n}")), n);
        }
        for n in 0..1_000 {
            let name = format!("role{n}");
            assert_eq!(names.find(&name), Some(n));
            assert_eq!(names.get(n), Some(name.as_str()));
        }
        for other in ["role", "role1000", "Role1", "role1 ", "role1role2", ""] {
            assert_eq!(names.find(other), None, "{other:?}");
        }
        assert_eq!(names.get(1_000), None);
    }
    #[test]
    fn names_with_the_same_hash_are_told_apart() {
        let mut names = Names::new();
        names.push("role");
        assert_eq!(names.find_hashed(names.hash("role"), "role"), Some(0));
        assert_eq!(names.find_hashed(names.hash("role"), "other"), None);
    }
}
