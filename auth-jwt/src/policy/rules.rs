//! Rules that few policies have: kept apart, so that the others do not pay for them.

use std::{sync::Arc, time::Duration};

use auth_core::Method;

use super::{PolicyError, TokenPolicy};
use crate::{
    Claim, ClientId, Redacted, VerifyError, header::redacted, json::JsonStr, registered::Registered,
};

/// Values of which a claim must have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OneOf {
    values: Arc<[Arc<str>]>,
    /// As an error says it.
    expected: Arc<str>,
}

impl OneOf {
    /// The most values that are compared with.
    const MAX: usize = 16;

    pub(super) fn new(claim: Claim, values: impl IntoIterator<Item = Arc<str>>) -> Result<Self, PolicyError> {
        let values: Arc<[Arc<str>]> = values.into_iter().take(Self::MAX.saturating_add(1)).collect();
        if values.is_empty() || values.len() > Self::MAX || values.iter().any(|value| value.is_empty()) {
            return Err(PolicyError::Values { claim: claim.name() });
        }
        let expected = values.join(" or ").into();
        Ok(Self { values, expected })
    }

    pub(super) fn has(&self, found: JsonStr<'_>) -> bool {
        self.values.iter().any(|value| found.is(value))
    }

    pub(super) fn expected(&self) -> Arc<str> {
        Arc::clone(&self.expected)
    }

    fn check(&self, claim: Claim, found: Option<JsonStr<'_>>) -> Result<(), VerifyError> {
        let found = found.ok_or(VerifyError::Missing { claim: claim.name() })?;
        if self.has(found) {
            return Ok(());
        }
        Err(VerifyError::Mismatch { claim: claim.name(), expected: self.expected(), found: redacted(found) })
    }
}

/// Rules about values. Each requires its claim.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    subject: Option<OneOf>,
    client_id: Option<OneOf>,
    authorized_party: Option<OneOf>,
    acr: Option<OneOf>,
    methods: Vec<Method>,
    pub(super) max_token_age: Option<Duration>,
    pub(super) max_auth_age: Option<Duration>,
}

impl Rules {
    pub(super) fn check(&self, claims: &Registered<'_>) -> Result<(), VerifyError> {
        for (claim, rule, found) in [
            (Claim::Sub, &self.subject, claims.sub),
            (Claim::ClientId, &self.client_id, claims.client_id),
            (Claim::Azp, &self.authorized_party, claims.azp),
            (Claim::Acr, &self.acr, claims.acr),
        ] {
            if let Some(rule) = rule {
                rule.check(claim, found)?;
            }
        }
        for method in &self.methods {
            if !claims.amr.is_some_and(|amr| amr.any(|found| found.is(method.as_str()))) {
                let found = claims.amr.map_or(Redacted::ABSENT, |amr| amr.redacted());
                let expected = method.as_str().into();
                return Err(VerifyError::Mismatch { claim: Claim::Amr.name(), expected, found });
            }
        }
        Ok(())
    }
}

/// Rules about claims. Each makes its claim required; the second of a kind replaces the first.
impl TokenPolicy {
    /// The longest maximum age: 10 years.
    pub const MAX_AGE: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

    /// The same, and the claim has to be there.
    #[must_use]
    pub fn require(mut self, claim: Claim) -> Self {
        self.required |= claim.bit();
        self
    }

    /// The same, and the token has to speak of this subject: `sub` (RFC 7519 section 4.1.2).
    ///
    /// # Errors
    /// [`PolicyError::Values`] if it is empty.
    pub fn with_subject(self, subject: &str) -> Result<Self, PolicyError> {
        let rule = OneOf::new(Claim::Sub, [subject.into()])?;
        Ok(self.with_rule(Claim::Sub, |rules| rules.subject = Some(rule)))
    }

