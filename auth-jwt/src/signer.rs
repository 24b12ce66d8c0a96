//! Issuing tokens that are not access tokens.

use std::{fmt, sync::Arc};

use auth_core::{Entropy, SystemEntropy, UnixTime};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::{
    Audience, IssueError, Issuer, IssuerKeys, TokenPolicy, TypeRule,
    issuer::{Pen, TokenIds, own},
    json::Number,
    registered::Claim,
};

mod payload;

pub(crate) use self::payload::Payload;

/// Issues tokens that are not access tokens: ID tokens, logout tokens, client assertions, links in e-mails, what
/// services say to each other. One type, one issuer. Cheap to clone.
///
/// A token ends at a moment that is named, or explicitly never. Its `kid` is the key's id.
///
/// ```
/// use std::time::Duration;
/// use auth_core::{Clock, SystemClock, SystemEntropy};
/// use auth_jwt::{
///     Audience, Es256SigningKey, Issuer, TokenPolicy, TokenSigner, Verified, Verifier, typ,
/// };
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Invitation {
///     team: String,
/// }
///
/// let key = Es256SigningKey::generate(&SystemEntropy)?;
/// let (issuer, audience) = (Issuer::new("https://id.example")?, Audience::new("https://app.example")?);
/// let invitation = typ("invitation+jwt")?;
/// let signer = TokenSigner::new(key.clone(), invitation.clone(), issuer.clone())?;
///
/// let now = SystemClock.now();
/// let token = signer
///     .expiring_at(now.saturating_add(Duration::from_secs(3600)))
///     .with_audience(&audience)
///     .with_subject("ann@example.com")
///     .with_claims(&Invitation { team: "blue".to_owned() })
///     .sign(now)?;
///
/// let verifier = Verifier::new(key.verifying_key(), TokenPolicy::typed(invitation, issuer, audience));
/// let verified: Verified<Invitation> = verifier.verify(token.expose(), now)?;
/// assert_eq!(verified.own().team, "blue");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Not for access tokens
///
/// An access token says that its subject was authenticated. This type takes anybody's word for that, so it
/// refuses `at+jwt`: a [`TokenIssuer`](crate::TokenIssuer) writes that, on a [`Login`](auth_core::Login) or a
/// live session. A client that acts for itself (RFC 6749 section 4.4) is no exception. Checking its credential
/// makes a `Login` of a [service](auth_core::PrincipalKind::Service), and its token is issued on that.
///
/// The other direction is the verifier's: one that accepts [`any_typ`](crate::any_typ), or a type that tokens
/// from here have, takes them for what it believes them to be. Give every kind of token a type of its own
/// (RFC 8725 section 3.11).
#[derive(Clone)]
pub struct TokenSigner(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    pen: Pen,
    issuer: Issuer,
    /// The members that all payloads begin with, written once.
    start: Vec<u8>,
    ids: TokenIds,
}

impl TokenSigner {
    /// The longest token that is made: what verifiers accept by default.
    pub const MAX_LEN: usize = TokenPolicy::MAX_LEN;

    /// Signs with `keys`, in the name of `issuer`, tokens of one type: that which a verifier's policy has, or
    /// none for [`any_typ`](crate::any_typ). `keys` are one key, an [`IssuerKeyRing`](crate::IssuerKeyRing), or a
    /// [`RemoteSigningKey`](crate::RemoteSigningKey).
    ///
    /// # Errors
    /// [`IssueError::AccessToken`] if the type is `at+jwt`.
    pub fn new(keys: impl Into<IssuerKeys>, typ: TypeRule, issuer: Issuer) -> Result<Self, IssueError> {
        if typ.media_type() == Some(TypeRule::ACCESS_TOKEN) {
            return Err(IssueError::AccessToken);
        }
        let pen = Pen::new(keys.into(), typ.media_type());
        let start = Payload::start(issuer.as_str());
        Ok(Self(Arc::new(Inner { pen, issuer, start, ids: TokenIds::new(Arc::new(SystemEntropy)) })))
    }

    /// The same with another source of randomness for the tokens' ids.
    #[must_use]
    pub fn with_entropy(self, entropy: Arc<dyn Entropy>) -> Self {
        Self(Arc::new(Inner { ids: TokenIds::new(entropy), ..Inner::clone(&self.0) }))
    }

    /// A token that expires at this moment: `exp` (RFC 7519 section 4.1.4).
    pub fn expiring_at(&self, expires_at: UnixTime) -> TokenBuilder<'_> {
        self.token(Some(expires_at))
    }

    /// A token that never expires by itself, and that no verifier accepts unless its policy says
    /// [so](TokenPolicy::without_expiry). Whoever gets hold of it has it for as long as the key is in use.
    pub fn without_expiry(&self) -> TokenBuilder<'_> {
        self.token(None)
    }

    fn token(&self, expires_at: Option<UnixTime>) -> TokenBuilder<'_> {
        TokenBuilder {
            signer: &self.0,
            expires_at,
            subject: None,
            audiences: &[],
            not_before: None,
            issued_at: None,
            id: TokenId::None,
            own: None,
        }
    }
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSigner")
            .field("keys", self.0.pen.keys())
            .field("issuer", &self.0.issuer)
            .finish_non_exhaustive()
    }
}

