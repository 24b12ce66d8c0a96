//! Which structure a DER encoding is: told by the types of its parts, which differ in each.

use der::{Decode, Reader, SliceReader, Tag, Tagged, asn1::AnyRef};

use super::{KeyFormatError, MAX_LEN};

/// The structures that keys come in, and those that are taken for keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
    Spki,
    /// RSAPublicKey (RFC 8017 appendix A.1.1).
    RsaPublic,
    /// OneAsymmetricKey (RFC 5958 section 2), of which version 1 is PKCS#8.
    Pkcs8,
    /// RSAPrivateKey (RFC 8017 appendix A.1.2).
    RsaPrivate,
    /// ECPrivateKey (RFC 5915 section 3).
    EcPrivate,
    /// EncryptedPrivateKeyInfo (RFC 5958 section 3).
    Encrypted,
    /// Certificate (RFC 5280 section 4.1).
    Certificate,
}

impl Form {
    /// What a PEM label stands for (RFC 7468 sections 5, 10, 11 and 13; for the rest, what OpenSSL writes).
    pub(crate) fn labelled(label: &str) -> Option<Self> {
        match label {
            "PUBLIC KEY" => Some(Self::Spki),
            "RSA PUBLIC KEY" => Some(Self::RsaPublic),
            "PRIVATE KEY" => Some(Self::Pkcs8),
            "RSA PRIVATE KEY" => Some(Self::RsaPrivate),
            "EC PRIVATE KEY" => Some(Self::EcPrivate),
            "ENCRYPTED PRIVATE KEY" => Some(Self::Encrypted),
            "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => Some(Self::Certificate),
            _ => None,
        }
    }

    /// What these are the parts of.
    fn of(parts: &[AnyRef<'_>]) -> Option<Self> {
        let tags: Vec<_> = parts.iter().map(Tagged::tag).collect();
        match tags.as_slice() {
            [Tag::Sequence, Tag::BitString] => Some(Self::Spki),
            [Tag::Integer, Tag::Integer] => Some(Self::RsaPublic),
            [Tag::Integer, Tag::Sequence, Tag::OctetString, ..] => Some(Self::Pkcs8),
            [Tag::Integer, Tag::Integer, ..] => Some(Self::RsaPrivate),
            [Tag::Integer, Tag::OctetString, ..] => Some(Self::EcPrivate),
            [Tag::Sequence, Tag::OctetString] => Some(Self::Encrypted),
            [Tag::Sequence, Tag::Sequence, Tag::BitString] => Some(Self::Certificate),
            _ => None,
        }
    }
}

/// Takes a whole encoding apart, one level deep.
pub(super) fn open(der: &[u8]) -> Result<(Form, Vec<AnyRef<'_>>), KeyFormatError> {
    if der.len() > MAX_LEN {
        return Err(KeyFormatError::TooLong { max: MAX_LEN });
    }
    let parts = sequence(der)?;
    Form::of(&parts).map(|form| (form, parts)).ok_or(KeyFormatError::Der)
}

/// The parts of a SEQUENCE that is all there is.
pub(super) fn sequence(der: &[u8]) -> Result<Vec<AnyRef<'_>>, KeyFormatError> {
    let whole = only(der)?;
    if whole.tag() == Tag::Sequence { parts(whole.value()) } else { Err(KeyFormatError::Der) }
}

/// The one value that is all there is.
pub(super) fn only(der: &[u8]) -> Result<AnyRef<'_>, KeyFormatError> {
    let mut reader = SliceReader::new(der).map_err(|_| KeyFormatError::Der)?;
    let value = AnyRef::decode(&mut reader).map_err(|_| KeyFormatError::Der)?;
    if reader.is_finished() { Ok(value) } else { Err(KeyFormatError::TrailingBytes) }
}

/// The values that follow one another here. No key has more than nine.
pub(super) fn parts(bytes: &[u8]) -> Result<Vec<AnyRef<'_>>, KeyFormatError> {
    let mut reader = SliceReader::new(bytes).map_err(|_| KeyFormatError::Der)?;
    let mut parts = Vec::new();
    while !reader.is_finished() {
        if parts.len() >= 16 {
            return Err(KeyFormatError::Der);
        }
        parts.push(AnyRef::decode(&mut reader).map_err(|_| KeyFormatError::Der)?);
    }
    Ok(parts)
}
