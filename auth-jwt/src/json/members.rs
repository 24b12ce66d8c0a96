//! Finds member names that come twice.

use std::{borrow::Cow, collections::HashSet};

use super::{JsonError, JsonStr};

/// The member names of one object, so far.
///
/// The first 32 are kept in place. A 64-bit filter over length and outer bytes tells almost every name from
/// those before it, so most are compared with none. Objects with more members, which only a payload may have,
/// move to a hash set with random keys.
#[derive(Debug, Default)]
pub(crate) struct Members<'a> {
    filter: u64,
    count: usize,
    /// Where the names begin and end. Offsets, not slices: an array of zeros is cheaper to make.
    names: [(u32, u32); Members::INLINE],
    many: Option<HashSet<Cow<'a, str>>>,
}

impl<'a> Members<'a> {
    /// How many names are kept without an allocation.
    pub(super) const INLINE: usize = 32;

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Remembers a name of `text` that ends at `end`, unless it is there already or there are `max` of them.
    #[inline]
    pub(super) fn insert(
        &mut self,
        text: &'a str,
        name: JsonStr<'a>,
        end: usize,
        max: usize,
    ) -> Result<(), JsonError> {
        let bit = filter_bit(name);
        if self.filter & bit != 0 && self.has(text, name) {
            return Err(JsonError::DuplicateMember);
        }
        if self.count >= max {
            return Err(JsonError::TooManyMembers);
        }
        self.filter |= bit;
        match (self.names.get_mut(self.count), u32::try_from(end)) {
            (Some(place), Ok(to)) => *place = (to.wrapping_sub(name.raw().len() as u32), to),
            _ => self.insert_many(text, name),
        }
        self.count = self.count.wrapping_add(1);
        Ok(())
    }

    /// Whether the object, which is part of `text`, has a member of this name.
    pub(crate) fn has(&self, text: &'a str, name: JsonStr<'a>) -> bool {
        self.kept(text).any(|kept| kept.same(name))
            || self.many.as_ref().is_some_and(|many| many.contains(&*name.text()))
    }

    fn kept(&self, text: &'a str) -> impl Iterator<Item = JsonStr<'a>> {
        let kept = self.names.get(..self.count.min(Self::INLINE)).unwrap_or_default();
        let scanned = |(from, to): &(u32, u32)| text.get(*from as usize..*to as usize).unwrap_or_default();
        kept.iter().map(move |place| JsonStr::scanned(scanned(place)))
    }

    #[cold]
    fn insert_many(&mut self, text: &'a str, name: JsonStr<'a>) {
        if self.many.is_none() {
            self.many = Some(self.kept(text).map(JsonStr::text).collect());
        }
        if let Some(many) = &mut self.many {
            many.insert(name.text());
        }
    }
}

/// Equal names have equal bits, so an escaped one, whose letters are not looked at, has them all.
#[inline]
fn filter_bit(name: JsonStr<'_>) -> u64 {
    let Some(bytes) = name.plain().map(str::as_bytes) else { return u64::MAX };
    let (first, last) = (bytes.first().copied().unwrap_or(0), bytes.last().copied().unwrap_or(0));
    let mixed = u32::from_le_bytes([first, last, bytes.len() as u8, 0]).wrapping_mul(0x9e37_79b1);
    1 << (mixed >> 26)
}
