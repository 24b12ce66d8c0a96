//! Sessions as values of statements.

use auth_core::{PrincipalId, SecretState, SessionRecord, StoreError};

use crate::{
    number::{time_to_column, to_column},
    rows::session::json,
    server::statement::{Statement, sql},
};

/// Binds a whole row, in the order of [`Inserts::session`](crate::server::sql::Inserts::session).
pub(super) fn all<'q>(text: &'static str, record: &'q SessionRecord) -> Result<Statement<'q>, StoreError> {
    let principal = record.principal();
    let insert = sql(text)
        .bind(record.id.as_bytes())
        .bind(record.kind.as_str())
        .bind(principal.map(|principal| principal.realm().as_str()))
        .bind(principal.map(|principal| principal.kind().as_str()))
        .bind(principal.map(PrincipalId::id))
        .bind(to_column(record.epoch().get()))
        .bind(json(record.authentication.as_deref())?)
        .bind(json(record.terms.as_deref())?)
        .bind(to_column(record.version.get()))
        .bind(time_to_column(record.created_at))
        .bind(time_to_column(record.last_used_at))
        .bind(time_to_column(record.idle_until))
        .bind(time_to_column(record.absolute_until))
        .bind(record.data.as_bytes());
    Ok(with_secret(insert, &record.secret))
}

/// Binds the six columns of the secrets.
pub(super) fn with_secret<'q>(statement: Statement<'q>, secret: &'q SecretState) -> Statement<'q> {
    statement
        .bind(secret.current.as_bytes())
        .bind(secret.previous.as_ref().map(|previous| previous.as_bytes()))
        .bind(time_to_column(secret.rotated_at))
        .bind(secret.seen)
        .bind(to_column(secret.generation))
        .bind(secret.reissued)
}
