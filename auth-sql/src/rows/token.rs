//! Single-use tokens as rows.

use auth_core::{StoreError, TokenKey, TokenRecord, TokenSubject};

use crate::fields::{Columns, Fields};

pub(crate) fn token<R: Columns>(key: &TokenKey, row: R) -> Result<TokenRecord, StoreError> {
    let row = Fields(row);
    Ok(TokenRecord {
        key: key.clone(),
        subject: row.parse("subject", |text| TokenSubject::parse(text).ok())?,
        expires_at: row.time("expires_at")?,
        payload: row.bytes("payload")?.to_vec(),
    })
}
