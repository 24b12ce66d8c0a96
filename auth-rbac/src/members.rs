//! What principals hold in a tenant alone.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;

use crate::{principals::RecordAt, slots::Slots};

/// A value for each pair of a principal and a tenant's space.
#[derive(Debug, Clone)]
pub(crate) struct Members {
    hasher: RandomState,
    slots: Slots,
    members: Vec<Member>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) principal: RecordAt,
    pub(crate) space: u32,
    pub(crate) value: u32,
}

impl Members {
    pub(crate) fn new() -> Self {
        Self { hasher: RandomState::default(), slots: Slots::new(), members: Vec::new() }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Adds a pair that is not there yet. The caller's caps keep the count below `u32::MAX`.
    pub(crate) fn push(&mut self, member: Member) {
        let index = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        self.slots.insert(self.hash(member.principal, member.space), index);
        self.members.push(member);
    }

    pub(crate) fn value(&self, principal: RecordAt, space: u32) -> Option<u32> {
        let is = |index: u32| {
            self.members
                .get(index as usize)
                .is_some_and(|member| member.principal == principal && member.space == space)
        };
        let index = self.slots.find(self.hash(principal, space), is)?;
        self.members.get(index as usize).map(|member| member.value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// What it holds on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.bytes().saturating_add(size_of_val(self.members.as_slice()))
    }

    fn hash(&self, principal: RecordAt, space: u32) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u64((u64::from(principal.number()) << 32) | u64::from(space));
        hasher.finish()
    }
}
