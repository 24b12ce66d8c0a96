//! What may be known of a token before anybody has vouched for it.

use crate::{
    KeyId, TokenPolicy,
    compact::{Compact, MalformedToken},
    header::{Header, HeaderBuffer},
};

/// A token that nobody has verified: it tells its `alg` and `kid`, to choose a verifier by, and nothing else.
///
/// There is no way from here to the claims. Both values are the sender's: a forger writes into them what
/// suits the forgery.
///
/// ```compile_fail
/// # fn wrong(token: auth_jwt::UnverifiedToken) {
/// let subject = token.claims().subject();
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedToken {
    alg: Box<str>,
    kid: Option<KeyId>,
}

impl UnverifiedToken {
    /// Reads the header of a compact token of at most 64 KiB, as strictly as a verifier does.
    ///
    /// # Errors
    /// [`MalformedToken`] if there is no verifier that could accept it.
    pub fn parse(token: &str) -> Result<Self, MalformedToken> {
        Self::parse_within(token, *TokenPolicy::MAX_LEN_BOUNDS.end())
    }

    pub(crate) fn parse_within(token: &str, max_len: usize) -> Result<Self, MalformedToken> {
        let compact = Compact::split(token, max_len)?;
        let mut buffer = HeaderBuffer::default();
        let header = Header::parse(compact.header, &mut buffer)?;
        let kid = header.kid.map(|kid| KeyId::new(&kid.text()));
        Ok(Self {
            alg: header.alg.text().into(),
            kid: kid.transpose().map_err(|_| MalformedToken::Parameter("kid"))?,
        })
    }

    /// The algorithm that it claims to be signed with (RFC 7515 section 4.1.1).
    #[must_use]
    pub fn alg(&self) -> &str {
        &self.alg
    }

    /// The key that it claims to be signed with (RFC 7515 section 4.1.4).
    #[must_use]
    pub fn kid(&self) -> Option<&KeyId> {
        self.kid.as_ref()
    }
}
