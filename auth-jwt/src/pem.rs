//! Keys in PEM (RFC 7468): one block, whose label says what is in it.

use auth_core::Secret;
use pem_rfc7468::{Decoder, LineEnding};
use zeroize::Zeroizing;

use crate::{
    der::{self, Form, KeyFormatError},
    key::{PrivateMaterial, PublicMaterial},
};

/// The longest text that is looked at: the longest DER, with base64's third and its line ends.
const MAX_LEN: usize = der::MAX_LEN + der::MAX_LEN / 2;

/// What a block begins with. Another one in a text is another block.
const BEGIN: &str = "-----BEGIN ";

/// Reads a public key.
pub(crate) fn public(text: &str) -> Result<PublicMaterial, KeyFormatError> {
    let (form, der) = decode(text)?;
    match form {
        Form::Encrypted => Err(KeyFormatError::Private),
        Form::Certificate => Err(KeyFormatError::Certificate),
        _ => der::public(&der, Some(form)),
    }
}

/// Reads a private key.
pub(crate) fn private(text: &str) -> Result<PrivateMaterial, KeyFormatError> {
    let (form, der) = decode(text)?;
    match form {
        Form::Encrypted => Err(KeyFormatError::Encrypted),
        Form::Certificate => Err(KeyFormatError::Certificate),
        _ => der::private(&der, Some(form)),
    }
}

/// Writes a public key.
pub(crate) fn write_public(material: &PublicMaterial) -> String {
    encode("PUBLIC KEY", &der::spki(material))
}

/// Writes a private key.
pub(crate) fn write_private(material: &PrivateMaterial) -> Secret {
    Secret::from(encode("PRIVATE KEY", &der::pkcs8(material)))
}

/// Writes a private key in the form of its kind, under that form's label.
pub(crate) fn write_traditional(label: &str, material: &PrivateMaterial) -> Secret {
    Secret::from(encode(label, &der::traditional(material)))
}

/// The label is one, and no key is long enough to be refused.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    pem_rfc7468::encode_string(label, LineEnding::LF, der).unwrap_or_default()
}

/// Decodes in a time that depends on nothing but the length.
fn decode(text: &str) -> Result<(Form, Zeroizing<Vec<u8>>), KeyFormatError> {
    if text.len() > MAX_LEN {
        return Err(KeyFormatError::TooLong { max: MAX_LEN });
    }
    let text = text.trim_ascii();
    let body = text.strip_prefix(BEGIN).ok_or(KeyFormatError::Pem)?;
    if body.contains(BEGIN) {
        return Err(KeyFormatError::SeveralBlocks);
    }
    // Headers are of the time before PKCS#8, when they said how a key was encrypted (RFC 1421 section 4.6).
    if body.contains("Proc-Type: 4,ENCRYPTED") {
        return Ok((Form::Encrypted, Zeroizing::default()));
    }
    let mut decoder = Decoder::new_detect_wrap(text.as_bytes()).map_err(|_| KeyFormatError::Pem)?;
    let form = Form::labelled(decoder.type_label()).ok_or(KeyFormatError::Label)?;
    let mut der = Zeroizing::new(vec![0; decoder.remaining_len()]);
    decoder.decode(&mut der).map_err(|_| KeyFormatError::Pem)?;
    if decoder.is_finished() { Ok((form, der)) } else { Err(KeyFormatError::Pem) }
}
