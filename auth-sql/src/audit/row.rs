//! Rows of the log, read back.

use auth_core::{ChainEntry, ChainHead, ChainVerifier, PrincipalId, StoreError};
use serde_json::Value;

use super::query::AuditRecord;
use crate::fields::{Columns, Fields};

/// A row, with what chains it.
pub(crate) struct Kept {
    pub(crate) record: AuditRecord,
    links: Option<([u8; 32], [u8; 32])>,
}

/// The number of a row, and what it holds if that can be read.
pub(crate) type Numbered = (u64, Result<Kept, StoreError>);

pub(crate) fn numbered<R: Columns>(row: R) -> Result<Numbered, StoreError> {
    let row = Fields(row);
    Ok((row.number("entry")?, kept(&row)))
}

fn kept<R: Columns>(row: &Fields<R>) -> Result<Kept, StoreError> {
    let principal = match row.maybe_text("realm")? {
        Some(_) => Some(row.principal("realm", "principal_kind", "principal_id")?),
        None => None,
    };
    let links = match row.maybe_bytes("hash")? {
        Some(_) => Some((row.array("previous")?, row.array("hash")?)),
        None => None,
    };
    let text = |column| row.parse(column, |text| Some(text.to_owned()));
    let record = AuditRecord {
        entry: row.number("entry")?,
        at: row.time("happened_at")?,
        name: text("name")?,
        principal,
        json: text("content")?,
    };
    Ok(Kept { record, links })
}

/// The last entry that was added.
pub(crate) fn head<R: Columns>(row: Option<R>) -> Result<ChainHead, StoreError> {
    let row = Fields(row.ok_or(StoreError::corrupt("entry"))?);
    let hash = match row.maybe_bytes("hash")? {
        Some(_) => row.array("hash")?,
        None => [0; 32],
    };
    Ok(ChainHead { entry: row.number("entry")?, hash })
}

/// Checks one row.
pub(crate) fn verify(verifier: &mut ChainVerifier<'_>, (number, kept): &Numbered) {
    let Ok(kept) = kept else { return verifier.contradicted(*number) };
    let Some((before, hash)) = kept.links else { return verifier.unreadable() };
    if !says_the_same(&kept.record) {
        return verifier.contradicted(*number);
    }
    let content = kept.record.json.as_bytes();
    verifier.entry(&ChainEntry { number: *number, before, hash, content });
}

/// Whether what is looked for by is what the event says: of one that is not, nobody would see the row who looks.
fn says_the_same(record: &AuditRecord) -> bool {
    let Ok(said) = serde_json::from_str::<Value>(&record.json) else { return false };
    let whose = said.get("principal").or_else(|| said.get("by").filter(|_| record.name == "policy.changed"));
    let same_principal = match (&record.principal, whose) {
        (None, None) => true,
        (Some(principal), Some(said)) => is(principal, said),
        _ => false,
    };
    said.get("at").and_then(Value::as_u64) == Some(record.at.as_secs())
        && said.get("name").and_then(Value::as_str) == Some(&record.name)
        && same_principal
}

fn is(principal: &PrincipalId, said: &Value) -> bool {
    let text = |name| said.get(name).and_then(Value::as_str);
    text("realm") == Some(principal.realm().as_str())
        && text("kind") == Some(principal.kind().as_str())
        && text("id") == Some(principal.id())
}
