//! Logging in by a link.

use std::net::IpAddr;

use auth_core::{AuditEvent, EpochBump, FactorPassed, Method, RejectionReason, Secret, SecretHash};

use super::{AccountLinks, base::LinkPurpose, error::LinkError};
use crate::accounts::EpochRaised;

/// A link that was right.
#[derive(Debug)]
#[must_use = "a passed factor is nothing until the login gate has seen it"]
pub struct MagicLogin {
    /// For [`Accounts::begin`](crate::Accounts::begin): where the account has a second factor, it is asked for.
    pub factor: FactorPassed,
    /// If the address had not been proven before: what is to be swept with
    /// [`Accounts::finish_sweep`](crate::Accounts::finish_sweep), before the login starts a session.
    pub raised: Option<EpochRaised>,
}

impl AccountLinks {
    /// Uses a link up that logs in. `browser` is the secret of the cookie, if the browser has one.
    ///
    /// A link that was asked for with a browser's secret works with that alone; tried without it, it is not used up.
    /// An account that nobody had verified loses what it had before: whoever made it was not known to be its owner
    /// (GHSA-qq9h-g4jm-xgf3). The gate's policy has to accept [`Method::MAIL_LINK`].
    ///
    /// # Errors
    /// [`LinkError::Refused`].
    pub async fn log_in(
        &self,
        token: &str,
        browser: Option<&Secret>,
        source: Option<IpAddr>,
    ) -> Result<MagicLogin, LinkError> {
        let token = self.parse(token, source)?;
        let purpose = LinkPurpose::MagicLink;
        let ticket = self.peek(purpose, &token).await.map_err(|error| self.noted(error, None, source))?;
        let noted = |error| self.noted(error, Some(&ticket), source);
        if let Some(bound) = ticket.extra.first_chunk::<32>() {
            let here = browser.map(|secret| SecretHash::of(secret.expose()));
            if !here.is_some_and(|here| here.ct_eq(&SecretHash::from_bytes(*bound))) {
                return Err(noted(RejectionReason::WrongUse.into()));
            }
        }
        let (account, verified) = self.account_of(purpose, &ticket).await.map_err(noted)?;
        let taken = self.take(purpose, &token).await.map_err(noted)?;
        let (principal, epoch, raised) = if verified {
            // The epoch of the ticket, which the account had a moment ago: what raises it ends this login.
            (account.id, ticket.epoch, None)
        } else {
            let (account, epoch) = self.prove(purpose, &ticket, &taken, None).await.map_err(noted)?;
            let raised = (epoch == EpochBump::Bump).then(|| EpochRaised::of(&account));
            (account.id.clone(), account.epoch, raised)
        };
        let checks = self.accounts.authenticator();
        let (whose, method) = (principal.clone(), Method::MAIL_LINK);
        checks.record(&AuditEvent::FactorPassed { principal: whose, method: method.clone(), source });
        Ok(MagicLogin {
            factor: FactorPassed::assertion(principal, method, checks.clock.now(), epoch),
            raised,
        })
    }
}
