//! Applying a policy to what a token says.

use std::time::Duration;

use auth_core::UnixTime;

use super::TokenPolicy;
use crate::{
    Claims, VerifyError,
    header::{Header, redacted},
    registered::{Claim, Registered},
};

/// The dates of a token: all in which the time has a part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dates {
    /// [`UnixTime::MAX`] is never.
    pub(crate) expires_at: UnixTime,
    pub(crate) not_before: Option<UnixTime>,
    pub(crate) issued_at: Option<UnixTime>,
    pub(crate) authenticated_at: Option<UnixTime>,
}

impl Dates {
    #[inline]
    fn of(claims: &Registered<'_>) -> Self {
        Self {
            expires_at: claims.exp.map_or(UnixTime::MAX, UnixTime::from_secs),
            not_before: claims.nbf.map(UnixTime::from_secs),
            issued_at: claims.iat.map(UnixTime::from_secs),
            authenticated_at: claims.auth_time.map(UnixTime::from_secs),
        }
    }
}

impl TokenPolicy {
    /// Whether the header's `typ` is the one that is wanted.
    pub(crate) fn check_type(&self, header: &Header<'_>) -> Result<(), VerifyError> {
        self.typ.check(header)
    }

    /// Whether the claims are acceptable at `now`, to the policy and to `more`, which is what one call asks
    /// for beyond it. Yields `exp`.
    ///
    /// Missing claims come first, dates last: a token that is called expired was good in every other respect.
    #[inline]
    pub(crate) fn accept(
        &self,
        claims: &Registered<'_>,
        now: UnixTime,
        more: impl FnOnce(&Registered<'_>) -> Result<(), VerifyError>,
    ) -> Result<UnixTime, VerifyError> {
        if let Some(claim) = claims.first_missing(self.required) {
            return Err(missing(claim));
        }
        self.check_issuer(claims)?;
        self.audience.check(claims.aud)?;
        if let Some(rules) = &self.rules {
            rules.check(claims)?;
        }
        more(claims)?;
        let dates = Dates::of(claims);
        self.check_dates(&dates, now)?;
        Ok(dates.expires_at)
    }

    fn check_issuer(&self, claims: &Registered<'_>) -> Result<(), VerifyError> {
        match claims.iss {
            Some(found) if found.is(self.issuer.as_str()) => Ok(()),
            Some(found) => {
                let (claim, expected) = (Claim::Iss.name(), self.issuer.shared());
                Err(VerifyError::Mismatch { claim, expected, found: redacted(found) })
            }
            None => Err(missing(Claim::Iss)),
        }
    }

    /// Whether claims that were accepted once would be accepted at `now`. Every rule in which the time has a
    /// part is asked: a cache asks nothing else before it serves a token again.
    pub(crate) fn accept_again(&self, claims: &Claims, now: UnixTime) -> Result<(), VerifyError> {
        self.check_dates(&claims.dates(), now)
    }

    #[inline]
    fn check_dates(&self, dates: &Dates, now: UnixTime) -> Result<(), VerifyError> {
        let latest = now.saturating_add(self.leeway);
        // A token from the future would outlive a revocation of "all that were issued before now".
        for (claim, date) in [(Claim::Nbf, dates.not_before), (Claim::Iat, dates.issued_at)] {
            if let Some(date) = date.filter(|date| *date > latest) {
                return Err(VerifyError::NotYetValid { claim: claim.name(), wait: date.since(now) });
            }
        }
        if let Some(rules) = &self.rules {
            self.check_age(Claim::Iat, dates.issued_at, rules.max_token_age, now)?;
            self.check_age(Claim::AuthTime, dates.authenticated_at, rules.max_auth_age, now)?;
        }
        // "On or after which" it is refused (RFC 7519 section 4.1.4).
        if now >= dates.expires_at.saturating_add(self.leeway) && dates.expires_at != UnixTime::MAX {
            return Err(VerifyError::Expired { ago: now.since(dates.expires_at) });
        }
        Ok(())
    }

    /// Whether `date` is at most `max` ago, and not in the future, where being recent would mean nothing.
    pub(crate) fn check_age(
        &self,
        claim: Claim,
        date: Option<UnixTime>,
        max: Option<Duration>,
        now: UnixTime,
    ) -> Result<(), VerifyError> {
        let Some(max) = max else { return Ok(()) };
        let date = date.ok_or(missing(claim))?;
        if date > now.saturating_add(self.leeway) {
            return Err(VerifyError::NotYetValid { claim: claim.name(), wait: date.since(now) });
        }
        let ago = now.since(date);
        if ago > max.saturating_add(self.leeway) {
            return Err(VerifyError::TooOld { claim: claim.name(), ago, max });
        }
        Ok(())
    }
}

pub(crate) const fn missing(claim: Claim) -> VerifyError {
    VerifyError::Missing { claim: claim.name() }
}
