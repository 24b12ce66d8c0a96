//! Finds key pairs' halves where a shared secret is expected.

use crate::json::{JsonKind, Members, Reader};

/// Whether the bytes are the text or DER form of a key pair's half. Comparing with the verifier's own public
/// keys would catch fewer mistakes: this one is made with files.
pub(super) fn is_asymmetric(whole: &[u8]) -> bool {
    let bytes = whole.strip_prefix(b"\xef\xbb\xbf").unwrap_or(whole).trim_ascii();
    // PEM (RFC 7468); SSH2 and PuTTY files; authorized_keys lines. Anywhere, for they come in quotes, indented,
    // behind the name of a variable or options: no random secret has any of them.
    const TEXTS: [&[u8]; 5] =
        [b"---- BEGIN ", b"-----BEGIN ", b"PuTTY-User-Key-File", b"ecdsa-sha2-", b"ssh-ed25519"];
    TEXTS.iter().any(|text| memchr::memmem::find(bytes, text).is_some())
        || [&b"ssh-"[..], b"sk-ssh-"].iter().any(|text| bytes.starts_with(text))
        || memchr::memmem::find(bytes, b"ssh-rsa AAAA").is_some()
        // A key that happens to end in a byte that is white space in text is still a key.
        || is_der(whole)
        || is_der(bytes)
        || is_jwk(bytes)
}

/// A SEQUENCE whose length is exactly that of the rest: SPKI, PKCS#1, PKCS#8, SEC1, a certificate. A random
/// secret of 32 bytes or more is one with a chance of about 2^-23 at most, and is then simply made again.
fn is_der(bytes: &[u8]) -> bool {
    match bytes {
        [0x30, len @ 0..=0x7f, rest @ ..] => usize::from(*len) == rest.len() && is_der_key(rest),
        [0x30, 0x81, len, rest @ ..] => usize::from(*len) == rest.len() && is_der_key(rest),
        [0x30, 0x82, high, low, rest @ ..] => {
            usize::from(u16::from_be_bytes([*high, *low])) == rest.len() && is_der_key(rest)
        }
        _ => false,
    }
}

/// Such a sequence begins with another one or with an integer.
fn is_der_key(rest: &[u8]) -> bool {
    matches!(rest.first(), Some(0x30 | 0x02))
}

/// A JSON object with a `kty` (RFC 7517 section 4.1), whatever it says: a JWK is not the bytes of its key.
fn is_jwk(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let mut reader = Reader::key(text);
    if !matches!(reader.kind(), Ok(JsonKind::Object)) || reader.open_object().is_err() {
        return false;
    }
    let mut seen = Members::default();
    while let Ok(Some(name)) = reader.next_name(&mut seen) {
        if name.is("kty") || name.is("keys") {
            return true;
        }
        if reader.skip().is_err() {
            break;
        }
    }
    false
}
