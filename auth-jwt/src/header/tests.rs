use super::*;

fn segment(json: &str) -> String {
    let mut segment = String::new();
    base64url::encode_to(json.as_bytes(), &mut segment);
    segment
}

fn parse(json: &str) -> Result<(String, Option<String>, Option<String>), MalformedToken> {
    let mut buffer = HeaderBuffer::default();
    let header = Header::parse(&segment(json), &mut buffer)?;
    let owned = |string: JsonStr<'_>| string.text().into_owned();
    Ok((owned(header.alg), header.kid.map(owned), header.typ.map(owned)))
}

#[test]
fn a_header_tells_alg_kid_and_typ() {
    assert_eq!(
        parse(
            r#" {"kid":"k\u0031" , "typ":"JWT","alg":"HS256","jku":"https://evil.example","jwk":{"kty":"oct"}} "#
        ),
        Ok(("HS256".into(), Some("k1".into()), Some("JWT".into())))
    );
    assert_eq!(
        parse(r#"{"alg":"none"}"#),
        Ok(("none".into(), None, None)),
        "it is the verifier that compares"
    );
}

/// Parameters of the wrong type.
#[test]
fn a_parameter_of_the_wrong_type_is_refused() {
    for bad in [
        "{}",
        r#"{"typ":"JWT"}"#,
        r#"{"ALG":"HS256"}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":""}"#,
        r#"{"alg":256}"#,
        r#"{"alg":{}}"#,
    ] {
        assert_eq!(parse(bad), Err(MalformedToken::Parameter("alg")), "{bad}");
    }
    for bad in [r#""""#, "1", "null", "[]", "{}", "true"] {
        assert_eq!(
            parse(&format!(r#"{{"alg":"HS256","kid":{bad}}}"#)),
            Err(MalformedToken::Parameter("kid"))
        );
        assert_eq!(
            parse(&format!(r#"{{"alg":"HS256","typ":{bad}}}"#)),
            Err(MalformedToken::Parameter("typ"))
        );
    }
    let long = "k".repeat(KeyId::MAX_LEN + 1);
    assert_eq!(parse(&format!(r#"{{"alg":"HS256","kid":"{long}"}}"#)), Err(MalformedToken::Parameter("kid")));
}

/// `crit` in every shape (CVE-2025-59420, GHSA-752w-5fwx-jx9f), and `b64` (RFC 7797
/// section 7, GHSA-w7vc-732c-9m39).
#[test]
fn crit_and_b64_are_always_refused() {
    for crit in [
        "[]",
        r#"["exp"]"#,
        r#"["b64"]"#,
        r#"["alg"]"#,
        r#"["x","x"]"#,
        "[1]",
        r#""exp""#,
        "null",
        "{}",
        "false",
        r#"["http://example.com/UNDEFINED"]"#,
    ] {
        for header in [
            format!(r#"{{"alg":"HS256","crit":{crit}}}"#),
            format!(r#"{{"crit":{crit},"alg":"HS256","exp":1}}"#),
            format!(r#"{{"alg":"HS256","\u0063rit":{crit}}}"#),
        ] {
            assert_eq!(parse(&header), Err(MalformedToken::Refused("crit")), "{header}");
        }
    }
    for b64 in ["false", "true", "null", "\"false\""] {
        let header = format!(r#"{{"alg":"HS256","b64":{b64}}}"#);
        assert_eq!(parse(&header), Err(MalformedToken::Refused("b64")));
    }
}

/// A header is strict JSON: some parser in use accepts each of these.
#[test]
fn a_header_is_strict_json() {
    for (bad, error) in [
        (r#"{"alg":"none","alg":"HS256"}"#, JsonError::DuplicateMember),
        (r#"{"alg":"HS256","\u0061lg":"none"}"#, JsonError::DuplicateMember),
        (r#"{"alg":"HS256","x":{"y":1,"y":2}}"#, JsonError::DuplicateMember),
        (r#"["alg","HS256"]"#, JsonError::NotAnObject),
        (r#""HS256""#, JsonError::NotAnObject),
        ("null", JsonError::NotAnObject),
        (r#"{"alg":"HS256"}x"#, JsonError::TrailingBytes),
        ("{\"alg\":\"HS256\"}\0", JsonError::TrailingBytes),
        (r#"{"alg":"HS256","x":"\ud800"}"#, JsonError::Character),
        (r#"{"alg":"HS\u0000256"}"#, JsonError::Character),
        ("\u{feff}{\"alg\":\"HS256\"}", JsonError::Syntax { at: 0 }),
        ("", JsonError::Syntax { at: 0 }),
        (r#"{"alg":"HS256","x":[[[[[[[[[]]]]]]]]]}"#, JsonError::TooDeep),
    ] {
        assert_eq!(parse(bad), Err(MalformedToken::Json(error)), "{bad}");
    }
    let many: String = (0..16).map(|n| format!(r#","x{n}":1"#)).collect();
    assert_eq!(
        parse(&format!(r#"{{"alg":"HS256"{many}}}"#)),
        Err(MalformedToken::Json(JsonError::TooManyMembers))
    );
    let mut buffer = HeaderBuffer::default();
    let mut latin1 = String::new();
    base64url::encode_to(b"{\"alg\":\"HS256\",\"x\":\"\xe9\"}", &mut latin1);
    let error = Header::parse(&latin1, &mut buffer).unwrap_err();
    assert_eq!(error, MalformedToken::Json(JsonError::Encoding));
}

#[test]
fn a_header_is_capped() {
    let header = |len: usize| format!(r#"{{"alg":"HS256","x":"{}"}}"#, "x".repeat(len - 22));
    for len in (60..400).chain([1023, 1024]) {
        assert!(parse(&header(len)).is_ok(), "{len} bytes");
    }
    assert_eq!(parse(&header(1026)), Err(MalformedToken::HeaderTooLong));
}
