//! `at_hash` and `c_hash`.

use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::{Algorithm, base64url};

/// The left half of the hash of an access token or a code, in base64url (OpenID Connect Core sections 3.1.3.6 and
/// 3.3.2.11). The hash is that of the token's own algorithm; that of Ed25519 is SHA-512 (RFC 8032 section 5.1).
pub(super) fn left_half(algorithm: Algorithm, value: &str) -> String {
    match algorithm {
        Algorithm::Hs256 | Algorithm::Es256 | Algorithm::Rs256 | Algorithm::Ps256 => half::<Sha256>(value),
        Algorithm::Hs384 | Algorithm::Es384 | Algorithm::Rs384 | Algorithm::Ps384 => half::<Sha384>(value),
        Algorithm::Hs512 | Algorithm::Es512 | Algorithm::Rs512 | Algorithm::Ps512 | Algorithm::EdDsa => {
            half::<Sha512>(value)
        }
    }
}

fn half<D: Digest>(value: &str) -> String {
    let hash = D::digest(value.as_bytes());
    let half = hash.get(..hash.len() / 2).unwrap_or_default();
    let mut text = String::with_capacity(base64url::encoded_len(half.len()));
    base64url::encode_to(half, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OpenID Connect Core appendix A.3 and A.4.
    #[test]
    fn the_examples_of_the_standard() {
        let access_token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        let code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk";
        assert_eq!(left_half(Algorithm::Rs256, access_token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(left_half(Algorithm::Rs256, code), "LDktKdoQak3Pk0cnXxCltA");
    }

    #[test]
    fn the_hash_is_as_long_as_the_algorithm_says() {
        for (algorithm, len) in
            [(Algorithm::Hs256, 22), (Algorithm::Es384, 32), (Algorithm::Ps512, 43), (Algorithm::EdDsa, 43)]
        {
            assert_eq!(left_half(algorithm, "x").len(), len, "{algorithm}");
        }
        assert_eq!(left_half(Algorithm::EdDsa, "x"), left_half(Algorithm::Hs512, "x"));
    }
}
