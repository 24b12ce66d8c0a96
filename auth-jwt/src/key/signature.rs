//! A signature, as JWS has it.

use std::fmt;

use subtle::ConstantTimeEq;

/// A signature in the form that JWS has: a MAC, R and S at fixed width (RFC 7518 section 3.4), an EdDSA
/// signature, or an RSA signature as long as the modulus.
///
/// Two are compared in constant time: that of an HMAC key is as good as the key for its message.
#[derive(Clone)]
pub struct Signature(Bytes);

#[derive(Clone)]
enum Bytes {
    /// All but RSA's, with nothing but zeros behind them.
    Inline([u8; Signature::INLINE], u8),
    Heap(Box<[u8]>),
}

impl Signature {
    /// The longest that is kept in place: ES512's.
    const INLINE: usize = 132;
    /// The longest that there is: of an RSA key of 8,192 bits.
    pub const MAX_LEN: usize = 1024;

    /// Takes what a remote signer has answered. It is not checked: verifiers do.
    ///
    /// `None` beyond [`MAX_LEN`](Self::MAX_LEN) bytes, and for none at all.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() || bytes.len() > Self::MAX_LEN {
            return None;
        }
        let mut inline = [0; Self::INLINE];
        let kept = match (inline.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(bytes);
                Bytes::Inline(inline, len)
            }
            _ => Bytes::Heap(bytes.into()),
        };
        Some(Self(kept))
    }

    /// What a backend of ours has made: neither empty nor longer than there are signatures.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self::from_bytes(bytes).unwrap_or(Self(Bytes::Heap(Box::default())))
    }

    /// The bytes, as they are written into a token.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Bytes::Inline(bytes, len) => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Bytes::Heap(bytes) => bytes,
        }
    }
}

impl PartialEq for Signature {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl Eq for Signature {}

/// Signatures are no secrets, but nobody wants to read one.
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({} bytes)", self.as_bytes().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_went_in() {
        for len in [1, 31, 64, 131, 132, 133, 255, 256, 1024] {
            let bytes: Vec<u8> = (0..len).map(|n: usize| n.to_le_bytes()[0]).collect();
            assert_eq!(Signature::from_bytes(&bytes).unwrap().as_bytes(), bytes);
        }
        assert_eq!(Signature::from_bytes(&[]), None);
        assert_eq!(Signature::from_bytes(&[0; 1025]), None);
    }
}
