//! Credentials on a server.

use async_trait::async_trait;
use auth_core::{
    CredentialBlob, CredentialKey, CredentialRecord, CredentialStore, FoundCredential, Page, PrincipalId,
    StoreError, UnixTime, Updated, Version,
};

use super::{
    accounts::ServerAccounts,
    driver::Driver,
    failure::Failure,
    sql::account::credential::{CONSUME, EXISTS, FIND, LIST, REMOVE, REPLACE, SUCCEEDED, UPDATE},
    statement::{Statement, sql},
    transaction::Transaction,
};
use crate::{
    fields::Fields,
    number::{time_to_column, to_column},
    rows::account::{credential, found_credential},
};

/// Binds the three parameters of a key.
fn at<'q>(text: &'static str, key: &'q CredentialKey) -> Statement<'q> {
    sql(text).bind(key.realm.as_str()).bind(key.kind.as_str()).bind(&key.lookup[..])
}

/// Binds the key, and the owner within its realm.
fn of<'q>(text: &'static str, key: &'q CredentialKey, owner: &'q PrincipalId) -> Statement<'q> {
    at(text, key).bind(owner.kind().as_str()).bind(owner.id())
}

/// Adds a credential of `owner`. Answers whether its key was free.
pub(super) async fn add<D: Driver>(
    transaction: &mut Transaction<'_, D>,
    owner: &PrincipalId,
    credential: &CredentialRecord,
) -> Result<bool, Failure> {
    if credential.owner != *owner || credential.key.realm != *owner.realm() {
        return Err(StoreError::not_written("credential of another account or realm").into());
    }
    let insert = of(D::DIALECT.inserts.credential, &credential.key, owner)
        .bind(credential.data.expose())
        .bind(to_column(credential.version.get()))
        .bind(credential.failures)
        .bind(time_to_column(credential.created_at))
        .bind(credential.last_used_at.map(time_to_column))
        .bind(credential.expires_at.map(time_to_column));
    Ok(transaction.write(&insert).await? > 0)
}

/// Replaces the data of a credential of `owner`. Answers whether it has this version.
pub(super) async fn replace<D: Driver>(
    transaction: &mut Transaction<'_, D>,
    owner: &PrincipalId,
    key: &CredentialKey,
    expected: Version,
    data: &CredentialBlob,
) -> Result<bool, Failure> {
    if key.realm != *owner.realm() {
        return Ok(false);
    }
    let replace = of(REPLACE, key, owner).bind(to_column(expected.get())).bind(data.expose());
    Ok(transaction.write(&replace).await? > 0)
}

/// Removes a credential of `owner`, if there is one.
pub(super) async fn remove<D: Driver>(
    transaction: &mut Transaction<'_, D>,
    owner: &PrincipalId,
    key: &CredentialKey,
) -> Result<(), Failure> {
    if key.realm == *owner.realm() {
        transaction.write(&of(REMOVE, key, owner)).await?;
    }
    Ok(())
}

#[async_trait]
impl<D: Driver> CredentialStore for ServerAccounts<D> {
    async fn find(&self, key: &CredentialKey) -> Result<Option<FoundCredential>, StoreError> {
        self.0.read_one(&at(FIND, key)).await?.map(found_credential).transpose()
    }

    async fn list(&self, owner: &PrincipalId, page: Page) -> Result<Vec<CredentialRecord>, StoreError> {
        let query = sql(LIST)
            .bind(owner.realm().as_str())
            .bind(owner.kind().as_str())
            .bind(owner.id())
            .bind(page.limit())
            .bind(page.offset());
        self.0.read(&query).await?.into_iter().map(|row| credential(&Fields(row))).collect()
    }

    async fn update(
        &self,
        key: &CredentialKey,
        expected: Version,
        data: &CredentialBlob,
    ) -> Result<Updated, StoreError> {
        let update = at(UPDATE, key).bind(to_column(expected.get())).bind(data.expose());
        let mut work = self.0.work();
        if self.0.write_in(&mut work, &update).await? > 0 {
            return Ok(Updated::Updated);
        }
        // Asked afterwards: by now the credential may be gone, which is then as true.
        let exists = !self.0.read_in(&mut work, &at(EXISTS, key)).await?.is_empty();
        Ok(if exists { Updated::Conflict } else { Updated::Gone })
    }

    async fn consume(&self, key: &CredentialKey, expected: Version) -> Result<bool, StoreError> {
        Ok(self.0.write(&at(CONSUME, key).bind(to_column(expected.get()))).await? > 0)
    }

    async fn count_failure(&self, key: &CredentialKey) -> Result<Option<u32>, StoreError> {
        let counted = self.0.write_returning(&D::DIALECT.count_failure, &at("", key)).await?;
        let failures = counted.into_iter().next().map(|row| Fields(row).small("failures"));
        failures.transpose().map_err(StoreError::unknown)
    }

    async fn succeeded(
        &self,
        key: &CredentialKey,
        expected: Version,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let succeeded = at(SUCCEEDED, key).bind(to_column(expected.get())).bind(time_to_column(now));
        Ok(self.0.write(&succeeded).await? > 0)
    }
}
