//! The application's data in a session.

use auth_core::{BlobError, Refusal, SessionBlob, StoreError};
use serde::{Serialize, de::DeserializeOwned};

/// A type that an application keeps in sessions, in a slot of its own, as JSON.
///
/// ```
/// use auth_session::SessionData;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Cart {
///     items: Vec<u32>,
///     voucher: Option<String>,
/// }
///
/// impl SessionData for Cart {
///     const SLOT: &'static str = "cart";
///     const VERSION: u16 = 2;
///
///     // Version 1 was a bare list.
///     fn migrate(version: u16, bytes: &[u8]) -> Option<Self> {
///         let items = (version == 1).then(|| serde_json::from_slice(bytes).ok())??;
///         Some(Self { items, voucher: None })
///     }
/// }
/// ```
pub trait SessionData: Serialize + DeserializeOwned {
    /// The slot's name, 1 to 64 bytes. Two types must not share one.
    const SLOT: &'static str;
    /// The version of the format. Raise it when data that is already stored would be read wrongly.
    const VERSION: u16;

    /// Reads data of another version, older or, after a roll-back, newer. `None` refuses it.
    #[must_use]
    fn migrate(version: u16, bytes: &[u8]) -> Option<Self> {
        let _ = (version, bytes);
        None
    }

    /// What the slot holds if two requests set it at once: both began with `base`, `theirs` is stored already, and
    /// `ours` is to be. Called also if both are the same. `None`, unless a type says otherwise: the second
    /// request's commit is a [`Conflict`](crate::CommitError::Conflict) then, if it set another value.
    ///
    /// ```
    /// # use auth_session::SessionData;
    /// # use serde::{Deserialize, Serialize};
    /// /// Counts something: what was counted meanwhile is added.
    /// #[derive(Serialize, Deserialize)]
    /// struct Visits(u32);
    ///
    /// impl SessionData for Visits {
    ///     const SLOT: &'static str = "visits";
    ///     const VERSION: u16 = 1;
    ///
    ///     fn merge(base: Option<Self>, ours: Self, theirs: Self) -> Option<Self> {
    ///         let counted = ours.0.saturating_sub(base.map_or(0, |base| base.0));
    ///         Some(Self(theirs.0.saturating_add(counted)))
    ///     }
    /// }
    /// ```
    #[must_use]
    fn merge(base: Option<Self>, ours: Self, theirs: Self) -> Option<Self> {
        let _ = (base, ours, theirs);
        None
    }
}

/// Session data was not read or not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The slot holds another version, and the type does not [migrate](SessionData::migrate) it. Remove the
    /// slot or migrate.
    #[error("session slot {slot} holds version {found}, not {expected}")]
    Version {
        /// The slot.
        slot: &'static str,
        /// What it holds.
        found: u16,
        /// What the type is.
        expected: u16,
    },
    /// The slot holds this version and does not decode as it: two types share the slot, or the format changed
    /// without its version.
    #[error("session slot {slot} does not decode")]
    Decode {
        /// The slot.
        slot: &'static str,
        /// Where it went wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The value cannot be written as JSON.
    #[error("session slot {slot} does not encode")]
    Encode {
        /// The slot.
        slot: &'static str,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// There is no room for it.
    #[error(transparent)]
    Full(#[from] BlobError),
}

impl From<DataError> for Refusal {
    /// 503: what is stored, or what the application wants to store, is not usable as it is.
    fn from(error: DataError) -> Self {
        match error {
            DataError::Version { .. } | DataError::Decode { .. } => {
                StoreError::corrupt("session slot").into()
            }
            DataError::Encode { .. } | DataError::Full(_) => StoreError::not_written(error).into(),
        }
    }
}

/// The value of a slot, decoded.
pub(crate) fn decode<T: SessionData>(blob: &SessionBlob) -> Result<Option<T>, DataError> {
    let Some(slot) = blob.slot(name::<T>()) else { return Ok(None) };
    if slot.version != T::VERSION {
        let refused = DataError::Version { slot: T::SLOT, found: slot.version, expected: T::VERSION };
        return T::migrate(slot.version, slot.bytes).map(Some).ok_or(refused);
    }
    serde_json::from_slice(slot.bytes).map(Some).map_err(|source| DataError::Decode { slot: T::SLOT, source })
}

/// The data with a slot set.
pub(crate) fn encode<T: SessionData>(blob: &SessionBlob, value: &T) -> Result<SessionBlob, DataError> {
    let bytes = serde_json::to_vec(value).map_err(|source| DataError::Encode { slot: T::SLOT, source })?;
    Ok(blob.with_slot(name::<T>(), T::VERSION, &bytes)?)
}

/// The slot's name; a type whose name no store would take does not compile where it is used.
pub(crate) const fn name<T: SessionData>() -> &'static str {
    const {
        assert!(
            !T::SLOT.is_empty() && T::SLOT.len() <= SessionBlob::MAX_NAME_LEN,
            "slot name must have 1 to 64 bytes"
        );
    }
    T::SLOT
}

/// How two values of a slot go together: [`SessionData::merge`] of the type that the request set it with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MergeSlot {
    slot: &'static str,
    merge: fn(&SessionBlob, &SessionBlob, &SessionBlob) -> Option<SessionBlob>,
}

impl MergeSlot {
    pub(crate) const fn of<T: SessionData>() -> Self {
        Self { slot: name::<T>(), merge: merge_slot::<T> }
    }

    pub(crate) const fn slot(&self) -> &'static str {
        self.slot
    }
}

/// `theirs` with the slot as `T` merges it, or `None` if it does not.
fn merge_slot<T: SessionData>(
    base: &SessionBlob,
    ours: &SessionBlob,
    theirs: &SessionBlob,
) -> Option<SessionBlob> {
    let read = |blob| decode::<T>(blob).ok();
    encode(theirs, &T::merge(read(base)?, read(ours)??, read(theirs)??)?).ok()
}

