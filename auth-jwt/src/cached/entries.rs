//! The entries of a cache of verified tokens.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use auth_core::{Secret, UnixTime};
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq;

use crate::{CacheCapacity, Verified, Verifier, VerifyError, verifier::Provenance};

/// Entries of a set.
pub(super) const WAYS: usize = 8;

/// Tokens that one verifier has accepted, or one after another of one policy and several sets of keys, each with what was made of it.
///
/// A token has one set in which it may be. A set has eight entries and a lock of its own, under which nothing but
/// comparing happens.
pub(crate) struct TokenCache<T> {
    sets: Box<[RwLock<Set<T>>]>,
    /// Each set's share of the bytes.
    bytes: usize,
    capacity: CacheCapacity,
    hasher: RandomState,
}

/// A version that is never taken for the present one.
const NO_VERSION: u64 = u64::MAX;

type Set<T> = [Option<Entry<T>>; WAYS];

struct Entry<T> {
    /// Of the token's end. Tells most tokens apart without a look at them, and proves nothing.
    hash: u64,
    token: Secret,
    verified: Arc<Verified<T>>,
    generation: u64,
    key_from: UnixTime,
    key_until: UnixTime,
    /// The version of the revocations that were asked last, or [`NO_VERSION`].
    revocations: AtomicU64,
    /// The second in which it was last served.
    used: AtomicU64,
}

impl<T> TokenCache<T> {
    pub(crate) fn new(capacity: CacheCapacity) -> Self {
        // At least one: a capacity has room for one set.
        let sets = capacity.entries() / WAYS;
        Self {
            sets: (0..sets).map(|_| RwLock::new([const { None }; WAYS])).collect(),
            bytes: capacity.bytes().checked_div(sets).unwrap_or(0),
            capacity,
            hasher: RandomState::new(),
        }
    }

    pub(crate) const fn capacity(&self) -> CacheCapacity {
        self.capacity
    }

    /// What `verifier` answers of a token: from here, or by verifying it and remembering that.
    #[inline]
    pub(crate) fn verify(
        &self,
        verifier: &Verifier,
        token: &str,
        now: UnixTime,
    ) -> Result<Arc<Verified<T>>, VerifyError>
    where
        T: DeserializeOwned,
    {
        if let Some(verified) = self.get(verifier, token, now) {
            return verified;
        }
        let provenance = verifier.provenance(token);
        let verified = Arc::new(verifier.verify(token, now)?);
        self.put(verifier, token, &verified, provenance, now);
        Ok(verified)
    }

    /// What `verifier` would answer of a token that was put in, or `None` if it has to be asked.
    #[inline]
    pub(crate) fn get(
        &self,
        verifier: &Verifier,
        token: &str,
        now: UnixTime,
    ) -> Option<Result<Arc<Verified<T>>, VerifyError>> {
        let hash = self.hash(token);
        let (verified, asked) = self.find(hash, token, |entry| {
            entry.is_current(verifier, now).then(|| {
                entry.touch(now);
                (Arc::clone(&entry.verified), entry.revocations.load(Ordering::Relaxed))
            })
        })??;
        // The order of the verifier: dates, then revocations.
        let mut answer = verifier.policy().accept_again(verified.claims(), now);
        let version = verifier.revocations_version();
        if answer.is_ok() && version.is_none_or(|version| version == NO_VERSION || version != asked) {
            answer = verifier.check_revoked(verified.claims());
            if let (Ok(()), Some(version)) = (&answer, version) {
                self.find(hash, token, |entry| entry.revocations.store(version, Ordering::Relaxed));
            }
        }
        if matches!(answer, Err(VerifyError::Expired { .. } | VerifyError::Revoked)) {
            self.remove(hash, token);
        }
        Some(answer.map(|()| verified))
    }

