//! Role assignments in SQLite.

use async_trait::async_trait;
use auth_core::{Assignment, AssignmentStore, Page, PolicyVersion, PrincipalId, RoleName, StoreError};

use super::{
    Sqlite,
    statement::{Statement, next_version, sql},
};
use crate::{
    fields::Fields,
    rows::account::{assignment, role},
};

/// The [`AssignmentStore`] of a [`Sqlite`] database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SqliteAssignments(pub(super) Sqlite);

const GRANT: &str = "INSERT INTO auth_assignments (realm, principal_kind, principal_id, role) \
    VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";

const REVOKE: &str = "DELETE FROM auth_assignments \
    WHERE realm = ?1 AND principal_kind = ?2 AND principal_id = ?3 AND role = ?4";

const ROLES_OF: &str = "SELECT role FROM auth_assignments \
    WHERE realm = ?1 AND principal_kind = ?2 AND principal_id = ?3 ORDER BY role";

const LIST: &str = "SELECT realm, principal_kind, principal_id, role FROM auth_assignments \
    ORDER BY realm, principal_kind, principal_id, role LIMIT ?1 OFFSET ?2";

const VERSION: &str = "SELECT version FROM auth_assignments_version WHERE id = 1";

const NEXT_VERSION: &str = concat!("UPDATE auth_assignments_version SET ", next_version!(), " WHERE id = 1");

#[cfg(test)]
pub(super) const ALL: &[&str] = &[REVOKE, ROLES_OF, VERSION, NEXT_VERSION];

/// Binds the three parameters that name a principal.
fn of<'q>(text: &'static str, principal: &PrincipalId) -> Statement<'q> {
    sql(text).bind(principal.realm().as_str()).bind(principal.kind().as_str()).bind(principal.id())
}

impl SqliteAssignments {
    /// Makes one change, and moves the version with it if it changed something.
    async fn change(&self, text: &'static str, assignment: &Assignment) -> Result<bool, StoreError> {
        let mut transaction = self.0.begin().await?;
        let change = of(text, &assignment.principal).bind(assignment.role.as_str());
        if transaction.write(change).await? == 0 {
            return Ok(false);
        }
        transaction.write(sql(NEXT_VERSION)).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

#[async_trait]
impl AssignmentStore for SqliteAssignments {
    async fn grant(&self, assignment: &Assignment) -> Result<bool, StoreError> {
        self.change(GRANT, assignment).await
    }

    async fn revoke(&self, assignment: &Assignment) -> Result<bool, StoreError> {
        self.change(REVOKE, assignment).await
    }

    async fn roles_of(&self, principal: &PrincipalId) -> Result<Vec<RoleName>, StoreError> {
        let found = self.0.read_all(of(ROLES_OF, principal)).await?;
        found.into_iter().map(|row| role(&Fields(row))).collect()
    }

    async fn list(&self, page: Page) -> Result<Vec<Assignment>, StoreError> {
        let found = self.0.read_all(sql(LIST).bind(page.limit()).bind(page.offset())).await?;
        found.into_iter().map(assignment).collect()
    }

    async fn version(&self) -> Result<PolicyVersion, StoreError> {
        let found = self.0.read_one(sql(VERSION)).await?;
        let row = Fields(found.ok_or(StoreError::corrupt("version"))?);
        row.number("version").map(PolicyVersion::new)
    }
}
