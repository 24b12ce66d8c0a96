//! Accounts in SQLite. Their credentials are in the [module beside](super::credentials).

use async_trait::async_trait;
use auth_core::{
    Account, AccountChange, AccountStatus, AccountStore, Applied, AuthEpoch, Created, CredentialRecord,
    EpochBump, EpochSource, LoginName, Page, PrincipalId, Realm, StoreError, Version,
};

use super::{
    Sqlite, credentials,
    statement::{Statement, Transaction, sql},
};
use crate::{
    fields::Fields,
    number::{time_to_column, to_column},
    rows::account::account,
};

/// The [`AccountStore`], the [`CredentialStore`](auth_core::CredentialStore) and the [`EpochSource`] of a
/// [`Sqlite`] database. Cheap to clone.
///
/// A login is unique in its realm, compared byte by byte in its canonical form. Credentials go with their
/// account. A credential that is added must belong to the account and its realm, or nothing is written.
#[derive(Debug, Clone)]
pub struct SqliteAccounts(pub(super) Sqlite);

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT realm, kind, id, login, status, epoch, version, sweep_pending, created_at \
            FROM auth_accounts ",
            $rest
        )
    };
}

const INSERT: &str = "INSERT INTO auth_accounts \
        (realm, kind, id, login, status, epoch, version, sweep_pending, created_at) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING";

const BY_ID: &str = select!("WHERE realm = ?1 AND kind = ?2 AND id = ?3");

const BY_LOGIN: &str = select!("WHERE realm = ?1 AND login = ?2");

const SWEEPS: &str = select!("WHERE sweep_pending = 1 ORDER BY realm, kind, id LIMIT ?1 OFFSET ?2");

const LOGIN_TAKEN: &str = "SELECT 1 FROM auth_accounts WHERE realm = ?1 AND login = ?2";

const LOGIN_TAKEN_BY_ANOTHER: &str = "SELECT 1 FROM auth_accounts \
    WHERE realm = ?1 AND login = ?4 AND NOT (kind = ?2 AND id = ?3)";

const UPDATE: &str = "UPDATE auth_accounts \
    SET login = ?4, status = ?5, epoch = ?6, version = ?7, sweep_pending = ?8 \
    WHERE realm = ?1 AND kind = ?2 AND id = ?3";

const DELETE: &str = "DELETE FROM auth_accounts WHERE realm = ?1 AND kind = ?2 AND id = ?3";

const EPOCH_OF: &str = "SELECT epoch FROM auth_accounts \
    WHERE realm = ?1 AND kind = ?2 AND id = ?3 AND status = ?4";

#[cfg(test)]
pub(super) const ALL: &[&str] =
    &[BY_ID, BY_LOGIN, SWEEPS, LOGIN_TAKEN, LOGIN_TAKEN_BY_ANOTHER, UPDATE, DELETE, EPOCH_OF];

/// Binds the three parameters that name a principal.
fn of<'q>(text: &'static str, id: &PrincipalId) -> Statement<'q> {
    sql(text).bind(id.realm().as_str()).bind(id.kind().as_str()).bind(id.id())
}

/// Binds the parameters that name an account and what may change of it.
fn with<'q>(text: &'static str, account: &Account) -> Statement<'q> {
    of(text, &account.id)
        .bind(account.login.as_str())
        .bind(account.status.as_str())
        .bind(to_column(account.epoch.get()))
        .bind(to_column(account.version.get()))
        .bind(account.sweep_pending)
}

#[async_trait]
impl AccountStore for SqliteAccounts {
    async fn create(
        &self,
        account: &Account,
        credentials: &[CredentialRecord],
    ) -> Result<Created, StoreError> {
        let mut transaction = self.0.begin().await?;
        let insert = with(INSERT, account).bind(time_to_column(account.created_at));
        if transaction.write(insert).await? == 0 {
            let login = sql(LOGIN_TAKEN).bind(account.id.realm().as_str()).bind(account.login.as_str());
            let taken = transaction.read_one(login).await?.is_some();
            return Ok(if taken { Created::LoginTaken } else { Created::Collision });
        }
        for credential in credentials {
            if !credentials::add(&mut transaction, &account.id, credential).await? {
                return Ok(Created::Collision);
            }
        }
        transaction.commit().await?;
        Ok(Created::Created)
    }

