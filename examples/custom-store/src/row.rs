//! A session as bytes: strict JSON.

use std::sync::Arc;

use auth_core::{
    Authentication, SecretHash, SecretState, SessionBlob, SessionId, SessionKind, SessionRecord,
    SessionTerms, StoreError, UnixTime, Version,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    kind: String,
    authentication: Option<Authentication>,
    terms: Option<SessionTerms>,
    secret: [u8; 32],
    previous_secret: Option<[u8; 32]>,
    rotated_at: UnixTime,
    seen: bool,
    generation: u64,
    reissued: u32,
    version: u64,
    created_at: UnixTime,
    last_used_at: UnixTime,
    idle_until: UnixTime,
    absolute_until: UnixTime,
    data: String,
}

pub(crate) fn encode(record: &SessionRecord) -> Result<Vec<u8>, StoreError> {
    let secret = &record.secret;
    let row = Row {
        kind: record.kind.as_str().to_owned(),
        authentication: record.authentication.as_deref().cloned(),
        terms: record.terms.as_deref().cloned(),
        secret: *secret.current.as_bytes(),
        previous_secret: secret.previous.as_ref().map(|hash| *hash.as_bytes()),
        rotated_at: secret.rotated_at,
        seen: secret.seen,
        generation: secret.generation,
        reissued: secret.reissued,
        version: record.version.get(),
        created_at: record.created_at,
        last_used_at: record.last_used_at,
        idle_until: record.idle_until,
        absolute_until: record.absolute_until,
        data: URL_SAFE_NO_PAD.encode(record.data.as_bytes()),
    };
    serde_json::to_vec(&row).map_err(StoreError::not_written)
}

pub(crate) fn decode(id: SessionId, bytes: &[u8]) -> Result<SessionRecord, StoreError> {
    let row: Row = serde_json::from_slice(bytes).map_err(|_| StoreError::corrupt("session"))?;
    let data = URL_SAFE_NO_PAD.decode(&row.data).map_err(|_| StoreError::corrupt("data"))?;
    Ok(SessionRecord {
        id,
        kind: SessionKind::parse(&row.kind).ok_or(StoreError::corrupt("kind"))?,
        authentication: row.authentication.map(Arc::new),
        terms: row.terms.map(Arc::new),
        secret: SecretState {
            current: SecretHash::from_bytes(row.secret),
            previous: row.previous_secret.map(SecretHash::from_bytes),
            rotated_at: row.rotated_at,
            seen: row.seen,
            generation: row.generation,
            reissued: row.reissued,
        },
        version: Version::new(row.version),
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        idle_until: row.idle_until,
        absolute_until: row.absolute_until,
        data: SessionBlob::from_bytes(&data).map_err(|_| StoreError::corrupt("data"))?,
    })
}
