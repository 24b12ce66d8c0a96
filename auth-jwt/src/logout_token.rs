//! Logout tokens: a provider says that a session is over.

use std::time::Duration;

use auth_core::UnixTime;

use crate::{
    Audience, Claim, Claims, ClientId, Issuer, KeySet, PolicyError, Redacted, TokenBuffer, TokenPolicy,
    TypeRule, Verified, Verifier, VerifyError, any_typ,
    json::{JsonError, JsonKind, Members, Reader},
    policy::missing,
    registered::Registered,
};

/// What a logout token's `events` has to contain (OpenID Connect Back-Channel Logout section 2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Verifies logout tokens (OpenID Connect Back-Channel Logout 1.0 sections 2.4 and 2.6).
///
/// | claim | has to |
/// |---|---|
/// | `typ` (header) | be `logout+jwt` |
/// | `iss`, `aud` | be the provider, contain the client |
/// | `exp`, `iat`, `jti` | be there |
/// | `events` | contain the event of that specification, an object |
/// | `sub`, `sid` | one of them at least be there |
/// | `nonce` | not be there, so that no ID token is taken for a logout token |
///
/// A token may come twice: whoever keeps the `jti` until `exp` knows. To end a session twice does no harm.
///
/// ```
/// use auth_core::UnixTime;
/// use auth_jwt::{LogoutTokenVerifier, VerifyError};
///
/// # fn end_session(_: &str) {}
/// # fn end_all_of(_: &str) {}
/// fn back_channel(verifier: &LogoutTokenVerifier, token: &str, now: UnixTime) -> Result<(), VerifyError> {
///     let logout = verifier.verify(token, now)?;
///     match (logout.session_id(), logout.subject()) {
///         (Some(session), _) => end_session(session),
///         (None, Some(subject)) => end_all_of(subject),
///         (None, None) => {} // there is always one of them
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct LogoutTokenVerifier {
    keys: KeySet,
    verifier: Verifier,
}

impl LogoutTokenVerifier {
    /// Accepts what `issuer` has signed with one of its keys for the client `client`.
    #[must_use]
    pub fn new(keys: impl Into<KeySet>, issuer: Issuer, client: ClientId) -> Self {
        let policy = TokenPolicy::typed(TypeRule::exactly("logout+jwt"), issuer, Audience::from(client));
        let policy = [Claim::Iat, Claim::Jti, Claim::Events].into_iter().fold(policy, TokenPolicy::require);
        let keys = keys.into();
        Self { verifier: Verifier::new(keys.clone(), policy), keys }
    }

    /// The same for a provider that does not name the type, as few did before it was recommended. What is left to
    /// tell the tokens by is `events`.
    #[must_use]
    pub fn with_any_typ(self) -> Self {
        self.with_policy(|policy| policy.with_typ(any_typ()))
    }

    /// The same for a provider that leaves `exp` out, as drafts of the specification did. An old token then ends
    /// sessions for ever, unless there is a [maximum age](Self::with_max_token_age).
    #[must_use]
    pub fn without_expiry(self) -> Self {
        self.with_policy(TokenPolicy::without_expiry)
    }

    /// The same, for tokens that were issued no longer ago than this: `iat`.
    ///
    /// # Errors
    /// [`PolicyError::MaxAge`] if it is more than 10 years.
    pub fn with_max_token_age(self, max: Duration) -> Result<Self, PolicyError> {
        let policy = self.verifier.policy().clone().with_max_token_age(max)?;
        Ok(self.with_policy(|_| policy))
    }

    /// The same with another leeway, in whole seconds.
    ///
    /// # Errors
    /// [`PolicyError::Leeway`] if it is more than 5 minutes.
    pub fn with_leeway(self, leeway: Duration) -> Result<Self, PolicyError> {
        let policy = self.verifier.policy().clone().with_leeway(leeway)?;
        Ok(self.with_policy(|_| policy))
    }

    fn with_policy(self, change: impl FnOnce(TokenPolicy) -> TokenPolicy) -> Self {
        let policy = change(self.verifier.policy().clone());
        Self { verifier: Verifier::new(self.keys.clone(), policy), keys: self.keys }
    }

    /// Verifies a logout token.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn verify(&self, token: &str, now: UnixTime) -> Result<LogoutToken, VerifyError> {
        let signed = self.verifier.check(token, now)?;
        let mut buffer = TokenBuffer::new();
        let payload = buffer.decode(signed.payload)?;
        Ok(LogoutToken(self.verifier.read(payload, now, check)?))
    }
}

/// Proof that an OpenID provider says: this session is over, or all sessions of this subject are.
///
/// Only [`LogoutTokenVerifier`] makes one.
///
/// ```compile_fail
/// fn confused(id_token: auth_jwt::IdToken) -> auth_jwt::LogoutToken {
///     id_token.into()
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct LogoutToken(Verified);

impl LogoutToken {
    /// The registered claims.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        self.0.claims()
    }

    /// The session that is over, as [`IdToken::session_id`](crate::IdToken::session_id) has called it: `sid`.
    /// Without one, all sessions of the [subject](Self::subject) are.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.claims().session_id()
    }

    /// Whose session is over: `sub`, unique within the issuer only. There if no session is named.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.claims().subject()
    }

    /// Its own name, to know it again by: `jti`.
    #[must_use]
    pub fn token_id(&self) -> &str {
        // The policy requires it.
        self.claims().token_id().unwrap_or_default()
    }
}

/// Section 2.6, steps 4 to 6.
fn check(claims: &Registered<'_>) -> Result<(), VerifyError> {
    if claims.sub.is_none() && claims.sid.is_none() {
        return Err(VerifyError::Missing { claim: "sub or sid" });
    }
    let events = claims.events.ok_or(missing(Claim::Events))?;
    if !has_event(events)? {
        let found = Redacted::new(JsonKind::Object, events.len());
        return Err(VerifyError::Mismatch { claim: Claim::Events.name(), expected: EVENT.into(), found });
    }
    match claims.nonce {
        Some(nonce) => Err(VerifyError::Forbidden {
            claim: Claim::Nonce.name(),
            found: Redacted::new(JsonKind::String, nonce.raw().len()),
        }),
        None => Ok(()),
    }
}

/// Whether the event is there, and is an object.
fn has_event(events: &str) -> Result<bool, JsonError> {
    let mut reader = Reader::payload(events);
    reader.open_object()?;
    let mut seen = Members::default();
    while let Some(name) = reader.next_name(&mut seen)? {
        if name.is(EVENT) {
            return Ok(reader.kind()? == JsonKind::Object);
        }
        reader.skip()?;
    }
    Ok(false)
}
