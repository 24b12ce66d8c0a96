//! What writes a token once its claims are there.

use super::{IssueError, wire::WireHeader};
use crate::{AnySigningKey, TokenPolicy, base64url};

/// A key, and the header segment of all its tokens, encoded once.
#[derive(Debug, Clone)]
pub(crate) struct Pen {
    key: AnySigningKey,
    signature_len: usize,
    header: String,
}

impl Pen {
    /// The longest token that is made: what verifiers accept by default.
    pub(crate) const MAX_LEN: usize = TokenPolicy::MAX_LEN;

    pub(crate) fn new(key: AnySigningKey, typ: Option<&str>) -> Self {
        let (header, signature_len) =
            (WireHeader::of(&key, typ).segment(), key.verifying_key().signature_len());
        Self { key, signature_len, header }
    }

    pub(crate) fn key(&self) -> &AnySigningKey {
        &self.key
    }

    /// The token with this payload.
    pub(crate) fn sign(&self, payload: &[u8]) -> Result<String, IssueError> {
        let signature = base64url::encoded_len(self.signature_len);
        let len = [self.header.len(), base64url::encoded_len(payload.len()), signature, 2]
            .into_iter()
            .fold(0, usize::saturating_add);
        if len > Self::MAX_LEN {
            return Err(IssueError::TooLong { max: Self::MAX_LEN });
        }
        let mut token = String::with_capacity(len);
        token.push_str(&self.header);
        token.push('.');
        base64url::encode_to(payload, &mut token);
        let signature = self.key.sign(token.as_bytes())?;
        token.push('.');
        base64url::encode_to(signature.as_bytes(), &mut token);
        Ok(token)
    }
}
