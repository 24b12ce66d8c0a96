//! The application's data in a session: named slots, each with the version of its format.

use std::{fmt, sync::Arc};

/// The data of a session: slots of bytes by name. Cheap to clone; changing makes a copy.
///
/// Stores keep [`as_bytes`](Self::as_bytes) and need not look inside. Each slot is
/// `name length (1), name, version (2), length (4), bytes`, numbers big-endian, names in strict order, so
/// that equal data has equal bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionBlob(Option<Arc<[u8]>>);

/// Session data was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// It has more than [`SessionBlob::MAX_LEN`] bytes.
    #[error("session data is larger than 65536 bytes")]
    TooLarge,
    /// A slot's name is empty or longer than [`SessionBlob::MAX_NAME_LEN`] bytes.
    #[error("slot name must have 1 to 64 bytes")]
    Name,
    /// It has more than [`SessionBlob::MAX_SLOTS`] slots.
    #[error("more than 32 slots")]
    TooMany,
    /// What a store returned is not session data.
    #[error("malformed session data")]
    Malformed,
}

/// One slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot<'a> {
    /// Its name.
    pub name: &'a str,
    /// The version of its format.
    pub version: u16,
    /// Its content.
    pub bytes: &'a [u8],
}

impl SessionBlob {
    /// The most bytes, names and lengths included.
    pub const MAX_LEN: usize = 65_536;
    /// The most slots.
    pub const MAX_SLOTS: usize = 32;
    /// The most bytes of a slot's name.
    pub const MAX_NAME_LEN: usize = 64;

    /// No data.
    #[must_use]
    pub const fn empty() -> Self {
        Self(None)
    }

    /// Reads what [`as_bytes`](Self::as_bytes) wrote.
    ///
    /// # Errors
    /// [`BlobError`] if the bytes are not session data in its one form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BlobError> {
        if bytes.len() > Self::MAX_LEN {
            return Err(BlobError::TooLarge);
        }
        let mut rest = bytes;
        let mut count = 0_usize;
        let mut last = "";
        while !rest.is_empty() {
            let (slot, tail) = split_slot(rest).ok_or(BlobError::Malformed)?;
            if slot.name <= last {
                return Err(BlobError::Malformed);
            }
            count = count.saturating_add(1);
            last = slot.name;
            rest = tail;
        }
        if count > Self::MAX_SLOTS {
            return Err(BlobError::TooMany);
        }
        Ok(if bytes.is_empty() { Self::empty() } else { Self(Some(bytes.into())) })
    }

    /// The bytes for a store to keep.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether there is no slot.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The slots in the order of their names.
    pub fn slots(&self) -> impl Iterator<Item = Slot<'_>> {
        let mut rest = self.as_bytes();
        std::iter::from_fn(move || {
            let (slot, tail) = split_slot(rest)?;
            rest = tail;
            Some(slot)
        })
    }

    /// The slot of this name.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<Slot<'_>> {
        self.slots().find(|slot| slot.name == name)
    }

    /// The same data with one slot set.
    ///
    /// # Errors
    /// [`BlobError`] if the name is bad or there is no room.
    pub fn with_slot(&self, name: &str, version: u16, bytes: &[u8]) -> Result<Self, BlobError> {
        if name.is_empty() || name.len() > Self::MAX_NAME_LEN {
            return Err(BlobError::Name);
        }
        self.rebuild(name, Some(Slot { name, version, bytes }))
    }

    /// The same data without one slot.
    #[must_use]
    pub fn without_slot(&self, name: &str) -> Self {
        // Taking something away exceeds no bound.
        self.rebuild(name, None).unwrap_or_else(|_| Self::empty())
    }

    fn rebuild(&self, name: &str, replacement: Option<Slot<'_>>) -> Result<Self, BlobError> {
        let mut slots: Vec<_> = self.slots().filter(|slot| slot.name != name).chain(replacement).collect();
        if slots.len() > Self::MAX_SLOTS {
            return Err(BlobError::TooMany);
        }
        slots.sort_by_key(|slot| slot.name);
        let mut bytes = Vec::new();
        for slot in slots {
            let name_len = u8::try_from(slot.name.len()).map_err(|_| BlobError::Name)?;
            let len = u32::try_from(slot.bytes.len()).map_err(|_| BlobError::TooLarge)?;
            bytes.push(name_len);
            bytes.extend_from_slice(slot.name.as_bytes());
            bytes.extend_from_slice(&slot.version.to_be_bytes());
            bytes.extend_from_slice(&len.to_be_bytes());
            bytes.extend_from_slice(slot.bytes);
        }
        if bytes.len() > Self::MAX_LEN {
            return Err(BlobError::TooLarge);
        }
        Ok(if bytes.is_empty() { Self::empty() } else { Self(Some(bytes.into())) })
    }
}

