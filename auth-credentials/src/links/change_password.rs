//! Replacing a password, with word of it to its owner.

use std::net::IpAddr;

use auth_core::{AuditEvent, Authenticated};

use super::{AccountLinks, address::MailAddress, message::Notice};
use crate::{
    accounts::{ChangePasswordError, EpochRaised},
    password::Password,
};

pub(super) const WHAT: &str = "password-changed";

impl AccountLinks {
    /// As [`Accounts::change_password`](crate::Accounts::change_password), and tells the address of the account: whoever
    /// changed it had a session and the password, and need not be its owner.
    ///
    /// # Errors
    /// [`ChangePasswordError`]; nobody is told then. A message that is lost is written down, and the password is changed.
    pub async fn change_password(
        &self,
        who: &Authenticated,
        current: Password,
        new: Password,
        source: Option<IpAddr>,
    ) -> Result<EpochRaised, ChangePasswordError> {
        let raised = self.accounts.change_password(who, current, new, source).await?;
        let checks = self.accounts.authenticator();
        match checks.stores.accounts.by_id(raised.principal()).await {
            Ok(account) => {
                if let Some(to) = account.and_then(|account| MailAddress::of(&account.login)) {
                    self.send(to, Notice::PasswordReplaced, WHAT);
                }
            }
            Err(_) => checks.record(&AuditEvent::NotSent { what: WHAT }),
        }
        Ok(raised)
    }
}
