//! Requests in, answers out: one JSON object a line, in order. A line that makes no sense is answered like any
//! other, and is never the end. Only a line of nothing but white space has no answer.
//!
//! | `op` | takes | answers |
//! |---|---|---|
//! | `jws-verify` | `jwk` or `jwks`, `token` (a compact JWS, or a JSON one as text or as it is) | `valid`, `payload` in base64url |
//! | `jwt-verify` | the same, and `issuer`, `audience`, `typ`, `now`, `leeway` | `valid`, `payload` |
//! | `sign` | a private `jwk`, `claims`, perhaps `header` (`alg`, `typ`, `cty`, `kid`) | `valid`, `token` |
//! | `jwk-parse` | `jwk` or `jwks` | `valid`, and for a JWK `algorithms` and, unless it is a secret, `thumbprint` |
//!
//! What is not valid has an `error`, one of the stable names in `code.rs`. Without an `issuer`, the one that the token
//! names will do.

use std::io::{BufRead, Read, Write};

use auth_jwt::{Jwk, JwsSigner, KeyId};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    code::Code,
    commands::typed,
    distinct::Distinct,
    keys,
    verify::{self, Expected},
};

/// The longest line that is looked at. What is longer is read over, and answered with an error.
const MAX_LINE: u64 = 4 * 1024 * 1024;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    op: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    jwk: Option<&'a RawValue>,
    #[serde(borrow)]
    jwks: Option<&'a RawValue>,
    #[serde(borrow)]
    token: Option<&'a RawValue>,
    #[serde(borrow)]
    claims: Option<&'a RawValue>,
    header: Option<Header>,
    issuer: Option<String>,
    audience: Option<String>,
    typ: Option<String>,
    now: Option<u64>,
    leeway: Option<u64>,
}

/// What a caller may say of the header. Anything else would change what the token means, and is refused.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: Option<String>,
    typ: Option<String>,
    cty: Option<String>,
    kid: Option<String>,
}

/// The only part that is wanted of a line whose rest makes no sense.
#[derive(Deserialize)]
struct Id<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

#[derive(Default, Serialize)]
struct Answer<'a> {
    id: Option<&'a RawValue>,
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(flatten)]
    what: What,
}

#[derive(Default, Serialize)]
struct What {
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithms: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbprint: Option<String>,
}

/// Answers every line of `input` that is not blank.
///
/// # Errors
/// If reading or writing fails; nothing else ends it.
pub(crate) fn run(mut input: impl BufRead, mut output: impl Write) -> std::io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return output.flush();
        }
        let is_whole = line.last() == Some(&b'\n') || line.len() < MAX_LINE as usize;
        if !is_whole {
            input.skip_until(b'\n')?;
        }
        let text = std::str::from_utf8(&line).ok().filter(|_| is_whole).map(str::trim);
        if text == Some("") {
            continue;
        }
        serde_json::to_writer(&mut output, &answer(text))?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
}

fn answer(line: Option<&str>) -> Answer<'_> {
    let Some(line) = line else {
        return Answer { error: Some("request"), ..Answer::default() };
    };
    let id = serde_json::from_str(line).ok().and_then(|Id { id }| id);
    match serde_json::from_str(line).map_err(|_| "request").and_then(|request| act(&request)) {
        Ok(what) => Answer { id, valid: true, error: None, what },
        Err(error) => Answer { id, valid: false, error: Some(error), what: What::default() },
    }
}

fn act(request: &Request<'_>) -> Result<What, &'static str> {
    let payload = |bytes: &[u8]| What { payload: Some(URL_SAFE_NO_PAD.encode(bytes)), ..What::default() };
    match &*request.op {
        "jws-verify" => Ok(payload(verify::jws(keys(request)?, &token(request)?)?.payload())),
        "jwt-verify" => {
            let expected = Expected {
                issuer: request.issuer.clone(),
                audience: request.audience.clone(),
                typ: request.typ.clone(),
                now: request.now,
                leeway: request.leeway,
            };
            Ok(payload(&verify::jwt(keys(request)?, &token(request)?, &expected)?))
        }
        "sign" => sign(request),
        "jwk-parse" => parse(request),
        _ => Err("op"),
    }
}

fn keys(request: &Request<'_>) -> Result<auth_jwt::KeySet, &'static str> {
    match (request.jwk, request.jwks) {
        (Some(jwk), None) => keys::of_jwk(jwk.get()),
        (None, Some(jwks)) => keys::of_jwks(jwks.get()),
        _ => Err("request"),
    }
}

/// A compact token, or a JSON one: as text, or as a part of the request.
fn token(request: &Request<'_>) -> Result<String, &'static str> {
    let raw = request.token.ok_or("request")?.get();
    if raw.starts_with('{') {
        return Ok(raw.to_owned());
    }
    serde_json::from_str(raw).map_err(|_| "malformed")
}

fn sign(request: &Request<'_>) -> Result<What, &'static str> {
    let header = request.header.as_ref();
    let key =
        keys::signing(request.jwk.ok_or("request")?.get(), header.and_then(|header| header.alg.as_deref()))?;
    let key = match header.and_then(|header| header.kid.as_deref()) {
        Some(kid) => key.with_id(KeyId::new(kid).map_err(|_| "request")?),
        None => key,
    };
    let mut signer = JwsSigner::new(key);
    if let Some(typ) = header.and_then(|header| header.typ.as_deref()) {
        signer = typed(signer, typ).map_err(|_| "request")?;
    }
    if let Some(cty) = header.and_then(|header| header.cty.as_deref()) {
        signer = signer.with_content_type(cty).map_err(|_| "request")?;
    }
    let claims =
        request.claims.map(RawValue::get).filter(|claims| claims.starts_with('{')).ok_or("request")?;
    // Nobody who reads strictly would take a token in which a claim stands twice.
    serde_json::from_str::<Distinct>(claims).map_err(|_| "request")?;
    let token = signer.compact(claims.as_bytes()).map_err(|error| error.code())?;
    Ok(What { token: Some(token), ..What::default() })
}

fn parse(request: &Request<'_>) -> Result<What, &'static str> {
    let Some(jwk) = request.jwk else {
        return keys(request).map(|_| What::default());
    };
    let jwk = Jwk::parse(jwk.get()).map_err(|error| error.code())?;
    // A key is not acceptable before its numbers are.
    for algorithm in jwk.algorithms() {
        keys::usable(&jwk, *algorithm)?;
    }
    let algorithms = jwk.algorithms().iter().map(|algorithm| algorithm.name()).collect();
    let thumbprint = keys::thumbprint(&jwk).map(|thumbprint| thumbprint.to_string());
    Ok(What { algorithms: Some(algorithms), thumbprint, ..What::default() })
}
