//! Replacing a password, with word of it to its owner.

use std::{net::IpAddr, time::Duration};

use auth_core::{AuditEvent, Authenticated, Throttled, Window};

use super::{AccountLinks, address::MailAddress, message::Notice};
use crate::{
    accounts::{ChangePasswordError, EpochRaised},
    password::Password,
    throttle::ThrottleError,
};

pub(super) const WHAT: &str = "password-changed";

impl AccountLinks {
    /// As [`Accounts::change_password`](crate::Accounts::change_password), and tells the address of the account: whoever
    /// changed it had a session and the password, and need not be its owner. [`MAX_SENT`](Self::MAX_SENT) times in a
    /// quarter of an hour: an address that nobody has proven may be a stranger's, who is not to read of every change.
    ///
    /// # Errors
    /// [`ChangePasswordError`]; nobody is told then. A message that is lost, or one too many, is written down, and the password is changed.
    pub async fn change_password(
        &self,
        who: &Authenticated,
        current: Password,
        new: Password,
        source: Option<IpAddr>,
    ) -> Result<EpochRaised, ChangePasswordError> {
        let raised = self.accounts.change_password(who, current, new, source).await?;
        match self.to_tell(&raised).await {
            Ok(Some(to)) => {
                self.send(to, Notice::PasswordReplaced, WHAT);
            }
            Ok(None) => {}
            Err(_) => self.accounts.authenticator().record(&AuditEvent::NotSent { what: WHAT }),
        }
        Ok(raised)
    }

    /// The address that is told of a change, if the account's login is one; throttled once it has been told often enough.
    async fn to_tell(&self, raised: &EpochRaised) -> Result<Option<MailAddress>, ThrottleError> {
        let checks = self.accounts.authenticator();
        let account = checks.stores.accounts.by_id(raised.principal()).await?;
        let Some(to) = account.and_then(|account| MailAddress::of(&account.login)) else { return Ok(None) };
        let whose = [WHAT.as_bytes(), b" ", to.as_str().as_bytes()].concat();
        let (window, now) = (Window::new(Duration::from_secs(15 * 60)), checks.clock.now());
        if !self.throttle.spend(&self.realm, &whose, Self::MAX_SENT, window, now).await? {
            return Err(Throttled { retry_after: window.bucket_length() }.into());
        }
        Ok(Some(to))
    }
}
