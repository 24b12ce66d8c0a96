//! Credentials in SQLite.

use async_trait::async_trait;
use auth_core::{
    CredentialBlob, CredentialKey, CredentialRecord, CredentialStore, FoundCredential, Page, PrincipalId,
    StoreError, UnixTime, Updated, Version,
};

use super::{
    accounts::SqliteAccounts,
    statement::{Statement, Transaction, next_version, sql},
};
use crate::{
    fields::Fields,
    number::{time_to_column, to_column},
    rows::account::{credential, found_credential},
};

macro_rules! columns {
    () => {
        "c.realm, c.kind, c.lookup, c.owner_kind, c.owner_id, c.data, c.version, c.failures, c.created_at, \
        c.last_used_at, c.expires_at"
    };
}

const INSERT: &str = "INSERT INTO auth_credentials (\
        realm, kind, lookup, owner_kind, owner_id, data, version, failures, created_at, last_used_at, \
        expires_at\
    ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING";

const REPLACE: &str = concat!(
    "UPDATE auth_credentials SET data = ?7, failures = 0, ",
    next_version!(),
    " WHERE realm = ?1 AND kind = ?2 AND lookup = ?3 AND owner_kind = ?4 AND owner_id = ?5 AND version = ?6"
);

const REMOVE: &str = "DELETE FROM auth_credentials \
    WHERE realm = ?1 AND kind = ?2 AND lookup = ?3 AND owner_kind = ?4 AND owner_id = ?5";

const FIND: &str = concat!(
    "SELECT ",
    columns!(),
    ", a.status, a.epoch FROM auth_credentials AS c \
    JOIN auth_accounts AS a ON a.realm = c.realm AND a.kind = c.owner_kind AND a.id = c.owner_id \
    WHERE c.realm = ?1 AND c.kind = ?2 AND c.lookup = ?3"
);

const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM auth_credentials AS c WHERE c.realm = ?1 AND c.owner_kind = ?2 AND c.owner_id = ?3 \
    ORDER BY c.created_at, c.kind, c.lookup LIMIT ?4 OFFSET ?5"
);

const EXISTS: &str = "SELECT 1 FROM auth_credentials WHERE realm = ?1 AND kind = ?2 AND lookup = ?3";

const UPDATE: &str = concat!(
    "UPDATE auth_credentials SET data = ?5, ",
    next_version!(),
    " WHERE realm = ?1 AND kind = ?2 AND lookup = ?3 AND version = ?4"
);

const CONSUME: &str = "DELETE FROM auth_credentials \
    WHERE realm = ?1 AND kind = ?2 AND lookup = ?3 AND version = ?4";

const COUNT_FAILURE: &str = "UPDATE auth_credentials SET failures = min(failures + 1, 4294967295) \
    WHERE realm = ?1 AND kind = ?2 AND lookup = ?3 RETURNING failures";

const SUCCEEDED: &str = "UPDATE auth_credentials \
    SET failures = 0, last_used_at = max(coalesce(last_used_at, ?5), ?5) \
    WHERE realm = ?1 AND kind = ?2 AND lookup = ?3 AND version = ?4";

#[cfg(test)]
pub(super) const ALL: &[&str] =
    &[REPLACE, REMOVE, FIND, LIST, EXISTS, UPDATE, CONSUME, COUNT_FAILURE, SUCCEEDED];

/// Binds the three parameters of a key.
fn at<'q>(text: &'static str, key: &CredentialKey) -> Statement<'q> {
    sql(text).bind(key.realm.as_str()).bind(key.kind.as_str()).bind(&key.lookup[..])
}

/// Binds the key, and the owner within its realm.
fn of<'q>(text: &'static str, key: &CredentialKey, owner: &PrincipalId) -> Statement<'q> {
    at(text, key).bind(owner.kind().as_str()).bind(owner.id())
}

/// Adds a credential of `owner`. Answers whether its key was free.
pub(super) async fn add(
    transaction: &mut Transaction,
    owner: &PrincipalId,
    credential: &CredentialRecord,
) -> Result<bool, StoreError> {
    if credential.owner != *owner || credential.key.realm != *owner.realm() {
        return Err(StoreError::not_written("credential of another account or realm"));
    }
    let insert = of(INSERT, &credential.key, owner)
        .bind(credential.data.expose())
        .bind(to_column(credential.version.get()))
        .bind(credential.failures)
        .bind(time_to_column(credential.created_at))
        .bind(credential.last_used_at.map(time_to_column))
        .bind(credential.expires_at.map(time_to_column));
    Ok(transaction.write(insert).await? > 0)
}

/// Replaces the data of a credential of `owner`. Answers whether it has this version.
pub(super) async fn replace(
    transaction: &mut Transaction,
    owner: &PrincipalId,
    key: &CredentialKey,
    expected: Version,
    data: &CredentialBlob,
) -> Result<bool, StoreError> {
    if key.realm != *owner.realm() {
        return Ok(false);
    }
    let replace = of(REPLACE, key, owner).bind(to_column(expected.get())).bind(data.expose());
    Ok(transaction.write(replace).await? > 0)
}

/// Removes a credential of `owner`, if there is one.
pub(super) async fn remove(
    transaction: &mut Transaction,
    owner: &PrincipalId,
    key: &CredentialKey,
) -> Result<(), StoreError> {
    if key.realm == *owner.realm() {
        transaction.write(of(REMOVE, key, owner)).await?;
    }
    Ok(())
}

#[async_trait]
impl CredentialStore for SqliteAccounts {
    async fn find(&self, key: &CredentialKey) -> Result<Option<FoundCredential>, StoreError> {
        self.0.read_one(at(FIND, key)).await?.map(found_credential).transpose()
    }

    async fn list(&self, owner: &PrincipalId, page: Page) -> Result<Vec<CredentialRecord>, StoreError> {
        let query = sql(LIST)
            .bind(owner.realm().as_str())
            .bind(owner.kind().as_str())
            .bind(owner.id())
            .bind(page.limit())
            .bind(page.offset());
        let found = self.0.read_all(query).await?;
        found.into_iter().map(|row| credential(&Fields(row))).collect()
    }

    async fn update(
        &self,
        key: &CredentialKey,
        expected: Version,
        data: &CredentialBlob,
    ) -> Result<Updated, StoreError> {
        let update = at(UPDATE, key).bind(to_column(expected.get())).bind(data.expose());
        if self.0.write(update).await? > 0 {
            return Ok(Updated::Updated);
        }
        // Asked afterwards: by now the credential may be gone, which is then as true.
        let exists = self.0.read_one(at(EXISTS, key)).await?.is_some();
        Ok(if exists { Updated::Conflict } else { Updated::Gone })
    }

    async fn consume(&self, key: &CredentialKey, expected: Version) -> Result<bool, StoreError> {
        Ok(self.0.write(at(CONSUME, key).bind(to_column(expected.get()))).await? > 0)
    }

    async fn count_failure(&self, key: &CredentialKey) -> Result<Option<u32>, StoreError> {
        let counted = self.0.write_returning(at(COUNT_FAILURE, key)).await?;
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
        Ok(self.0.write(succeeded).await? > 0)
    }
}
