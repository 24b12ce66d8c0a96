//! Sessions as rows.

use std::sync::Arc;

use auth_core::{
    AuthEpoch, Authentication, PrincipalId, SecretHash, SecretState, SessionBlob, SessionId, SessionKind,
    SessionRecord, SessionSummary, SessionTerms, StoreError,
};

use crate::{
    number::{time_to_column, to_column},
    sqlite::{fields::Fields, statement::Statement},
};

/// Binds a whole row, in the order of [`INSERT`](super::sql::INSERT).
pub(super) fn bind<'q>(insert: Statement<'q>, record: &SessionRecord) -> Result<Statement<'q>, StoreError> {
    let principal = record.principal();
    let authentication = json(record.authentication.as_deref())?;
    let terms = json(record.terms.as_deref())?;
    let insert = insert
        .bind(&record.id.as_bytes()[..])
        .bind(record.kind.as_str())
        .bind(principal.map(|principal| principal.realm().as_str()))
        .bind(principal.map(|principal| principal.kind().as_str()))
        .bind(principal.map(PrincipalId::id))
        .bind(to_column(record.epoch().get()))
        .bind(authentication)
        .bind(terms)
        .bind(to_column(record.version.get()))
        .bind(time_to_column(record.created_at))
        .bind(time_to_column(record.last_used_at))
        .bind(time_to_column(record.idle_until))
        .bind(time_to_column(record.absolute_until))
        .bind(record.data.as_bytes());
    Ok(bind_secret(insert, &record.secret))
}

fn json(value: Option<&impl serde::Serialize>) -> Result<Option<String>, StoreError> {
    value.map(serde_json::to_string).transpose().map_err(StoreError::not_written)
}

/// Binds the six columns of the secrets.
pub(super) fn bind_secret<'q>(statement: Statement<'q>, secret: &SecretState) -> Statement<'q> {
    statement
        .bind(&secret.current.as_bytes()[..])
        .bind(secret.previous.as_ref().map(|previous| &previous.as_bytes()[..]))
        .bind(time_to_column(secret.rotated_at))
        .bind(secret.seen)
        .bind(to_column(secret.generation))
        .bind(secret.reissued)
}

/// The session of a row.
pub(super) fn record(id: SessionId, row: &Fields) -> Result<SessionRecord, StoreError> {
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
        data: row.parse("data", |bytes| SessionBlob::from_bytes(bytes).ok())?,
    })
}

/// What may be shown of the session of a row.
pub(super) fn summary(row: &Fields) -> Result<SessionSummary, StoreError> {
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

fn secret(row: &Fields) -> Result<SecretState, StoreError> {
    let previous: Option<&[u8]> = row.maybe("previous_secret")?;
    let previous = previous
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
fn authentication(row: &Fields) -> Result<Option<Arc<Authentication>>, StoreError> {
    let Some(json) = row.maybe::<&str>("authentication")? else { return Ok(None) };
    let mut authentication: Authentication =
        serde_json::from_str(json).map_err(|_| StoreError::corrupt("authentication"))?;
    authentication.epoch = AuthEpoch::new(row.number("epoch")?);
    Ok(Some(Arc::new(authentication)))
}

fn terms(row: &Fields) -> Result<Option<Arc<SessionTerms>>, StoreError> {
    let Some(json) = row.maybe::<&str>("terms")? else { return Ok(None) };
    let terms = serde_json::from_str(json).map_err(|_| StoreError::corrupt("terms"))?;
    Ok(Some(Arc::new(terms)))
}
