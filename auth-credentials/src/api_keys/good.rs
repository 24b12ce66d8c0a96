//! Keys that were good of late.

use std::{
    collections::HashSet,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use auth_core::SecretHash;

/// Keys that were good when they were last looked at: a source of too many refused ones still gets them looked up. They
/// open nothing by being here.
///
/// By their hashes, and not by their ids, which are no secret: whoever knows an id only must not pass for who has the key.
#[derive(Debug, Default)]
pub(super) struct Good(Mutex<Generations>);

/// The second one is forgotten when the first is full, so what is used stays.
#[derive(Debug, Default)]
struct Generations {
    young: HashSet<SecretHash>,
    old: HashSet<SecretHash>,
}

impl Good {
    /// The most keys of one generation.
    const CAPACITY: usize = 5_000;

    pub(super) fn has(&self, key: &SecretHash) -> bool {
        let known = self.lock();
        known.young.contains(key) || known.old.contains(key)
    }

    pub(super) fn note(&self, key: SecretHash) {
        let mut known = self.lock();
        if known.young.contains(&key) {
            return;
        }
        if known.young.len() >= Self::CAPACITY {
            known.old = mem::take(&mut known.young);
        }
        known.young.insert(key);
    }

    pub(super) fn forget(&self, key: &SecretHash) {
        let mut known = self.lock();
        known.young.remove(key);
        known.old.remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        // A panic elsewhere leaves a set as it was before or after one change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: usize) -> SecretHash {
        SecretHash::of(&n.to_be_bytes())
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_used() {
        let good = Good::default();
        good.note(key(0));
        for n in 1..4 * Good::CAPACITY {
            good.note(key(n));
            good.note(key(0));
        }
        assert!(good.has(&key(0)) && !good.has(&key(1)));
        let known = good.lock();
        assert!(known.young.len() <= Good::CAPACITY && known.old.len() <= Good::CAPACITY);
        drop(known);
        good.forget(&key(0));
        assert!(!good.has(&key(0)));
    }
}
