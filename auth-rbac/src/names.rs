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
    /// The space of each name up to the last one that is not in space 0.
    spaces: Vec<u32>,
}

impl Names {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::default(),
            slots: Slots::new(),
            text: String::new(),
            starts: vec![0],
            spaces: Vec::new(),
        }
    }

    /// The number of a name in space 0.
    #[inline]
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.find_in(0, name)
    }

    /// The number of a name in a space. Spaces have nothing in common.
    #[inline]
    pub(crate) fn find_in(&self, space: u32, name: &str) -> Option<u32> {
        self.find_hashed(self.hash(space, name), space, name)
    }

    /// Adds a name that space 0 does not have yet, and answers its number. The caller keeps count and lengths
    /// capped.
    pub(crate) fn push(&mut self, name: &str) -> u32 {
        self.push_in(0, name)
    }

    /// As [`push`](Self::push), in a space.
    pub(crate) fn push_in(&mut self, space: u32, name: &str) -> u32 {
        let index = u32::try_from(self.len()).unwrap_or(u32::MAX);
        self.slots.insert(self.hash(space, name), index);
        if space != 0 {
            self.spaces.resize(self.len(), 0);
            self.spaces.push(space);
        }
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

    #[inline]
    pub(crate) fn space(&self, index: u32) -> u32 {
        self.spaces.get(index as usize).copied().unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub(crate) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.starts.shrink_to_fit();
        self.spaces.shrink_to_fit();
    }

    /// What it holds on the heap.
    pub(crate) fn bytes(&self) -> usize {
        [size_of_val(self.starts.as_slice()), size_of_val(self.spaces.as_slice()), self.text.len()]
            .into_iter()
            .fold(self.slots.bytes(), usize::saturating_add)
    }

    #[inline]
    fn find_hashed(&self, hash: u64, space: u32, name: &str) -> Option<u32> {
        self.slots.find(hash, |index| self.get(index) == Some(name) && self.space(index) == space)
    }

    #[inline]
    fn hash(&self, space: u32, name: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        if space != 0 {
            hasher.write_u32(space);
        }
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
        let hash = names.hash(0, "role");
        assert_eq!(names.find_hashed(hash, 0, "role"), Some(0));
        assert_eq!(names.find_hashed(hash, 0, "other"), None);
        assert_eq!(names.find_hashed(hash, 1, "role"), None);
    }

    /// What is one tenant's is no other's, and not everybody's.
    #[test]
    fn a_name_is_found_in_its_own_space_only() {
        let mut names = Names::new();
        for (index, space) in (0..).zip([0, 3, 0, 1]) {
            let name = format!("role{}", index / 2);
            assert_eq!(names.find_in(space, &name), None);
            assert_eq!(names.push_in(space, &name), index);
        }
        let found = |space| ["role0", "role1"].map(|name| names.find_in(space, name));
        assert_eq!(
            [found(0), found(1), found(2), found(3)],
            [[Some(0), Some(2)], [None, Some(3)], [None, None], [Some(1), None]]
        );
        assert_eq!([0, 1, 2, 3, 4].map(|index| names.space(index)), [0, 3, 0, 1, 0]);
    }
}
