//! A short code.

use std::fmt;

use auth_core::{Entropy, EntropyError, Secret, entropy_array};
use zeroize::Zeroizing;

/// A code of some digits that is sent to somebody. Redacted in `Debug`.
#[derive(Clone)]
pub struct SentCode(Secret);

impl SentCode {
    /// The most bytes that are looked at of what was typed.
    const MAX_TYPED: usize = 32;
    /// The most digits.
    const MAX_DIGITS: usize = 8;

    /// The digits, for the message to its receiver and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_str().unwrap_or_default()
    }

    pub(crate) fn generate(digits: u8, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        // Of 64 bits, the remainder favours no code by more than one part in 2^37.
        let mut left = u64::from_be_bytes(entropy_array(entropy)?);
        let mut text = Zeroizing::new(Vec::with_capacity(Self::MAX_DIGITS));
        for _ in 0..usize::from(digits).min(Self::MAX_DIGITS) {
            let digit = u8::try_from(left % 10).unwrap_or(0);
            text.push(b'0'.saturating_add(digit));
            left = left.div_euclid(10);
        }
        Ok(Self(Secret::new(text.to_vec())))
    }

    /// Reads what was typed, with whatever hyphens and spaces; none if that can be no code.
    pub(crate) fn read(typed: &str) -> Option<Self> {
        if typed.len() > Self::MAX_TYPED {
            return None;
        }
        let digits: Zeroizing<Vec<u8>> =
            Zeroizing::new(typed.bytes().filter(|byte| !matches!(byte, b' ' | b'-')).collect());
        let good = (1..=Self::MAX_DIGITS).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
        good.then(|| Self(Secret::new(digits.to_vec())))
    }

    pub(crate) fn digits(&self) -> &[u8] {
        self.0.expose()
    }
}

impl fmt::Debug for SentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SentCode(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use auth_core::SystemEntropy;

    use super::*;

    #[test]
    fn a_code_has_its_digits_and_is_read_however_it_is_typed() {
        let mut seen = [false; 10];
        for _ in 0..1_000 {
            for digits in [6, 8] {
                let code = SentCode::generate(digits, &SystemEntropy).unwrap();
                assert_eq!(code.expose().len(), usize::from(digits));
                assert_eq!(SentCode::read(code.expose()).unwrap().digits(), code.digits());
                seen[usize::from(code.digits()[0] - b'0')] = true;
            }
        }
        assert_eq!(seen, [true; 10]);
        assert_eq!(SentCode::read(" 012-345 ").unwrap().expose(), "012345");
        for bad in ["", "-", "12345a", "١٢٣٤٥٦", "123456789", &"1".repeat(1 << 20), &" ".repeat(40)] {
            assert!(SentCode::read(bad).is_none());
        }
        assert_eq!(format!("{:?}", SentCode::read("012345").unwrap()), "SentCode(redacted)");
    }
}