/// A token about to be signed. Made by [`TokenSigner::expiring_at`] and [`TokenSigner::without_expiry`].
///
/// What is said twice counts as it was said last.
#[must_use = "nothing is issued until it is signed"]
pub struct TokenBuilder<'a, C: ?Sized = ()> {
    signer: &'a Inner,
    expires_at: Option<UnixTime>,
    subject: Option<&'a str>,
    audiences: &'a [Audience],
    not_before: Option<UnixTime>,
    issued_at: Option<UnixTime>,
    id: TokenId<'a>,
    own: Option<&'a C>,
}

#[derive(Clone, Copy)]
enum TokenId<'a> {
    None,
    Given(&'a str),
    Random,
}

impl<'a, C: Serialize + ?Sized> TokenBuilder<'a, C> {
    /// Whom it speaks of: `sub` (RFC 7519 section 4.1.2).
    pub fn with_subject(mut self, subject: &'a str) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Whom it is for: `aud`, a string (RFC 7519 section 4.1.3).
    pub fn with_audience(mut self, audience: &'a Audience) -> Self {
        self.audiences = std::slice::from_ref(audience);
        self
    }

    /// Whom it is for: `aud`, an array unless there is only one (RFC 7519 section 4.1.3). None is no `aud`.
    pub fn with_audiences(mut self, audiences: &'a [Audience]) -> Self {
        self.audiences = audiences;
        self
    }

    /// When it begins: `nbf` (RFC 7519 section 4.1.5).
    pub fn with_not_before(mut self, not_before: UnixTime) -> Self {
        self.not_before = Some(not_before);
        self
    }

    /// When it was issued: `iat` (RFC 7519 section 4.1.6).
    pub fn with_issued_at(mut self, issued_at: UnixTime) -> Self {
        self.issued_at = Some(issued_at);
        self
    }

    /// Its own name: `jti` (RFC 7519 section 4.1.7). Never give one to two tokens.
    pub fn with_token_id(mut self, id: &'a str) -> Self {
        self.id = TokenId::Given(id);
        self
    }

    /// The same, of 128 random bits.
    pub fn with_random_token_id(mut self) -> Self {
        self.id = TokenId::Random;
        self
    }

    /// Claims of your own: anything that becomes a JSON object and has none of the seven claims of RFC 7519 in
    /// it. Other registered claims, like `nonce` or `sid`, have to be of their registered type. Everybody who has
    /// the token can read them.
    pub fn with_claims<D: Serialize + ?Sized>(self, claims: &'a D) -> TokenBuilder<'a, D> {
        let Self { signer, expires_at, subject, audiences, not_before, issued_at, id, own: _ } = self;
        let own = Some(claims);
        TokenBuilder { signer, expires_at, subject, audiences, not_before, issued_at, id, own }
    }

    /// Signs it, with the key that is current at `now`. `now` is not written into the token:
    /// [`with_issued_at`](Self::with_issued_at) is.
    ///
    /// # Errors
    /// [`IssueError`]: [`Date`](IssueError::Date) unless it ends after `nbf` and `iat`,
    /// [`Reserved`](IssueError::Reserved) and [`WrongType`](IssueError::WrongType) for own claims,
    /// [`TooLong`](IssueError::TooLong) beyond 8 KiB, [`Lifetime`](IssueError::Lifetime) if it would outlive its key
    /// in a [ring](crate::IssuerKeyRing::with_max_lifetime), and what key and entropy have to say.
    pub fn sign(self, now: UnixTime) -> Result<SignedToken, IssueError> {
        let payload = self.payload(now)?;
        self.signer.pen.sign(&payload, now).map(SignedToken::new)
    }

    /// Signs it with a key that may be elsewhere. With one that is here it does what [`sign`](Self::sign) does.
    ///
    /// # Errors
    /// As [`sign`](Self::sign), and those of the key that is elsewhere.
    pub fn sign_async(self, now: UnixTime) -> impl Future<Output = Result<SignedToken, IssueError>> {
        // The claims, which may not be for other threads, are written before anybody waits.
        let (payload, signer) = (self.payload(now), self.signer);
        async move { signer.pen.sign_async(&payload?, now).await.map(SignedToken::new) }
    }

    fn payload(&self, now: UnixTime) -> Result<Vec<u8>, IssueError> {
        self.check_dates()?;
        self.check_lifetime(now)?;
        let mut payload = Payload::new(&self.signer.start);
        payload.string(Claim::Sub, self.subject)?;
        payload.one_or_many(Claim::Aud, self.audiences.iter().map(Audience::as_str));
        payload.date(Claim::Exp, self.expires_at);
        payload.date(Claim::Nbf, self.not_before);
        payload.date(Claim::Iat, self.issued_at);
        match self.id {
            TokenId::None => {}
            TokenId::Given(id) => payload.string(Claim::Jti, Some(id))?,
            TokenId::Random => payload.string(Claim::Jti, Some(&self.signer.ids.next()?))?,
        }
        payload.finish(|bytes| match self.own {
            Some(claims) => own::append(claims, bytes, own::Reserved::ALWAYS),
            None => Ok(()),
        })
    }

    /// A key of a ring verifies for as long as the tokens live that the ring was made for.
    fn check_lifetime(&self, now: UnixTime) -> Result<(), IssueError> {
        match self.signer.pen.keys().ring_lifetime() {
            Some(max) if self.expires_at.is_none_or(|end| end.since(now) > max) => {
                Err(IssueError::Lifetime { max })
            }
            _ => Ok(()),
        }
    }

    fn check_dates(&self) -> Result<(), IssueError> {
        let latest = UnixTime::from_secs(Number::MAX_DATE);
        let end = self.expires_at.unwrap_or(latest);
        for (claim, date) in [(Claim::Nbf, self.not_before), (Claim::Iat, self.issued_at)] {
            if date.is_some_and(|date| date >= end) {
                return Err(IssueError::Date { claim: claim.name() });
            }
        }
        if end > latest { Err(IssueError::Date { claim: Claim::Exp.name() }) } else { Ok(()) }
    }
}

impl<C: ?Sized> fmt::Debug for TokenBuilder<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenBuilder").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// A token that was signed. Redacted in `Debug` and wiped on drop, for whoever has it may use it.
#[derive(Clone)]
pub struct SignedToken(Zeroizing<String>);

impl SignedToken {
    /// Takes a token that was written here, and is ASCII: saying so without a look would take unsafe code.
    fn new(token: Vec<u8>) -> Self {
        Self(Zeroizing::new(String::from_utf8(token).unwrap_or_default()))
    }

    /// The token, for whom it is meant.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The token, for keeps. Nothing wipes it then.
    #[must_use]
    pub fn into_exposed(mut self) -> String {
        std::mem::take(&mut *self.0)
    }
}

impl fmt::Debug for SignedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedToken(redacted)")
    }
}