    async fn by_login(&self, realm: &Realm, login: &LoginName) -> Result<Option<Account>, StoreError> {
        let found = self.0.read_one(sql(BY_LOGIN).bind(realm.as_str()).bind(login.as_str())).await?;
        found.map(account).transpose()
    }

    async fn by_id(&self, id: &PrincipalId) -> Result<Option<Account>, StoreError> {
        self.0.read_one(of(BY_ID, id)).await?.map(account).transpose()
    }

    async fn apply(
        &self,
        id: &PrincipalId,
        expected: Version,
        changes: &[AccountChange],
        epoch: EpochBump,
    ) -> Result<Applied, StoreError> {
        let mut transaction = self.0.begin().await?;
        let Some(found) = transaction.read_one(of(BY_ID, id)).await? else { return Ok(Applied::Gone) };
        let mut account = account(found)?;
        if account.version != expected {
            return Ok(Applied::Conflict);
        }
        for change in changes {
            // Returning drops the transaction, and with it the changes before.
            if let Some(why_not) = make(&mut transaction, &mut account, change).await? {
                return Ok(why_not);
            }
        }
        account.version = account.version.next();
        if epoch == EpochBump::Bump {
            account.epoch = account.epoch.next();
            account.sweep_pending = true;
        }
        transaction.write(with(UPDATE, &account)).await?;
        transaction.commit().await?;
        Ok(Applied::Applied(Box::new(account)))
    }

    async fn remove(&self, id: &PrincipalId) -> Result<bool, StoreError> {
        Ok(self.0.write(of(DELETE, id)).await? > 0)
    }

    async fn sweeps_pending(&self, page: Page) -> Result<Vec<Account>, StoreError> {
        let found = self.0.read_all(sql(SWEEPS).bind(page.limit()).bind(page.offset())).await?;
        found.into_iter().map(account).collect()
    }
}

#[async_trait]
impl EpochSource for SqliteAccounts {
    async fn epoch_of(&self, principal: &PrincipalId) -> Result<Option<AuthEpoch>, StoreError> {
        let query = of(EPOCH_OF, principal).bind(AccountStatus::Active.as_str());
        let found = self.0.read_one(query).await?;
        found.map(|row| Fields(row).number("epoch").map(AuthEpoch::new)).transpose()
    }
}

/// Makes one change, of the account in memory and of credentials in the transaction, or says why not.
async fn make(
    transaction: &mut Transaction,
    account: &mut Account,
    change: &AccountChange,
) -> Result<Option<Applied>, StoreError> {
    let made = match change {
        AccountChange::Login(login) => {
            let taken = of(LOGIN_TAKEN_BY_ANOTHER, &account.id).bind(login.as_str());
            if transaction.read_one(taken).await?.is_some() {
                return Ok(Some(Applied::LoginTaken));
            }
            account.login = login.clone();
            true
        }
        AccountChange::Status(status) => {
            account.status = *status;
            true
        }
        AccountChange::AddCredential(credential) => {
            credentials::add(transaction, &account.id, credential).await?
        }
        AccountChange::ReplaceCredential { key, expected, data } => {
            credentials::replace(transaction, &account.id, key, *expected, data).await?
        }
        AccountChange::RemoveCredential(key) => {
            credentials::remove(transaction, &account.id, key).await?;
            true
        }
        AccountChange::SweepDone => {
            account.sweep_pending = false;
            true
        }
        // A change that this version does not know must not be answered as made.
        _ => return Err(StoreError::not_written("unknown change of an account")),
    };
    Ok((!made).then_some(Applied::Conflict))
}
