//! Whose own account a request may change.

use std::time::Duration;

use auth_core::{
    Account, AccountStatus, Assurance, Authenticated, Challenge, Limits, Method, RejectionReason, StoreError,
};

use super::Accounts;

impl Accounts {
    /// How long ago a login may be to change with it how somebody logs in: 10 minutes.
    pub const RECENT: Duration = Duration::from_secs(600);

    /// The account of whoever makes the request, if they may change how it is logged in to: their own, by a login that
    /// is not long ago, without limits, of the present epoch. No key of a program and no impersonator gets here, nor a
    /// login that did without the second factor because its device is remembered: a stolen device and the password are not
    /// to take the factor away.
    pub(crate) async fn own_account<E>(&self, who: &Authenticated) -> Result<Account, E>
    where
        E: From<Challenge> + From<RejectionReason> + From<StoreError>,
    {
        in_person(who)?;
        who.fresh_within(Self::RECENT, self.authenticator.clock.now())?;
        without_device(who)?;
        self.own_account_at_any_age(who).await
    }

    /// The same however long ago the login is: where something else is asked for as well, or something is only given
    /// up.
    pub(crate) async fn own_account_at_any_age<E>(&self, who: &Authenticated) -> Result<Account, E>
    where
        E: From<RejectionReason> + From<StoreError>,
    {
        in_person(who)?;
        let (checks, authentication) = (&self.authenticator, who.authentication());
        let account = checks.stores.accounts.by_id(who.principal()).await?;
        let account = account.ok_or(RejectionReason::Unknown)?;
        if account.status != AccountStatus::Active {
            return Err(RejectionReason::Disabled.into());
        }
        if account.epoch != authentication.epoch {
            return Err(RejectionReason::Revoked.into());
        }
        Ok(account)
    }
}

/// Whether a request is a person's own, without limits: neither a program's nor that of an impersonator.
pub(crate) fn in_person(who: &Authenticated) -> Result<(), RejectionReason> {
    let authentication = who.authentication();
    let program = [Method::API_KEY, Method::BASIC, Method::BEARER_TOKEN, Method::CERTIFICATE]
        .iter()
        .any(|method| authentication.methods.contains(method));
    if program || authentication.actor.is_some() || *who.limits() != Limits::unlimited() {
        return Err(RejectionReason::Policy);
    }
    Ok(())
}

/// Whether a login did not do without the second factor because its device is remembered.
pub(super) fn without_device(who: &Authenticated) -> Result<(), Challenge> {
    if who.authentication().methods.contains(&Method::REMEMBERED_DEVICE) {
        who.at_least(Assurance::Aal2)?;
    }
    Ok(())
}
