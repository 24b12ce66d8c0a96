//! Faults of `put`, `replace`, `revoke` and `purge`.

use std::time::Duration;

use super::{BrokenTokens, TokenFault as Fault};
use crate::{
    Purpose, Put, Realm, StoreError, TokenRecord, TokenStore, TokenSubject, UnixTime,
    conformance::{
        reference::{Entry, count},
        sample::HOUR,
    },
};

impl BrokenTokens {
    fn has(&self, token: &TokenRecord) -> bool {
        self.good.lock().contains_key(&token.key)
    }

    fn write(&self, token: &TokenRecord) -> Put {
        self.good.lock().insert(token.key.clone(), Entry::Token(token.clone()));
        Put::Stored
    }

    /// Removes what `wanted` says, and answers what it was.
    fn remove(&self, wanted: impl Fn(&TokenRecord) -> bool) -> Vec<TokenRecord> {
        let mut removed = Vec::new();
        self.good.lock().retain(|_, entry| match entry {
            Entry::Token(token) if wanted(token) => {
                removed.push(token.clone());
                false
            }
            _ => true,
        });
        removed
    }

    fn remove_same(&self, token: &TokenRecord) {
        self.remove(|other| {
            let key = (&other.key.realm, other.key.purpose);
            key == (&token.key.realm, token.key.purpose) && other.subject == token.subject
        });
    }

    pub(super) async fn broken_put(&self, token: &TokenRecord, now: UnixTime) -> Result<Put, StoreError> {
        match self.fault {
            Fault::PutOverwrites => Ok(self.write(token)),
            Fault::PutNotAtomic => {
                if self.has(token) {
                    return Ok(Put::Collision);
                }
                self.gap.pass();
                Ok(self.write(token))
            }
            Fault::PutReplaces => self.good.replace(token, now).await,
            _ => self.good.put(token, now).await,
        }
    }

    pub(super) async fn broken_replace(&self, token: &TokenRecord, now: UnixTime) -> Result<Put, StoreError> {
        match self.fault {
            Fault::ReplaceKeepsOld => self.good.put(token, now).await,
            Fault::ReplaceIgnoresPurpose => {
                let put = self.good.replace(token, now).await?;
                self.remove(|other| other.subject == token.subject && other.key != token.key);
                Ok(put)
            }
            Fault::ReplaceIgnoresSubject => {
                let put = self.good.replace(token, now).await?;
                self.remove(|other| other.key.purpose == token.key.purpose && other.key != token.key);
                Ok(put)
            }
            Fault::ReplaceRemovesFirst => {
                self.remove_same(token);
                self.good.put(token, now).await
            }
            Fault::ReplaceNotAtomic => {
                if self.has(token) {
                    return Ok(Put::Collision);
                }
                self.remove_same(token);
                self.gap.pass();
                Ok(self.write(token))
            }
            _ => self.good.replace(token, now).await,
        }
    }

    pub(super) async fn broken_revoke(
        &self,
        realm: &Realm,
        purpose: Purpose,
        subject: &TokenSubject,
        now: UnixTime,
    ) -> Result<u64, StoreError> {
        let purpose = match self.fault {
            Fault::PurposeIgnored => Purpose::new("any"),
            _ => purpose,
        };
        let same = |token: &TokenRecord| token.key.realm == *realm && token.key.purpose == purpose;
        match self.fault {
            Fault::RevokeIgnoresPurpose => {
                Ok(count(&self.remove(|token| token.subject == *subject && token.key.realm == *realm)))
            }
            Fault::RevokeIgnoresCase => {
                let folded = |token: &TokenRecord| {
                    same(token) && token.subject.as_str().eq_ignore_ascii_case(subject.as_str())
                };
                Ok(count(&self.remove(folded)))
            }
            Fault::RevokeCountsExpired => {
                Ok(count(&self.remove(|token| same(token) && token.subject == *subject)))
            }
            Fault::RevokeNotAtomic => {
                let live = {
                    let tokens = self.good.lock();
                    tokens.values().filter(|e| e.is_about(realm, purpose, subject) && e.is_live(now)).count()
                };
                self.gap.pass();
                self.remove(|token| same(token) && token.subject == *subject);
                Ok(u64::try_from(live).unwrap_or(u64::MAX))
            }
            _ => self.good.revoke(realm, purpose, subject, now).await,
        }
    }

    pub(super) async fn broken_purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        match self.fault {
            Fault::PurgeRemovesLive => {
                self.good.purge(now.saturating_add(Duration::from_secs(HOUR)), limit).await
            }
            Fault::PurgeKeepsClaims => Ok(count(&self.remove(|token| !token.is_live(now)))),
            Fault::PurgeIgnoresLimit => self.good.purge(now, u32::MAX).await,
            _ => self.good.purge(now, limit).await,
        }
    }
}
