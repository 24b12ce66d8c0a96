//! Keys that are elsewhere: in a KMS, an HSM, another process.

use std::{error::Error, fmt, sync::Arc};

use async_trait::async_trait;

use crate::{Algorithm, AnySigningKey, AnyVerifyingKey, KeyId, SignError, Signature};

mod der;

pub use self::der::DerSignatureError;

/// Signs with a private key that is elsewhere.
///
/// It is handed what is signed, the whole signing input (RFC 7515 section 5.1), and answers a signature in the form that JWS
/// has. Services that sign ECDSA answer DER: [`Signature::from_der`]. Services that take a digest get one that
/// is made here, of the whole input and with the algorithm's hash.
///
/// Timeouts and repetitions are its own affair. Nobody relies on what it answers: a [`RemoteSigningKey`]
/// verifies that.
///
/// ```
/// use async_trait::async_trait;
/// use auth_jwt::{Algorithm, AsyncSignError, AsyncSigner, Signature};
///
/// struct Kms { /* client, name of the key */ }
///
/// impl Kms {
///     async fn ecdsa_sha256(&self, message: &[u8]) -> std::io::Result<Vec<u8>> {
///         // the service's own client
/// #       Err(std::io::ErrorKind::NotConnected.into())
///     }
/// }
///
/// #[async_trait]
/// impl AsyncSigner for Kms {
///     fn algorithm(&self) -> Algorithm {
///         Algorithm::Es256
///     }
///
///     async fn sign(&self, signing_input: &[u8]) -> Result<Signature, AsyncSignError> {
///         let der = self.ecdsa_sha256(signing_input).await.map_err(AsyncSignError::unreachable)?;
///         Ok(Signature::from_der(self.algorithm(), &der)?)
///     }
/// }
/// ```
#[async_trait]
pub trait AsyncSigner: Send + Sync {
    /// The algorithm of the key. A key has one.
    fn algorithm(&self) -> Algorithm;

    /// Signs `signing_input`.
    ///
    /// # Errors
    /// [`AsyncSignError`].
    async fn sign(&self, signing_input: &[u8]) -> Result<Signature, AsyncSignError>;
}

macro_rules! forward {
    ($pointer:ty) => {
        #[async_trait]
        impl<T: AsyncSigner + ?Sized> AsyncSigner for $pointer {
            fn algorithm(&self) -> Algorithm {
                (**self).algorithm()
            }

            async fn sign(&self, signing_input: &[u8]) -> Result<Signature, AsyncSignError> {
                (**self).sign(signing_input).await
            }
        }
    };
}

forward!(&T);
forward!(Box<T>);
forward!(Arc<T>);

/// A key that is here, for tests and for services that decide at start-up where their key is.
#[async_trait]
impl AsyncSigner for AnySigningKey {
    fn algorithm(&self) -> Algorithm {
        Self::algorithm(self)
    }

    async fn sign(&self, signing_input: &[u8]) -> Result<Signature, AsyncSignError> {
        Ok(Self::sign(self, signing_input)?)
    }
}

/// Why a key that is elsewhere did not sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AsyncSignError {
    /// It is out of reach. Later it may not be.
    #[error("signer is out of reach")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// It did not answer in time. Later it may.
    #[error("signer did not answer in time")]
    Timeout,
    /// It does not sign for us: the key is disabled, or this service lacks the permission.
    #[error("signer refused")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
    /// It answered something that is no ECDSA signature in DER.
    #[error("signer answered no signature")]
    Der(#[from] DerSignatureError),
    /// A key that is here could not sign.
    #[error(transparent)]
    Local(#[from] SignError),
    /// It answered a signature which is not one of this message under the public key. Nothing was issued.
    #[error("signer answered a signature that does not match")]
    Wrong,
}

impl AsyncSignError {
    /// The signer is out of reach, for this reason.
    pub fn unreachable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unreachable(source.into())
    }

    /// The signer refused, for this reason.
    pub fn refused(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Refused(source.into())
    }
}

/// A signer and a public key that do not belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteSigningKeyError {
    /// They are of different algorithms.
    #[error("signer is for {signer}, the public key for {key}")]
    Algorithm {
        /// The signer's.
        signer: Algorithm,
        /// The public key's.
        key: Algorithm,
    },
    /// What verifies an HMAC also makes it, so there is no public key.
    #[error("{0} has no public key")]
    Symmetric(Algorithm),
}

/// A private key that is elsewhere, with its public key, which is here.
///
/// Every signature is verified before anybody gets it: a service that answers nonsense, or with another key
/// than it did yesterday, makes no token. The name of the public key is the `kid` of its tokens.
#[derive(Clone)]
pub struct RemoteSigningKey {
    signer: Arc<dyn AsyncSigner>,
    public: AnyVerifyingKey,
}

impl RemoteSigningKey {
    /// The key behind `signer`, whose public half is `public`.
    ///
    /// # Errors
    /// [`RemoteSigningKeyError`].
    pub fn new(
        signer: impl AsyncSigner + 'static,
        public: impl Into<AnyVerifyingKey>,
    ) -> Result<Self, RemoteSigningKeyError> {
        let public = public.into();
        let (found, key) = (signer.algorithm(), public.algorithm());
        if key.is_symmetric() {
            return Err(RemoteSigningKeyError::Symmetric(key));
        }
        if found != key {
            return Err(RemoteSigningKeyError::Algorithm { signer: found, key });
        }
        Ok(Self { signer: Arc::new(signer), public })
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.public.algorithm()
    }

    /// The name that the public key was given, if it was.
    #[must_use]
    pub fn id(&self) -> Option<&KeyId> {
        self.public.id()
    }

    /// The public key.
    #[must_use]
    pub fn verifying_key(&self) -> &AnyVerifyingKey {
        &self.public
    }

    /// Signs a message, not a token: a [`TokenIssuer`](crate::TokenIssuer) does that.
    ///
    /// # Errors
    /// [`AsyncSignError`]; [`AsyncSignError::Wrong`] if what was answered does not verify.
    pub async fn sign(&self, message: &[u8]) -> Result<Signature, AsyncSignError> {
        let signature = self.signer.sign(message).await?;
        self.public.verify(message, signature.as_bytes()).map_err(|_| AsyncSignError::Wrong)?;
        Ok(signature)
    }
}

impl fmt::Debug for RemoteSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteSigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}
