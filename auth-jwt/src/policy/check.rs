//! Applying a policy to what a token says.

use auth_core::UnixTime;

use super::{Profile, TokenPolicy};
use crate::{
    Claims, VerifyError,
    header::{Header, redacted},
    registered::{Claim, Registered},
};

impl TokenPolicy {
    /// Whether the header's `typ` is the one that is wanted.
    pub(crate) fn check_type(&self, header: &Header<'_>) -> Result<(), VerifyError> {
        self.typ.check(header)
    }

    /// Whether the claims are acceptable at `now`; yields `exp`.
    pub(crate) fn accept(&self, claims: &Registered<'_>, now: UnixTime) -> Result<UnixTime, VerifyError> {
        self.check_issuer(claims)?;
        self.check_audience(claims)?;
        if self.profile == Profile::AccessToken {
            // RFC 9068 section 2.2.
            for (claim, is_there) in [
                (Claim::Sub, claims.sub.is_some()),
                (Claim::ClientId, claims.client_id.is_some()),
                (Claim::Iat, claims.iat.is_some()),
                (Claim::Jti, claims.jti.is_some()),
            ] {
                if !is_there {
                    return Err(missing(claim));
                }
            }
        }
        self.check_times(claims, now)
    }

    fn check_issuer(&self, claims: &Registered<'_>) -> Result<(), VerifyError> {
        let found = claims.iss.ok_or(missing(Claim::Iss))?;
        if found.is(self.issuer.as_str()) {
            return Ok(());
        }
        let (claim, expected) = (Claim::Iss.name(), self.issuer.shared());
        Err(VerifyError::Mismatch { claim, expected, found: redacted(found) })
    }

    fn check_audience(&self, claims: &Registered<'_>) -> Result<(), VerifyError> {
        match (&self.audience.0, claims.aud) {
            (None, None) if self.profile == Profile::Explicit => Ok(()),
            (None, Some(_)) => Ok(()),
            (_, None) => Err(missing(Claim::Aud)),
            (Some(ours), Some(found)) => {
                if found.iter().any(|audience| audience.is(ours.as_str())) {
                    return Ok(());
                }
                let (claim, expected) = (Claim::Aud.name(), ours.shared());
                Err(VerifyError::Mismatch { claim, expected, found: found.redacted() })
            }
        }
    }

    /// `exp` comes last: a token that is called expired was good in every other respect.
    fn check_times(&self, claims: &Registered<'_>, now: UnixTime) -> Result<UnixTime, VerifyError> {
        let expires_at = claims.exp.map(UnixTime::from_secs).ok_or(missing(Claim::Exp))?;
        let (not_before, issued_at) =
            (claims.nbf.map(UnixTime::from_secs), claims.iat.map(UnixTime::from_secs));
        self.check_dates(expires_at, not_before, issued_at, now)?;
        Ok(expires_at)
    }

    /// Whether claims that were accepted once would be accepted at `now`. Every rule in which the time has a
    /// part must be here as well: a cache asks nothing else before it serves a token again.
    pub(crate) fn accept_again(&self, claims: &Claims, now: UnixTime) -> Result<(), VerifyError> {
        self.check_dates(claims.expires_at(), claims.not_before(), claims.issued_at(), now)
    }

    fn check_dates(
        &self,
        expires_at: UnixTime,
        not_before: Option<UnixTime>,
        issued_at: Option<UnixTime>,
        now: UnixTime,
    ) -> Result<(), VerifyError> {
        let latest = now.saturating_add(self.leeway);
        // A token from the future would outlive a revocation of "all that were issued before now".
        for (claim, date) in [(Claim::Nbf, not_before), (Claim::Iat, issued_at)] {
            if let Some(date) = date.filter(|date| *date > latest) {
                return Err(VerifyError::NotYetValid { claim: claim.name(), wait: date.since(now) });
            }
        }
        // "On or after which" it is refused (RFC 7519 section 4.1.4).
        if now >= expires_at.saturating_add(self.leeway) {
            return Err(VerifyError::Expired { ago: now.since(expires_at) });
        }
        Ok(())
    }
}

const fn missing(claim: Claim) -> VerifyError {
    VerifyError::Missing { claim: claim.name() }
}
