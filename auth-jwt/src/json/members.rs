//! Finds member names that come twice.

use std::{borrow::Cow, collections::HashSet};

use super::{JsonError, JsonStr};

/// The member names of one object, so far.
///
/// The first sixteen are kept in place. A 64-bit filter over length and outer bytes tells almost every name
/// from those before it, so most are compared with none. Objects with more members, which only a payload may
/// have, move to a hash set with random keys.
#[derive(Debug, Default)]
pub(crate) struct Members<'a> {
    names: [&'a str; Members::INLINE],
    escaped: u32,
    count: usize,
    filter: u64,
    many: Option<Box<HashSet<Cow<'a, str>>>>,
}

impl<'a> Members<'a> {
    /// How many names are kept without an allocation.
    pub(crate) const INLINE: usize = 16;

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Remembers a name, unless it is there already or there are `max` of them.
    pub(super) fn insert(&mut self, name: JsonStr<'a>, max: usize) -> Result<(), JsonError> {
        let bit = filter_bit(name);
        if self.filter & bit != 0 && self.has(name) {
            return Err(JsonError::DuplicateMember);
        }
        if self.count >= max {
            return Err(JsonError::TooManyMembers);
        }
        self.filter |= bit;
        match self.names.get_mut(self.count) {
            Some(slot) => {
                *slot = name.raw();
                self.escaped |= u32::from(name.is_escaped()) << self.count;
            }
            None => self.insert_many(name),
        }
        self.count = self.count.wrapping_add(1);
        Ok(())
    }

    fn has(&self, name: JsonStr<'a>) -> bool {
        self.kept().any(|kept| kept.same(name))
            || self.many.as_ref().is_some_and(|many| many.contains(&*name.text()))
    }

    fn kept(&self) -> impl Iterator<Item = JsonStr<'a>> {
        let kept = self.names.get(..self.count.min(Self::INLINE)).unwrap_or_default();
        kept.iter().enumerate().map(|(index, raw)| JsonStr::new(raw, self.escaped >> index & 1 == 1))
    }

    #[cold]
    fn insert_many(&mut self, name: JsonStr<'a>) {
        if self.many.is_none() {
            // All of them, so that a long object costs one look-up a name and not seventeen.
            let kept = self.kept().map(JsonStr::text).collect();
            self.many = Some(Box::new(kept));
        }
        if let Some(many) = &mut self.many {
            many.insert(name.text());
        }
    }
}

/// Equal names have equal bits, so an escaped one, whose letters are not looked at, has them all.
fn filter_bit(name: JsonStr<'_>) -> u64 {
    match name.plain().map(str::as_bytes) {
        Some([first, .., last]) => {
            let mix = usize::from(*first).wrapping_mul(5) ^ usize::from(*last).wrapping_mul(11);
            1 << ((mix ^ name.raw().len().wrapping_mul(7)) & 63)
        }
        Some([only]) => 1 << (only & 63),
        Some([]) => 1,
        None => u64::MAX,
    }
}
