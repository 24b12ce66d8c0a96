//! Who may do what: permissions as types, roles as policy, assignments from the database.

use std::sync::Arc;

use auth_web::{
    core::{AssignmentStore, Page, RoleName, StoreError},
    rbac::{self, PolicyBuilder, PolicyError, Rbac},
};

rbac::permissions! {
    /// What this application lets people do.
    pub enum Permission, mod perm {
        /// See the page for administrators.
        AdminRead = "admin.read",
        /// See any account.
        UsersRead = "users.read",
        /// Delete any account.
        UsersDelete = "users.delete",
    }
}

/// The roles that can be granted.
pub const ROLES: [RoleName; 2] = [RoleName::from_static("member"), RoleName::from_static("admin")];

/// Brings the policy up to date with the assignments in the database, if they changed.
///
/// The server calls it at its start and every second, so a role that is granted by the command line counts
/// without a restart.
pub async fn reload(rbac: &Rbac, assignments: &dyn AssignmentStore) -> Result<(), ReloadError> {
    let version = assignments.version().await?;
    if rbac.snapshot().is_some_and(|snapshot| snapshot.version() >= version) {
        return Ok(());
    }
    let mut policy = PolicyBuilder::new();
    policy.permissions::<Permission>()?;
    policy.role("member")?;
    policy
        .role("admin")?
        .inherits("member")?
        .allow(Permission::AdminRead)?
        .allow(Permission::UsersRead)?
        .allow(Permission::UsersDelete)?;
    let mut page = Page::first();
    loop {
        let assigned = assignments.list(page).await?;
        for assignment in &assigned {
            // A row that the policy does not know gives nothing, and must not keep the others from being read.
            if let Err(error) = policy.assign(&assignment.principal, &assignment.role) {
                tracing::warn!(%error, ?assignment, "an assignment is left out");
            }
        }
        if assigned.len() < page.limit() as usize {
            break;
        }
        page = page.next();
    }
    // The pages are one state only if nothing changed while they were read; the next call reads them whole.
    if assignments.version().await? != version {
        return Ok(());
    }
    // Refused only if another reload was faster with newer assignments.
    let _ = rbac.replace(policy.build(version)?);
    Ok(())
}

/// The policy could not be brought up to date; the one in force stays.
#[derive(Debug)]
pub enum ReloadError {
    Store(StoreError),
    Policy(PolicyError),
}

impl std::fmt::Display for ReloadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => write!(f, "assignments cannot be read: {error}"),
            Self::Policy(error) => write!(f, "policy is not valid: {error}"),
        }
    }
}

impl std::error::Error for ReloadError {}

impl From<StoreError> for ReloadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<PolicyError> for ReloadError {
    fn from(error: PolicyError) -> Self {
        Self::Policy(error)
    }
}

/// For the pages: the roles that somebody holds.
pub fn roles_of(rbac: &Arc<Rbac>, principal: &auth_web::core::PrincipalId) -> Vec<RoleName> {
    rbac.snapshot().map(|snapshot| snapshot.roles_of(principal)).unwrap_or_default()
}
