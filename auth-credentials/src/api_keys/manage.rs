//! Making, listing, rotating and revoking keys.

use std::time::Duration;

use auth_core::{
    Account, AccountChange, AccountStatus, Applied, AuditEvent, AuthEpoch, Authenticated, CredentialKind,
    CredentialRecord, EpochBump, Method, PrincipalId, RejectionReason, SecretHash, StoreError, UnixTime,
};

use super::{
    ApiKeys,
    error::ApiKeyError,
    stored::StoredKey,
    terms::{ApiKeySummary, ApiKeyTerms, NewApiKey},
    text::ApiKeyId,
};
use crate::{accounts::TRIES, stores::list_kind};

impl ApiKeys {
    /// Makes a key for whoever makes the request: by a login that is not long ago
    /// ([`Accounts::RECENT`](crate::Accounts::RECENT)), without limits. No key makes another.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn create(&self, who: &Authenticated, terms: &ApiKeyTerms) -> Result<NewApiKey, ApiKeyError> {
        let account = self.accounts.own_account::<ApiKeyError>(who).await?;
        self.make(account, terms).await
    }

    /// Makes a key for an account, such as a service's. Whether the caller may is the caller's to check.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn create_for(
        &self,
        owner: &PrincipalId,
        terms: &ApiKeyTerms,
    ) -> Result<NewApiKey, ApiKeyError> {
        let account = self.active(owner).await?;
        self.make(account, terms).await
    }

    /// The keys of an account, oldest first. None of them can be shown again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self, owner: &PrincipalId) -> Result<Vec<ApiKeySummary>, StoreError> {
        Ok(self.rows(owner).await?.iter().filter_map(ApiKeySummary::of).collect())
    }

    /// Makes a new key on the terms of an old one, for the same time again. The old one works for `overlap` from now,
    /// or to its own end if that is earlier; then it dies.
    ///
    /// By whoever may [make](Self::create) one, for a key of theirs: no key makes another, not even one like itself.
    ///
    /// # Errors
    /// [`ApiKeyError`]; the old key is then what it was. [`ApiKeyError::Rotated`] if it is on its way out already: where the
    /// answer was lost, revoke the key that nobody has received, and make one.
    pub async fn rotate(
        &self,
        who: &Authenticated,
        id: &ApiKeyId,
        overlap: Duration,
    ) -> Result<NewApiKey, ApiKeyError> {
        let account = self.accounts.own_account::<ApiKeyError>(who).await?;
        self.make_like(account, id, overlap).await
    }

    /// The same with a key of an account, such as a service's. Whether the caller may is the caller's to check.
    ///
    /// # Errors
    /// As [`rotate`](Self::rotate).
    pub async fn rotate_for(
        &self,
        owner: &PrincipalId,
        id: &ApiKeyId,
        overlap: Duration,
    ) -> Result<NewApiKey, ApiKeyError> {
        let account = self.active(owner).await?;
        self.make_like(account, id, overlap).await
    }

    /// Ends a key of whoever makes the request at once: by a login without limits, however long ago. Another's is not
    /// found.
    ///
    /// # Errors
    /// [`ApiKeyError`]; the key may live on.
    pub async fn revoke(&self, who: &Authenticated, id: &ApiKeyId) -> Result<(), ApiKeyError> {
        let account = self.accounts.own_account_at_any_age::<ApiKeyError>(who).await?;
        self.revoke_for(&account.id, id).await
    }

    /// The same with a key of an account, such as a service's. Whether the caller may is the caller's to check.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke).
    pub async fn revoke_for(&self, owner: &PrincipalId, id: &ApiKeyId) -> Result<(), ApiKeyError> {
        let accounts = &self.accounts.authenticator().stores.accounts;
        let key = self.key(id);
        for _ in 0..TRIES {
            let account = accounts.by_id(owner).await?.ok_or(RejectionReason::Unknown)?;
            if !self.rows(owner).await?.iter().any(|row| row.key == key) {
                return Err(ApiKeyError::NoSuchKey);
            }
            let changes = [AccountChange::RemoveCredential(key.clone())];
            match accounts.apply(owner, account.version, &changes, EpochBump::Keep).await? {
                Applied::Applied(_) => {
                    let (principal, id) = (owner.clone(), Some(id.to_string()));
                    let removed = AuditEvent::CredentialRemoved { principal, method: Method::API_KEY, id };
                    self.accounts.authenticator().record(&removed);
                    return Ok(());
                }
                Applied::Gone => return Err(RejectionReason::Unknown.into()),
                Applied::Conflict | Applied::LoginTaken => {}
            }
        }
        Err(ApiKeyError::busy())
    }

    async fn make(&self, mut account: Account, terms: &ApiKeyTerms) -> Result<NewApiKey, ApiKeyError> {
        let accounts = &self.accounts.authenticator().stores.accounts;
        let epoch = account.epoch;
        for _ in 0..TRIES {
            // Counted under the version that is held to below: two at once are not both the last.
            let rows = self.rows(&account.id).await?;
            let mut changes = expired(&rows, self.accounts.authenticator().clock.now());
            if rows.len().saturating_sub(changes.len()) >= Self::MAX_KEYS {
                return Err(ApiKeyError::TooMany);
            }
            let stored = StoredKey {
                hash: SecretHash::from_bytes([0; 32]),
                epoch: (!terms.outlives_epoch).then_some(epoch),
                rotated: false,
                name: terms.name.clone(),
                limits: terms.limits.clone(),
            };
            let (record, new) = self.new_record(&account, stored, terms.life)?;
            changes.push(AccountChange::AddCredential(record));
            match accounts.apply(&account.id, account.version, &changes, EpochBump::Keep).await? {
                Applied::Applied(_) => {
                    self.added(&account.id, &new);
                    return Ok(new);
                }
                Applied::Gone => return Err(RejectionReason::Unknown.into()),
                Applied::Conflict | Applied::LoginTaken => {}
            }
            account = self.again(&account, epoch).await?;
        }
        Err(ApiKeyError::busy())
    }

    /// A key on the terms of an old one, which gets an end.
    async fn make_like(
        &self,
        mut account: Account,
        id: &ApiKeyId,
        overlap: Duration,
    ) -> Result<NewApiKey, ApiKeyError> {
        let checks = self.accounts.authenticator();
        let epoch = account.epoch;
        for _ in 0..TRIES {
            let rows = self.rows(&account.id).await?;
            let old = rows.iter().find(|row| *row.key.lookup == *id.as_bytes());
            let old = old.ok_or(ApiKeyError::NoSuchKey)?;
            let stored = StoredKey::read(old.data.expose()).ok_or(RejectionReason::Corrupt)?;
            let now = checks.clock.now();
            let dead = old.expires_at.is_some_and(|expires_at| now >= expires_at)
                || stored.epoch.is_some_and(|epoch| epoch != account.epoch);
            if dead {
                return Err(RejectionReason::Expired.into());
            }
            // What it has left is no measure of its terms any more.
            if stored.rotated {
                return Err(ApiKeyError::Rotated);
            }
            let life = old.expires_at.map(|expires_at| expires_at.since(old.created_at));
            let rotated = StoredKey { rotated: true, ..stored.clone() };
            let (record, new) = self.new_record(&account, stored, life)?;
            let mut leaving = old.clone();
            leaving.data = rotated.write().ok_or(ApiKeyError::Terms)?;
            leaving.version = old.version.next();
            let end = now.saturating_add(overlap);
            leaving.expires_at = Some(old.expires_at.map_or(end, |expires_at| expires_at.min(end)));
            let mut changes = expired(&rows, now);
            // Room for one on its way out beside each: an account with all its keys is the one that has to rotate them.
            if rows.len().saturating_sub(changes.len()) >= Self::MAX_KEYS.saturating_mul(2) {
                return Err(ApiKeyError::TooMany);
            }
            changes.extend([
                AccountChange::RemoveCredential(old.key.clone()),
                AccountChange::AddCredential(leaving),
                AccountChange::AddCredential(record),
            ]);
            match checks
                .stores
                .accounts
                .apply(&account.id, account.version, &changes, EpochBump::Keep)
                .await?
            {
                Applied::Applied(_) => {
                    self.added(&account.id, &new);
                    return Ok(new);
                }
                Applied::Gone => return Err(RejectionReason::Unknown.into()),
                Applied::Conflict | Applied::LoginTaken => {}
            }
            account = self.again(&account, epoch).await?;
        }
        Err(ApiKeyError::busy())
    }

    /// A row with a new key on these terms, and the key.
    fn new_record(
        &self,
        account: &Account,
        terms: StoredKey,
        life: Option<Duration>,
    ) -> Result<(CredentialRecord, NewApiKey), ApiKeyError> {
        let (id, key) = self.prefix.generate(&*self.accounts.entropy)?;
        let stored = StoredKey { hash: SecretHash::of(key.expose()), ..terms };
        let data = stored.write().ok_or(ApiKeyError::Terms)?;
        let now = self.accounts.authenticator().clock.now();
        let mut record = CredentialRecord::new(self.key(&id), account.id.clone(), data, now);
        record.expires_at = life.map(|life| now.saturating_add(life));
        Ok((record, NewApiKey { key, id }))
    }

    async fn active(&self, owner: &PrincipalId) -> Result<Account, ApiKeyError> {
        let account = self.accounts.authenticator().stores.accounts.by_id(owner).await?;
        let account = account.ok_or(RejectionReason::Unknown)?;
        if account.status == AccountStatus::Active {
            Ok(account)
        } else {
            Err(RejectionReason::Disabled.into())
        }
    }

    /// The account as it is after a conflict, if it is still that of the request that asked.
    async fn again(&self, account: &Account, epoch: AuthEpoch) -> Result<Account, ApiKeyError> {
        let account = self.active(&account.id).await?;
        // What raised it ended the request.
        if account.epoch == epoch { Ok(account) } else { Err(RejectionReason::Revoked.into()) }
    }

    async fn rows(&self, owner: &PrincipalId) -> Result<Vec<CredentialRecord>, StoreError> {
        let credentials = &*self.accounts.authenticator().stores.credentials;
        list_kind(credentials, owner, &CredentialKind::API_KEY).await
    }

    fn added(&self, owner: &PrincipalId, new: &NewApiKey) {
        self.good.note(SecretHash::of(new.key.expose()));
        let (principal, id) = (owner.clone(), Some(new.id.to_string()));
        let added = AuditEvent::CredentialAdded { principal, method: Method::API_KEY, id };
        self.accounts.authenticator().record(&added);
    }
}

/// The changes that forget keys whose time has passed.
fn expired(rows: &[CredentialRecord], now: UnixTime) -> Vec<AccountChange> {
    let over = |row: &&CredentialRecord| row.expires_at.is_some_and(|expires_at| now >= expires_at);
    rows.iter().filter(over).map(|row| AccountChange::RemoveCredential(row.key.clone())).collect()
}
