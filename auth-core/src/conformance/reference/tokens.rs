//! Single-use tokens under one lock.

use std::{collections::HashMap, sync::MutexGuard};

use async_trait::async_trait;

use super::{Locked, count};
use crate::{
    Claim, Purpose, Put, Realm, StoreError, TokenKey, TokenRecord, TokenStore, TokenSubject, UnixTime,
};

/// A [`TokenStore`] as its contract reads.
#[derive(Debug, Default)]
pub struct ReferenceTokens(Locked<Tokens>);

/// What is kept.
pub(in crate::conformance) type Tokens = HashMap<TokenKey, Entry>;

/// What is kept under one key.
#[derive(Debug, Clone)]
pub(in crate::conformance) enum Entry {
    Token(TokenRecord),
    ClaimedUntil(UnixTime),
}

impl Entry {
    pub(in crate::conformance) fn is_live(&self, now: UnixTime) -> bool {
        match self {
            Self::Token(token) => token.is_live(now),
            Self::ClaimedUntil(expires_at) => now < *expires_at,
        }
    }

    fn token(&self) -> Option<&TokenRecord> {
        match self {
            Self::Token(token) => Some(token),
            Self::ClaimedUntil(_) => None,
        }
    }

    /// Whether it is a token for the same thing about the same subject.
    pub(in crate::conformance) fn is_about(
        &self,
        realm: &Realm,
        purpose: Purpose,
        subject: &TokenSubject,
    ) -> bool {
        self.token().is_some_and(|token| {
            token.key.realm == *realm && token.key.purpose == purpose && token.subject == *subject
        })
    }
}

impl ReferenceTokens {
    pub(in crate::conformance) fn lock(&self) -> MutexGuard<'_, Tokens> {
        self.0.lock()
    }
}

#[async_trait]
impl TokenStore for ReferenceTokens {
    async fn put(&self, token: &TokenRecord, _: UnixTime) -> Result<Put, StoreError> {
        let mut tokens = self.lock();
        if tokens.contains_key(&token.key) {
            return Ok(Put::Collision);
        }
        tokens.insert(token.key.clone(), Entry::Token(token.clone()));
        Ok(Put::Stored)
    }

    async fn replace(&self, token: &TokenRecord, _: UnixTime) -> Result<Put, StoreError> {
        let mut tokens = self.lock();
        if tokens.contains_key(&token.key) {
            return Ok(Put::Collision);
        }
        tokens.retain(|_, entry| !entry.is_about(&token.key.realm, token.key.purpose, &token.subject));
        tokens.insert(token.key.clone(), Entry::Token(token.clone()));
        Ok(Put::Stored)
    }

    async fn take(&self, key: &TokenKey, now: UnixTime) -> Result<Option<TokenRecord>, StoreError> {
        let mut tokens = self.lock();
        let found = tokens.get(key).and_then(Entry::token).filter(|token| token.is_live(now)).cloned();
        if found.is_some() {
            tokens.remove(key);
        }
        Ok(found)
    }

    async fn peek(&self, key: &TokenKey, now: UnixTime) -> Result<Option<TokenRecord>, StoreError> {
        Ok(self.lock().get(key).and_then(Entry::token).filter(|token| token.is_live(now)).cloned())
    }

    async fn claim(&self, key: &TokenKey, expires_at: UnixTime, now: UnixTime) -> Result<Claim, StoreError> {
        let mut tokens = self.lock();
        if tokens.get(key).is_some_and(|entry| entry.is_live(now)) {
            return Ok(Claim::Seen);
        }
        tokens.insert(key.clone(), Entry::ClaimedUntil(expires_at));
        Ok(Claim::First)
    }

    async fn revoke(
        &self,
        realm: &Realm,
        purpose: Purpose,
        subject: &TokenSubject,
        now: UnixTime,
    ) -> Result<u64, StoreError> {
        let mut tokens = self.lock();
        let mut live = 0_u64;
        tokens.retain(|_, entry| {
            let revoked = entry.is_about(realm, purpose, subject);
            live = live.saturating_add(u64::from(revoked && entry.is_live(now)));
            !revoked
        });
        Ok(live)
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let mut tokens = self.lock();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let expired: Vec<_> = tokens
            .iter()
            .filter(|(_, entry)| !entry.is_live(now))
            .map(|(key, _)| key.clone())
            .take(limit)
            .collect();
        for key in &expired {
            tokens.remove(key);
        }
        Ok(count(&expired))
    }
}
