//! What a token must say to be accepted here.

use std::time::Duration;

use crate::{Claim, Issuer};

mod audience;
mod check;
mod error;
mod rules;
mod typ;

use self::rules::Rules;
pub use self::{
    audience::{AudienceRule, any_audience, audiences},
    error::PolicyError,
    typ::{TypeRule, any_typ, typ},
};
pub(crate) use self::{
    check::{Dates, missing},
    typ::is_jwt,
};

/// What a token must say to be accepted here: who issued it, for whom, as what.
///
/// Naming a rule makes its claim required: there is no rule that a token passes by saying nothing. `exp` is
/// required unless [`without_expiry`](Self::without_expiry) says otherwise; `exp`, `nbf` and `iat` are checked
/// wherever they are there. There is no policy by default: both constructors ask for all that one can get
/// wrong by leaving it out.
///
/// | to accept | say |
/// |---|---|
/// | a kind of token | [`access_token`](Self::access_token), [`typed`](Self::typed) |
/// | several names of this service | [`audiences`] |
/// | only with a claim, whatever it says | [`require`](Self::require) |
/// | only of a subject, a client | [`with_subject`](Self::with_subject), [`with_clients`](Self::with_clients), [`with_authorized_parties`](Self::with_authorized_parties) |
/// | only if recent | [`with_max_token_age`](Self::with_max_token_age), [`with_max_auth_age`](Self::with_max_auth_age) |
/// | only after some kind of login | [`with_acr`](Self::with_acr), [`with_methods`](Self::with_methods) |
/// | what a client asked an OpenID provider for | [`IdTokenPolicy`](crate::IdTokenPolicy), instead of this |
///
/// A policy has one issuer, because keys belong to an issuer: with two in one policy, each could sign in the
/// name of the other. Several issuers are several [`Verifier`](crate::Verifier)s.
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
    typ: TypeRule,
    issuer: Issuer,
    audience: AudienceRule,
    /// The [bits](Claim::bit) of the claims that have to be there.
    required: u32,
    rules: Option<Box<Rules>>,
    leeway: Duration,
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
    ///
    /// That standard also asks every resource server for RS256 (section 2.1). So a service conforms to it with the
    /// feature `rsa` or `aws-lc-rs`; without either, this is its profile for other algorithms.
    #[must_use]
    pub fn access_token(issuer: Issuer, audience: impl Into<AudienceRule>) -> Self {
        // RFC 9068 section 2.2.
        [Claim::Aud, Claim::Sub, Claim::ClientId, Claim::Iat, Claim::Jti]
            .into_iter()
            .fold(Self::typed(TypeRule::exactly(TypeRule::ACCESS_TOKEN), issuer, audience), Self::require)
    }

    /// Tokens of a type that is named, or explicitly not named. Required are `iss`, `exp`, and `aud` unless
    /// the audience is [`any_audience`].
    #[must_use]
    pub fn typed(typ: TypeRule, issuer: Issuer, audience: impl Into<AudienceRule>) -> Self {
        let audience = audience.into();
        let aud = if audience.is_any() { 0 } else { Claim::Aud.bit() };
        let required = Claim::Iss.bit() | Claim::Exp.bit() | aud;
        Self { typ, issuer, audience, required, rules: None, leeway: Self::LEEWAY, max_len: Self::MAX_LEN }
    }

    /// The same, and tokens without `exp` are accepted. One that is there still counts.
    ///
    /// This gives up the one end that a stolen token has by itself: it works until the key is retired, or until
    /// somebody revokes it. [`with_max_token_age`](Self::with_max_token_age) brings an end back.
    #[must_use]
    pub fn without_expiry(mut self) -> Self {
        self.required &= !Claim::Exp.bit();
        self
    }

    pub(crate) fn with_typ(mut self, typ: TypeRule) -> Self {
        self.typ = typ;
        self
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
