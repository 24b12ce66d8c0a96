//! Sessions as values of statements.

use auth_core::{PrincipalId, SecretState, SessionRecord, StoreError};

use crate::{
    number::{time_to_column, to_column},
    rows::session::json,
    sqlite::statement::Statement,
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
