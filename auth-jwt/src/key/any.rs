//! A key of one algorithm or another, for sets of keys.

use super::{
    Ed25519SigningKey, Ed25519VerifyingKey, Es256SigningKey, Es256VerifyingKey, Es384SigningKey,
    Es384VerifyingKey, Es512SigningKey, Es512VerifyingKey, Hs256Key, Hs384Key, Hs512Key, PrivateMaterial,
    PublicMaterial, SignError, Signature, SignatureError,
};
use crate::{Algorithm, KeyId, VerifyError, base64url, compact::MalformedToken};

/// Declares the sum, the ways into it, and what all its parts can do.
macro_rules! any_key {
    ($(#[$doc:meta])* $any:ident { $($(#[$cfg:meta])* $variant:ident($key:ty): $variant_doc:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub enum $any {
            $(
                #[doc = $variant_doc]
                $(#[$cfg])*
                $variant($key),
            )*
        }

        $(
            $(#[$cfg])*
            impl From<$key> for $any {
                fn from(key: $key) -> Self {
                    Self::$variant(key)
                }
            }
        )*

        impl $any {
            /// The algorithm of the key, which its type decides.
            #[must_use]
            pub fn algorithm(&self) -> Algorithm {
                match self {
                    $( $(#[$cfg])* Self::$variant(_) => <$key>::ALGORITHM, )*
                }
            }

            /// The name that the key was given, if it was.
            #[must_use]
            pub fn id(&self) -> Option<&KeyId> {
                match self {
                    $( $(#[$cfg])* Self::$variant(key) => key.id(), )*
                }
            }

            /// The same key under a name.
            #[must_use]
            pub fn with_id(self, id: KeyId) -> Self {
                match self {
                    $( $(#[$cfg])* Self::$variant(key) => Self::$variant(key.with_id(id)), )*
                }
            }
        }
    };
}

any_key! {
    /// A key that verifies, of one algorithm or another: what a [`KeySet`](crate::KeySet) holds.
    ///
    /// Every variant is a type of one algorithm, so there is still nothing that a token could choose.
    AnyVerifyingKey {
        Hs256(Hs256Key): "HS256, which can sign as well.",
        Hs384(Hs384Key): "HS384, which can sign as well.",
        Hs512(Hs512Key): "HS512, which can sign as well.",
        Es256(Es256VerifyingKey): "ES256.",
        Es384(Es384VerifyingKey): "ES384.",
        Es512(Es512VerifyingKey): "ES512.",
        EdDsa(Ed25519VerifyingKey): "Ed25519, as `EdDSA` or `Ed25519`.",
    }
}

any_key! {
    /// A key that signs, of one algorithm or another: what a [`TokenIssuer`](crate::TokenIssuer) takes.
    AnySigningKey {
        Hs256(Hs256Key): "HS256.",
        Hs384(Hs384Key): "HS384.",
        Hs512(Hs512Key): "HS512.",
        Es256(Es256SigningKey): "ES256.",
        Es384(Es384SigningKey): "ES384.",
        Es512(Es512SigningKey): "ES512.",
        EdDsa(Ed25519SigningKey): "Ed25519, as `EdDSA`.",
    }
}

impl AnyVerifyingKey {
    /// Verifies the signature of a message, not of a token: a [`Verifier`](crate::Verifier) does that.
    ///
    /// # Errors
    /// [`SignatureError`] if it does not match, or has another length or form.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        match self {
            Self::Hs256(key) => key.verify(message, signature),
            Self::Hs384(key) => key.verify(message, signature),
            Self::Hs512(key) => key.verify(message, signature),
            Self::Es256(key) => key.verify(message, signature),
            Self::Es384(key) => key.verify(message, signature),
            Self::Es512(key) => key.verify(message, signature),
            Self::EdDsa(key) => key.verify(message, signature),
        }
    }

    /// Verifies a signature that is still encoded. Its length comes first: another one is another signature,
    /// whose characters are of no interest.
    #[inline]
    pub(crate) fn check(&self, message: &str, signature: &str) -> Result<(), VerifyError> {
        let message = message.as_bytes();
        match self {
            Self::Hs256(key) => fixed::<32>(signature, |bytes| key.verifies(message, bytes)),
            Self::Hs384(key) => fixed::<48>(signature, |bytes| key.verifies(message, bytes)),
            Self::Hs512(key) => fixed::<64>(signature, |bytes| key.verifies(message, bytes)),
            Self::Es256(key) => fixed::<64>(signature, |bytes| key.verifies(message, bytes)),
            Self::Es384(key) => fixed::<96>(signature, |bytes| key.verifies(message, bytes)),
            Self::Es512(key) => fixed::<132>(signature, |bytes| key.verifies(message, bytes)),
            Self::EdDsa(key) => fixed::<64>(signature, |bytes| key.verifies(message, bytes)),
        }
    }

    /// How many bytes each signature has.
    pub(crate) fn signature_len(&self) -> usize {
        match self {
            Self::Hs256(_) => Hs256Key::SIGNATURE_LEN,
            Self::Hs384(_) => Hs384Key::SIGNATURE_LEN,
            Self::Hs512(_) => Hs512Key::SIGNATURE_LEN,
            Self::Es256(key) => key.signature_len(),
            Self::Es384(key) => key.signature_len(),
            Self::Es512(key) => key.signature_len(),
            Self::EdDsa(key) => key.signature_len(),
        }
    }

    /// The public key; `None` for a secret.
    pub(crate) fn material(&self) -> Option<PublicMaterial> {
        match self {
            Self::Hs256(_) | Self::Hs384(_) | Self::Hs512(_) => None,
            Self::Es256(key) => Some(key.material()),
            Self::Es384(key) => Some(key.material()),
            Self::Es512(key) => Some(key.material()),
            Self::EdDsa(key) => Some(key.material()),
        }
    }
}

impl AnySigningKey {
    /// Signs a message, not a token: a [`TokenIssuer`](crate::TokenIssuer) does that.
    ///
    /// # Errors
    /// [`SignError`] if a backend failed. Keys of the default backend do not.
    pub fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        match self {
            Self::Hs256(key) => Ok(key.sign(message)),
            Self::Hs384(key) => Ok(key.sign(message)),
            Self::Hs512(key) => Ok(key.sign(message)),
            Self::Es256(key) => key.sign(message),
            Self::Es384(key) => key.sign(message),
            Self::Es512(key) => key.sign(message),
            Self::EdDsa(key) => key.sign(message),
        }
    }

    /// The private key; `None` for a secret.
    pub(crate) fn material(&self) -> Option<PrivateMaterial> {
        match self {
            Self::Hs256(_) | Self::Hs384(_) | Self::Hs512(_) => None,
            Self::Es256(key) => Some(key.material()),
            Self::Es384(key) => Some(key.material()),
            Self::Es512(key) => Some(key.material()),
            Self::EdDsa(key) => Some(key.material()),
        }
    }

    /// What verifies its signatures, under the same name: the public half, or the secret itself.
    #[must_use]
    pub fn verifying_key(&self) -> AnyVerifyingKey {
        match self {
            Self::Hs256(key) => key.clone().into(),
            Self::Hs384(key) => key.clone().into(),
            Self::Hs512(key) => key.clone().into(),
            Self::Es256(key) => key.verifying_key().into(),
            Self::Es384(key) => key.verifying_key().into(),
            Self::Es512(key) => key.verifying_key().into(),
            Self::EdDsa(key) => key.verifying_key().into(),
        }
    }
}

/// Decodes a signature of `N` bytes and asks for its opinion.
#[inline]
fn fixed<const N: usize>(
    signature: &str,
    verifies: impl FnOnce(&[u8; N]) -> bool,
) -> Result<(), VerifyError> {
    if signature.len() != const { base64url::encoded_len(N) } {
        return Err(VerifyError::Signature);
    }
    let mut bytes = [0; N];
    base64url::decode(signature, &mut bytes).ok_or(MalformedToken::Base64)?;
    if verifies(&bytes) { Ok(()) } else { Err(VerifyError::Signature) }
}