    /// Remembers a token that `verifier` has accepted. `provenance` was taken before that.
    pub(crate) fn put(
        &self,
        verifier: &Verifier,
        token: &str,
        verified: &Arc<Verified<T>>,
        provenance: Provenance,
        now: UnixTime,
    ) {
        if verified.claims().is_bound() || token.len() > self.bytes {
            return;
        }
        let hash = self.hash(token);
        let Some(set) = self.set(hash) else { return };
        let entry = Entry {
            hash,
            token: Secret::new(token.as_bytes().to_vec()),
            verified: Arc::clone(verified),
            generation: provenance.generation,
            key_from: provenance.key_from,
            key_until: provenance.key_until,
            revocations: AtomicU64::new(provenance.revocations.unwrap_or(NO_VERSION)),
            used: AtomicU64::new(now.as_secs()),
        };
        // Keys that changed while it was verified.
        if !entry.is_current(verifier, now) {
            return;
        }
        // What leaves is dropped behind the lock: dropping own claims may be anybody's code.
        let mut left: Set<T> = [const { None }; WAYS];
        let mut set = set.write().unwrap_or_else(PoisonError::into_inner);
        let worth = |entry: &Entry<T>| match entry {
            same if same.is(hash, token) => Worth::Same,
            old if !old.is_current(verifier, now) || old.verified.claims().expires_at() <= now => Worth::Old,
            other => Worth::UsedAt(other.used.load(Ordering::Relaxed)),
        };
        let place = set.iter_mut().min_by_key(|place| place.as_ref().map_or(Worth::Empty, worth));
        let mut leaves = left.iter_mut();
        if let (Some(place), Some(left)) = (place, leaves.next()) {
            *left = place.replace(entry);
        }
        // The newest one alone is not longer than the set's share.
        for left in leaves {
            let held =
                set.iter().flatten().fold(0, |sum: usize, entry| sum.saturating_add(entry.token.len()));
            if held <= self.bytes {
                break;
            }
            let others =
                set.iter_mut().filter(|place| place.as_ref().is_some_and(|entry| !entry.is(hash, token)));
            let Some(place) = others.min_by_key(|place| place.as_ref().map_or(Worth::Empty, worth)) else {
                break;
            };
            *left = place.take();
        }
        drop(set);
    }

    /// What `read` makes of the entry of a token. It runs under the lock.
    #[inline]
    fn find<R>(&self, hash: u64, token: &str, read: impl FnOnce(&Entry<T>) -> R) -> Option<R> {
        let set = self.set(hash)?.read().unwrap_or_else(PoisonError::into_inner);
        set.iter().flatten().find(|entry| entry.is(hash, token)).map(read)
    }

    /// Forgets a token.
    #[cold]
    fn remove(&self, hash: u64, token: &str) {
        let Some(set) = self.set(hash) else { return };
        let mut set = set.write().unwrap_or_else(PoisonError::into_inner);
        let place = set.iter_mut().find(|place| place.as_ref().is_some_and(|entry| entry.is(hash, token)));
        let left = place.and_then(Option::take);
        drop(set);
        drop(left);
    }

    /// How many tokens are held, and their bytes.
    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, usize) {
        let sets = self.sets.iter().map(|set| set.read().unwrap_or_else(PoisonError::into_inner));
        sets.fold((0, 0), |(held, bytes), set| {
            let lens = set.iter().flatten().map(|entry| entry.token.len());
            (held + lens.clone().count(), bytes + lens.sum::<usize>())
        })
    }

    /// The hashes of the tokens that are held.
    #[cfg(test)]
    pub(super) fn hashes(&self) -> std::collections::BTreeSet<u64> {
        let sets = self.sets.iter().map(|set| set.read().unwrap_or_else(PoisonError::into_inner));
        sets.flat_map(|set| set.iter().flatten().map(|entry| entry.hash).collect::<Vec<_>>()).collect()
    }

    /// Of the end of a token, which is its signature, or the part of it that fits: the part of a good token that
    /// nobody can choose.
    fn hash(&self, token: &str) -> u64 {
        const END: usize = 64;
        let bytes = token.as_bytes();
        self.hasher.hash_one(bytes.last_chunk::<END>().map_or(bytes, |end| &end[..]))
    }

    /// The set of a hash, scaled to the number of sets.
    fn set(&self, hash: u64) -> Option<&RwLock<Set<T>>> {
        let number = u128::from(hash).saturating_mul(self.sets.len() as u128) >> 64;
        self.sets.get(usize::try_from(number).unwrap_or(0))
    }
}

/// In which order entries leave.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Same,
    Empty,
    Old,
    UsedAt(u64),
}

impl<T> Entry<T> {
    #[inline]
    fn is(&self, hash: u64, token: &str) -> bool {
        self.hash == hash && is_same(self.token.expose(), token.as_bytes())
    }

    /// Whether what it was verified under still is as it was.
    fn is_current(&self, verifier: &Verifier, now: UnixTime) -> bool {
        self.generation == verifier.generation() && self.key_from <= now && now < self.key_until
    }

    fn touch(&self, now: UnixTime) {
        // Most of the time it was used in this second already: reading is cheaper than writing.
        if self.used.load(Ordering::Relaxed) != now.as_secs() {
            self.used.store(now.as_secs(), Ordering::Relaxed);
        }
    }
}

/// Compares all bytes, wherever the first difference is. Lengths are no secret.
pub(super) fn is_same(a: &[u8], b: &[u8]) -> bool {
    let ((a_words, a_rest), (b_words, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let words = a_words
        .iter()
        .zip(b_words)
        .fold(0, |difference, (a, b)| difference | (u64::from_ne_bytes(*a) ^ u64::from_ne_bytes(*b)));
    a.len() == b.len() && bool::from(words.ct_eq(&0) & a_rest.ct_eq(b_rest))
}
