//! Which request an ID token answers is not left out: with the nonce, or with a call that gives it up.
use auth_core::UnixTime;
use auth_jwt::{IdToken, IdTokenChecks, IdTokenVerifier, VerifyError};

fn forgotten(verifier: &IdTokenVerifier, token: &str, now: UnixTime) -> Result<IdToken, VerifyError> {
    verifier.verify(token, now)
}

fn nothing_asked(verifier: &IdTokenVerifier, token: &str, now: UnixTime) -> Result<IdToken, VerifyError> {
    verifier.verify(token, &IdTokenChecks::default(), now)
}

fn main() {}
