//! Drives the tool as a person and as a program would.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

fn tool(arguments: &[&str], folder: &Path, input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jwt-tool"));
    let piped = command.args(arguments).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.stderr(Stdio::piped()).spawn().unwrap();
    // A tool that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn batch(lines: &str) -> Vec<Value> {
    let output = tool(&["batch"], Path::new("."), lines.as_bytes());
    assert!(output.status.success());
    text(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn ask(request: &Value) -> Value {
    batch(&request.to_string()).remove(0)
}

/// The whole way of a person: a key, a token, a look at it, and its verification in time and out of it.
#[test]
fn a_key_is_made_and_its_token_verified() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for algorithm in
        ["HS256", "HS384", "HS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "RS256", "PS512"]
    {
        let (private, public) = (format!("{algorithm}.jwk"), format!("{algorithm}.pub"));
        let secret = algorithm.starts_with("HS");
        let mut arguments = vec!["keygen", algorithm, "--private", &private];
        if !secret {
            arguments.extend(["--public", &*public]);
        }
        let made = tool(&arguments, folder, b"");
        assert!(made.status.success(), "{algorithm}: {}", String::from_utf8_lossy(&made.stderr));
        assert!(!tool(&arguments, folder, b"").status.success(), "a key is never written over");

        let written: Value = serde_json::from_slice(&std::fs::read(folder.join(&private)).unwrap()).unwrap();
        assert_eq!(written["alg"], algorithm);

        let claims = br#"{"iss":"me","sub":"42","aud":"you","exp":2000000000}"#;
        let token = tool(&["sign", "--key", &private, "--typ", "JWT"], folder, claims);
        assert!(token.status.success(), "{algorithm}: {}", String::from_utf8_lossy(&token.stderr));

        let key = if secret { &private } else { &public };
        let verify = |now: &str| {
            let arguments =
                ["verify", "--key", key, "--issuer", "me", "--audience", "you", "--typ", "JWT", "--now", now];
            tool(&arguments, folder, &token.stdout)
        };
        let verified = verify("1900000000");
        assert_eq!(verified.stdout.trim_ascii_end(), claims, "{algorithm}");
        let expired = verify("2000000030");
        assert_eq!(expired.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&expired.stderr).ends_with("not valid: expired\n"));
        if !secret {
            let wrong = tool(&["verify", "--key", &private, "--issuer", "me"], folder, &token.stdout);
            assert_eq!(wrong.status.code(), Some(2), "a private key is not one to verify with");
        }
        let seen = text(&tool(&["inspect"], folder, &token.stdout));
        assert!(
            seen.lines().count() >= 3 && seen.lines().all(|line| line.starts_with("UNVERIFIED ")),
            "{seen}"
        );
    }
}

/// A token is an attacker's text, and a terminal obeys what it is shown.
#[test]
fn a_look_at_a_token_gives_it_no_way_to_speak() {
    let header = r#"{"alg":"x\nVERIFIED sub=admin\u001b[2J\u202e"}"#;
    let token = format!("{}.e30.", base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, header));
    let seen = text(&tool(&["inspect"], Path::new("."), token.as_bytes()));
    assert!(seen.lines().count() == 3 && seen.lines().all(|line| line.starts_with("UNVERIFIED ")), "{seen}");
    assert!(!seen.contains(['\u{1b}', '\u{202e}']), "{seen}");
}

/// What a verifier would not even look at is what somebody wants to see.
#[test]
fn a_token_that_is_refused_is_shown_with_the_reason() {
    let base64 = |text: &str| base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, text);
    let chain = format!(r#"{{"alg":"RS256","x5c":["{}"]}}"#, "A".repeat(2000));
    for header in [r#"{"alg":"HS256","crit":["x"],"x":1}"#, &chain, "no json"] {
        let token = format!("{}.{}.", base64(header), base64(r#"{"sub":"42"}"#));
        let seen = text(&tool(&["inspect"], Path::new("."), token.as_bytes()));
        assert!(seen.starts_with("UNVERIFIED refused "), "{seen}");
        assert!(seen.contains(&format!("UNVERIFIED header {header}\n")), "{seen}");
        assert!(seen.ends_with("UNVERIFIED payload {\"sub\":\"42\"}\n"), "{seen}");
    }
    assert_eq!(tool(&["inspect"], Path::new("."), b"a.b").status.code(), Some(2));
}

/// A broken key is a broken key, whichever file it is in.
#[test]
fn a_file_of_one_broken_key_is_no_broken_set() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#).unwrap();
    let output = tool(&["verify", "--key", "key", "--issuer", "me"], folder.path(), b"a.b.c");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("key-malformed"), "{output:?}");
}

