//! Verifying an address.

use std::net::IpAddr;

use auth_core::{Authenticated, EpochBump, PrincipalId, StoreError};

use super::{AccountLinks, base::LinkPurpose, error::LinkError};
use crate::accounts::EpochRaised;

impl AccountLinks {
    /// Uses a link up that proves who reads the mail of the account's login.
    ///
    /// `who` is the request's own proof, if it has one. Whoever signed up and opens the link where a session of theirs is
    /// keeps everything. An access token, in a header or in a cookie, and a key keep nothing: a copy of it proves no more.
    /// An application without sessions asks for the password on that page, and passes on what that proves: the recipe is at
    /// `AuthBuilder::access_cookie` of auth-web. Otherwise it is not known whether the one who reads the mail is the one who chose the password: so
    /// password, second factors and keys of an account that was not verified are gone, its sessions are to be swept
    /// with the answer, and its owner sets a password by [`ask_to_reset`](Self::ask_to_reset). Show that choice: ask
    /// people to log in first.
    ///
    /// # Errors
    /// [`LinkError::Refused`].
    pub async fn verify(
        &self,
        token: &str,
        who: Option<&Authenticated>,
        source: Option<IpAddr>,
    ) -> Result<Option<EpochRaised>, LinkError> {
        let token = self.parse(token, source)?;
        let purpose = LinkPurpose::VerifyAddress;
        let ticket = self.peek(purpose, &token).await.map_err(|error| self.noted(error, None, source))?;
        let noted = |error| self.noted(error, Some(&ticket), source);
        self.account_of(purpose, &ticket).await.map_err(noted)?;
        let taken = self.take(purpose, &token).await.map_err(noted)?;
        let (account, epoch) = self.prove(purpose, &ticket, &taken, who).await.map_err(noted)?;
        Ok((epoch == EpochBump::Bump).then(|| EpochRaised::of(&account)))
    }

    /// Whether somebody has proven to read the mail of this account's login.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_address_verified(&self, principal: &PrincipalId) -> Result<bool, StoreError> {
        let account = self.accounts.authenticator().stores.accounts.by_id(principal).await?;
        self.is_verified(account.as_ref()).await
    }
}
