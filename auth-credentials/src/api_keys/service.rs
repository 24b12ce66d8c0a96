//! Accounts of programs.

use auth_core::{
    Account, AuditEvent, Created, LoginName, NameError, PrincipalId, PrincipalKind, RejectionReason,
    StoreError,
};

use super::{ApiKeys, error::ApiKeyError};
use crate::accounts::SERVICE;

impl ApiKeys {
    /// Makes an account for a program, which is nobody's and acts by keys alone: a nightly job, another system.
    /// Its roles are assigned like a person's. Whether the caller may is the caller's to check.
    ///
    /// Its login is `service:` with the name behind it. It has no password, and no link is ever sent there.
    ///
    /// # Errors
    /// [`ApiKeyError::NameTaken`]; refused as malformed if the name is no login name.
    pub async fn create_service(&self, name: &str) -> Result<PrincipalId, ApiKeyError> {
        let malformed = |_: NameError| RejectionReason::Malformed;
        let login = LoginName::parse(&format!("{SERVICE}{name}")).map_err(malformed)?;
        let id = self.accounts.new_id(&self.realm)?;
        let id = PrincipalId::new(self.realm.clone(), PrincipalKind::Service, id.id()).map_err(malformed)?;
        let checks = self.accounts.authenticator();
        let account = Account::new(id.clone(), login, checks.clock.now());
        match checks.stores.accounts.create(&account, &[]).await? {
            Created::Created => {}
            Created::LoginTaken => return Err(ApiKeyError::NameTaken),
            Created::Collision => return Err(StoreError::not_written("an account has this id").into()),
        }
        checks.record(&AuditEvent::AccountCreated { principal: id.clone() });
        Ok(id)
    }
}
