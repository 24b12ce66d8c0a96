//! The storage trait of role assignments.

use async_trait::async_trait;

use crate::{
    PolicyVersion, PrincipalId, RoleName,
    principal::Assignment,
    store::{Page, StoreError},
};

/// Keeps who holds which role. What the roles allow is the policy's.
///
/// Writing one? Run [`conformance::assignment_store`](crate::conformance::assignment_store) against it.
#[async_trait]
pub trait AssignmentStore: Send + Sync {
    /// Gives a role. Answers whether it is new. The version goes up if it is.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn grant(&self, assignment: &Assignment) -> Result<bool, StoreError>;

    /// Takes a role away. Answers whether it was held. The version goes up if it was.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn revoke(&self, assignment: &Assignment) -> Result<bool, StoreError>;

    /// The roles that a principal holds, by the bytes of their names, lowest first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn roles_of(&self, principal: &PrincipalId) -> Result<Vec<RoleName>, StoreError>;

    /// All assignments, in a stable order, for compiling a policy. Pages are one state only if
    /// [`version`](Self::version) is the same before the first and after the last.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn list(&self, page: Page) -> Result<Vec<Assignment>, StoreError>;

    /// The version of the assignments: who compiled them at this version has them all.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn version(&self) -> Result<PolicyVersion, StoreError>;
}

crate::store::forward_async!(AssignmentStore {
    async fn grant(&self, assignment: &Assignment) -> Result<bool, StoreError>;
    async fn revoke(&self, assignment: &Assignment) -> Result<bool, StoreError>;
    async fn roles_of(&self, principal: &PrincipalId) -> Result<Vec<RoleName>, StoreError>;
    async fn list(&self, page: Page) -> Result<Vec<Assignment>, StoreError>;
    async fn version(&self) -> Result<PolicyVersion, StoreError>;
});
