//! One kind of token is not taken for another.

use auth_jwt::{PolicyError, TokenPolicy, TypeRule, Verifier, VerifyError, any_typ, typ};

use crate::support::*;

fn check(rule: TypeRule, header: &str) -> Result<(), VerifyError> {
    let verifier = Verifier::new(key(), TokenPolicy::typed(rule, issuer(), audience()));
    let token = sign(header, payload());
    let first = verifier.verify::<()>(&token, NOW).map(drop);
    // The second time the header may have been remembered.
    assert_eq!(verifier.verify::<()>(&token, NOW).map(drop), first);
    first
}

fn header(typ: &str) -> String {
    format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#)
}

/// RFC 8725 section 3.11, RFC 7515 section 4.1.9.
#[test]
fn typ_is_compared_as_a_media_type() {
    for name in [
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/AT+jwt",
        "at\\u002bjwt",
        "application\\/at+jwt",
    ] {
        for rule in ["at+jwt", "application/at+jwt", "At+Jwt"] {
            assert_eq!(check(typ(rule).unwrap(), &header(name)), Ok(()), "{name} as {rule}");
        }
        assert!(with_header(&header(name)).is_ok(), "{name}");
    }
    assert_eq!(check(typ("example/x").unwrap(), &header("EXAMPLE/X")), Ok(()));
}

/// RFC 9068 section 4: an ID token, a logout token, a DPoP proof is not an access token.
#[test]
fn another_type_is_refused() {
    for other in [
        "JWT",
        "jwt",
        "logout+jwt",
        "dpop+jwt",
        "id+jwt",
        "at+jwt ",
        " at+jwt",
        "at+jwts",
        "xat+jwt",
        "text/at+jwt",
        "application/application/at+jwt",
        "application/",
        "/at+jwt",
        "at jwt",
    ] {
        assert!(
            matches!(with_header(&header(other)), Err(VerifyError::Type { found: Some(_), .. })),
            "{other}"
        );
    }
    let refused = with_header(r#"{"alg":"HS256"}"#).unwrap_err();
    assert!(matches!(refused, VerifyError::Type { found: None, .. }));
    assert_eq!(refused.to_string(), "typ is not at+jwt");
    let refused = check(typ("example/x").unwrap(), &header("application/example/x")).unwrap_err();
    assert!(matches!(refused, VerifyError::Type { .. }));
}

#[test]
fn any_typ_is_any_and_none() {
    assert_eq!(check(any_typ(), r#"{"alg":"HS256"}"#), Ok(()));
    assert_eq!(check(any_typ(), &header("whatever")), Ok(()));
    // A number is still not a type.
    assert!(check(any_typ(), r#"{"alg":"HS256","typ":1}"#).is_err());
}

#[test]
fn a_rule_is_a_media_type() {
    for bad in ["", "/", "a/", "/b", "a/b/c", "a b", "at+jwt;x=1", "é", "a\n", &"x".repeat(128)] {
        assert_eq!(typ(bad).unwrap_err(), PolicyError::Type, "{bad:?}");
    }
}
