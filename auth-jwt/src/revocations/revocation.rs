//! What is revoked, as it is written down.

use auth_core::{NameError, UnixTime};

use crate::{Claims, Issuer};

/// What is revoked: one token, all tokens of one session, or all that one subject had at some moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revocation {
    issuer: Issuer,
    kind: RevocationKind,
    name: Box<str>,
    date: Option<UnixTime>,
}

/// What the name of a [`Revocation`] is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RevocationKind {
    /// A token: its `jti`.
    Token,
    /// A session of the issuer: its `sid`.
    Session,
    /// A subject: its `sub`.
    Subject,
}

/// One revocation, as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationRecord {
    /// What is revoked.
    pub revocation: Revocation,
    /// When the last token that it refuses will have expired. From then on it may be forgotten.
    pub ends_at: UnixTime,
}

impl RevocationKind {
    pub(crate) const ALL: [Self; 3] = [Self::Token, Self::Session, Self::Subject];

    /// One word, for a column or a key.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Session => "session",
            Self::Subject => "subject",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl Revocation {
    /// The most bytes of a name: as many as the longest token has that any policy looks at.
    pub const MAX_NAME_LEN: usize = 64 * 1024;

    /// One token of `issuer`, by its `jti`.
    ///
    /// `expires_at` is its `exp`, where that is known: it is forgotten all the sooner. If it is not exact, say
    /// `None`.
    ///
    /// # Errors
    /// [`NameError`] if `token_id` is empty, as no token's is, or longer than any.
    pub fn token(issuer: Issuer, token_id: &str, expires_at: Option<UnixTime>) -> Result<Self, NameError> {
        Self::new(issuer, RevocationKind::Token, token_id, expires_at)
    }

    /// All tokens of one session of `issuer`, by their `sid`: what a logout token asks for (OpenID Connect
    /// Back-Channel Logout section 2.6).
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub fn session(issuer: Issuer, session_id: &str) -> Result<Self, NameError> {
        Self::new(issuer, RevocationKind::Session, session_id, None)
    }

    /// All tokens that `issuer` had issued to a subject at `issued_until` and before: those whose `iat` is not
    /// after it, and those without one.
    ///
    /// Both are whole seconds, so a token that is issued in the second of its subject's revocation is refused.
    /// If the issuer's clock may be ahead of yours, tokens from before can bear a later date: add the
    /// difference.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub fn subject(issuer: Issuer, subject: &str, issued_until: UnixTime) -> Result<Self, NameError> {
        Self::new(issuer, RevocationKind::Subject, subject, Some(issued_until))
    }

    /// The token that these are the claims of. `None` if it has no `jti`.
    #[must_use]
    pub fn of_token(claims: &Claims) -> Option<Self> {
        // What a policy has accepted is the name of an issuer.
        let issuer = Issuer::new(claims.issuer()).ok()?;
        Self::token(issuer, claims.token_id()?, Some(claims.expires_at())).ok()
    }

    fn new(
        issuer: Issuer,
        kind: RevocationKind,
        name: &str,
        date: Option<UnixTime>,
    ) -> Result<Self, NameError> {
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name.len() > Self::MAX_NAME_LEN {
            return Err(NameError::TooLong { max: Self::MAX_NAME_LEN });
        }
        Ok(Self { issuer, kind, name: name.into(), date })
    }

    /// Whose tokens. Names are unique within an issuer only.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// What the name is the name of.
    #[must_use]
    pub fn kind(&self) -> RevocationKind {
        self.kind
    }

    /// The `jti`, `sid` or `sub`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Of a token: when it expires, if that is known. Of a subject: the `iat` of the last token that is refused.
    #[must_use]
    pub fn date(&self) -> Option<UnixTime> {
        self.date
    }
}
