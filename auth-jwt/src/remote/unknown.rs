//! Names of keys that the issuer was asked for in vain.

use std::{collections::VecDeque, time::Duration};

use auth_core::UnixTime;

use crate::KeyId;

/// The last few such names. A token that names one of them is refused without asking again.
///
/// A name gets in only behind a fetch that its token waited for, or that ended while it was looked up. All who wait
/// for one fetch may bring a name, so a flood can wash the others out, once with each fetch; they are asked for again
/// when the cooldown is over, as they would be without this. It saves fetches; what bounds them is the cooldown.
#[derive(Debug, Default)]
pub(super) struct UnknownKeys(VecDeque<(KeyId, UnixTime)>);

impl UnknownKeys {
    pub(super) const MAX: usize = 64;
    /// How long a name is remembered: short, for an issuer may be late in publishing a key it signs with.
    pub(super) const FOR: Duration = Duration::from_secs(120);

    pub(super) fn contains(&self, id: &KeyId, now: UnixTime) -> bool {
        self.0.iter().any(|(known, at)| known == id && now.since(*at) < Self::FOR)
    }

    pub(super) fn insert(&mut self, id: KeyId, now: UnixTime) {
        self.0.retain(|(known, _)| *known != id);
        while self.0.len() >= Self::MAX {
            self.0.pop_front();
        }
        self.0.push_back((id, now));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a flood of names can make grow is bounded (GHSA-2gx3-rcp4-g85q).
    #[test]
    fn only_so_many_names_are_remembered_and_only_for_so_long() {
        let now = UnixTime::from_secs(1_800_000_000);
        let id = |n: usize| KeyId::new(&format!("k{n}")).unwrap();
        let mut unknown = UnknownKeys::default();
        for n in 0..10_000 {
            unknown.insert(id(n % 100), now);
        }
        assert_eq!(unknown.0.len(), UnknownKeys::MAX);
        assert!(unknown.contains(&id(99), now) && !unknown.contains(&id(0), now));
        let later = now.saturating_add(UnknownKeys::FOR);
        assert!(!unknown.contains(&id(99), later));
        unknown.insert(id(99), later);
        assert!(unknown.contains(&id(99), later));
        assert_eq!(unknown.0.iter().filter(|(known, _)| *known == id(99)).count(), 1);
    }
}
