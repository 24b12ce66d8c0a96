//! Policies as rows, whatever database they are in.

pub(crate) mod change;
pub(crate) mod read;
pub(crate) mod table;
pub(crate) mod write;

use auth_core::{PolicyVersion, StoreError};
use auth_rbac::{
    Administration, Loaded, PolicyChange, PolicyStoreError, Revision, Saved, SourceError,
    document::PolicyDocument,
};

use crate::{
    fields::{Columns, Fields},
    number,
};

use self::write::Written;

/// The most rows of a policy, of all tables together.
pub(crate) const MAX_ROWS: usize = 1 << 20;

/// The most bytes of a rule, or of the schema, in JSON.
const MAX_JSON: usize = 1 << 20;

/// What the poll of a policy that has not changed costs.
pub(crate) const VERSION: &str = "SELECT version FROM auth_policy WHERE id = 1";

pub(crate) const HEAD: &str =
    "SELECT version, combining, acl_order, attributes FROM auth_policy WHERE id = 1";

pub(crate) const SET_HEAD: &str = "UPDATE auth_policy \
    SET version = ?1, combining = ?2, acl_order = ?3, attributes = ?4 WHERE id = 1";

pub(crate) const SET_VERSION: &str = "UPDATE auth_policy SET version = ?1 WHERE id = 1";

/// Whether a document may take the place of the policy of version `expected`. It takes a while, on a thread for that.
pub(crate) async fn check(expected: PolicyVersion, document: PolicyDocument) -> Result<(), PolicyStoreError> {
    let offered = document.version;
    if offered <= expected || number::from_column(number::to_column(offered.get())) != Some(offered.get()) {
        return Err(PolicyStoreError::Version { offered, expected });
    }
    let compiling = tokio::task::spawn_blocking(move || document.compile().map(drop));
    compiling.await.map_err(StoreError::not_written)?.map_err(PolicyStoreError::Document)
}

/// The version of the policy once the changes are made, if they make one.
pub(crate) async fn changed(
    found: Found,
    expected: PolicyVersion,
    changes: &[PolicyChange],
) -> Result<Result<PolicyVersion, Saved>, PolicyStoreError> {
    let (mut document, rows) = match found {
        Found::Policy { document, rows } => (*document, rows),
        Found::Nothing => (PolicyDocument::new(PolicyVersion::new(0)), 0),
        Found::TooLarge => return Err(PolicyStoreError::TooLarge { max: MAX_ROWS }),
    };
    if document.version != expected {
        return Ok(Err(Saved::Conflict(document.version)));
    }
    // Each adds one row at most.
    if changes.len() > MAX_ROWS.saturating_sub(rows) {
        return Err(PolicyStoreError::TooLarge { max: MAX_ROWS });
    }
    if changes.len() > Administration::MAX_CHANGES {
        return Err(PolicyStoreError::TooMany);
    }
    for change in changes {
        document.apply(change)?;
    }
    document.version = expected.next();
    let version = document.version;
    check(expected, document).await?;
    Ok(Ok(version))
}

/// The rows of a document, if there are no more of them than are read again.
pub(crate) fn written(document: &PolicyDocument) -> Result<Written<'_>, PolicyStoreError> {
    let written = Written::new(document)?;
    if written.len() > MAX_ROWS { Err(PolicyStoreError::TooLarge { max: MAX_ROWS }) } else { Ok(written) }
}

/// Whether the row of [`VERSION`] is what is known already.
pub(crate) fn is_known<R: Columns>(row: Option<R>, known: &Revision) -> Result<bool, SourceError> {
    let row = Fields(row.ok_or(StoreError::corrupt("version")).map_err(SourceError::Store)?);
    Ok(*known == revision(read::version(&row).map_err(SourceError::Store)?))
}

/// What came of reading a policy.
#[derive(Debug)]
pub(crate) enum Found {
    Policy { document: Box<PolicyDocument>, rows: usize },
    Nothing,
    TooLarge,
}

impl Found {
    pub(crate) fn loaded(self) -> Result<Loaded, SourceError> {
        match self {
            Self::Policy { document, .. } => {
                Ok(Loaded::Changed { revision: revision(document.version), document })
            }
            Self::Nothing => Err(SourceError::Nothing),
            Self::TooLarge => Err(SourceError::TooLarge { max: MAX_ROWS }),
        }
    }
}

/// What a source calls the policy of a version.
fn revision(version: PolicyVersion) -> Revision {
    Revision::new(version.to_string())
}
