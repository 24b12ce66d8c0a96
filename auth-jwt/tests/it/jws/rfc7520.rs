//! Examples of the standards, typed in: RFC 7520 section 4, RFC 7515 appendix A.

use auth_core::Secret;
use auth_jwt::{Hs256Key, JwsError, JwsSigner, JwsVerifier, KeyId};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

const PAYLOAD: &str = "It\u{2019}s a dangerous business, Frodo, going out your door. You step onto the road, and if you don't keep your feet, there\u{2019}s no knowing where you might be swept off to.";
const KID: &str = "018c0ae5-4d9b-471b-bfd6-eef314bc7037";
const MAC: &str = "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0";

pub(super) fn secret_key(k: &str) -> Hs256Key {
    Hs256Key::new(&Secret::new(URL_SAFE_NO_PAD.decode(k).unwrap())).unwrap()
}

/// RFC 7520 section 3.5.
fn symmetric() -> Hs256Key {
    secret_key("hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg").with_id(KeyId::new(KID).unwrap())
}

fn payload() -> String {
    URL_SAFE_NO_PAD.encode(PAYLOAD)
}

/// The protected header of sections 4.4, 4.5 and 4.8.
fn protected() -> String {
    URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"HS256","kid":"{KID}"}}"#))
}

/// RFC 7520 section 4.4, in all three serialisations.
#[test]
fn the_hmac_example_verifies() {
    let (payload, protected) = (payload(), protected());
    let verifier = JwsVerifier::new(symmetric());
    let compact = format!("{protected}.{payload}.{MAC}");
    assert_eq!(JwsSigner::new(symmetric()).compact(PAYLOAD.as_bytes()).unwrap(), compact, "made here, too");
    let entry = format!(r#""protected":"{protected}","signature":"{MAC}""#);
    for verified in [
        verifier.compact(&compact),
        verifier.flattened(&format!(r#"{{"payload":"{payload}",{entry}}}"#)),
        verifier.general_any(&format!(r#"{{"payload":"{payload}","signatures":[{{{entry}}}]}}"#)),
        verifier.general_all(&format!(r#"{{"payload":"{payload}","signatures":[{{{entry}}}]}}"#)),
    ] {
        let verified = verified.unwrap();
        assert_eq!((verified.payload(), verified.key_id().unwrap().as_str()), (PAYLOAD.as_bytes(), KID));
    }
}

/// RFC 7520 section 4.5, and RFC 7515 appendix F.
#[test]
fn the_detached_example_verifies() {
    let protected = protected();
    let verifier = JwsVerifier::new(symmetric());
    let compact = format!("{protected}..{MAC}");
    let flattened = format!(r#"{{"protected":"{protected}","signature":"{MAC}"}}"#);
    let general = format!(r#"{{"signatures":[{flattened}]}}"#);
    let payload = PAYLOAD.as_bytes();
    assert_eq!(verifier.compact_detached(&compact, payload).unwrap().payload(), payload);
    assert_eq!(verifier.flattened_detached(&flattened, payload).unwrap().payload(), payload);
    assert_eq!(verifier.general_any_detached(&general, payload).unwrap().payload(), payload);
    assert_eq!(verifier.general_all_detached(&general, payload).unwrap().payload(), payload);
}

/// RFC 7520 section 4.6: `kid` is not protected. It chooses nothing, and there is nothing to choose.
#[test]
fn the_example_with_some_protected_parameters_verifies() {
    let payload = payload();
    let protected = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
    let entry = format!(
        r#""protected":"{protected}","header":{{"kid":"{KID}"}},"signature":"bWUSVaxorn7bEF1djytBd0kHv70Ly5pvbomzMWSOr20""#
    );
    let verifier = JwsVerifier::new(symmetric());
    for verified in [
        verifier.flattened(&format!(r#"{{"payload":"{payload}",{entry}}}"#)),
        verifier.general_any(&format!(r#"{{"payload":"{payload}","signatures":[{{{entry}}}]}}"#)),
    ] {
        assert_eq!(verified.unwrap().payload(), PAYLOAD.as_bytes());
    }
}

/// RFC 7520 section 4.7 protects nothing, not even `alg`: the standard's own example is refused here
/// (GHSA-jc38-x7x8-2xc8).
#[test]
fn the_example_that_protects_the_content_only_is_refused() {
    let payload = payload();
    let entry = format!(
        r#""header":{{"alg":"HS256","kid":"{KID}"}},"signature":"xuLifqLGiblpv9zBpuZczWhNj1gARaLV3UxvxhJxZuk""#
    );
    let verifier = JwsVerifier::new(symmetric());
    for refused in [
        verifier.flattened(&format!(r#"{{"payload":"{payload}",{entry}}}"#)),
        verifier.general_any(&format!(r#"{{"payload":"{payload}","signatures":[{{{entry}}}]}}"#)),
        verifier.general_all(&format!(r#"{{"payload":"{payload}","signatures":[{{{entry}}}]}}"#)),
    ] {
        assert_eq!(refused.unwrap_err(), JwsError::Unprotected("alg"));
    }
}
