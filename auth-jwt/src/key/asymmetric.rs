//! Finds key pairs' halves where a shared secret is expected.

use base64ct::{Base64Unpadded, Encoding};
use zeroize::Zeroizing;

use crate::{
    base64url,
    json::{JsonKind, Members, Reader},
};

/// Whether the bytes are the text or DER form of a key pair's half, or a point. Comparing with the verifier's own
/// public keys would catch fewer mistakes: this one is made with files. The 32 bytes of an Ed25519 key cannot be
/// told from a secret, nor can a compressed point.
pub(super) fn is_asymmetric(whole: &[u8]) -> bool {
    looks_like_key(whole) || is_encoded(whole)
}

/// The same, as it is: not encoded once more.
fn looks_like_key(whole: &[u8]) -> bool {
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
        || is_ssh(bytes)
        || is_point(whole)
        || is_jwk(bytes)
}

/// Base64 of any of these: what identity providers show as "the public key", what is cut out of a file to fit a
/// variable, and whole files as a cluster's configuration has them. A random text is one as rarely as random bytes are.
fn is_encoded(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len()));
    for byte in bytes {
        text.push(match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => *byte,
            b'-' => b'+',
            b'_' => b'/',
            b'=' | b'"' | b'\'' | b' ' | b'\t' | b'\r' | b'\n' => continue,
            _ => return false,
        });
    }
    // In constant time: what is decoded here is most often a secret after all.
    let mut room = Zeroizing::new(vec![0; base64url::decoded_len(text.len())]);
    Base64Unpadded::decode(text.as_slice(), &mut room).is_ok_and(looks_like_key)
}

/// It begins with its type, behind the length of that (RFC 4253 section 6.6).
fn is_ssh(bytes: &[u8]) -> bool {
    const TYPES: [&[u8]; 3] = [b"ssh-", b"ecdsa-sha2-", b"sk-"];
    let name = bytes.strip_prefix(&[0; 3]).and_then(|rest| rest.get(1..)).unwrap_or_default();
    TYPES.iter().any(|start| name.starts_with(start))
}

/// An EC public key as its two coordinates, with or without the byte before them (SEC 1 section 2.3.3). Of random
/// secrets of these lengths, fewer than one in 2^250 is one.
fn is_point(bytes: &[u8]) -> bool {
    let coordinates = match bytes {
        [0x04, rest @ ..] if rest.len().is_multiple_of(2) => rest,
        _ => bytes,
    };
    let point = Zeroizing::new([&[0x04], coordinates].concat());
    match coordinates.len() {
        64 => p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).is_ok(),
        96 => p384::ecdsa::VerifyingKey::from_sec1_bytes(&point).is_ok(),
        132 => p521::ecdsa::VerifyingKey::from_sec1_bytes(&point).is_ok(),
        _ => false,
    }
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

/// A JSON object with a `kty` (RFC 7517 section 4.1), or an array that begins with one, whatever it says: a JWK is
/// not the bytes of its key.
fn is_jwk(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let mut reader = Reader::key(text);
    if matches!(reader.kind(), Ok(JsonKind::Array))
        && !reader.open_array().is_ok_and(|()| matches!(reader.next_element(&mut true), Ok(true)))
    {
        return false;
    }
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
