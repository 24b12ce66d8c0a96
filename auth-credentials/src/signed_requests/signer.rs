//! The client's side.

use std::fmt;

use auth_core::{Entropy, EntropyError, Secret, UnixTime, entropy_array};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use zeroize::Zeroizing;

use super::{
    base::{COMPONENTS, Signed, sign},
    request::BodyDigest,
};
use crate::api_keys::text::ApiKeyId;

/// Signs requests for a [`SignedRequests`](crate::SignedRequests): for clients in Rust, and for tests.
pub struct RequestSigner {
    key: ApiKeyId,
    secret: Zeroizing<[u8; 32]>,
}

/// The headers of a signed request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedHeaders {
    /// The value of `Signature-Input`.
    pub signature_input: String,
    /// The value of `Signature`.
    pub signature: String,
    /// The value of `Content-Digest`.
    pub content_digest: String,
}

impl RequestSigner {
    /// A signer with the id of a key and its [signing secret](crate::SignedRequests::secret); `None` if that is not
    /// base64url of 32 bytes.
    #[must_use]
    pub fn new(key: ApiKeyId, secret: &Secret) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(secret.expose()).ok()?);
        let secret = Zeroizing::new(bytes.as_slice().try_into().ok()?);
        Some(Self { key, secret })
    }

    /// Signs a request: its method, the server's host (with the port, if that is not 443), path with query, and body.
    /// Each request is signed anew, also one that is repeated.
    ///
    /// # Errors
    /// [`EntropyError`]: there is no nonce.
    pub fn sign(
        &self,
        (method, authority, target): (&str, &str, &str),
        body: BodyDigest,
        now: UnixTime,
        entropy: &dyn Entropy,
    ) -> Result<SignedHeaders, EntropyError> {
        let nonce = URL_SAFE_NO_PAD.encode(entropy_array::<18>(entropy)?);
        let components = COMPONENTS.map(|component| format!("\"{component}\"")).join(" ");
        let params = format!(
            "({components});created={};keyid=\"{}\";nonce=\"{nonce}\";alg=\"hmac-sha256\"",
            now.as_secs(),
            self.key,
        );
        let content_digest = body.to_header();
        let signed = Signed { method, authority, target, content_digest: &content_digest };
        let signature = sign(&self.secret, &signed.base(&COMPONENTS, &params));
        let signature = format!("sig=:{}:", STANDARD.encode(signature));
        Ok(SignedHeaders { signature_input: format!("sig={params}"), signature, content_digest })
    }
}

impl fmt::Debug for RequestSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestSigner").field("key", &self.key).finish_non_exhaustive()
    }
}