/// A set may be larger than a key, and a key in it may be broken without spoiling it (RFC 7517 section 5).
#[test]
fn a_file_of_a_set_is_read_as_a_set_whatever_its_keys_are() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let made = tool(&["keygen", "EdDSA", "--private", "key", "--public", "key.pub"], folder, b"");
    assert!(made.status.success());
    let token = tool(&["sign", "--key", "key"], folder, br#"{"iss":"me","exp":4000000000}"#).stdout;
    let key = std::fs::read_to_string(folder.join("key.pub")).unwrap();
    let refused = |set: &str| {
        std::fs::write(folder.join("set"), set).unwrap();
        let output = tool(&["verify", "--key", "set", "--issuer", "me"], folder, &token);
        let said = String::from_utf8(output.stderr).unwrap();
        (!output.status.success()).then(|| said.trim_end().rsplit(' ').next().unwrap().to_owned())
    };
    let many = format!(r#"{{"kty":"other","x":"{}"}},"#, "x".repeat(400)).repeat(60);
    assert!(many.len() > auth_jwt::Jwk::MAX_LEN);
    for others in [&*many, r#"{"kty":"OKP","kty":"EC"},"#, r#"{"kid":"no kty"},"#, "7,"] {
        assert_eq!(refused(&format!(r#"{{"keys":[{others}{key}]}}"#)), None, "{others:.40}");
        assert_eq!(refused(&format!(r#"{{"kty":1,"keys":[{others}{key}]}}"#)), None, "{others:.40}");
    }
    for (set, code) in [
        (&*format!(r#"{{"keys":[{key},{{]}}"#), "key-malformed"),
        (r#"{"keys":[]}"#, "key-set-unusable"),
        (r#"{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}"#, "key-set-unusable"),
        (r#"{"keys":{}}"#, "key-set-malformed"),
        (r#"{"keys":null}"#, "key-set-malformed"),
        (r#"{"k\u0065ys":[],"keys":[]}"#, "key-set-malformed"),
        (r#"{"kty":"OKP","kty":"EC"}"#, "key-malformed"),
        (&*format!("[{key}]"), "key-malformed"),
        ("", "key-malformed"),
    ] {
        assert_eq!(refused(set).as_deref(), Some(code), "{set}");
    }
}

/// What the caller asked for is signed, or nothing is.
#[test]
fn what_cannot_be_signed_as_asked_is_not_signed() {
    let jwk = r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8"}"#;
    for claims in [r#"{"exp":1,"exp":4000000000}"#, r#"{"a":[{"b":1,"\u0062":2}]}"#] {
        let request = format!(r#"{{"op":"sign","jwk":{jwk},"claims":{claims}}}"#);
        let answer = tool(&["batch"], Path::new("."), request.as_bytes());
        let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
        assert_eq!(answer["error"], "request", "{claims}");
    }
    // RFC 8037 appendix A.1.
    let mut ed25519 = json!({
        "kty": "OKP", "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let ask_for = |jwk: &Value, alg: &str| {
        ask(&json!({"op": "sign", "jwk": jwk, "claims": {}, "header": {"alg": alg}}))
    };
    // A header says what was asked for.
    for (alg, begins) in [("EdDSA", "eyJhbGciOiJFZERTQSI"), ("Ed25519", "eyJhbGciOiJFZDI1NTE5I")] {
        let token = ask_for(&ed25519, alg)["token"].as_str().unwrap().to_owned();
        assert!(token.starts_with(begins), "{alg}: {token}");
    }
    assert_eq!(ask_for(&ed25519, "ES256")["error"], "algorithm");
    // A key that names itself is for no other name.
    for (own, other) in [("Ed25519", "EdDSA"), ("EdDSA", "Ed25519")] {
        ed25519["alg"] = json!(own);
        assert_eq!(ask_for(&ed25519, own)["valid"], true);
        assert_eq!(ask_for(&ed25519, other)["error"], "algorithm");
    }
}

/// `audience` and `leeway` do what they say.
#[test]
fn a_batch_checks_the_audience_and_allows_the_leeway() {
    let jwk = json!({"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8"});
    let claims = json!({"iss": "me", "aud": "you", "exp": 1000});
    let token = ask(&json!({"op": "sign", "jwk": jwk, "claims": claims}))["token"].clone();
    let verify = |audience: &str, now: u64, leeway: u64| {
        ask(&json!({
            "op": "jwt-verify", "jwk": jwk, "token": token, "issuer": "me", "audience": audience,
            "now": now, "leeway": leeway,
        }))["error"]
            .clone()
    };
    assert_eq!(verify("you", 999, 0), Value::Null);
    assert_eq!(verify("them", 999, 0), "claim-mismatch");
    assert_eq!(verify("you", 1000, 0), "expired");
    assert_eq!(verify("you", 1009, 10), Value::Null);
    assert_eq!(verify("you", 1010, 10), "expired");
}

/// RFC 7638 section 3.1.
#[test]
fn a_thumbprint_is_that_of_the_standard() {
    let folder = tempfile::tempdir().unwrap();
    let jwk = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
    std::fs::write(folder.path().join("key"), jwk).unwrap();
    let output = tool(&["thumbprint", "--key", "key"], folder.path(), b"");
    assert_eq!(text(&output), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs\n");
    // RFC 9278 section 3.
    let uri = tool(&["thumbprint", "--key", "key", "--uri"], folder.path(), b"");
    let uri_of = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:";
    assert_eq!(text(&uri), format!("{uri_of}NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs\n"));
}

/// RFC 7638 section 7: what guesses of a secret can be compared with is a secret too.
#[test]
fn a_secret_has_no_thumbprint() {
    let folder = tempfile::tempdir().unwrap();
    let jwk = r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8"}"#;
    std::fs::write(folder.path().join("key"), jwk).unwrap();
    for arguments in [&["thumbprint", "--key", "key"][..], &["thumbprint", "--key", "key", "--uri"]] {
        let output = tool(arguments, folder.path(), b"");
        assert_eq!((output.status.code(), &*output.stdout), (Some(2), &b""[..]), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("secret"), "{output:?}");
    }
}

/// RFC 7515 appendix A.1: a key that names no `alg`, and a payload with line breaks in it.
#[test]
fn a_token_of_the_standard_is_verified_in_a_batch() {
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let jwk = json!({"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"});
    let answer = ask(&json!({"id": 1, "op": "jws-verify", "jwk": jwk, "token": token}));
    let payload = token.split('.').nth(1).unwrap();
    assert_eq!(answer, json!({"id": 1, "valid": true, "payload": payload}));

    let jwt = |now: u64| json!({"id": "a", "op": "jwt-verify", "jwk": jwk, "token": token, "issuer": "joe", "now": now});
    assert_eq!(ask(&jwt(1_300_819_300)), json!({"id": "a", "valid": true, "payload": payload}));
    assert_eq!(ask(&jwt(1_300_819_380 + 30)), json!({"id": "a", "valid": false, "error": "expired"}));
    let anybodys = json!({"op": "jwt-verify", "jwk": jwk, "token": token, "now": 1_300_819_300});
    assert_eq!(ask(&anybodys)["valid"], true, "without an opinion of the issuer");

    // The same key, of 64 bytes, for a token that calls it by a name.
    let named = ask(&json!({"op": "sign", "jwk": jwk, "claims": {}, "header": {"alg": "HS256", "kid": "k"}}));
    let answer = ask(&json!({"op": "jws-verify", "jwk": jwk, "token": named["token"]}));
    assert_eq!(answer["payload"], "e30", "{answer}");

    let other = json!({"kty": "oct", "k": "A".repeat(43).replace("AAAA", "AbCd")});
    let refused = ask(&json!({"id": null, "op": "jws-verify", "jwk": other, "token": token}));
    assert_eq!(refused, json!({"id": null, "valid": false, "error": "signature"}));
}

/// What is wrong with the issuer of a token that is well signed is wrong with its claims, and not with the request.
#[test]
fn without_an_opinion_of_the_issuer_a_bad_one_is_a_bad_claim() {
    let jwk = json!({"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8"});
    let code = |claims: Value, typ: &str| {
        let sign = json!({"op": "sign", "jwk": jwk, "claims": claims, "header": {"typ": typ}});
        let verify =
            json!({"op": "jwt-verify", "jwk": jwk, "token": ask(&sign)["token"], "typ": "JWT", "now": 1});
        ask(&verify)["error"].clone()
    };
    assert_eq!(code(json!({"iss": "nobody", "exp": 9}), "JWT"), Value::Null);
    assert_eq!(code(json!({"iss": "", "exp": 9}), "JWT"), "claim-type");
    for bad in ["\u{e9}", "a b", &"x".repeat(401)] {
        assert_eq!(code(json!({"iss": bad, "exp": 9}), "JWT"), "claim-mismatch", "{bad}");
        assert_eq!(code(json!({"iss": bad, "exp": 9}), "other"), "type", "{bad}");
    }
    for bad in [json!(7), json!(["a"]), Value::Null] {
        assert_eq!(code(json!({"iss": bad, "exp": 9}), "JWT"), "claim-type", "{bad}");
    }
    assert_eq!(code(json!({"exp": 9}), "JWT"), "claim-missing");
    let forged = json!({"op": "jwt-verify", "jwk": jwk, "token": "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOjd9.AAAA"});
    assert_eq!(ask(&forged)["error"], "signature");
}

/// A secret that only verifies is a key: `jws-verify` takes it, so `jwk-parse` says so.
#[test]
fn a_secret_is_parsed_for_what_it_may_do() {
    let ops = |ops: Value| {
        let jwk = json!({"kty": "oct", "alg": "HS256", "key_ops": ops, "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8"});
        ask(&json!({"op": "jwk-parse", "jwk": jwk}))
    };
    for good in [json!(["verify"]), json!(["sign"]), json!(["sign", "verify"])] {
        assert_eq!(ops(good.clone())["algorithms"], json!(["HS256"]), "{good}");
    }
    assert_eq!(ops(json!(["encrypt"]))["error"], "key-use");
}

/// RFC 7518 section 3.2: a key that names no `alg` may do for several, and then somebody has to say which.
#[test]
fn the_algorithm_is_said_where_the_key_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let jwk = json!({"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"});
    std::fs::write(folder.join("key"), jwk.to_string()).unwrap();
    let sign = |more: &[&str]| {
        tool(&[&["sign", "--key", "key"], more].concat(), folder, br#"{"iss":"me","exp":2000000000}"#)
    };
    let refused = sign(&[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("key-algorithm"));
    for alg in ["HS256", "HS384", "HS512"] {
        let token = sign(&["--alg", alg]);
        let verify = ["verify", "--key", "key", "--issuer", "me", "--now", "1900000000"];
        assert!(tool(&verify, folder, &token.stdout).status.success(), "{alg}");
        assert!(text(&tool(&["inspect"], folder, &token.stdout)).contains(&format!("alg {alg}")));
    }
    assert_eq!(sign(&["--alg", "ES256"]).status.code(), Some(2));
}

/// Whatever a line is, it is answered, in order, and the next one is too. A blank one is no line.
#[test]
fn a_bad_line_is_answered_and_is_not_the_end() {
    let long = format!(r#"{{"id":9,"op":"{}"}}"#, "x".repeat(5 << 20));
    let lines = [
        "{",
        "",
        " \t\r",
        r#"{"id":2}"#,
        r#"{"id":3,"op":"fly"}"#,
        "null",
        &long,
        r#"{"id":4,"op":"jwk-parse","jwk":{"kty":"none"}}"#,
    ];
    let mut input = lines.join("\n").into_bytes();
    input.extend_from_slice(b"\n\xff\xfe\n{\"id\":5,\"op\":\"jwk-parse\",\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}}");
    let output = tool(&["batch"], Path::new("."), &input);
    assert!(output.status.success());
    let answers: Vec<Value> = text(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seen: Vec<_> = answers.iter().map(|answer| (answer["id"].clone(), answer["error"].clone())).collect();
    assert_eq!(
        seen,
        [
            (Value::Null, json!("request")),
            (json!(2), json!("request")),
            (json!(3), json!("op")),
            (Value::Null, json!("request")),
            (Value::Null, json!("request")),
            (json!(4), json!("key-unsupported")),
            (Value::Null, json!("request")),
            (json!(5), Value::Null),
        ]
    );
    // RFC 8037 appendix A.3.
    assert_eq!(answers[7]["thumbprint"], "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(answers[7]["algorithms"], json!(["EdDSA"]));
}

/// What is signed here is verified here, as text and as JSON, and the header says only what it may.
#[test]
fn a_batch_signs() {
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let public = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let sign = |header: Value| {
        ask(&json!({"id": 1, "op": "sign", "jwk": jwk, "claims": {"sub": "1"}, "header": header}))
    };
    let signed = sign(json!({"typ": "JWT", "kid": "k"}));
    let token = signed["token"].as_str().unwrap();
    let verified = ask(&json!({"op": "jws-verify", "jwk": public, "token": token}));
    assert_eq!(verified["valid"], true);

    let (protected, rest) = token.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let flat = json!({"protected": protected, "payload": payload, "signature": signature});
    assert_eq!(ask(&json!({"op": "jws-verify", "jwk": public, "token": flat}))["valid"], true);
    assert_eq!(ask(&json!({"op": "jws-verify", "jwk": public, "token": flat.to_string()}))["valid"], true);
    let general =
        json!({"payload": payload, "signatures": [{"protected": protected, "signature": signature}]});
    assert_eq!(
        ask(&json!({"op": "jws-verify", "jwks": {"keys": [public]}, "token": general}))["valid"],
        true
    );

    assert_eq!(ask(&json!({"op": "jws-verify", "jwk": jwk, "token": token}))["error"], "key-private");
    assert_eq!(sign(json!({"jku": "https://evil.example"}))["error"], "request");
    assert_eq!(sign(json!({"alg": "none"}))["error"], "algorithm");
    assert_eq!(sign(json!({"typ": "a b"}))["error"], "request");
    for typ in ["at+jwt", "Application/AT+JWT"] {
        let token = sign(json!({"typ": typ}))["token"].clone();
        let claims = json!({"op": "jws-verify", "jwk": public, "token": token});
        assert_eq!(ask(&claims)["valid"], true);
    }
}
