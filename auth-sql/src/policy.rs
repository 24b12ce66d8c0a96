//! Policies as rows, whatever database they are in.

pub(crate) mod change;
pub(crate) mod read;
pub(crate) mod table;
pub(crate) mod write;

use auth_core::{PolicyVersion, StoreError, SystemEntropy, entropy_array};
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
pub(crate) const VERSION: &str = "SELECT version, stamp FROM auth_policy WHERE id = 1";

pub(crate) const HEAD: &str =
    "SELECT version, stamp, combining, acl_order, attributes FROM auth_policy WHERE id = 1";

pub(crate) const SET_HEAD: &str = "UPDATE auth_policy \
    SET version = ?1, stamp = ?2, combining = ?3, acl_order = ?4, attributes = ?5 WHERE id = 1";

pub(crate) const SET_VERSION: &str = "UPDATE auth_policy SET version = ?1, stamp = ?2 WHERE id = 1";

/// Which policy it is. Two of one version, one of them from a backup perhaps, differ in their stamps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) version: PolicyVersion,
    pub(crate) stamp: String,
}

impl Mark {
    /// The most bytes of a stamp that somebody wrote by hand.
    pub(crate) const MAX_STAMP: usize = 64;

    /// Before anything is stored.
    pub(crate) const fn nothing() -> Self {
        Self { version: PolicyVersion::new(0), stamp: String::new() }
    }

    /// One that no other policy has.
    pub(crate) fn new(version: PolicyVersion) -> Result<Self, StoreError> {
        let stamp = u128::from_be_bytes(entropy_array(&SystemEntropy).map_err(StoreError::not_written)?);
        Ok(Self { version, stamp: format!("{stamp:032x}") })
    }

    /// What a source calls the policy.
    fn revision(&self) -> Revision {
        Revision::new(format!("{}-{}", self.version, self.stamp))
    }
}

/// Whether a document may take the place of the policy of version `expected`.
pub(crate) async fn check(expected: PolicyVersion, document: PolicyDocument) -> Result<(), PolicyStoreError> {
    aside(move || compile(expected, &document)).await
}

/// Whether the version may follow, and the document is a policy.
fn compile(expected: PolicyVersion, document: &PolicyDocument) -> Result<(), PolicyStoreError> {
    let offered = document.version;
    if offered <= expected || number::from_column(number::to_column(offered.get())) != Some(offered.get()) {
        return Err(PolicyStoreError::Version { offered, expected });
    }
    document.compile().map(drop).map_err(PolicyStoreError::Document)
}

/// Does what takes a while on a thread for that.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PolicyStoreError> + Send + 'static,
) -> Result<T, PolicyStoreError> {
    tokio::task::spawn_blocking(work).await.map_err(StoreError::not_written)?
}

/// Whether there are no more changes than are made together, which is asked before anything is read for them.
pub(crate) fn limit(changes: &[PolicyChange]) -> Result<(), PolicyStoreError> {
    if changes.len() > Administration::MAX_CHANGES { Err(PolicyStoreError::TooMany) } else { Ok(()) }
}

/// What the changes are made to, if they make a policy of it.
pub(crate) async fn changed(
    found: Found,
    expected: PolicyVersion,
    changes: &[PolicyChange],
) -> Result<Result<Mark, Saved>, PolicyStoreError> {
    let (mut document, rows, mark) = match found {
        Found::Policy { document, rows, mark } => (*document, rows, mark),
        Found::Nothing => (PolicyDocument::new(PolicyVersion::new(0)), 0, Mark::nothing()),
        Found::TooLarge => return Err(PolicyStoreError::TooLarge { max: MAX_ROWS }),
    };
    if document.version != expected {
        return Ok(Err(Saved::Conflict(document.version)));
    }
    // Each adds one row at most.
    if changes.len() > MAX_ROWS.saturating_sub(rows) {
        return Err(PolicyStoreError::TooLarge { max: MAX_ROWS });
    }
    let changes = changes.to_vec();
    aside(move || {
        document.apply_all(&changes)?;
        document.version = expected.next();
        compile(expected, &document)
    })
    .await?;
    Ok(Ok(mark))
}

/// The rows of a document, if there are no more of them than are read again.
pub(crate) fn written(document: &PolicyDocument) -> Result<Written<'_>, PolicyStoreError> {
    let written = Written::new(document)?;
    if written.len() > MAX_ROWS { Err(PolicyStoreError::TooLarge { max: MAX_ROWS }) } else { Ok(written) }
}

/// Whether the row of [`VERSION`] is what is known already.
pub(crate) fn is_known<R: Columns>(row: Option<R>, known: &Revision) -> Result<bool, SourceError> {
    let row = Fields(row.ok_or(StoreError::corrupt("version")).map_err(SourceError::Store)?);
    Ok(*known == read::mark(&row).map_err(SourceError::Store)?.revision())
}

/// What came of reading a policy.
#[derive(Debug)]
pub(crate) enum Found {
    Policy { document: Box<PolicyDocument>, rows: usize, mark: Mark },
    Nothing,
    TooLarge,
}

impl Found {
    pub(crate) fn loaded(self) -> Result<Loaded, SourceError> {
        match self {
            Self::Policy { document, mark, .. } => {
                Ok(Loaded::Changed { revision: mark.revision(), document })
            }
            Self::Nothing => Err(SourceError::Nothing),
            Self::TooLarge => Err(SourceError::TooLarge { max: MAX_ROWS }),
        }
    }
}
