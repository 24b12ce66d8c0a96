//! Introspection, RFC 7662 section 2.2: read as strictly as a token, and written so that it can be.

use auth_core::UnixTime;
use auth_jwt::{
    Introspection, IntrospectionReader, IssueError, JsonError, MalformedToken, TokenPolicy, Verified,
    Verifier, VerifyError, any_audience, any_typ,
};
use serde_json::{Value, json};

use crate::support::*;

fn reader() -> IntrospectionReader {
    IntrospectionReader::trusting_transport(TokenPolicy::typed(any_typ(), issuer(), audience()))
}

fn lenient() -> IntrospectionReader {
    let policy = TokenPolicy::typed(any_typ(), issuer(), any_audience()).without_expiry();
    IntrospectionReader::trusting_transport(policy)
}

fn read(answer: &str) -> Result<Introspection<Value>, VerifyError> {
    reader().read(answer.as_bytes(), NOW)
}

fn active_with(extra: &str) -> Result<Introspection<Value>, VerifyError> {
    read(&format!(
        r#"{{"active":true,"iss":"https://id.example","aud":"https://api.example","exp":1800000900{extra}}}"#
    ))
}

#[test]
fn an_active_token_says_what_the_server_says() {
    let token =
        active_with(r#","sub":"42","scope":"a b","client_id":"web","username":"ann","token_type":"Bearer""#);
    let token = token.unwrap().active().unwrap();
    let claims = token.claims();
    assert_eq!((claims.issuer(), claims.subject(), claims.scope()), (ISSUER, Some("42"), Some("a b")));
    assert_eq!((claims.client_id(), claims.expires_at().as_secs()), (Some("web"), 1_800_000_900));
    assert_eq!((&token.own()["username"], &token.own()["token_type"]), (&json!("ann"), &json!("Bearer")));
}

/// Section 2.2: of an inactive token, nothing is known, whatever a talkative server adds.
#[test]
fn an_inactive_token_says_nothing() {
    for inactive in [
        r#"{"active":false}"#,
        r#"{"active":false,"iss":"https://id.example","sub":"42","exp":"never"}"#,
        r#"{"sub":7,"active":false}"#,
    ] {
        assert_eq!(read(inactive).unwrap(), Introspection::Inactive, "{inactive}");
    }
}

/// What cannot be read is not inactive, and not active either.
#[test]
fn active_is_true_or_false_and_there_once() {
    assert_eq!(read("{}").unwrap_err(), VerifyError::Missing { claim: "active" });
    assert_eq!(read(r#"{"Active":true}"#).unwrap_err(), VerifyError::Missing { claim: "active" });
    for bad in ["1", "\"true\"", "null", "[true]", "{}"] {
        let refused = read(&format!(r#"{{"active":{bad}}}"#)).unwrap_err();
        assert!(matches!(refused, VerifyError::WrongType { claim: "active", .. }), "{bad}");
    }
    let duplicate = VerifyError::Payload(JsonError::DuplicateMember);
    assert_eq!(read(r#"{"active":false,"active":true}"#).unwrap_err(), duplicate);
    assert_eq!(read(r#"{"active":false,"\u0061ctive":true}"#).unwrap_err(), duplicate);
    assert_eq!(read(r#"{"active":false,"x":{"a":1,"a":2}}"#).unwrap_err(), duplicate);
    for bad in ["", "true", "[]", "null"] {
        assert!(matches!(read(bad), Err(VerifyError::Payload(_))), "{bad}");
    }
    for bad in
        ["{\"active\":false}x", "\u{feff}{\"active\":false}", "{\"active\":tru}", "{\"active\":false,}"]
    {
        assert!(matches!(read(bad), Err(VerifyError::Payload(_))), "{bad}");
    }
    let refused = reader().read::<()>(b"{\"active\":false,\"x\":\"\xff\"}", NOW).unwrap_err();
    assert_eq!(refused, VerifyError::Payload(JsonError::Encoding));
    let long = format!(r#"{{"active":false,"x":"{}"}}"#, "y".repeat(9_000));
    assert_eq!(read(&long).unwrap_err(), VerifyError::Malformed(MalformedToken::TooLong { max: 8_192 }));
}

/// The transport vouches, but not for what the policy does not accept.
#[test]
fn an_active_token_is_held_to_the_policy() {
    for (answer, claim) in [
        (r#"{"active":true,"aud":"https://api.example"}"#, "exp"),
        (r#"{"active":true,"exp":1800000900}"#, "aud"),
    ] {
        assert_eq!(read(answer).unwrap_err(), VerifyError::Missing { claim });
        assert!(lenient().read::<()>(answer.as_bytes(), NOW).is_ok(), "{claim} was given up by name");
    }
    let other = active_with("").map(drop);
    assert_eq!(other, Ok(()));
    let answer = r#"{"active":true,"aud":"https://other.example","exp":1800000900}"#;
    assert!(matches!(read(answer), Err(VerifyError::Mismatch { claim: "aud", .. })));
    assert!(read(r#"{"active":true,"aud":"https://api.example","exp":1}"#).unwrap_err().is_expired());
    for bad in [r#","sub":1"#, r#","nbf":"now""#, r#","scope":["a"]"#, r#","jti":"""#, r#","cnf":1"#] {
        assert!(matches!(active_with(bad), Err(VerifyError::WrongType { .. })), "{bad}");
    }
    assert!(matches!(active_with(r#","nbf":1900000000"#), Err(VerifyError::NotYetValid { .. })));
}

/// The server that was asked is the issuer; if it names another one, it is not the server that was meant.
#[test]
fn the_issuer_is_the_one_that_was_asked() {
    let answer = br#"{"active":true,"aud":"https://api.example","exp":1800000900}"#;
    let token = reader().read::<()>(answer, NOW).unwrap().active().unwrap();
    assert_eq!(token.claims().issuer(), ISSUER);
    let answer = br#"{"active":true,"iss":"https://x.example","aud":"https://api.example","exp":1800000900}"#;
    let refused = reader().read::<()>(answer, NOW).unwrap_err();
    assert!(matches!(refused, VerifyError::Mismatch { claim: "iss", .. }));
    // However the issuer is spelled, it is not JSON.
    let odd = auth_jwt::Issuer::new(r"https://id.example/\u0041").unwrap();
    let policy = TokenPolicy::typed(any_typ(), odd.clone(), any_audience()).without_expiry();
    let reader = IntrospectionReader::trusting_transport(policy);
    let token = reader.read::<()>(br#"{"active":true}"#, NOW).unwrap().active().unwrap();
    assert_eq!(token.claims().issuer(), odd.as_str());
}

#[test]
fn what_a_server_writes_is_what_a_reader_reads() {
    assert_eq!(Introspection::<()>::Inactive.to_json().unwrap(), r#"{"active":false}"#);
    let extra = concat!(
        r#""scope":"a b","nbf":1799999999,"auth_time":1799990000,"acr":"aal2","amr":["pwd","otp"],"#,
        r#""sid":"s\"1","azp":"web""#
    );
    for aud in [r#""https://api.example""#, r#"["https://api.example","b"]"#] {
        let payload = payload_but("aud", &format!(r#""aud":{aud},{extra}"#));
        let verified: Verified = verifier().verify(&sign(HEADER, payload), NOW).unwrap();
        let claims = verified.claims().clone();
        let json = Introspection::from(verified).to_json().unwrap();
        let answer: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(answer["active"], json!(true));
        assert_eq!(answer["aud"], serde_json::from_str::<Value>(aud).unwrap());
        let token = reader().read::<()>(json.as_bytes(), NOW).unwrap().active().unwrap();
        assert_eq!(token.claims(), &claims);
    }
    // Without scope and without expiry, there is neither in the answer.
    let policy = TokenPolicy::typed(any_typ(), issuer(), any_audience()).without_expiry();
    let token = sign(HEADER, r#"{"iss":"https://id.example"}"#);
    let verified: Verified = Verifier::new(key(), policy).verify(&token, UnixTime::MAX).unwrap();
    let json = Introspection::from(verified).to_json().unwrap();
    assert_eq!(json, r#"{"active":true,"iss":"https://id.example"}"#);
}

#[test]
fn own_claims_are_written_beside_and_never_over_the_registered_ones() {
    #[derive(Debug, serde::Deserialize, serde::Serialize)]
    struct Username {
        username: String,
    }
    let token = sign(HEADER, payload_with(r#""username":"ann""#));
    let verified: Verified<Username> = verifier().verify(&token, NOW).unwrap();
    let json = Introspection::from(verified).to_json().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["username"], json!("ann"));

    #[derive(Debug, serde::Deserialize, serde::Serialize)]
    struct Shadow {
        #[serde(rename = "sub")]
        subject: String,
    }
    let verified: Verified<Shadow> = verifier().verify(&token, NOW).unwrap();
    let refused = Introspection::from(verified).to_json().unwrap_err();
    assert!(matches!(refused, IssueError::Reserved { claim: "sub" }));

    #[derive(Debug, serde::Deserialize, serde::Serialize)]
    struct Active {
        active: bool,
    }
    let token = sign(HEADER, payload_with(r#""active":false"#));
    let verified: Verified<Active> = verifier().verify(&token, NOW).unwrap();
    let refused = Introspection::from(verified).to_json().unwrap_err();
    assert!(matches!(refused, IssueError::Reserved { claim: "active" }));
}

/// RFC 9449 section 6.2: an answer without `cnf` would turn a bound token into one that anybody may present.
#[test]
fn a_bound_token_stays_bound() {
    let token = sign(HEADER, payload_with(r#""cnf":{"jkt":"x"}"#));
    let verified: Verified = verifier().verify(&token, NOW).unwrap();
    assert!(verified.claims().is_bound());
    let refused = Introspection::from(verified).to_json().unwrap_err();
    assert!(matches!(refused, IssueError::Missing { claim: "cnf" }));

    #[derive(Debug, serde::Deserialize, serde::Serialize)]
    struct Bound {
        cnf: Value,
    }
    let verified: Verified<Bound> = verifier().verify(&token, NOW).unwrap();
    let json = Introspection::from(verified).to_json().unwrap();
    let token = reader().read::<Bound>(json.as_bytes(), NOW).unwrap().active().unwrap();
    assert!(token.claims().is_bound());
    assert_eq!(token.own().cnf, json!({"jkt": "x"}));
}
