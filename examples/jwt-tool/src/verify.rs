//! Verifying what a request or a command names.

use std::time::Duration;

use auth_core::{Clock, SystemClock, UnixTime};
use auth_jwt::{
    Audience, AudienceRule, Issuer, JwsError, JwsVerifier, KeySet, TokenPolicy, TypeRule, Verified,
    VerifiedJws, Verifier, any_audience, any_typ, typ,
};

use crate::code::Code;

/// What a JWT has to say, as far as the caller has an opinion.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) typ: Option<String>,
    /// Seconds since 1970.
    pub(crate) now: Option<u64>,
    /// Seconds.
    pub(crate) leeway: Option<u64>,
}

/// Verifies a JWS in the serialisation that it is in; several signatures: one good one will do.
pub(crate) fn jws(keys: KeySet, token: &str) -> Result<VerifiedJws<'static>, &'static str> {
    let verifier = JwsVerifier::new(keys);
    let verify = |verifier: &JwsVerifier| match token.trim_start().starts_with('{') {
        false => verifier.compact(token),
        true => match verifier.flattened(token) {
            Err(JwsError::Member(_)) => verifier.general_any(token),
            other => other,
        },
    };
    match verify(&verifier) {
        // Signed as it is (RFC 7797); a verifier that takes both would have to believe the header.
        Err(JwsError::Encoding) => verify(&verifier.with_unencoded_payload()),
        other => other,
    }
    .map_err(|error| error.code())
}

/// Verifies a JWT, and yields its payload.
pub(crate) fn jwt(keys: KeySet, token: &str, expected: &Expected) -> Result<Vec<u8>, &'static str> {
    let issuer = match &expected.issuer {
        Some(issuer) => Issuer::new(issuer).map_err(|_| "request")?,
        None => issuer_of(keys.clone(), token)?,
    };
    let policy = policy(issuer, expected)?;
    let now = expected.now.map_or_else(|| SystemClock.now(), UnixTime::from_secs);
    let _proof: Verified =
        Verifier::new(keys.clone(), policy).verify(token, now).map_err(|error| error.code())?;
    // The same token under the same keys: this is where its payload can be had as it is.
    Ok(jws(keys, token)?.into_payload().into_owned())
}

/// Whoever has no opinion of the issuer means the one that the keys have signed for. A token that names none which
/// could be, or is no good in another way, is refused by the verifier, whichever issuer it is told: it knows why.
fn issuer_of(keys: KeySet, token: &str) -> Result<Issuer, &'static str> {
    #[derive(serde::Deserialize)]
    struct Claims {
        iss: String,
    }
    let verified = jws(keys, token).ok();
    let claims = verified.and_then(|verified| serde_json::from_slice::<Claims>(verified.payload()).ok());
    match claims.and_then(|claims| Issuer::new(&claims.iss).ok()) {
        Some(issuer) => Ok(issuer),
        None => Issuer::new("nobody").map_err(|_| "request"),
    }
}

fn policy(issuer: Issuer, expected: &Expected) -> Result<TokenPolicy, &'static str> {
    let audience: AudienceRule = match &expected.audience {
        Some(audience) => Audience::new(audience).map_err(|_| "request")?.into(),
        None => any_audience(),
    };
    let kind: TypeRule = match &expected.typ {
        Some(name) => typ(name).map_err(|_| "request")?,
        None => any_typ(),
    };
    let policy = TokenPolicy::typed(kind, issuer, audience);
    match expected.leeway {
        Some(seconds) => policy.with_leeway(Duration::from_secs(seconds)).map_err(|_| "request"),
        None => Ok(policy),
    }
}
