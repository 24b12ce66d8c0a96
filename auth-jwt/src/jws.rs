//! JSON Web Signature beyond JWT (RFC 7515, RFC 7797): JSON serialisations, detached and unencoded payloads.

mod error;
mod parts;
mod payload;
mod signer;
mod verified;
mod verifier;
mod write;

pub use self::{
    error::{JwsError, JwsSignError},
    signer::JwsSigner,
    verified::{VerifiedJws, VerifiedSignature},
    verifier::JwsVerifier,
};

/// The longest JWS, and the longest detached payload, unless set otherwise: 64 KiB.
const MAX_LEN: usize = 64 * 1024;
/// What that can be set to.
const MAX_LEN_BOUNDS: std::ops::RangeInclusive<usize> = 256..=8 * 1024 * 1024;
/// How many signatures one JWS may have.
const MAX_SIGNATURES: usize = 8;

/// What an unencoded payload may be made of in the compact serialisation (RFC 7797 section 5.2).
fn is_printable(payload: &[u8]) -> bool {
    payload.iter().all(|byte| matches!(byte, b' '..=b'~') && *byte != b'.')
}

fn checked_max_len(max_len: usize) -> Result<usize, crate::PolicyError> {
    if MAX_LEN_BOUNDS.contains(&max_len) {
        return Ok(max_len);
    }
    let (min, max) = MAX_LEN_BOUNDS.into_inner();
    Err(crate::PolicyError::MaxLen { min, max })
}
