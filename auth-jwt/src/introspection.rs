//! Introspection: what an authorization server says of a token (RFC 7662).

use std::{cell::Cell, sync::Arc};

use auth_core::UnixTime;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Claim, Claims, IssueError, MalformedToken, Redacted, TokenPolicy, Verified, VerifyError,
    issuer::own,
    json::{JsonError, JsonKind, Members, Reader},
    payload,
    registered::Registered,
    signer::Payload,
};

/// The member that decides everything.
const ACTIVE: &str = "active";

/// What an authorization server says of a token (RFC 7662 section 2.2).
///
/// A server makes one of a token that it has verified itself, and answers with [`to_json`](Self::to_json):
///
/// ```
/// use auth_core::UnixTime;
/// use auth_jwt::{Introspection, IssueError, Verifier};
///
/// fn introspect(verifier: &Verifier, token: &str, now: UnixTime) -> Result<String, IssueError> {
///     match verifier.verify::<()>(token, now) {
///         Ok(verified) => Introspection::from(verified).to_json(),
///         // Why, is nobody's business (section 2.2).
///         Err(_) => Introspection::<()>::Inactive.to_json(),
///     }
/// }
/// ```
///
/// A resource server reads one with an [`IntrospectionReader`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Introspection<C = ()> {
    /// The token is good for nothing. There is nothing else to know of it.
    Inactive,
    /// The token is good, and says this.
    Active(ActiveToken<C>),
}

impl<C> Introspection<C> {
    /// What it says, if the token is active.
    #[must_use]
    pub fn active(self) -> Option<ActiveToken<C>> {
        match self {
            Self::Active(token) => Some(token),
            Self::Inactive => None,
        }
    }
}

