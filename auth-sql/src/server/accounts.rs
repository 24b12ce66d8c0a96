//! Accounts on a server. Their credentials are in the [module beside](super::credentials).

use async_trait::async_trait;
use auth_core::{
    Account, AccountChange, AccountStatus, AccountStore, Applied, AuthEpoch, Created, CredentialRecord,
    EpochBump, EpochSource, LoginName, Page, PrincipalId, Realm, StoreError, Version,
};

use super::{
    client::Client,
    credentials,
    driver::Driver,
    failure::Failure,
    sql::account::{
        BY_ID, BY_ID_LOCKED, BY_LOGIN, DELETE, EPOCH_OF, LOGIN_TAKEN, LOGIN_TAKEN_BY_ANOTHER, SWEEPS, UPDATE,
    },
    statement::{Statement, sql},
    transaction::Transaction,
    work::{Work, repeated},
};
use crate::{
    fields::Fields,
    number::{time_to_column, to_column},
    rows::account::account,
};

/// The [`AccountStore`], the [`CredentialStore`](auth_core::CredentialStore) and the [`EpochSource`] of a database
/// on a server. Cheap to clone.
///
/// A login is unique in its realm, compared byte by byte in its canonical form. Credentials go with their
/// account. A credential that is added must belong to the account and its realm, or nothing is written.
#[derive(Debug, Clone)]
#[expect(private_bounds, reason = "the databases are this crate's")]
pub struct ServerAccounts<D: Driver>(pub(crate) Client<D>);

/// Binds the three parameters that name a principal.
fn of<'q>(text: &'static str, id: &'q PrincipalId) -> Statement<'q> {
    sql(text).bind(id.realm().as_str()).bind(id.kind().as_str()).bind(id.id())
}

/// Binds the parameters that name an account and what may change of it.
fn with<'q>(text: &'static str, account: &'q Account) -> Statement<'q> {
    of(text, &account.id)
        .bind(account.login.as_str())
        .bind(account.status.as_str())
        .bind(to_column(account.epoch.get()))
        .bind(to_column(account.version.get()))
        .bind(account.sweep_pending)
}

#[async_trait]
impl<D: Driver> AccountStore for ServerAccounts<D> {
    async fn create(
        &self,
        account: &Account,
        credentials: &[CredentialRecord],
    ) -> Result<Created, StoreError> {
        let mut work = self.0.work();
        repeated!(work: self.0.create_once(&work, account, credentials))
    }

    async fn by_login(&self, realm: &Realm, login: &LoginName) -> Result<Option<Account>, StoreError> {
        let query = sql(BY_LOGIN).bind(realm.as_str()).bind(login.as_str());
        self.0.read_one(&query).await?.map(account).transpose()
    }

    async fn by_id(&self, id: &PrincipalId) -> Result<Option<Account>, StoreError> {
        self.0.read_one(&of(BY_ID, id)).await?.map(account).transpose()
    }

    async fn apply(
        &self,
        id: &PrincipalId,
        expected: Version,
        changes: &[AccountChange],
        epoch: EpochBump,
    ) -> Result<Applied, StoreError> {
        let mut work = self.0.work();
        repeated!(work: self.0.apply_once(&work, id, expected, changes, epoch))
    }

    async fn remove(&self, id: &PrincipalId) -> Result<bool, StoreError> {
        Ok(self.0.write(&of(DELETE, id)).await? > 0)
    }

    async fn sweeps_pending(&self, page: Page) -> Result<Vec<Account>, StoreError> {
        let found = self.0.read(&sql(SWEEPS).bind(page.limit()).bind(page.offset())).await?;
        found.into_iter().map(account).collect()
    }
}

#[async_trait]
impl<D: Driver> EpochSource for ServerAccounts<D> {
    async fn epoch_of(&self, principal: &PrincipalId) -> Result<Option<AuthEpoch>, StoreError> {
        let query = of(EPOCH_OF, principal).bind(AccountStatus::Active.as_str());
        let found = self.0.read_one(&query).await?;
        found.map(|row| Fields(row).number("epoch").map(AuthEpoch::new)).transpose()
    }
}

impl<D: Driver> Client<D> {
    async fn create_once(
        &self,
        work: &Work,
        account: &Account,
        credentials: &[CredentialRecord],
    ) -> Result<Created, Failure> {
        let insert = with(D::DIALECT.inserts.account, account).bind(time_to_column(account.created_at));
        let mut transaction = self.begin(work).await?;
        if transaction.write(&insert).await? == 0 {
            let login = sql(LOGIN_TAKEN).bind(account.id.realm().as_str()).bind(account.login.as_str());
            let taken = transaction.read_one(&login).await?.is_some();
            let why_not = if taken { Created::LoginTaken } else { Created::Collision };
            return transaction.roll_back(why_not).await;
        }
        for credential in credentials {
            if !credentials::add(&mut transaction, &account.id, credential).await? {
                return transaction.roll_back(Created::Collision).await;
            }
        }
        transaction.commit(Created::Created).await
    }

    async fn apply_once(
        &self,
        work: &Work,
        id: &PrincipalId,
        expected: Version,
        changes: &[AccountChange],
        epoch: EpochBump,
    ) -> Result<Applied, Failure> {
        let mut transaction = self.begin(work).await?;
        // Locked, so that what is decided here is still so when it is written.
        let Some(found) = transaction.read_one(&of(BY_ID_LOCKED, id)).await? else {
            return transaction.roll_back(Applied::Gone).await;
        };
        let mut account = account(found)?;
        if account.version != expected {
            return transaction.roll_back(Applied::Conflict).await;
        }
        for change in changes {
            if let Some(why_not) = make(&mut transaction, &mut account, change).await? {
                return transaction.roll_back(why_not).await;
            }
        }
        account.version = account.version.next();
        if epoch == EpochBump::Bump {
            account.epoch = account.epoch.next();
            account.sweep_pending = true;
        }
        // The row is there, and locked: nothing but a login that another transaction took meanwhile is in the way.
        if transaction.write(&with(UPDATE, &account)).await? == 0 {
            return transaction.roll_back(Applied::LoginTaken).await;
        }
        transaction.commit(Applied::Applied(Box::new(account))).await
    }
}

/// Makes one change, of the account in memory and of credentials in the transaction, or says why not.
async fn make<D: Driver>(
    transaction: &mut Transaction<'_, D>,
    account: &mut Account,
    change: &AccountChange,
) -> Result<Option<Applied>, Failure> {
    let made = match change {
        AccountChange::Login(login) => {
            let taken = of(LOGIN_TAKEN_BY_ANOTHER, &account.id).bind(login.as_str());
            if transaction.read_one(&taken).await?.is_some() {
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
        _ => return Err(StoreError::not_written("unknown change of an account").into()),
    };
    Ok((!made).then_some(Applied::Conflict))
}
