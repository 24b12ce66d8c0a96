//! Whom accepted tokens are for.

use super::{PolicyError, rules::OneOf};
use crate::{
    Audience, Redacted, VerifyError,
    registered::{Claim, Strings},
};

/// Which `aud` a token must have: an [`Audience`], one of several [`audiences`], or [`any_audience`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudienceRule(Accepted);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Accepted {
    Any,
    One(Audience),
    Several(OneOf),
}

impl From<Audience> for AudienceRule {
    fn from(audience: Audience) -> Self {
        Self(Accepted::One(audience))
    }
}

/// Tokens for one of these at least: the names that one service goes by.
///
/// ```
/// use auth_jwt::{Audience, Issuer, TokenPolicy, audiences};
///
/// let old_and_new = audiences([Audience::new("https://api.example")?, Audience::new("urn:example:api")?])?;
/// let policy = TokenPolicy::access_token(Issuer::new("https://id.example")?, old_and_new);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`PolicyError::Values`] if there is none, or more than 16.
pub fn audiences(ours: impl IntoIterator<Item = Audience>) -> Result<AudienceRule, PolicyError> {
    let ours = ours.into_iter().map(|audience| audience.shared());
    OneOf::new(Claim::Aud, ours).map(|ours| AudienceRule(Accepted::Several(ours)))
}

/// Tokens for anybody.
///
/// This gives up the protection against tokens that the same issuer made for another service, which that
/// service, or whoever breaks into it, can then present here (RFC 8725 section 3.9).
#[must_use]
pub const fn any_audience() -> AudienceRule {
    AudienceRule(Accepted::Any)
}

impl AudienceRule {
    pub(super) const fn is_any(&self) -> bool {
        matches!(self.0, Accepted::Any)
    }

    #[inline]
    pub(super) fn check(&self, found: Option<Strings<'_>>) -> Result<(), VerifyError> {
        let accepted = match (&self.0, found) {
            (Accepted::Any, _) => true,
            (_, None) => return Err(VerifyError::Missing { claim: Claim::Aud.name() }),
            (Accepted::One(ours), Some(found)) => found.any(|audience| audience.is(ours.as_str())),
            (Accepted::Several(ours), Some(found)) => found.any(|audience| ours.has(audience)),
        };
        if accepted { Ok(()) } else { self.refuse(found) }
    }

    #[cold]
    fn refuse(&self, found: Option<Strings<'_>>) -> Result<(), VerifyError> {
        let expected = match &self.0 {
            Accepted::Any => return Ok(()),
            Accepted::One(ours) => ours.shared(),
            Accepted::Several(ours) => ours.expected(),
        };
        let found = found.map_or(Redacted::ABSENT, Strings::redacted);
        Err(VerifyError::Mismatch { claim: Claim::Aud.name(), expected, found })
    }
}