/// Why two sets of changes to the same data do not go together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum MergeError {
    /// Both changed this slot, and not to the same.
    Slot(Box<str>),
    Blob(BlobError),
}

/// `theirs` with what `ours` changed since `base`, unless they changed one of the same slots and its type does not
/// say how that goes together.
pub(crate) fn merge(
    base: &SessionBlob,
    ours: &SessionBlob,
    theirs: &SessionBlob,
    types: &[MergeSlot],
) -> Result<SessionBlob, MergeError> {
    if base == theirs {
        return Ok(ours.clone());
    }
    let mut merged = theirs.clone();
    let removed = base.slots().filter(|slot| ours.slot(slot.name).is_none());
    let changed = ours.slots().filter(|slot| base.slot(slot.name) != Some(*slot));
    for slot in changed.chain(removed) {
        let (wanted, found) = (ours.slot(slot.name), theirs.slot(slot.name));
        if found != base.slot(slot.name) {
            let by = types.iter().find(|by| by.slot == slot.name);
            match by.and_then(|by| (by.merge)(base, ours, &merged)) {
                Some(both) => merged = both,
                None if found == wanted => {}
                None => return Err(MergeError::Slot(slot.name.into())),
            }
            continue;
        }
        merged = match wanted {
            Some(wanted) => {
                merged.with_slot(wanted.name, wanted.version, wanted.bytes).map_err(MergeError::Blob)?
            }
            None => merged.without_slot(slot.name),
        };
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Visits(u32);

    impl SessionData for Visits {
        const SLOT: &'static str = "visits";
        const VERSION: u16 = 2;

        fn migrate(version: u16, bytes: &[u8]) -> Option<Self> {
            (version == 1).then(|| std::str::from_utf8(bytes).ok()?.parse().ok().map(Self))?
        }
    }

    fn blob(slots: &[(&str, u8)]) -> SessionBlob {
        slots
            .iter()
            .fold(SessionBlob::empty(), |blob, (name, value)| blob.with_slot(name, 1, &[*value]).unwrap())
    }

    #[test]
    fn a_value_is_read_back() {
        let blob = encode(&SessionBlob::empty(), &Visits(3)).unwrap();
        assert_eq!(decode::<Visits>(&blob).unwrap(), Some(Visits(3)));
        assert_eq!(decode::<Visits>(&SessionBlob::empty()).unwrap(), None);
    }

    #[test]
    fn old_data_migrates_or_is_refused_with_its_version() {
        let at = |version, bytes: &[u8]| SessionBlob::empty().with_slot("visits", version, bytes).unwrap();
        assert_eq!(decode::<Visits>(&at(1, b"7")).unwrap(), Some(Visits(7)));
        for (version, bytes) in [(1, &b"x"[..]), (0, b"7"), (3, b"7"), (u16::MAX, b"")] {
            let error = decode::<Visits>(&at(version, bytes)).unwrap_err();
            assert!(
                matches!(error, DataError::Version { slot: "visits", expected: 2, found } if found == version)
            );
        }
        assert!(matches!(decode::<Visits>(&at(2, b"\xff")), Err(DataError::Decode { slot: "visits", .. })));
        assert!(matches!(decode::<Visits>(&at(2, &b"[".repeat(1_000))), Err(DataError::Decode { .. })));
    }

    #[test]
    fn changes_of_different_slots_go_together() {
        let base = blob(&[("a", 1), ("b", 1), ("c", 1)]);
        let ours = blob(&[("a", 2), ("b", 1), ("d", 4)]);
        let theirs = blob(&[("a", 1), ("b", 3), ("c", 1)]);
        assert_eq!(merge(&base, &ours, &theirs, &[]), Ok(blob(&[("a", 2), ("b", 3), ("d", 4)])));
    }

    #[test]
    fn changes_of_one_slot_do_not_unless_they_are_the_same() {
        let base = blob(&[("a", 1)]);
        for (ours, theirs) in [
            (blob(&[("a", 2)]), blob(&[("a", 3)])),
            (blob(&[]), blob(&[("a", 3)])),
            (blob(&[("a", 2)]), blob(&[])),
        ] {
            assert_eq!(merge(&base, &ours, &theirs, &[]), Err(MergeError::Slot("a".into())));
        }
        assert_eq!(merge(&base, &blob(&[("a", 2)]), &blob(&[("a", 2)]), &[]), Ok(blob(&[("a", 2)])));
        assert_eq!(merge(&base, &blob(&[]), &blob(&[]), &[]), Ok(blob(&[])));
    }

    fn slots() -> impl Strategy<Value = SessionBlob> {
        proptest::collection::btree_map("[a-d]", 0_u8..3, 0..5).prop_map(|map| {
            map.into_iter()
                .fold(SessionBlob::empty(), |blob, (name, value)| blob.with_slot(&name, 1, &[value]).unwrap())
        })
    }

    proptest! {
        /// Who merges last does not matter, and nobody's change is lost.
        #[test]
        fn merging_keeps_both_sides_or_refuses(base in slots(), ours in slots(), theirs in slots()) {
            let merged = merge(&base, &ours, &theirs, &[]);
            let mirrored = merge(&base, &theirs, &ours, &[]);
            prop_assert_eq!(merged.is_ok(), mirrored.is_ok());
            let Ok(merged) = merged else { return Ok(()) };
            prop_assert_eq!(&merged, &mirrored.unwrap());
            for name in ["a", "b", "c", "d"] {
                let side = if ours.slot(name) == base.slot(name) { &theirs } else { &ours };
                prop_assert_eq!(merged.slot(name), side.slot(name));
            }
        }
    }
}
