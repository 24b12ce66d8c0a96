//! ECDSA signatures as services answer them: an ASN.1 SEQUENCE of two INTEGERs (RFC 3279 section 2.2.3).

use crate::{Algorithm, Signature, key::Curve};

/// Why bytes are not an ECDSA signature in DER.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DerSignatureError {
    /// Signatures of this algorithm have no DER form.
    #[error("{0} signatures have no DER form")]
    NotEcdsa(Algorithm),
    /// Not the one DER encoding of two positive numbers of the algorithm's size.
    #[error("signature is not DER")]
    Malformed,
}

impl Signature {
    /// The fixed-width form, R and S side by side (RFC 7518 section 3.4), of an ECDSA signature in DER.
    ///
    /// Strict: minimal lengths, minimal positive numbers, nothing behind them. Whether it matches anything is
    /// for a verifier to say.
    ///
    /// ```
    /// use auth_jwt::{Algorithm, Signature};
    ///
    /// let signature = Signature::from_der(Algorithm::Es256, &[0x30, 6, 2, 1, 1, 2, 1, 2])?;
    /// assert_eq!(signature.as_bytes().len(), 64);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`DerSignatureError::NotEcdsa`] if `algorithm` is none of ES256, ES384 and ES512;
    /// [`DerSignatureError::Malformed`] for anything but two numbers of its size.
    pub fn from_der(algorithm: Algorithm, der: &[u8]) -> Result<Self, DerSignatureError> {
        let curve = match algorithm {
            Algorithm::Es256 => Curve::P256,
            Algorithm::Es384 => Curve::P384,
            Algorithm::Es512 => Curve::P521,
            _ => return Err(DerSignatureError::NotEcdsa(algorithm)),
        };
        fixed_width(curve.len(), der).ok_or(DerSignatureError::Malformed)
    }
}

fn fixed_width(width: usize, der: &[u8]) -> Option<Signature> {
    let (sequence, []) = element(0x30, der)? else { return None };
    let (r, rest) = element(0x02, sequence)?;
    let (s, []) = element(0x02, rest)? else { return None };
    let mut fixed = Vec::with_capacity(width.saturating_mul(2));
    for number in [r, s] {
        let number = positive(number)?;
        fixed.resize(fixed.len().saturating_add(width.checked_sub(number.len())?), 0);
        fixed.extend_from_slice(number);
    }
    Signature::from_bytes(&fixed)
}

/// The content of the element that begins here, and what is behind it. No signature needs a length of more
/// than 255.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = match der {
        [found, len @ 0..=0x7f, rest @ ..] if *found == tag => (*len, rest),
        [found, 0x81, len @ 0x80..=0xff, rest @ ..] if *found == tag => (*len, rest),
        _ => return None,
    };
    rest.split_at_checked(len.into())
}

/// The bytes of a number above zero, without the zero that keeps it from being negative.
fn positive(number: &[u8]) -> Option<&[u8]> {
    match number {
        [0, rest @ ..] if rest.first().is_some_and(|high| *high >= 0x80) => Some(rest),
        [1..=0x7f, ..] => Some(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn es256(der: &[u8]) -> Option<Vec<u8>> {
        Signature::from_der(Algorithm::Es256, der).ok().map(|signature| signature.as_bytes().to_vec())
    }

    fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
        let number = |bytes: &[u8]| [&[2, bytes.len() as u8][..], bytes].concat();
        let content = [number(r), number(s)].concat();
        let len = match content.len() {
            len @ 0..=127 => vec![len as u8],
            len => vec![0x81, len as u8],
        };
        [&[0x30][..], &len, &content].concat()
    }

    #[test]
    fn numbers_get_the_width_of_the_curve() {
        let mut expected = vec![0; 64];
        (expected[31], expected[62], expected[63]) = (1, 0x80, 2);
        assert_eq!(es256(&der(&[1], &[0, 0x80, 2])), Some(expected));
        let full = [&[0][..], &[0xff; 32]].concat();
        assert_eq!(es256(&der(&full, &full)), Some(vec![0xff; 64]));
        // ES512 is longer than a short length tells.
        let wide = [&[1][..], &[0xff; 65]].concat();
        let signature = Signature::from_der(Algorithm::Es512, &der(&wide, &wide)).unwrap();
        assert_eq!(signature.as_bytes(), [&wide[..], &wide].concat());
        let signature = Signature::from_der(Algorithm::Es384, &der(&[7; 48], &[7])).unwrap();
        assert_eq!(signature.as_bytes().len(), 96);
    }

    /// Overlong, negative, zero and padded numbers, bytes behind the end
    /// (CVE-2022-21449, wycheproof's DER groups).
    #[test]
    fn only_the_one_encoding_is_read() {
        let good = der(&[1], &[2]);
        assert!(es256(&good).is_some());
        for end in 0..good.len() {
            assert_eq!(es256(&good[..end]), None, "{end}");
        }
        for bad in [
            [&good[..], &[0]].concat(),
            der(&[0], &[2]),
            der(&[], &[2]),
            der(&[0x80], &[2]),
            der(&[0, 1], &[2]),
            der(&[0, 0, 0x80], &[2]),
            der(&[1], &[0xff; 32]),
            der(&[1; 33], &[2]),
            der(&[&[0][..], &[0xff; 33]].concat(), &[2]),
            vec![0x30, 0x81, 6, 2, 1, 1, 2, 1, 2],
            vec![0x30, 0x82, 0, 6, 2, 1, 1, 2, 1, 2],
            vec![0x30, 0x80, 2, 1, 1, 2, 1, 2, 0, 0],
            vec![0x31, 6, 2, 1, 1, 2, 1, 2],
            vec![0x30, 6, 2, 1, 1, 3, 1, 2],
            vec![0x30, 7, 2, 1, 1, 2, 1, 2],
            vec![0x30, 9, 2, 1, 1, 2, 1, 2, 2, 1, 3],
            vec![0x30, 3, 2, 1, 1],
            vec![7; 64],
        ] {
            assert_eq!(es256(&bad), None, "{bad:?}");
        }
        for algorithm in Algorithm::ALL.iter().filter(|algorithm| !algorithm.name().starts_with("ES")) {
            assert_eq!(
                Signature::from_der(*algorithm, &good).unwrap_err(),
                DerSignatureError::NotEcdsa(*algorithm)
            );
        }
    }
}
