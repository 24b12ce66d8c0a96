//! What ties an answer to its question.

use std::fmt;

use auth_core::{Entropy, EntropyError, NameError, entropy_array};
use zeroize::Zeroizing;

use crate::base64url;

/// What ties an ID token to the request that it answers (OpenID Connect Core section 3.1.2.1): made anew for each
/// request, kept with the browser's session, compared when the token comes. Never empty; redacted in `Debug`.
#[derive(Clone)]
pub struct Nonce(Zeroizing<String>);

impl Nonce {
    /// The most bytes that it may have.
    pub const MAX_LEN: usize = 256;

    /// A new one, of 256 random bits.
    ///
    /// # Errors
    /// [`EntropyError`] if `entropy` failed.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut text = Zeroizing::new(String::with_capacity(base64url::encoded_len(32)));
        base64url::encode_to(&entropy_array::<32>(entropy)?, &mut text);
        Ok(Self(text))
    }

    /// The one that was kept.
    ///
    /// # Errors
    /// [`NameError`] if it is empty, longer than 256 bytes or not visible ASCII: it never was one.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > Self::MAX_LEN {
            return Err(NameError::TooLong { max: Self::MAX_LEN });
        }
        match text.bytes().position(|byte| !byte.is_ascii_graphic()) {
            Some(at) => Err(NameError::Character { at }),
            None => Ok(Self(Zeroizing::new(text.to_owned()))),
        }
    }

    /// The text, for the request and for what is kept.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use auth_core::SystemEntropy;

    use super::*;

    #[test]
    fn a_nonce_is_never_empty_and_never_shown() {
        assert_eq!(Nonce::new("").unwrap_err(), NameError::Empty);
        assert_eq!(Nonce::new(&"x".repeat(257)).unwrap_err(), NameError::TooLong { max: 256 });
        for bad in ["a b", "a\n", "é", "\0"] {
            assert!(matches!(Nonce::new(bad), Err(NameError::Character { .. })), "{bad:?}");
        }
        let (one, two) = (Nonce::generate(&SystemEntropy).unwrap(), Nonce::generate(&SystemEntropy).unwrap());
        assert_eq!(one.expose().len(), 43);
        assert_ne!(one.expose(), two.expose());
        assert_eq!(Nonce::new(one.expose()).unwrap().expose(), one.expose());
        assert_eq!(format!("{one:?}"), "Nonce(redacted)");
    }
}
