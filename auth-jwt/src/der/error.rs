//! Why PEM or DER is no key.

use crate::KeyError;

/// Why a key in PEM or DER cannot be used. Nothing of its content is in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFormatError {
    /// Longer than anybody's key: more than is looked at.
    #[error("key has more than {max} bytes")]
    TooLong {
        /// The most that are looked at.
        max: usize,
    },
    /// Not one PEM block and nothing else (RFC 7468), or its base64 is not canonical.
    #[error("not a pem block")]
    Pem,
    /// More than one PEM block: which of them is the key is not for their order to say.
    #[error("more than one pem block")]
    SeveralBlocks,
    /// The label of the PEM block is not that of a key, or not that of the key which is in it.
    #[error("label of the pem block does not fit")]
    Label,
    /// Not the canonical encoding of a key.
    #[error("not the der encoding of a key")]
    Der,
    /// Something follows the key.
    #[error("bytes after the end of the key")]
    TrailingBytes,
    /// The key is encrypted. Decrypt it first; it is as good a secret as the password that it is under.
    #[error("key is encrypted")]
    Encrypted,
    /// It is a certificate. Extract its public key, for instance with `openssl x509 -pubkey`: nothing here checks
    /// whether the certificate is to be trusted.
    #[error("this is a certificate, not a key")]
    Certificate,
    /// The key is private where a public one is expected: it was given to the wrong people.
    #[error("key is private where a public one is expected")]
    Private,
    /// The key is public where a private one is expected.
    #[error("key is public where a private one is expected")]
    NotPrivate,
    /// A key of a type that is not supported.
    #[error("type of key is not supported")]
    KeyType,
    /// The parameters of the algorithm are not those that are supported: a curve that is not P-256, P-384 or P-521, or
    /// one that is described instead of named (CVE-2020-0601).
    #[error("parameters of the algorithm are not supported")]
    Parameters,
    /// A point in another form than the uncompressed one.
    #[error("point is not in its uncompressed form")]
    PointForm,
    /// An RSA key with more than two primes.
    #[error("rsa keys of more than two primes are not supported")]
    MultiPrime,
    /// Well-formed, but its numbers make no key.
    #[error("key cannot be used")]
    Key(#[from] KeyError),
}
