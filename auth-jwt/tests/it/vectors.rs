//! Examples from the standards, typed in.

use auth_core::{Secret, UnixTime};
use auth_jwt::{Algorithm, Hs256Key, Issuer, TokenPolicy, Verifier, VerifyError, any_audience, any_typ, typ};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

const KEY: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
const TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const EXP: u64 = 1_300_819_380;

fn key() -> Hs256Key {
    Hs256Key::new(&Secret::new(URL_SAFE_NO_PAD.decode(KEY).unwrap())).unwrap()
}

#[derive(Debug, serde::Deserialize)]
struct Root {
    #[serde(rename = "http://example.com/is_root")]
    is_root: bool,
}

/// RFC 7515 appendix A.1, and RFC 7519 section 3.1, whose claims it has.
#[test]
fn the_example_of_rfc_7515_verifies() {
    let policy = TokenPolicy::typed(typ("JWT").unwrap(), Issuer::new("joe").unwrap(), any_audience());
    let verifier = Verifier::new(key(), policy);
    let verified = verifier.verify::<Root>(TOKEN, UnixTime::from_secs(EXP - 1)).unwrap();
    assert_eq!(
        (verified.claims().issuer(), verified.claims().expires_at()),
        ("joe", UnixTime::from_secs(EXP))
    );
    assert!(verified.own().is_root);

    let late = verifier.verify::<Root>(TOKEN, UnixTime::from_secs(EXP + 30)).unwrap_err();
    assert!(late.is_expired());
}

/// RFC 7519 section 6.1: the unsecured JWT of the standard is no token here.
#[test]
fn the_unsecured_example_of_rfc_7519_is_refused() {
    let policy = TokenPolicy::typed(any_typ(), Issuer::new("joe").unwrap(), any_audience());
    let token = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    let refused = Verifier::new(key(), policy).verify::<()>(token, UnixTime::from_secs(1)).unwrap_err();
    assert!(matches!(refused, VerifyError::Algorithm { expected: Algorithm::Hs256, .. }));
}
