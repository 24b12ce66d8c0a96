//! Role assignments on a server.

use async_trait::async_trait;
use auth_core::{Assignment, AssignmentStore, Page, PolicyVersion, PrincipalId, RoleName, StoreError};

use super::{
    client::Client,
    driver::Driver,
    failure::Failure,
    sql::account::assignment::{LIST, NEXT_VERSION, REVOKE, ROLES_OF, VERSION},
    statement::{Statement, sql},
    work::{Work, repeated},
};
use crate::{
    fields::Fields,
    rows::account::{assignment, role},
};

/// The [`AssignmentStore`] of a database on a server. Cheap to clone.
#[derive(Debug, Clone)]
#[expect(private_bounds, reason = "the databases are this crate's")]
pub struct ServerAssignments<D: Driver>(pub(crate) Client<D>);

/// Binds the three parameters that name a principal.
fn of<'q>(text: &'static str, principal: &'q PrincipalId) -> Statement<'q> {
    sql(text).bind(principal.realm().as_str()).bind(principal.kind().as_str()).bind(principal.id())
}

impl<D: Driver> Client<D> {
    /// Makes one change, and moves the version with it if it changed something.
    async fn change(&self, text: &'static str, assignment: &Assignment) -> Result<bool, StoreError> {
        let change = of(text, &assignment.principal).bind(assignment.role.as_str());
        let mut work = self.work();
        repeated!(work: self.change_once(&work, &change))
    }

    async fn change_once(&self, work: &Work, change: &Statement<'_>) -> Result<bool, Failure> {
        let mut transaction = self.begin(work).await?;
        if transaction.write(change).await? == 0 {
            return transaction.roll_back(false).await;
        }
        if transaction.write(&sql(NEXT_VERSION)).await? == 0 {
            return Err(StoreError::corrupt("version").into());
        }
        transaction.commit(true).await
    }
}

#[async_trait]
impl<D: Driver> AssignmentStore for ServerAssignments<D> {
    async fn grant(&self, assignment: &Assignment) -> Result<bool, StoreError> {
        self.0.change(D::DIALECT.inserts.assignment, assignment).await
    }

    async fn revoke(&self, assignment: &Assignment) -> Result<bool, StoreError> {
        self.0.change(REVOKE, assignment).await
    }

    async fn roles_of(&self, principal: &PrincipalId) -> Result<Vec<RoleName>, StoreError> {
        let found = self.0.read(&of(ROLES_OF, principal)).await?;
        found.into_iter().map(|row| role(&Fields(row))).collect()
    }

    async fn list(&self, page: Page) -> Result<Vec<Assignment>, StoreError> {
        let found = self.0.read(&sql(LIST).bind(page.limit()).bind(page.offset())).await?;
        found.into_iter().map(assignment).collect()
    }

    async fn version(&self) -> Result<PolicyVersion, StoreError> {
        let found = self.0.read_one(&sql(VERSION)).await?;
        let row = Fields(found.ok_or(StoreError::corrupt("version"))?);
        row.number("version").map(PolicyVersion::new)
    }
}