    /// The same, and the token has to have been issued to one of these clients: `client_id` (RFC 8693 section
    /// 4.3, RFC 9068 section 2.2).
    ///
    /// # Errors
    /// [`PolicyError::Values`] if there is none, or more than 16.
    pub fn with_clients(self, clients: impl IntoIterator<Item = ClientId>) -> Result<Self, PolicyError> {
        let rule = OneOf::new(Claim::ClientId, clients.into_iter().map(|client| client.shared()))?;
        Ok(self.with_rule(Claim::ClientId, |rules| rules.client_id = Some(rule)))
    }

    /// The same, and the token has to have been issued to one of these clients: `azp` (OpenID Connect Core
    /// section 2).
    ///
    /// # Errors
    /// [`PolicyError::Values`] if there is none, or more than 16.
    pub fn with_authorized_parties(
        self,
        clients: impl IntoIterator<Item = ClientId>,
    ) -> Result<Self, PolicyError> {
        let rule = OneOf::new(Claim::Azp, clients.into_iter().map(|client| client.shared()))?;
        Ok(self.with_rule(Claim::Azp, |rules| rules.authorized_party = Some(rule)))
    }

    /// The same, and the subject has to have been authenticated in one of these classes: `acr` (OpenID Connect
    /// Core section 2). They are names and have no order: list all that are good enough.
    ///
    /// # Errors
    /// [`PolicyError::Values`] if there is none, an empty one, or more than 16.
    pub fn with_acr<'a>(self, classes: impl IntoIterator<Item = &'a str>) -> Result<Self, PolicyError> {
        let rule = OneOf::new(Claim::Acr, classes.into_iter().map(Arc::from))?;
        Ok(self.with_rule(Claim::Acr, |rules| rules.acr = Some(rule)))
    }

    /// The same, and the subject has to have been authenticated by all of these methods: `amr` (RFC 8176).
    ///
    /// # Errors
    /// [`PolicyError::Values`] if there is none, or more than 16.
    pub fn with_methods(self, methods: impl IntoIterator<Item = Method>) -> Result<Self, PolicyError> {
        let methods: Vec<_> = methods.into_iter().take(OneOf::MAX.saturating_add(1)).collect();
        if methods.is_empty() || methods.len() > OneOf::MAX {
            return Err(PolicyError::Values { claim: Claim::Amr.name() });
        }
        Ok(self.with_rule(Claim::Amr, |rules| rules.methods = methods))
    }

    /// The same, and the token has to have been issued no longer ago than this, in whole seconds, leeway not
    /// included: `iat` (RFC 7519 section 4.1.6). It limits an issuer who is too generous with `exp`.
    ///
    /// # Errors
    /// [`PolicyError::MaxAge`] if it is more than 10 years.
    pub fn with_max_token_age(self, max: Duration) -> Result<Self, PolicyError> {
        let max = checked_age(max)?;
        Ok(self.with_rule(Claim::Iat, |rules| rules.max_token_age = Some(max)))
    }

    /// The same, and the subject has to have been authenticated no longer ago than this, in whole seconds,
    /// leeway not included: `auth_time` (OpenID Connect Core sections 2 and 3.1.2.1, `max_age`).
    ///
    /// # Errors
    /// [`PolicyError::MaxAge`] if it is more than 10 years.
    pub fn with_max_auth_age(self, max: Duration) -> Result<Self, PolicyError> {
        let max = checked_age(max)?;
        Ok(self.with_rule(Claim::AuthTime, |rules| rules.max_auth_age = Some(max)))
    }

    fn with_rule(self, claim: Claim, set: impl FnOnce(&mut Rules)) -> Self {
        let mut policy = self.require(claim);
        set(policy.rules.get_or_insert_default());
        policy
    }
}

fn checked_age(max: Duration) -> Result<Duration, PolicyError> {
    if max > TokenPolicy::MAX_AGE {
        return Err(PolicyError::MaxAge { max: TokenPolicy::MAX_AGE });
    }
    Ok(Duration::from_secs(max.as_secs()))
}
