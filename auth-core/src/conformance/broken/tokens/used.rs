//! Faults of `take`, `peek` and `claim`.

use std::time::Duration;

use super::{BrokenTokens, TokenFault as Fault};
use crate::{
    Claim, StoreError, TokenKey, TokenRecord, TokenStore, TokenSubject, UnixTime,
    conformance::reference::Entry,
};

impl BrokenTokens {
    fn entry(&self, key: &TokenKey) -> Option<Entry> {
        self.good.lock().get(key).cloned()
    }

    fn mark(&self, key: &TokenKey, expires_at: UnixTime) -> Claim {
        self.good.lock().insert(key.clone(), Entry::ClaimedUntil(expires_at));
        Claim::First
    }

    pub(super) async fn broken_take(
        &self,
        key: &TokenKey,
        now: UnixTime,
    ) -> Result<Option<TokenRecord>, StoreError> {
        match self.fault {
            Fault::TakeKeeps => self.good.peek(key, now).await,
            Fault::TakeNotAtomic => {
                let found = self.good.peek(key, now).await?;
                if found.is_some() {
                    self.gap.pass();
                    self.good.lock().remove(key);
                }
                Ok(found)
            }
            Fault::TakeWritesTheTable => {
                let mut table = self.good.lock().clone();
                let found = self.good.peek(key, now).await?;
                if found.is_some() {
                    table.remove(key);
                }
                self.gap.pass();
                *self.good.lock() = table;
                Ok(found)
            }
            Fault::TakeIgnoresExpiry => self.good.take(key, UnixTime::EPOCH).await,
            _ => self.good.take(key, now).await,
        }
    }

    pub(super) async fn broken_peek(
        &self,
        key: &TokenKey,
        now: UnixTime,
    ) -> Result<Option<TokenRecord>, StoreError> {
        match self.fault {
            Fault::PeekConsumes => self.good.take(key, now).await,
            Fault::PeekAtTheEnd => self.good.peek(key, now.saturating_sub(Duration::from_secs(1))).await,
            _ => self.good.peek(key, now).await,
        }
    }

    pub(super) async fn broken_claim(
        &self,
        key: &TokenKey,
        expires_at: UnixTime,
        now: UnixTime,
    ) -> Result<Claim, StoreError> {
        let second = Duration::from_secs(1);
        match (self.fault, self.entry(key)) {
            (Fault::ClaimNotAtomic, found) => {
                if found.is_some_and(|entry| entry.is_live(now)) {
                    return Ok(Claim::Seen);
                }
                self.gap.pass();
                Ok(self.mark(key, expires_at))
            }
            (Fault::ClaimAnewNotAtomic, Some(entry)) if !entry.is_live(now) => {
                self.gap.pass();
                Ok(self.mark(key, expires_at))
            }
            (Fault::ClaimNeverExpires, Some(_)) => Ok(Claim::Seen),
            (Fault::ClaimExpiresEarly, _) => {
                self.good.claim(key, expires_at, now.saturating_add(second)).await
            }
            (Fault::ClaimIgnoresTokens, Some(Entry::Token(_))) => Ok(Claim::First),
            (Fault::ClaimIsAToken, None) => {
                let Ok(subject) = TokenSubject::parse("claim") else { return Ok(Claim::Seen) };
                let token = TokenRecord { key: key.clone(), subject, expires_at, payload: Vec::new() };
                self.good.lock().insert(key.clone(), Entry::Token(token));
                Ok(Claim::First)
            }
            _ => self.good.claim(key, expires_at, now).await,
        }
    }
}
