//! What one request asked for.

use std::{fmt, time::Duration};

use auth_core::UnixTime;

use super::{IdTokenPolicy, hash};
use crate::{
    AccessToken, Algorithm, Claim, Nonce, Redacted, TokenPolicy, VerifyError,
    header::redacted,
    json::{JsonKind, JsonStr},
    policy::missing,
    registered::Registered,
};

/// What one request asked for, and what came with its answer: to be compared with the ID token.
///
/// It begins with the nonce, since leaving that out means that an ID token of another request will do. Everything
/// that is named is required.
#[derive(Clone)]
pub struct IdTokenChecks<'a> {
    nonce: NonceCheck<'a>,
    subject: Option<&'a str>,
    max_age: Option<Duration>,
    acr: Option<&'a [&'a str]>,
    access_token: Hashed<'a>,
    code: Hashed<'a>,
}

#[derive(Clone, Copy)]
enum NonceCheck<'a> {
    Required(&'a Nonce),
    IfPresent(&'a Nonce),
    Forbidden,
}

/// Something whose hash is in the token.
#[derive(Clone, Copy)]
enum Hashed<'a> {
    NotGiven,
    Required(&'a str),
    IfPresent(&'a str),
}

impl<'a> IdTokenChecks<'a> {
    /// The request had this nonce: the token has to have it too (OpenID Connect Core section 3.1.3.7, step 11).
    #[must_use]
    pub const fn nonce(nonce: &'a Nonce) -> Self {
        Self::new(NonceCheck::Required(nonce))
    }

    /// The token comes with a refreshed access token. It need not have a nonce, but if it does, it is that of the
    /// login (section 12.2). State the login's subject [too](Self::with_subject).
    #[must_use]
    pub const fn nonce_if_present(nonce: &'a Nonce) -> Self {
        Self::new(NonceCheck::IfPresent(nonce))
    }

    /// The request had no nonce: a token that has one answers another request.
    ///
    /// This gives up the protection against a token, or an authorization code, that was issued to somebody else and
    /// is slipped into this answer. PKCE protects the code as well (RFC 9700 section 2.1.1); nothing else protects
    /// a token that comes through the browser.
    #[must_use]
    pub const fn no_nonce() -> Self {
        Self::new(NonceCheck::Forbidden)
    }

    const fn new(nonce: NonceCheck<'a>) -> Self {
        let (access_token, code) = (Hashed::NotGiven, Hashed::NotGiven);
        Self { nonce, subject: None, max_age: None, acr: None, access_token, code }
    }

    /// Somebody is known already, and has to be the one who logged in: `sub` (sections 3.1.2.1 and 12.2).
    #[must_use]
    pub const fn with_subject(mut self, subject: &'a str) -> Self {
        self.subject = Some(subject);
        self
    }

    /// The request had this `max_age`: `auth_time` is no longer ago, in whole seconds, leeway not included (step 13).
    #[must_use]
    pub const fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(Duration::from_secs(max_age.as_secs()));
        self
    }

    /// The request asked for one of these classes: `acr` (step 12). They have no order: give all that are good
    /// enough. An empty list is met by no token.
    #[must_use]
    pub const fn with_acr(mut self, classes: &'a [&'a str]) -> Self {
        self.acr = Some(classes);
        self
    }

    /// This access token came with it, through the browser: `at_hash` has to be there and to be its hash (section
    /// 3.2.2.9).
    #[must_use]
    pub fn with_access_token(mut self, token: &'a AccessToken) -> Self {
        self.access_token = Hashed::Required(token.expose());
        self
    }

    /// This access token came with it, straight from the provider: `at_hash` has to be its hash if it is there
    /// (section 3.1.3.8).
    #[must_use]
    pub fn with_access_token_if_hashed(mut self, token: &'a AccessToken) -> Self {
        self.access_token = Hashed::IfPresent(token.expose());
        self
    }

    /// This authorization code came with it, through the browser: `c_hash` has to be there and to be its hash
    /// (section 3.3.2.10).
    #[must_use]
    pub const fn with_code(mut self, code: &'a str) -> Self {
        self.code = Hashed::Required(code);
        self
    }

    /// This authorization code was traded for it: `c_hash` has to be its hash if it is there (section 3.3.3.6).
    #[must_use]
    pub const fn with_code_if_hashed(mut self, code: &'a str) -> Self {
        self.code = Hashed::IfPresent(code);
        self
    }

    pub(super) fn check(
        &self,
        claims: &Registered<'_>,
        policy: &TokenPolicy,
        algorithm: Algorithm,
        now: UnixTime,
    ) -> Result<(), VerifyError> {
        // A security event, a logout token for one, says what happened and logs nobody in (RFC 8417 section 4).
        if let Some(events) = claims.events {
            let found = Redacted::new(JsonKind::Object, events.len());
            return Err(VerifyError::Forbidden { claim: Claim::Events.name(), found });
        }
        self.check_nonce(claims.nonce)?;
        if let Some(subject) = self.subject {
            equal(Claim::Sub, claims.sub, |found| found.is(subject), "that of the login")?;
        }
        if let Some(classes) = self.acr {
            let fits = |found: JsonStr<'_>| classes.iter().any(|class| found.is(class));
            equal(Claim::Acr, claims.acr, fits, "one that was asked for")?;
        }
        self.access_token.check(Claim::AtHash, claims.at_hash, algorithm)?;
        self.code.check(Claim::CHash, claims.c_hash, algorithm)?;
        let at = claims.auth_time.map(UnixTime::from_secs);
        policy.check_age(Claim::AuthTime, at, self.max_age, now)
    }

    fn check_nonce(&self, found: Option<JsonStr<'_>>) -> Result<(), VerifyError> {
        match (self.nonce, found) {
            (NonceCheck::IfPresent(_) | NonceCheck::Forbidden, None) => Ok(()),
            (NonceCheck::Required(nonce) | NonceCheck::IfPresent(nonce), found) => {
                equal(Claim::Nonce, found, |found| found.is_secret(nonce.expose()), "that of the request")
            }
            (NonceCheck::Forbidden, Some(found)) => {
                Err(VerifyError::Forbidden { claim: Claim::Nonce.name(), found: redacted(found) })
            }
        }
    }
}

