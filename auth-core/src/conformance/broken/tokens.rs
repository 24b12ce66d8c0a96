//! Token stores with one fault each.

mod added;
mod used;

use async_trait::async_trait;

use super::{Gap, faults};
use crate::{
    Claim, Purpose, Put, Realm, StoreError, TokenKey, TokenRecord, TokenStore, TokenSubject, UnixTime,
    conformance::reference::ReferenceTokens,
};

faults! {
    /// What can be wrong with a token store.
    TokenFault {
        /// `put` replaces the token that has the key.
        PutOverwrites => a_key_is_put_once,
        /// `put` looks for the key in one step and writes in another.
        PutNotAtomic => of_many_that_put_one_key_one_does raced,
        /// `put` removes the subject's other tokens.
        PutReplaces => tokens_of_one_subject_stay_beside_each_other,
        /// `put` keeps at most a kilobyte.
        PutCutsPayload => a_token_is_kept_exactly,
        /// The purpose is not part of the key.
        PurposeIgnored => a_token_is_for_its_purpose_only,
        /// The realm is not part of the key.
        RealmIgnored => a_token_is_of_its_realm_only,
        /// `replace` keeps the old tokens.
        ReplaceKeepsOld => the_newest_token_wins,
        /// `replace` removes the subject's tokens for every purpose.
        ReplaceIgnoresPurpose => a_replacement_leaves_other_subjects_purposes_and_realms,
        /// `replace` removes everybody's tokens for the purpose.
        ReplaceIgnoresSubject => a_replacement_leaves_other_subjects_purposes_and_realms,
        /// `replace` removes the old tokens before it notices the collision.
        ReplaceRemovesFirst => a_replacement_that_collides_removes_nothing,
        /// `replace` removes in one step and adds in another.
        ReplaceNotAtomic => of_many_replacements_one_stays raced,
        /// `take` leaves the token.
        TakeKeeps => a_token_is_taken_once,
        /// `take` reads in one step and removes in another.
        TakeNotAtomic => of_many_that_take_one_token_one_gets_it raced,
        /// `take` writes back the whole table that it read before, as files are written.
        TakeWritesTheTable => a_token_is_not_both_taken_and_replaced raced,
        /// `take` gives expired tokens away.
        TakeIgnoresExpiry => a_token_ends_when_it_expires,
        /// `peek` uses the token up.
        PeekConsumes => peeking_leaves_the_token,
        /// `peek` shows a token in its last moment.
        PeekAtTheEnd => a_token_ends_when_it_expires,
        /// `claim` looks in one step and writes in another.
        ClaimNotAtomic => of_many_that_claim_one_key_one_is_first raced,
        /// `claim` of an expired key removes the old claim in one step and writes in another.
        ClaimAnewNotAtomic => of_many_that_claim_an_expired_key_one_is_first raced,
        /// A claim is never forgotten.
        ClaimNeverExpires => a_claim_may_be_made_anew_once_it_has_expired,
        /// A claim is forgotten a second early.
        ClaimExpiresEarly => a_claim_may_be_made_anew_once_it_has_expired,
        /// `claim` does not see tokens.
        ClaimIgnoresTokens => a_token_that_was_put_counts_as_seen,
        /// A claim is a token without content.
        ClaimIsAToken => a_claim_is_not_a_token,
        /// `revoke` removes the subject's tokens for every purpose.
        RevokeIgnoresPurpose => revoking_removes_the_tokens_of_one_subject_for_one_purpose,
        /// `revoke` compares subjects without their case.
        RevokeIgnoresCase => subjects_that_look_alike_are_kept_apart,
        /// `revoke` counts expired tokens.
        RevokeCountsExpired => revoking_counts_live_tokens_only,
        /// `revoke` counts in one step and removes in another.
        RevokeNotAtomic => a_token_is_not_both_taken_and_revoked raced,
        /// `purge` forgets what expires within the hour.
        PurgeRemovesLive => purging_forgets_expired_tokens_and_claims_and_nothing_else,
        /// `purge` never forgets claims.
        PurgeKeepsClaims => purging_forgets_expired_tokens_and_claims_and_nothing_else,
        /// `purge` ignores its limit.
        PurgeIgnoresLimit => purging_forgets_no_more_than_it_may,
    }
}

/// A [`TokenStore`] with one fault.
#[derive(Debug)]
pub struct BrokenTokens {
    fault: TokenFault,
    gap: Gap,
    good: ReferenceTokens,
}

impl BrokenTokens {
    /// An empty store with this fault. What is not atomic in it is as far apart as statements that a
    /// network carries.
    #[must_use]
    pub fn new(fault: TokenFault) -> Self {
        Self { fault, gap: Gap::Wide, good: ReferenceTokens::default() }
    }

    /// The same, with what is not atomic as near together as two locks in one process: hard to notice.
    #[must_use]
    pub fn tight(fault: TokenFault) -> Self {
        Self { gap: Gap::Tight, ..Self::new(fault) }
    }

    /// The key that is used instead of this one.
    fn key(&self, key: &TokenKey) -> TokenKey {
        let key = key.clone();
        match self.fault {
            TokenFault::PurposeIgnored => TokenKey { purpose: Purpose::new("any"), ..key },
            TokenFault::RealmIgnored => TokenKey { realm: Realm::LOCAL, ..key },
            _ => key,
        }
    }

    /// The token as it is kept.
    fn kept(&self, token: &TokenRecord) -> TokenRecord {
        let mut kept = TokenRecord { key: self.key(&token.key), ..token.clone() };
        if self.fault == TokenFault::PutCutsPayload {
            kept.payload.truncate(1_024);
        }
        kept
    }

    /// The token as it is given back, under the key that was asked for.
    fn given(key: &TokenKey, token: Option<TokenRecord>) -> Option<TokenRecord> {
        token.map(|token| TokenRecord { key: key.clone(), ..token })
    }
}

#[async_trait]
impl TokenStore for BrokenTokens {
    async fn put(&self, token: &TokenRecord, now: UnixTime) -> Result<Put, StoreError> {
        self.broken_put(&self.kept(token), now).await
    }

    async fn replace(&self, token: &TokenRecord, now: UnixTime) -> Result<Put, StoreError> {
        self.broken_replace(&self.kept(token), now).await
    }

    async fn take(&self, key: &TokenKey, now: UnixTime) -> Result<Option<TokenRecord>, StoreError> {
        Ok(Self::given(key, self.broken_take(&self.key(key), now).await?))
    }

    async fn peek(&self, key: &TokenKey, now: UnixTime) -> Result<Option<TokenRecord>, StoreError> {
        Ok(Self::given(key, self.broken_peek(&self.key(key), now).await?))
    }

    async fn claim(&self, key: &TokenKey, expires_at: UnixTime, now: UnixTime) -> Result<Claim, StoreError> {
        self.broken_claim(&self.key(key), expires_at, now).await
    }

    async fn revoke(
        &self,
        realm: &Realm,
        purpose: Purpose,
        subject: &TokenSubject,
        now: UnixTime,
    ) -> Result<u64, StoreError> {
        self.broken_revoke(realm, purpose, subject, now).await
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.broken_purge(now, limit).await
    }
}
