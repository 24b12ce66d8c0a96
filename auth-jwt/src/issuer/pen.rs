//! What writes a token once its claims are there.

use super::{IssueError, wire::WireHeader};
use crate::{AnySigningKey, TokenPolicy, compact::Unsigned};

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
        let max = Self::MAX_LEN;
        let token = Unsigned::new(&self.header, payload, self.signature_len, max);
        let token = token.ok_or(IssueError::TooLong { max })?;
        let signature = self.key.sign(token.signing_input())?;
        Ok(token.signed(signature.as_bytes()))
    }
}
