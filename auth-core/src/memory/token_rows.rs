//! Tokens and claims as the shards of a [`MemoryTokens`](super::MemoryTokens) keep them.

use std::{
    collections::HashMap,
    hash::RandomState,
    sync::{
        RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    expiring::{Entry, Expiring},
    slab::Slot,
};
use crate::{Purpose, Realm, SecretHash, TokenKey, TokenRecord, TokenSubject, UnixTime};

/// What is kept under a key.
#[derive(Debug)]
pub(super) struct TokenRow {
    pub(super) key: TokenKey,
    expires_at: UnixTime,
    /// `None` if the key was only claimed.
    pub(super) token: Option<Token>,
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) subject: TokenSubject,
    payload: Box<[u8]>,
    /// Tells it from others that had its key.
    pub(super) serial: u64,
}

/// A token that was listed. It may be gone, and its key be another's.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) shard: usize,
    pub(super) key: TokenKey,
    pub(super) serial: u64,
}

/// Where a row is, while its shard is locked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    shard: usize,
    slot: Slot,
}

/// The write locks of some shards. Tells their next deadlines when they are released.
#[derive(Debug)]
pub(super) struct LockedRows<'a>(Vec<Locked<'a>>);

type Locked<'a> = (usize, RwLockWriteGuard<'a, Expiring<TokenRow>>, &'a AtomicU64);

/// Whom or what tokens are about, and what for.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct About {
    pub(super) realm: Realm,
    pub(super) purpose: Purpose,
    pub(super) subject: TokenSubject,
}

/// Which tokens there are about each subject, in the order of their serial numbers.
///
/// May name tokens that are gone: a row leaves first, and its entry soon after. That has no effect, for what
/// is listed is looked up by its serial number.
#[derive(Debug, Default)]
pub(super) struct Subjects(HashMap<About, Vec<Listed>>);

#[derive(Debug)]
pub(super) struct Listed {
    pub(super) serial: u64,
    pub(super) hash: SecretHash,
}

impl TokenRow {
    pub(super) fn of(record: &TokenRecord, serial: u64) -> Self {
        let TokenRecord { key, subject, expires_at, payload } = record;
        let token = Token { subject: subject.clone(), payload: payload.as_slice().into(), serial };
        Self { key: key.clone(), expires_at: *expires_at, token: Some(token) }
    }

    pub(super) fn claim(key: &TokenKey, expires_at: UnixTime) -> Self {
        Self { key: key.clone(), expires_at, token: None }
    }

    pub(super) const fn is_token(&self) -> bool {
        self.token.is_some()
    }

    pub(super) fn is_live(&self, now: UnixTime) -> bool {
        now < self.expires_at
    }

    pub(super) fn record(&self) -> Option<TokenRecord> {
        let token = self.token.as_ref()?;
        Some(TokenRecord {
            key: self.key.clone(),
            subject: token.subject.clone(),
            expires_at: self.expires_at,
            payload: token.payload.to_vec(),
        })
    }
}

impl Entry for TokenRow {
    type Key = TokenKey;
    type Hashing = RandomState;

    fn key(&self) -> &TokenKey {
        &self.key
    }

    fn ends_at(&self) -> UnixTime {
        self.expires_at
    }
}

impl<'a> LockedRows<'a> {
    pub(super) const fn new(shards: Vec<Locked<'a>>) -> Self {
        Self(shards)
    }

    pub(super) fn find(&self, shard: usize, key: &TokenKey) -> Option<Found> {
        let slot = self.rows(shard)?.find(key)?;
        Some(Found { shard, slot })
    }

    pub(super) fn get(&self, found: Found) -> Option<&TokenRow> {
        self.rows(found.shard)?.get(found.slot)
    }

    /// A listed token, if it is still there.
    pub(super) fn find_token(&self, named: &Named) -> Option<Found> {
        let found = self.find(named.shard, &named.key)?;
        let token = self.get(found)?.token.as_ref()?;
        (token.serial == named.serial).then_some(found)
    }

    /// Adds a row whose key is not there. There is a number for it, for there are more than rows may be.
    pub(super) fn insert(&mut self, shard: usize, row: TokenRow) {
        if let Some(rows) = self.rows_mut(shard) {
            drop(rows.insert(row));
        }
    }

    pub(super) fn remove_all(&mut self, found: &[Found]) -> Vec<TokenRow> {
        found.iter().filter_map(|found| self.rows_mut(found.shard)?.remove(found.slot)).collect()
    }

    /// Removes up to `limit` rows of a shard that have expired.
    pub(super) fn drop_expired(&mut self, shard: usize, now: UnixTime, limit: usize) -> Vec<TokenRow> {
        let Some(rows) = self.rows_mut(shard) else { return Vec::new() };
        std::iter::from_fn(|| {
            rows.first().filter(|(_, at)| *at <= now).and_then(|(slot, _)| rows.remove(slot))
        })
        .take(limit)
        .collect()
    }

    fn rows(&self, shard: usize) -> Option<&Expiring<TokenRow>> {
        self.0.iter().find(|(number, ..)| *number == shard).map(|(_, rows, _)| &**rows)
    }

    fn rows_mut(&mut self, shard: usize) -> Option<&mut Expiring<TokenRow>> {
        self.0.iter_mut().find(|(number, ..)| *number == shard).map(|(_, rows, _)| &mut **rows)
    }
}

impl Drop for LockedRows<'_> {
    fn drop(&mut self) {
        for (_, rows, deadline) in &self.0 {
            // Relaxed: who is misled by it finds out under the lock.
            deadline.store(rows.first().map_or(u64::MAX, |(_, at)| at.as_secs()), Ordering::Relaxed);
        }
    }
}

impl About {
    pub(super) fn of(key: &TokenKey, subject: &TokenSubject) -> Self {
        Self { realm: key.realm.clone(), purpose: key.purpose, subject: subject.clone() }
    }

    pub(super) fn key(&self, hash: SecretHash) -> TokenKey {
        TokenKey { realm: self.realm.clone(), purpose: self.purpose, hash }
    }
}

impl Subjects {
    pub(super) fn of(&self, about: &About) -> &[Listed] {
        self.0.get(about).map_or(&[], Vec::as_slice)
    }

    /// Adds a token whose serial number is higher than those of the others about the subject.
    pub(super) fn add(&mut self, about: About, listed: Listed) {
        self.0.entry(about).or_default().push(listed);
    }

    pub(super) fn remove(&mut self, about: &About, serial: u64) {
        let Some(list) = self.0.get_mut(about) else { return };
        if let Ok(at) = list.binary_search_by_key(&serial, |listed| listed.serial) {
            list.remove(at);
        }
        if list.is_empty() {
            self.0.remove(about);
        }
    }
}
