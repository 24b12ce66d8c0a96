//! Accounts, credentials and assignments as rows.

use auth_core::{
    Account, AccountStatus, Assignment, AuthEpoch, CredentialBlob, CredentialKey, CredentialKind,
    CredentialRecord, FoundCredential, LoginName, Realm, RoleName, StoreError,
};

use crate::fields::{Columns, Fields};

pub(crate) fn account<R: Columns>(row: R) -> Result<Account, StoreError> {
    let row = Fields(row);
    Ok(Account {
        id: row.principal("realm", "kind", "id")?,
        login: row.parse("login", |text| LoginName::parse(text).ok())?,
        status: row.parse("status", AccountStatus::parse)?,
        epoch: AuthEpoch::new(row.number("epoch")?),
        version: row.version("version")?,
        sweep_pending: row.flag("sweep_pending")?,
        created_at: row.time("created_at")?,
    })
}

pub(crate) fn credential<R: Columns>(row: &Fields<R>) -> Result<CredentialRecord, StoreError> {
    Ok(CredentialRecord {
        key: CredentialKey {
            realm: row.parse("realm", |text| Realm::parse(text).ok())?,
            kind: row.parse("kind", |text| CredentialKind::parse(text).ok())?,
            lookup: row.bytes("lookup")?.into(),
        },
        owner: row.principal("realm", "owner_kind", "owner_id")?,
        data: row.parse_bytes("data", CredentialBlob::new)?,
        version: row.version("version")?,
        failures: row.small("failures")?,
        created_at: row.time("created_at")?,
        last_used_at: row.maybe_time("last_used_at")?,
        expires_at: row.maybe_time("expires_at")?,
    })
}

pub(crate) fn found_credential<R: Columns>(row: R) -> Result<FoundCredential, StoreError> {
    let row = Fields(row);
    Ok(FoundCredential {
        credential: credential(&row)?,
        status: row.parse("status", AccountStatus::parse)?,
        epoch: AuthEpoch::new(row.number("epoch")?),
    })
}

pub(crate) fn role<R: Columns>(row: &Fields<R>) -> Result<RoleName, StoreError> {
    row.parse("role", |text| RoleName::parse(text).ok())
}

pub(crate) fn assignment<R: Columns>(row: R) -> Result<Assignment, StoreError> {
    let row = Fields(row);
    let principal = row.principal("realm", "principal_kind", "principal_id")?;
    Ok(Assignment { principal, role: role(&row)? })
}