impl Default for SessionBlob {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for SessionBlob {
    /// Names and sizes; the content is the application's and may be private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.slots().map(|slot| (slot.name, slot.bytes.len()))).finish()
    }
}

fn split_slot(bytes: &[u8]) -> Option<(Slot<'_>, &[u8])> {
    let (name_len, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*name_len))?;
    let name = std::str::from_utf8(name).ok().filter(|name| !name.is_empty())?;
    if name.len() > SessionBlob::MAX_NAME_LEN {
        return None;
    }
    let (version, rest) = rest.split_first_chunk::<2>()?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
    let (content, rest) = rest.split_at_checked(len)?;
    Some((Slot { name, version: u16::from_be_bytes(*version), bytes: content }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn slots_are_set_replaced_and_removed() {
        let blob = SessionBlob::empty().with_slot("b", 1, b"one").unwrap().with_slot("a", 2, b"").unwrap();
        let blob = blob.with_slot("b", 3, b"two").unwrap();
        assert_eq!(blob.slot("b"), Some(Slot { name: "b", version: 3, bytes: b"two" }));
        assert_eq!(blob.slots().map(|slot| slot.name).collect::<Vec<_>>(), ["a", "b"]);
        assert!(blob.without_slot("a").without_slot("b").is_empty());
    }

    #[test]
    fn bounds_are_refused_with_their_name() {
        let empty = SessionBlob::empty();
        assert_eq!(empty.with_slot("", 1, b""), Err(BlobError::Name));
        assert_eq!(empty.with_slot(&"n".repeat(65), 1, b""), Err(BlobError::Name));
        assert_eq!(empty.with_slot("a", 1, &vec![0; SessionBlob::MAX_LEN]), Err(BlobError::TooLarge));
        let mut full = empty;
        for n in 0..SessionBlob::MAX_SLOTS {
            full = full.with_slot(&n.to_string(), 1, b"").unwrap();
        }
        assert_eq!(full.with_slot("one more", 1, b""), Err(BlobError::TooMany));
        assert!(full.with_slot("0", 2, b"").is_ok());
    }

    proptest! {
        /// Bytes from a store are input: whatever they are, reading them ends in data or an error, and what
        /// is read is written back the same.
        #[test]
        fn reading_any_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(blob) = SessionBlob::from_bytes(&bytes) {
                prop_assert_eq!(blob.as_bytes(), &bytes[..]);
            }
        }

        #[test]
        fn what_is_written_is_read(
            slots in proptest::collection::btree_map("[a-z]{1,8}", (any::<u16>(), proptest::collection::vec(any::<u8>(), 0..20)), 0..10)
        ) {
            let mut blob = SessionBlob::empty();
            for (name, (version, bytes)) in slots.iter().rev() {
                blob = blob.with_slot(name, *version, bytes).unwrap();
            }
            let back = SessionBlob::from_bytes(blob.as_bytes()).unwrap();
            prop_assert_eq!(back.slots().count(), slots.len());
            for (name, (version, bytes)) in &slots {
                prop_assert_eq!(back.slot(name), Some(Slot { name, version: *version, bytes }));
            }
        }
    }
}