impl<C: Serialize> Introspection<C> {
    /// The answer, as a JSON object (RFC 7662 section 2.2): the registered claims, and the own ones.
    ///
    /// # Errors
    /// [`IssueError::OwnClaims`], [`IssueError::Reserved`] and [`IssueError::WrongType`] for own claims, and
    /// [`IssueError::Missing`] for `cnf` if the token is bound to a key and the own claims do not have it: whoever
    /// reads the answer would take it for a token that anybody may present.
    pub fn to_json(&self) -> Result<String, IssueError> {
        let Self::Active(token) = self else { return Ok(r#"{"active":false}"#.to_owned()) };
        let claims = token.claims();
        let mut payload = Payload::new(br#"{"active":true"#);
        for (claim, value) in [
            (Claim::Iss, Some(claims.issuer())),
            (Claim::Sub, claims.subject()),
            (Claim::Jti, claims.token_id()),
            (Claim::ClientId, claims.client_id()),
            (Claim::Acr, claims.acr()),
            (Claim::Azp, claims.authorized_party()),
            (Claim::Sid, claims.session_id()),
        ] {
            payload.string(claim, value)?;
        }
        payload.text(Claim::Scope, claims.scope());
        payload.one_or_many(Claim::Aud, claims.audience());
        payload.list(Claim::Amr, claims.methods());
        payload.date(Claim::Exp, Some(claims.expires_at()).filter(|date| *date != UnixTime::MAX));
        payload.date(Claim::Nbf, claims.not_before());
        payload.date(Claim::Iat, claims.issued_at());
        payload.date(Claim::AuthTime, claims.authenticated_at());
        let has_cnf = Cell::new(false);
        let reserved = own::Reserved {
            claims: |claim| {
                has_cnf.set(has_cnf.get() || claim == Claim::Cnf);
                own::is_of_access_tokens(claim) || matches!(claim, Claim::Azp | Claim::Sid)
            },
            names: &[ACTIVE],
        };
        let json = payload.finish(|bytes| own::append(token.own(), bytes, reserved))?;
        if claims.is_bound() && !has_cnf.get() {
            return Err(IssueError::Missing { claim: Claim::Cnf.name() });
        }
        String::from_utf8(json).map_err(|_| IssueError::OwnClaims(None))
    }
}

/// An answer about a token that was verified here.
impl<C> From<Verified<C>> for Introspection<C> {
    fn from(verified: Verified<C>) -> Self {
        Self::Active(ActiveToken(verified))
    }
}

/// What an active token says, as an authorization server has vouched for it.
///
/// It is not [`Verified`], for nobody here has seen a signature:
///
/// ```compile_fail
/// fn serve(request: auth_jwt::Verified) {}
///
/// fn confused(token: auth_jwt::ActiveToken) {
///     serve(token);
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct ActiveToken<C = ()>(Verified<C>);

impl<C> ActiveToken<C> {
    /// The registered claims. The issuer is that of the policy, whether or not the answer names it.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        self.0.claims()
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

/// Reads the answers of an authorization server (RFC 7662 section 2.2).
///
/// They are held to a [`TokenPolicy`] as tokens are: registered claims are as strict, and what a rule names has to
/// be there. So a policy for a server that leaves out what it need not say has to give that up by name:
/// [`any_audience`](crate::any_audience), [`without_expiry`](TokenPolicy::without_expiry). There are two differences.
/// The answer has no header, so the rule for `typ` is not asked. And `iss` may be absent, since the server that was
/// asked is the issuer; another one is refused.
///
/// ```
/// use auth_core::UnixTime;
/// use auth_jwt::{Audience, IntrospectionReader, Issuer, TokenPolicy, any_typ};
///
/// let issuer = Issuer::new("https://id.example")?;
/// let policy = TokenPolicy::typed(any_typ(), issuer, Audience::new("https://api.example")?);
/// let reader = IntrospectionReader::trusting_transport(policy);
///
/// let now = UnixTime::from_secs(1_800_000_000);
/// let body = br#"{"active":true,"sub":"42","aud":"https://api.example","exp":1800000900,"scope":"read"}"#;
/// let token = reader.read::<()>(body, now)?.active().ok_or("inactive")?;
/// assert_eq!(token.claims().subject(), Some("42"));
///
/// assert!(reader.read::<()>(br#"{"active":false}"#, now)?.active().is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct IntrospectionReader(Arc<TokenPolicy>);

impl IntrospectionReader {
    /// Believes what is handed to it.
    ///
    /// No signature vouches for these claims. What does is the connection: HTTPS to the issuer's own introspection
    /// endpoint, its certificate checked, no redirect followed. An answer from anywhere else is the word of whoever
    /// sent it.
    #[must_use]
    pub fn trusting_transport(policy: TokenPolicy) -> Self {
        Self(Arc::new(policy))
    }

    /// Reads an answer, with own claims of type `C`: `username` and `token_type`, say. Of an inactive token nothing
    /// is read, whatever else the server has said of it.
    ///
    /// A `C` that denies unknown members has to know `active`.
    ///
    /// # Errors
    /// [`VerifyError`], [`Malformed`](VerifyError::Malformed) beyond the policy's length cap. All of them mean that
    /// the token is of no use, or that the server is not the one that the policy was written for.
    pub fn read<C: DeserializeOwned>(
        &self,
        answer: &[u8],
        now: UnixTime,
    ) -> Result<Introspection<C>, VerifyError> {
        let policy = &*self.0;
        if answer.len() > policy.max_len {
            return Err(MalformedToken::TooLong { max: policy.max_len }.into());
        }
        let text = std::str::from_utf8(answer).map_err(|_| JsonError::Encoding)?;
        if !is_active(text)? {
            return Ok(Introspection::Inactive);
        }
        let mut registered = Registered::default();
        let own = payload::read::<C>(text, &mut registered)?;
        registered.default_issuer(policy.issuer().as_str());
        let expires_at = policy.accept(&registered, now, |_| Ok(()))?;
        Ok(Verified::assertion(Claims::keep(&registered, expires_at), own?).into())
    }
}

/// Whether the answer, all of which is strict JSON, says that the token is active.
fn is_active(text: &str) -> Result<bool, VerifyError> {
    let mut reader = Reader::payload(text);
    if reader.kind()? != JsonKind::Object {
        return Err(JsonError::NotAnObject.into());
    }
    reader.open_object()?;
    let mut active = Err(VerifyError::Missing { claim: ACTIVE });
    let mut seen = Members::default();
    while let Some(name) = reader.next_name(&mut seen)? {
        if !name.is(ACTIVE) {
            reader.skip()?;
            continue;
        }
        active = match reader.kind()? {
            JsonKind::Bool => Ok(reader.bool()?),
            kind => {
                let found = Redacted::new(kind, reader.raw()?.len());
                Err(VerifyError::WrongType { claim: ACTIVE, expected: "true or false", found })
            }
        };
    }
    reader.end()?;
    active
}