impl Hashed<'_> {
    fn check(
        self,
        claim: Claim,
        found: Option<JsonStr<'_>>,
        algorithm: Algorithm,
    ) -> Result<(), VerifyError> {
        match (self, found) {
            (Self::NotGiven, _) | (Self::IfPresent(_), None) => Ok(()),
            (Self::Required(value) | Self::IfPresent(value), found) => {
                let hash = hash::left_half(algorithm, value);
                equal(claim, found, |found| found.is(&hash), "the hash of what came with the token")
            }
        }
    }
}

/// Whether a claim that has to be there is right. What it has to be is a secret of the request, so that errors do
/// not quote it.
fn equal(
    claim: Claim,
    found: Option<JsonStr<'_>>,
    is_right: impl FnOnce(JsonStr<'_>) -> bool,
    expected: &str,
) -> Result<(), VerifyError> {
    let found = found.ok_or(missing(claim))?;
    if is_right(found) {
        return Ok(());
    }
    Err(VerifyError::Mismatch { claim: claim.name(), expected: expected.into(), found: redacted(found) })
}

impl IdTokenPolicy {
    /// The audiences beside the client, and the party that asked (section 3.1.3.7, steps 3 to 5).
    pub(super) fn check(&self, claims: &Registered<'_>) -> Result<(), VerifyError> {
        let audiences = claims.aud.ok_or(missing(Claim::Aud))?;
        let is_trusted = |found: JsonStr<'_>| {
            found.is(self.client.as_str()) || self.trusted.iter().any(|trusted| found.is(trusted.as_str()))
        };
        if !audiences.iter().all(is_trusted) {
            let expected = format!("only {}", self.client).into();
            let found = audiences.redacted();
            return Err(VerifyError::Mismatch { claim: Claim::Aud.name(), expected, found });
        }
        match claims.azp {
            Some(found) if self.parties.iter().any(|party| found.is(party.as_str())) => Ok(()),
            Some(found) => {
                let expected = self.client.shared();
                Err(VerifyError::Mismatch { claim: Claim::Azp.name(), expected, found: redacted(found) })
            }
            None if audiences.iter().nth(1).is_some() => Err(missing(Claim::Azp)),
            None => Ok(()),
        }
    }
}

/// Says which checks there are, and none of their values.
impl fmt::Debug for IdTokenChecks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdTokenChecks")
            .field("nonce", &!matches!(self.nonce, NonceCheck::Forbidden))
            .field("max_age", &self.max_age)
            .field("acr", &self.acr)
            .finish_non_exhaustive()
    }
}
