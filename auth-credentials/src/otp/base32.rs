//! Base32 without padding (RFC 4648 section 6), as `otpauth` URIs and recovery codes have it.

use auth_core::Secret;
use zeroize::Zeroizing;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The text of `bytes`.
pub(crate) fn encode(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len().saturating_mul(8).div_ceil(5)));
    for chunk in bytes.chunks(5) {
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().skip(3).zip(chunk) {
            *to = *from;
        }
        let word = u64::from_be_bytes(word);
        for digit in 0..chunk.len().saturating_mul(8).div_ceil(5) {
            let at = word >> 35_usize.saturating_sub(digit.saturating_mul(5));
            let letter = ALPHABET.get((at & 31) as usize).copied().unwrap_or_default();
            text.push(char::from(letter));
        }
    }
    text
}

/// Reads text in either case, with or without padding; `None` if it is not base32 in its one spelling otherwise.
pub(crate) fn decode(text: &str) -> Option<Secret> {
    let text = text.trim_end_matches('=').as_bytes();
    let mut bytes = Vec::with_capacity(text.len().saturating_mul(5).div_ceil(8));
    for chunk in text.chunks(8) {
        let mut word: u64 = 0;
        for letter in chunk {
            word = (word << 5) | u64::from(value(*letter)?);
        }
        let bits = chunk.len().saturating_mul(5);
        let unused = bits % 8;
        // 1, 3 and 6 letters are no whole number of bytes, and what is left over is zero.
        if matches!(chunk.len(), 1 | 3 | 6) || (word >> unused) << unused != word {
            bytes.iter_mut().for_each(|byte| *byte = 0);
            return None;
        }
        let whole = (word >> unused).to_be_bytes();
        bytes.extend(whole.iter().skip(8_usize.saturating_sub(bits / 8)));
    }
    Some(Secret::new(bytes))
}

fn value(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => letter.checked_sub(b'A'),
        b'a'..=b'z' => letter.checked_sub(b'a'),
        b'2'..=b'7' => letter.checked_sub(b'2')?.checked_add(26),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 section 10.
    #[test]
    fn the_vectors_of_rfc_4648_hold() {
        let rows = ["", "MY", "MZXQ", "MZXW6", "MZXW6YQ", "MZXW6YTB", "MZXW6YTBOI"].into_iter().enumerate();
        for (len, text) in rows {
            assert_eq!(*encode(&b"foobar"[..len]), text);
            assert_eq!(decode(text).unwrap().expose(), &b"foobar"[..len]);
            assert_eq!(decode(&text.to_lowercase()).unwrap().expose(), &b"foobar"[..len]);
        }
        assert_eq!(decode("MZXW6===").unwrap().expose(), b"foo");
    }

    #[test]
    fn what_is_not_base32_is_refused() {
        for bad in ["A", "AAA", "AAAAAA", "MZ", "M1", "M0", "ÄA", "A A", "=A", "A=A", "MZXW6YQB\u{0}"] {
            assert!(decode(bad).is_none(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
            let text = encode(&bytes);
            let read = decode(&text).unwrap();
            assert_eq!(read.expose(), bytes);
        }
    }
}
