//! Permissions as types.

use std::{fmt, hash::Hash};

use auth_core::Action;

/// All permissions of an application, as an enum that [`permissions!`](crate::permissions!) writes.
pub trait PermissionSet: Copy + Eq + Hash + fmt::Debug + Send + Sync + 'static {
    /// Every permission, in the order of declaration.
    const ALL: &'static [Self];

    /// Its name, which is the action that it allows.
    fn name(self) -> &'static str;

    /// Its name as an action, to ask for.
    fn action(self) -> Action;

    /// Its place in [`ALL`](Self::ALL): dense, from 0, for tables and bit masks of one build of the program.
    fn index(self) -> usize;

    /// A number for it that depends on its name alone.
    fn id(self) -> PermissionId;

    /// The permission of this name. Case counts.
    fn from_name(name: &str) -> Option<Self>;
}

/// A number for a permission that depends on its name alone: the same after permissions were added, removed
/// or re-ordered, so it may be stored. It is the 64-bit FNV-1a hash of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PermissionId(u64);

impl PermissionId {
    /// The number of the permission of this name.
    #[must_use]
    pub const fn of(name: &str) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut rest = name.as_bytes();
        while let [byte, tail @ ..] = rest {
            hash = (hash ^ *byte as u64).wrapping_mul(0x0100_0000_01b3);
            rest = tail;
        }
        Self(hash)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// No permission has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such permission")]
pub struct UnknownPermission;

/// Where a name has the dot between the kind of resource and what is done to it.
///
/// `None` unless the name is two or more segments with dots between them, each of lower-case ASCII letters,
/// digits, `-` and `_`.
#[doc(hidden)]
#[must_use]
pub const fn __permission_dot(name: &str) -> Option<usize> {
    let mut rest = name.as_bytes();
    let mut at = 0_usize;
    let mut dot = None;
    let mut segment_is_empty = true;
    while let [byte, tail @ ..] = rest {
        match *byte {
            b'.' if segment_is_empty => return None,
            b'.' => {
                dot = Some(at);
                segment_is_empty = true;
            }
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => segment_is_empty = false,
            _ => return None,
        }
        at = at.saturating_add(1);
        rest = tail;
    }
    if segment_is_empty { None } else { dot }
}

/// Whether no two permissions have the same number, and hence none the same name.
#[doc(hidden)]
#[must_use]
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "evaluated by the compiler, where an overflow or a bad index is an error"
)]
pub const fn __all_distinct<const N: usize>(names: [&str; N]) -> bool {
    let mut ids = [0; N];
    let mut n = 0;
    while n < N {
        ids[n] = PermissionId::of(names[n]).get();
        n += 1;
    }
    // Shell sort: comparing every pair would exceed the compiler's patience at a thousand permissions.
    let mut gap = N / 2;
    while gap > 0 {
        let mut n = gap;
        while n < N {
            let (id, mut at) = (ids[n], n);
            while at >= gap && ids[at - gap] > id {
                ids[at] = ids[at - gap];
                at -= gap;
            }
            ids[at] = id;
            n += 1;
        }
        gap /= 2;
    }
    let mut n = 1;
    while n < N {
        if ids[n - 1] == ids[n] {
            return false;
        }
        n += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is stored must keep its meaning: test vectors of the hash's authors.
    #[test]
    fn an_id_is_the_fnv_1a_hash_of_the_name() {
        assert_eq!(PermissionId::of("").get(), 0xcbf2_9ce4_8422_2325);
        assert_eq!(PermissionId::of("a").get(), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(PermissionId::of("foobar").get(), 0x8594_4171_f739_67e8);
    }

    /// No wildcard, no other alphabet, no second way to write a name.
    #[test]
    fn a_permission_is_named_by_lower_case_segments() {
        assert_eq!(__permission_dot("users.read"), Some(5));
        assert_eq!(__permission_dot("billing.invoices.mark-paid_2"), Some(16));
        let bad = [
            "",
            "users",
            ".",
            "users.",
            ".read",
            "users..read",
            "users.*",
            "*",
            "Users.read",
            "users.réad",
            "users read",
            "users.read ",
            "users/read",
            "users:read",
            "users.read\0",
        ];
        for name in bad {
            assert_eq!(__permission_dot(name), None, "{name:?}");
        }
    }

    #[test]
    fn equal_names_are_found_wherever_they_are() {
        assert!(__all_distinct([]));
        assert!(__all_distinct(["a.b"]));
        assert!(__all_distinct(["a.b", "a.c", "b.a", "c.a"]));
        assert!(!__all_distinct(["a.b", "a.b"]));
        assert!(!__all_distinct(["a.b", "z.c", "x.d", "q.e", "a.b"]));
    }
}
