//! ID tokens, as the client of an OpenID provider checks them.

use std::time::Duration;

use auth_core::UnixTime;
use serde::de::DeserializeOwned;

use crate::{
    Audience, Claim, Claims, ClientId, Issuer, KeySet, PolicyError, TokenBuffer, TokenPolicy, TypeRule,
    Verified, Verifier, VerifyError,
};

mod checks;
mod hash;

pub use self::checks::IdTokenChecks;

/// What every ID token of a provider must say to be accepted by a client of it (OpenID Connect Core section
/// 3.1.3.7). What one request asked for is in [`IdTokenChecks`].
///
/// | claim | has to |
/// |---|---|
/// | `iss` | be the provider |
/// | `aud` | contain the client, and nobody whom the client does not [trust](Self::with_trusted_audiences) |
/// | `azp` | be the client if it is there, and be there if there are several audiences |
/// | `sub`, `exp`, `iat` | be there; `exp`, `nbf` and `iat` as always |
/// | `typ` (header) | be absent or `JWT`, which is what providers write |
#[derive(Debug, Clone)]
pub struct IdTokenPolicy {
    token: TokenPolicy,
    client: Audience,
    trusted: Vec<Audience>,
    parties: Vec<ClientId>,
}

impl IdTokenPolicy {
    /// The ID tokens that `issuer` makes for the client `client`.
    #[must_use]
    pub fn new(issuer: Issuer, client: ClientId) -> Self {
        let audience = Audience::from(client.clone());
        let typ = TypeRule::exactly("jwt").or_none();
        let token = TokenPolicy::typed(typ, issuer, audience.clone()).require(Claim::Sub).require(Claim::Iat);
        Self { token, client: audience, trusted: Vec::new(), parties: vec![client] }
    }

    /// The same, and an ID token may be for these as well, as long as it is for the client too.
    ///
    /// Each of them can present the token here as if it had come from the provider, so a nonce is all that tells
    /// its tokens from the client's own.
    #[must_use]
    pub fn with_trusted_audiences(mut self, trusted: impl IntoIterator<Item = Audience>) -> Self {
        self.trusted = trusted.into_iter().collect();
        self
    }

    /// The same, and an ID token may have been asked for by these clients as well: `azp`. One application with
    /// several clients of one provider needs it, like a mobile application and its server.
    #[must_use]
    pub fn with_authorized_parties(mut self, parties: impl IntoIterator<Item = ClientId>) -> Self {
        self.parties.truncate(1);
        self.parties.extend(parties);
        self
    }

    /// The same for a provider that names another type, or any.
    #[must_use]
    pub fn with_typ(mut self, typ: TypeRule) -> Self {
        self.token = self.token.with_typ(typ);
        self
    }

    /// The same with another leeway, in whole seconds.
    ///
    /// # Errors
    /// [`PolicyError::Leeway`] if it is more than 5 minutes.
    pub fn with_leeway(mut self, leeway: Duration) -> Result<Self, PolicyError> {
        self.token = self.token.with_leeway(leeway)?;
        Ok(self)
    }

    /// The same with another length cap, in bytes: tokens with pictures of the user have been seen.
    ///
    /// # Errors
    /// [`PolicyError::MaxLen`] if it is not between 256 bytes and 64 KiB.
    pub fn with_max_len(mut self, max_len: usize) -> Result<Self, PolicyError> {
        self.token = self.token.with_max_len(max_len)?;
        Ok(self)
    }

    /// The same, for tokens that were issued no longer ago than this: `iat`.
    ///
    /// # Errors
    /// [`PolicyError::MaxAge`] if it is more than 10 years.
    pub fn with_max_token_age(mut self, max: Duration) -> Result<Self, PolicyError> {
        self.token = self.token.with_max_token_age(max)?;
        Ok(self)
    }
}

/// Verifies ID tokens (OpenID Connect Core sections 2 and 3.1.3.7).
///
/// ```
/// use std::time::Duration;
/// use auth_core::UnixTime;
/// use auth_jwt::{
///     AccessToken, ClientId, IdToken, IdTokenChecks, IdTokenPolicy, IdTokenVerifier, Issuer, KeySet, Nonce,
///     VerifyError,
/// };
///
/// #[derive(serde::Deserialize)]
/// struct Profile {
///     email: Option<String>,
///     #[serde(default)]
///     email_verified: bool,
/// }
///
/// /// The provider has answered with an ID token and an access token.
/// fn answer(
///     keys: KeySet,
///     policy: IdTokenPolicy,
///     nonce: &Nonce,
///     (id_token, access_token): (&str, &AccessToken),
///     now: UnixTime,
/// ) -> Result<IdToken<Profile>, VerifyError> {
///     let asked = IdTokenChecks::nonce(nonce)
///         .with_max_age(Duration::from_secs(3600))
///         .with_access_token_if_hashed(access_token);
///     IdTokenVerifier::new(keys, policy).verify(id_token, &asked, now)
/// }
/// # let policy = IdTokenPolicy::new(Issuer::new("https://id.example")?, ClientId::new("web")?);
/// # Ok::<(), auth_core::NameError>(())
/// ```
///
/// An ID token says who logged in, to the client that asked. It is not an access token, and nothing that takes
/// one accepts the other:
///
/// ```compile_fail
/// fn serve(request: auth_jwt::Verified) {}
///
/// fn confused(id_token: auth_jwt::IdToken) {
///     serve(id_token);
/// }
/// ```
#[derive(Debug, Clone)]
pub struct IdTokenVerifier {
    verifier: Verifier,
    policy: IdTokenPolicy,
}

impl IdTokenVerifier {
    /// Accepts what one of the provider's keys has signed and `policy` allows. With `HS256`, the key is made of
    /// the client secret.
    #[must_use]
    pub fn new(keys: impl Into<KeySet>, policy: IdTokenPolicy) -> Self {
        Self { verifier: Verifier::new(keys, policy.token.clone()), policy }
    }

    /// Verifies the ID token that answers one request, with own claims of type `C`.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn verify<C: DeserializeOwned>(
        &self,
        token: &str,
        checks: &IdTokenChecks<'_>,
        now: UnixTime,
    ) -> Result<IdToken<C>, VerifyError> {
        let signed = self.verifier.check(token, now)?;
        let mut buffer = TokenBuffer::new();
        let payload = buffer.decode(signed.payload)?;
        let verified = self.verifier.read(payload, now, |claims| {
            self.policy.check(claims)?;
            checks.check(claims, &self.policy.token, signed.algorithm, now)
        })?;
        Ok(IdToken(verified))
    }
}

/// Proof that an OpenID provider says who logged in, to this client and on its request.
///
/// Only [`IdTokenVerifier`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct IdToken<C = ()>(Verified<C>);

impl<C> IdToken<C> {
    /// The registered claims.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        self.0.claims()
    }

    /// Who logged in: `sub`, unique within the issuer only. The claim that accounts are found by; an address is
    /// not.
    #[must_use]
    pub fn subject(&self) -> &str {
        // The policy requires it.
        self.claims().subject().unwrap_or_default()
    }

    /// The provider's session, by which its logout tokens speak of it: `sid` (OpenID Connect Back-Channel Logout
    /// section 2.1).
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.claims().session_id()
    }

    /// The own claims.
    #[must_use]
    pub fn own(&self) -> &C {
        self.0.own()
    }

    /// The own claims, for keeps. They are then data like any other, and no proof.
    #[must_use]
    pub fn into_own(self) -> C {
        self.0.into_own()
    }
}
