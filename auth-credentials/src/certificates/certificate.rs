//! What is read of a certificate.

use std::fmt;

use auth_core::UnixTime;
use sha2::{Digest, Sha256};
use x509_cert::{
    Certificate,
    der::Decode,
    ext::pkix::{SubjectAltName, name::GeneralName},
    time::Time,
};

use super::error::CertificateError;

/// Proof that the peer of a connection holds the key of this certificate, and that the certificate is good: made by the TLS
/// layer's word and in no other way.
#[derive(Debug, Clone)]
#[must_use]
pub struct VerifiedCertificate {
    names: Vec<CertificateName>,
    pub(super) not_before: UnixTime,
    pub(super) not_after: UnixTime,
}

/// By what an account is bound to certificates.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CertificateName(Inner);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Inner {
    /// The SHA-256 of one certificate.
    Fingerprint([u8; 32]),
    Uri(String),
    /// In lower case.
    Dns(String),
}

impl VerifiedCertificate {
    /// The most bytes of a certificate.
    pub const MAX_LEN: usize = 16 << 10;
    /// The most subject alternative names that are looked up.
    pub const MAX_NAMES: usize = 16;

    /// States that the TLS layer has verified this end-entity certificate, in DER, as a client's: its chain up to an
    /// authority that you named for it, its dates and its use, and that the peer signed the handshake with its key. Call it
    /// with what your TLS server hands you of the connection (in rustls, the first of `peer_certificates` under a
    /// `WebPkiClientVerifier`), or with what a proxy of yours says over a channel that nobody else reaches; never with a
    /// header that a client could have written.
    ///
    /// # Errors
    /// [`CertificateError::Malformed`].
    pub fn assertion(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > Self::MAX_LEN {
            return Err(CertificateError::Malformed);
        }
        Self::read(der).ok_or(CertificateError::Malformed)
    }

    fn read(der: &[u8]) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?;
        let content = certificate.tbs_certificate();
        let mut names = vec![CertificateName::fingerprint_of(der)];
        if let Some((_, SubjectAltName(others))) = content.get_extension::<SubjectAltName>().ok()? {
            for other in others {
                let name = match &other {
                    GeneralName::UniformResourceIdentifier(uri) => CertificateName::uri(uri.as_str()),
                    GeneralName::DnsName(name) => CertificateName::dns(name.as_str()),
                    // Addresses are no names, and who reads the mail of one is another question.
                    _ => continue,
                };
                // One that cannot be a name here is nobody's.
                names.extend(name);
            }
        }
        if names.len() > Self::MAX_NAMES.saturating_add(1) {
            return None;
        }
        let at = |time: &Time| UnixTime::from_secs(time.to_unix_duration().as_secs());
        let validity = content.validity();
        Some(Self { names, not_before: at(&validity.not_before), not_after: at(&validity.not_after) })
    }

    /// What it may be bound by: its fingerprint first, then its subject alternative names that are URIs or host names.
    #[must_use]
    pub fn names(&self) -> &[CertificateName] {
        &self.names
    }
}

impl CertificateName {
    /// The most bytes of a name.
    pub const MAX_LEN: usize = 512;

    /// One certificate, by the SHA-256 of its DER.
    #[must_use]
    pub const fn fingerprint(sha256: [u8; 32]) -> Self {
        Self(Inner::Fingerprint(sha256))
    }

    /// The same of the certificate itself.
    #[must_use]
    pub fn fingerprint_of(der: &[u8]) -> Self {
        Self::fingerprint(Sha256::digest(der).into())
    }

    /// Certificates with this URI, such as a SPIFFE id, exactly as it is written. `None` if it is empty, longer than 512
    /// bytes, or has spaces or anything but ASCII.
    #[must_use]
    pub fn uri(uri: &str) -> Option<Self> {
        let fits =
            (1..=Self::MAX_LEN).contains(&uri.len()) && uri.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(Inner::Uri(uri.to_owned())))
    }

    /// Certificates with this host name, whatever its case. `None` if it is none: a wildcard names nobody.
    #[must_use]
    pub fn dns(name: &str) -> Option<Self> {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let fits = name.len() <= 253
            && name.split('.').all(|label| (1..=63).contains(&label.len()) && label.bytes().all(letter));
        fits.then(|| Self(Inner::Dns(name.to_ascii_lowercase())))
    }

    /// What its row is found by: names of one sort are not found as another.
    pub(super) fn lookup(&self) -> Vec<u8> {
        match &self.0 {
            Inner::Fingerprint(sha256) => [b"sha256/".as_slice(), sha256].concat(),
            Inner::Uri(uri) => [b"uri/", uri.as_bytes()].concat(),
            Inner::Dns(name) => [b"dns/", name.as_bytes()].concat(),
        }
    }
}

/// `sha256:` with 64 hexadecimal digits, `uri:` or `dns:` with the name.
impl fmt::Display for CertificateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Fingerprint(sha256) => {
                f.write_str("sha256:")?;
                sha256.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Inner::Uri(uri) => write!(f, "uri:{uri}"),
            Inner::Dns(name) => write!(f, "dns:{name}"),
        }
    }
}

impl fmt::Debug for CertificateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateName({self})")
    }
}
