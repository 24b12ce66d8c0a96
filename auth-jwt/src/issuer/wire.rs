//! Header and claims as they are written.

use auth_core::{Assurance, Authentication, Method, Scopes, SessionId, UnixTime};
use serde::Serialize;

use super::{Inner, IssueError};
use crate::{KeyId, base64url, context::WrittenContext, json::Writer};

/// The header of a token that we sign (RFC 7515 section 4.1).
#[derive(Debug, Serialize)]
pub(super) struct WireHeader<'a> {
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

impl<'a> WireHeader<'a> {
    pub(super) fn new(alg: &'static str, id: Option<&'a KeyId>, typ: Option<&'a str>) -> Self {
        Self { alg, typ, kid: id.map(KeyId::as_str) }
    }

    pub(super) fn segment(&self) -> String {
        // Strings in a struct always serialise.
        let json = serde_json::to_vec(self).unwrap_or_default();
        let mut segment = String::with_capacity(base64url::encoded_len(json.len()));
        base64url::encode_to(&json, &mut segment);
        segment
    }
}

/// The claims of an access token (RFC 9068 section 2.2), and our own one.
#[derive(Debug)]
pub(super) struct WireClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: UnixTime,
    iat: UnixTime,
    jti: &'a str,
    client_id: &'a str,
    scope: Option<&'a Scopes>,
    auth_time: UnixTime,
    acr: Assurance,
    amr: &'a [Method],
    sid: Option<SessionId>,
    auth_ctx: WrittenContext<'a>,
}

impl<'a> WireClaims<'a> {
    pub(super) fn new(
        issuer: &'a Inner,
        authentication: &'a Authentication,
        scope: Option<&'a Scopes>,
        id: &'a str,
        now: UnixTime,
        expires_at: UnixTime,
    ) -> Self {
        Self {
            iss: issuer.issuer.as_str(),
            sub: authentication.principal.id(),
            aud: issuer.audience.as_str(),
            exp: expires_at,
            iat: now,
            jti: id,
            client_id: issuer.client_id.as_str(),
            scope,
            auth_time: authentication.at.min(now),
            acr: authentication.assurance,
            amr: &authentication.methods,
            sid: None,
            auth_ctx: WrittenContext::of(authentication),
        }
    }

    pub(super) fn of_session(self, sid: Option<SessionId>) -> Self {
        Self { sid, ..self }
    }

    /// The payload, with `own` members behind ours.
    pub(super) fn payload(&self, own: &[u8]) -> Result<Vec<u8>, IssueError> {
        let mut payload = Writer::object(own.len().saturating_add(USUAL_LEN));
        payload.string("iss", self.iss);
        payload.string("sub", self.sub);
        payload.string("aud", self.aud);
        payload.integer("exp", self.exp.as_secs());
        payload.integer("iat", self.iat.as_secs());
        payload.string("jti", self.jti);
        payload.string("client_id", self.client_id);
        if let Some(scope) = self.scope {
            payload.string("scope", &scope.to_string());
        }
        payload.integer("auth_time", self.auth_time.as_secs());
        payload.string("acr", self.acr.as_str());
        if !self.amr.is_empty() {
            payload.strings("amr", self.amr.iter().map(Method::as_str));
        }
        if let Some(sid) = self.sid {
            payload.string("sid", &sid.to_string());
        }
        self.auth_ctx.write(&mut payload).map_err(|error| IssueError::OwnClaims(Some(error.into())))?;
        payload.members(own);
        Ok(payload.finish())
    }
}

/// More than most payloads have.
const USUAL_LEN: usize = 512;
