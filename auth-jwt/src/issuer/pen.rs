//! What writes a token once its claims are there.

use std::sync::Arc;

use auth_core::UnixTime;

use super::{IssueError, IssuerKeys, keys::Keys, wire::WireHeader};
use crate::{AnySigningKey, AnyVerifyingKey, KeyId, NoSigningKey, TokenPolicy, compact::Unsigned};

/// Keys, and what the tokens of each begin with.
#[derive(Debug, Clone)]
pub(crate) struct Pen {
    keys: IssuerKeys,
    /// In the order of the keys.
    nibs: Arc<[Nib]>,
}

/// The header segment of all tokens of a key, encoded once.
#[derive(Debug)]
struct Nib {
    header: String,
    signature_len: usize,
}

impl Nib {
    fn new(id: Option<&KeyId>, public: &AnyVerifyingKey, typ: Option<&str>) -> Self {
        let header = WireHeader::new(public.alg(), id, typ).segment();
        Self { header, signature_len: public.signature_len() }
    }

    fn of(key: &AnySigningKey, typ: Option<&str>) -> Self {
        Self::new(key.effective_id().as_ref(), &key.verifying_key(), typ)
    }
}

impl Pen {
    /// The longest token that is made: what verifiers accept by default.
    pub(crate) const MAX_LEN: usize = TokenPolicy::MAX_LEN;

    pub(crate) fn new(keys: IssuerKeys, typ: Option<&str>) -> Self {
        let nibs = match &keys.0 {
            Keys::One(key) => [Nib::of(key, typ)].into(),
            Keys::Ring(ring) => ring.signing_keys().map(|key| Nib::of(key, typ)).collect(),
            Keys::Remote(key) => {
                let public = key.verifying_key();
                let id = public.effective_id();
                [Nib::new(id.as_ref(), public, typ)].into()
            }
        };
        Self { keys, nibs }
    }

    pub(crate) fn keys(&self) -> &IssuerKeys {
        &self.keys
    }

    /// The token with this payload, signed with the key that is current at `now`.
    pub(crate) fn sign(&self, payload: &[u8], now: UnixTime) -> Result<Vec<u8>, IssueError> {
        let (key, at) = match &self.keys.0 {
            Keys::One(key) => (key, 0),
            Keys::Ring(ring) => ring.current_at(now)?,
            Keys::Remote(_) => return Err(IssueError::KeyElsewhere),
        };
        let token = self.unsigned(at, payload)?;
        let signature = key.sign(token.signing_input())?;
        Ok(token.signed(signature.as_bytes()))
    }

    /// The same with a key that may be elsewhere.
    pub(crate) async fn sign_async(&self, payload: &[u8], now: UnixTime) -> Result<Vec<u8>, IssueError> {
        let Keys::Remote(key) = &self.keys.0 else {
            return self.sign(payload, now);
        };
        let token = self.unsigned(0, payload)?;
        let signature = key.sign(token.signing_input()).await?;
        Ok(token.signed(signature.as_bytes()))
    }

    fn unsigned(&self, at: usize, payload: &[u8]) -> Result<Unsigned, IssueError> {
        let max = Self::MAX_LEN;
        let nib = self.nibs.get(at).ok_or(NoSigningKey)?;
        Unsigned::new(&nib.header, payload, nib.signature_len, max).ok_or(IssueError::TooLong { max })
    }
}
