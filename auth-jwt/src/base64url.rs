//! Canonical base64url without padding (RFC 7515 section 2, RFC 4648 sections 3.5 and 5).

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::NO_PAD};

// SIMD where the processor has it; the engine itself falls back to the portable code.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static ENGINE: LazyLock<base64::engine::Simd> = LazyLock::new(|| base64::engine::Simd::url_safe(NO_PAD));

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static ENGINE: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, NO_PAD));

/// How many bytes `len` characters stand for, rounded up.
pub(crate) const fn decoded_len(len: usize) -> usize {
    // len / 4 * 3 and the rest; written so that it cannot overflow for any length.
    (len / 4).saturating_mul(3).saturating_add(len % 4)
}

/// How many characters `len` bytes become.
pub(crate) const fn encoded_len(len: usize) -> usize {
    (len / 3).saturating_mul(4).saturating_add(match len % 3 {
        0 => 0,
        rest => rest.saturating_add(1),
    })
}

/// Decodes into the beginning of `into`. `None`: another alphabet, padding, white space, trailing bits that
/// are not zero, an impossible length, or no room.
pub(crate) fn decode<'a>(text: &str, into: &'a mut [u8]) -> Option<&'a [u8]> {
    let written = ENGINE.decode_slice(text, into).ok()?;
    into.get(..written)
}

/// Appends the text form of `bytes`.
pub(crate) fn encode_to(bytes: &[u8], text: &mut String) {
    ENGINE.encode_string(bytes, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decodes(text: &str) -> Option<Vec<u8>> {
        decode(text, &mut [0; 256]).map(<[u8]>::to_vec)
    }

    /// Checklist, encoding: two spellings of one segment would make token bytes ambiguous (libjwt#284,
    /// tink-java#82, joserfc#51, GHSA-hxm8-2xgr-2p9m).
    #[test]
    fn only_the_canonical_spelling_is_read() {
        assert_eq!(decodes("AQID"), Some(vec![1, 2, 3]));
        assert_eq!(decodes("_-8"), Some(vec![0xff, 0xef]));
        for bad in [
            "AQI=", "AQ==", "A", "AQIDA", "AR", "AQJ", "_+8", "_/8", "AQ ID", " AQID", "AQID\n", "AQ\0D", "é",
        ] {
            assert_eq!(decodes(bad), None, "{bad:?}");
        }
    }

    /// The engine has two paths, and the long one begins at some length; neither may be laxer.
    #[test]
    fn the_long_path_is_as_strict_as_the_short_one() {
        for len in 0..200usize {
            let bytes: Vec<u8> = (0..len).map(|n| (n * 37 % 251) as u8).collect();
            let mut text = String::new();
            encode_to(&bytes, &mut text);
            assert_eq!(text.len(), encoded_len(len));
            assert!(decoded_len(text.len()) >= len);
            assert_eq!(decodes(&text).as_deref(), Some(&bytes[..]));
            for at in 0..text.len() {
                for junk in ["=", "+", "/", " ", "\n", "\0", "~", "é"] {
                    let mut bad = text.clone();
                    bad.replace_range(at..=at, junk);
                    assert_eq!(decodes(&bad), None, "{bad:?}");
                }
            }
            assert_eq!(decodes(&format!("{text}=")), None);
        }
    }
}
