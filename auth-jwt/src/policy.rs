//! What a token must say to be accepted here.

use std::{sync::Arc, time::Duration};

use crate::{
    Audience, Issuer, VerifyError,
    header::{Header, redacted},
    json::JsonStr,
};

mod check;

/// A policy that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// More leeway than clocks need.
    #[error("leeway is more than {} seconds", max.as_secs())]
    Leeway {
        /// The most that is allowed.
        max: Duration,
    },
    /// A length cap that refuses every token, or none.
    #[error("length cap is not between {min} and {max} bytes")]
    MaxLen {
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
    /// Not a media type (RFC 2045 section 5.1), with or without `application/`.
    #[error("typ is not a media type")]
    Type,
}

/// Which `typ` a token's header must have. Made by [`typ`] or [`any_typ`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeRule(Option<Arc<str>>);

/// Tokens of this media type, and no others (RFC 7519 section 5.1).
///
/// Compared as RFC 8725 section 3.11 and RFC 7515 section 4.1.9 say: without regard to case, and
/// `application/` may be left out on either side.
///
/// # Errors
/// [`PolicyError::Type`] if `name` is not a media type.
pub fn typ(name: &str) -> Result<TypeRule, PolicyError> {
    let token = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(&byte))
    };
    let lower = name.to_ascii_lowercase();
    let (kind, subtype) = lower.split_once('/').unwrap_or(("application", &lower));
    if name.len() > 127 || !token(kind) || !token(subtype) {
        return Err(PolicyError::Type);
    }
    let short = if kind == "application" { subtype } else { &lower };
    Ok(TypeRule(Some(short.into())))
}

/// Tokens of any media type, and without one.
///
/// This gives up the protection against tokens that the same issuer made for something else: an ID token is
/// then as good as an access token (RFC 8725 section 2.8).
#[must_use]
pub const fn any_typ() -> TypeRule {
    TypeRule(None)
}

impl TypeRule {
    pub(crate) fn check(&self, header: &Header<'_>) -> Result<(), VerifyError> {
        let Some(expected) = &self.0 else { return Ok(()) };
        if header.typ.is_some_and(|found| is_media_type(found, expected)) {
            return Ok(());
        }
        Err(VerifyError::Type { expected: Arc::clone(expected), found: header.typ.map(redacted) })
    }
}

/// `expected` is in lower case, and without `application/`.
fn is_media_type(found: JsonStr<'_>, expected: &str) -> bool {
    let found = || found.chars().map(|character| character.to_ascii_lowercase());
    found().eq(expected.chars())
        || (!expected.contains('/') && found().eq("application/".chars().chain(expected.chars())))
}

/// Which `aud` a token must have: an [`Audience`], or [`any_audience`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudienceRule(pub(crate) Option<Audience>);

impl From<Audience> for AudienceRule {
    fn from(audience: Audience) -> Self {
        Self(Some(audience))
    }
}

/// Tokens for anybody.
///
/// This gives up the protection against tokens that the same issuer made for another service, which that
/// service, or whoever breaks into it, can then present here (RFC 8725 section 3.9).
#[must_use]
pub const fn any_audience() -> AudienceRule {
    AudienceRule(None)
}

/// What a kind of token has to have beside what every token has to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// RFC 9068: `sub`, `aud`, `client_id`, `iat` and `jti` are required.
    AccessToken,
    /// What the policy says, and no more.
    Explicit,
}

/// What a token must say to be accepted here: who issued it, for whom, as what.
///
/// `exp` is always required, `nbf` and `iat` are checked where they are there. There is no policy by default:
/// both constructors ask for all that one can get wrong by leaving it out.
///
/// ```
/// use auth_jwt::{Audience, Issuer, TokenPolicy, any_audience, typ};
///
/// let issuer = Issuer::new("https://id.example")?;
/// let access = TokenPolicy::access_token(issuer.clone(), Audience::new("https://api.example")?);
/// let logout = TokenPolicy::typed(typ("logout+jwt")?, issuer, any_audience());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct TokenPolicy {
    pub(crate) profile: Profile,
    pub(crate) typ: TypeRule,
    pub(crate) issuer: Issuer,
    pub(crate) audience: AudienceRule,
    pub(crate) leeway: Duration,
    pub(crate) max_len: usize,
}

impl TokenPolicy {
    /// How far clocks may differ: 30 seconds.
    pub const LEEWAY: Duration = Duration::from_secs(30);
    /// The most leeway that can be set: 5 minutes.
    pub const MAX_LEEWAY: Duration = Duration::from_secs(300);
    /// The longest token that is looked at: 8 KiB.
    pub const MAX_LEN: usize = 8 * 1024;
    /// The bounds within which that can be set.
    pub const MAX_LEN_BOUNDS: std::ops::RangeInclusive<usize> = 256..=64 * 1024;

    /// Access tokens as RFC 9068 describes them: `typ` is `at+jwt`, and `iss`, `exp`, `aud`, `sub`,
    /// `client_id`, `iat` and `jti` are there.
    #[must_use]
    pub fn access_token(issuer: Issuer, audience: impl Into<AudienceRule>) -> Self {
        Self::new(Profile::AccessToken, TypeRule(Some("at+jwt".into())), issuer, audience.into())
    }

    /// Tokens of a type that is named, or explicitly not named. Required are `iss`, `exp`, and `aud` unless
    /// the audience is [`any_audience`].
    #[must_use]
    pub fn typed(typ: TypeRule, issuer: Issuer, audience: impl Into<AudienceRule>) -> Self {
        Self::new(Profile::Explicit, typ, issuer, audience.into())
    }

    fn new(profile: Profile, typ: TypeRule, issuer: Issuer, audience: AudienceRule) -> Self {
        Self { profile, typ, issuer, audience, leeway: Self::LEEWAY, max_len: Self::MAX_LEN }
    }

    /// The same with another leeway, in whole seconds.
    ///
    /// # Errors
    /// [`PolicyError::Leeway`] if it is more than 5 minutes.
    pub fn with_leeway(mut self, leeway: Duration) -> Result<Self, PolicyError> {
        if leeway > Self::MAX_LEEWAY {
            return Err(PolicyError::Leeway { max: Self::MAX_LEEWAY });
        }
        self.leeway = leeway;
        Ok(self)
    }

    /// The same with another length cap, in bytes.
    ///
    /// # Errors
    /// [`PolicyError::MaxLen`] if it is not between 256 bytes and 64 KiB.
    pub fn with_max_len(mut self, max_len: usize) -> Result<Self, PolicyError> {
        if !Self::MAX_LEN_BOUNDS.contains(&max_len) {
            let (min, max) = Self::MAX_LEN_BOUNDS.into_inner();
            return Err(PolicyError::MaxLen { min, max });
        }
        self.max_len = max_len;
        Ok(self)
    }

    /// Whose tokens are accepted.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }
}
