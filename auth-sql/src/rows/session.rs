//! Sessions as rows.

use std::sync::Arc;

use auth_core::{
    AuthEpoch, Authentication, SecretHash, SecretState, SessionBlob, SessionId, SessionKind, SessionRecord,
    SessionSummary, SessionTerms, StoreError,
};

use crate::fields::{Columns, Fields};

/// What a column of JSON holds of `value`.
pub(crate) fn json(value: Option<&impl serde::Serialize>) -> Result<Option<String>, StoreError> {
    value.map(serde_json::to_string).transpose().map_err(StoreError::not_written)
}

/// The session of a row.
pub(crate) fn record<R: Columns>(id: SessionId, row: R) -> Result<SessionRecord, StoreError> {
    let row = &Fields(row);
    Ok(SessionRecord {
        id,
        kind: row.parse("kind", SessionKind::parse)?,
        authentication: authentication(row)?,
        terms: terms(row)?,
        secret: secret(row)?,
        version: row.version("version")?,
        created_at: row.time("created_at")?,
        last_used_at: row.time("last_used_at")?,
        idle_until: row.time("idle_until")?,
        absolute_until: row.time("absolute_until")?,
        data: row.parse_bytes("data", |bytes| SessionBlob::from_bytes(bytes).ok())?,
    })
}

/// What may be shown of the session of a row.
fn summary<R: Columns>(row: R) -> Result<SessionSummary, StoreError> {
    let row = &Fields(row);
    Ok(SessionSummary {
        id: SessionId::from_bytes(row.array("id")?),
        kind: row.parse("kind", SessionKind::parse)?,
        authentication: authentication(row)?,
        terms: terms(row)?,
        created_at: row.time("created_at")?,
        last_used_at: row.time("last_used_at")?,
        ends_at: row.time("ends_at")?,
    })
}

/// What may be shown of the sessions of these rows. One that cannot be read opens nothing, and is left out, so that it
/// does not keep its owner from the others.
pub(crate) fn summaries<R: Columns>(rows: Vec<R>) -> Result<Vec<SessionSummary>, StoreError> {
    let readable = |row| match summary(row) {
        Err(StoreError::Corrupt(_)) => None,
        summary => Some(summary),
    };
    rows.into_iter().filter_map(readable).collect()
}

fn secret<R: Columns>(row: &Fields<R>) -> Result<SecretState, StoreError> {
    let previous = row
        .maybe_bytes("previous_secret")?
        .map(|bytes| bytes.try_into().map_err(|_| StoreError::corrupt("previous_secret")))
        .transpose()?;
    Ok(SecretState {
        current: SecretHash::from_bytes(row.array("secret")?),
        previous: previous.map(SecretHash::from_bytes),
        rotated_at: row.time("rotated_at")?,
        seen: row.flag("seen")?,
        generation: row.number("generation")?,
        reissued: row.small("reissued")?,
    })
}

/// The epoch is the column's: ending all other sessions moves it without rewriting the JSON.
fn authentication<R: Columns>(row: &Fields<R>) -> Result<Option<Arc<Authentication>>, StoreError> {
    let Some(json) = row.maybe_text("authentication")? else { return Ok(None) };
    let mut authentication: Authentication =
        serde_json::from_str(json).map_err(|_| StoreError::corrupt("authentication"))?;
    authentication.epoch = AuthEpoch::new(row.number("epoch")?);
    Ok(Some(Arc::new(authentication)))
}

fn terms<R: Columns>(row: &Fields<R>) -> Result<Option<Arc<SessionTerms>>, StoreError> {
    let Some(json) = row.maybe_text("terms")? else { return Ok(None) };
    let terms = serde_json::from_str(json).map_err(|_| StoreError::corrupt("terms"))?;
    Ok(Some(Arc::new(terms)))
}
