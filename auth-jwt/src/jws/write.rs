//! Headers and JSON serialisations as they are written.

use serde::Serialize;

use super::JwsSignError;
use crate::{Signature, base64url};

/// A protected header.
#[derive(Debug, Serialize)]
pub(super) struct WireHeader<'a> {
    pub(super) alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) typ: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cty: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) b64: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) crit: Option<[&'static str; 1]>,
}

impl WireHeader<'_> {
    pub(super) fn segment(&self) -> String {
        // Strings and a flag in a struct always serialise.
        let json = serde_json::to_vec(self).unwrap_or_default();
        let mut segment = String::with_capacity(base64url::encoded_len(json.len()));
        base64url::encode_to(&json, &mut segment);
        segment
    }
}

/// A signature and its header segment.
#[derive(Debug)]
pub(super) struct Signed<'s> {
    pub(super) header: &'s str,
    pub(super) signature: Signature,
}

/// The payload as a JSON string, quotes included.
pub(super) fn payload(payload: &[u8], is_unencoded: bool) -> Result<String, JwsSignError> {
    if is_unencoded {
        let text = std::str::from_utf8(payload).ok().filter(|text| !text.contains('\0'));
        return serde_json::to_string(text.ok_or(JwsSignError::Payload)?).map_err(|_| JwsSignError::Payload);
    }
    let len = base64url::encoded_len(payload.len()).saturating_add(2);
    let mut text = String::with_capacity(len);
    text.push('"');
    base64url::encode_to(payload, &mut text);
    text.push('"');
    Ok(text)
}

/// The flattened serialisation (RFC 7515 section 7.2.2).
pub(super) fn flattened(payload: Option<&str>, header: &str, signature: &Signature) -> String {
    let mut jws = begun(payload);
    push_signature(&mut jws, header, signature);
    jws.push('}');
    jws
}

/// The general serialisation (RFC 7515 section 7.2.1).
pub(super) fn general(payload: Option<&str>, signatures: &[Signed<'_>]) -> String {
    let mut jws = begun(payload);
    jws.push_str("\"signatures\":[");
    for (index, Signed { header, signature }) in signatures.iter().enumerate() {
        jws.push_str(if index == 0 { "{" } else { ",{" });
        push_signature(&mut jws, header, signature);
        jws.push('}');
    }
    jws.push_str("]}");
    jws
}

fn begun(payload: Option<&str>) -> String {
    payload.map_or_else(|| "{".to_owned(), |payload| format!("{{\"payload\":{payload},"))
}

fn push_signature(jws: &mut String, header: &str, signature: &Signature) {
    jws.push_str("\"protected\":\"");
    jws.push_str(header);
    jws.push_str("\",\"signature\":\"");
    base64url::encode_to(signature.as_bytes(), jws);
    jws.push('"');
}
