//! What a key is called if nobody has named it: the hash of what it is (RFC 7638).

use std::fmt;

use sha2::{Digest, Sha256};

use crate::{
    KeyId, base64url,
    jwk::write::{member, public_members, secret_member},
    key::PublicMaterial,
};

/// The SHA-256 of a key's required members in their canonical form (RFC 7638 section 3).
///
/// Two keys have the same one only if they are the same key, whatever their names, their format or their
/// algorithm; a private key has that of its public half.
///
/// ```
/// use auth_jwt::Jwk;
///
/// let key = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
/// let thumbprint = Jwk::parse(key)?.thumbprint();
/// assert_eq!(thumbprint.to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
/// # Ok::<(), auth_jwt::JwkError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The name as a URI: `urn:ietf:params:oauth:jwk-thumbprint:sha-256:` and the text form (RFC 9278).
    #[must_use]
    pub fn to_uri(&self) -> String {
        format!("urn:ietf:params:oauth:jwk-thumbprint:sha-256:{self}")
    }

    pub(crate) fn of(material: &PublicMaterial) -> Self {
        let mut members = public_members(material);
        members.sort_unstable();
        let mut text = String::from("{");
        for (name, value) in members {
            member(&mut text, name, &value);
        }
        text.push('}');
        Self(Sha256::digest(text).into())
    }

    /// That of a secret, which is as much a secret's hash as any (RFC 7638 section 7).
    pub(crate) fn of_secret(secret: &[u8]) -> Self {
        let k = secret_member(secret);
        let mut hash = Sha256::new();
        for part in [r#"{"k":""#, k.as_str(), r#"","kty":"oct"}"#] {
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    pub(crate) fn key_id(&self) -> Option<KeyId> {
        KeyId::new(&self.to_string()).ok()
    }
}

/// The text form, base64url, 43 characters.
impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(base64url::encoded_len(32));
        base64url::encode_to(&self.0, &mut text);
        f.write_str(&text)
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}
