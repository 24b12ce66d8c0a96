//! Writing a compact JWS: one buffer, each part written once.

use crate::base64url;

/// Header and payload of a token that is about to be signed, with room for the signature.
#[derive(Debug)]
pub(crate) struct Unsigned(Vec<u8>);

impl Unsigned {
    /// Puts together what is signed. `header` is encoded already. `None` if the token would be longer than
    /// `max` bytes.
    pub(crate) fn new(header: &str, payload: &[u8], signature_len: usize, max: usize) -> Option<Self> {
        let (payload_len, signature_len) =
            (base64url::encoded_len(payload.len()), base64url::encoded_len(signature_len));
        let len = header.len().checked_add(payload_len)?.checked_add(signature_len)?.checked_add(2)?;
        if len > max {
            return None;
        }
        let mut token = Vec::with_capacity(len);
        token.extend_from_slice(header.as_bytes());
        token.push(b'.');
        base64url::encode_to_bytes(payload, &mut token);
        Some(Self(token))
    }

    /// What is signed (RFC 7515 section 5.1).
    pub(crate) fn signing_input(&self) -> &[u8] {
        &self.0
    }

    /// The token, which is ASCII.
    pub(crate) fn signed(self, signature: &[u8]) -> Vec<u8> {
        let Self(mut token) = self;
        token.push(b'.');
        base64url::encode_to_bytes(signature, &mut token);
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One byte too many for a verifier is a token that nobody can use.
    #[test]
    fn the_cap_counts_the_signature() {
        let len = "header..".len() + base64url::encoded_len(7) + base64url::encoded_len(32);
        assert!(Unsigned::new("header", b"payload", 32, len - 1).is_none());
        let token = Unsigned::new("header", b"payload", 32, len).unwrap();
        assert_eq!(token.signing_input(), b"header.cGF5bG9hZA");
        let capacity = token.0.capacity();
        let token = token.signed(&[0; 32]);
        assert_eq!(token, format!("header.cGF5bG9hZA.{}", "A".repeat(43)).into_bytes());
        assert_eq!((token.len(), token.capacity()), (len, capacity), "one allocation");
    }
}
