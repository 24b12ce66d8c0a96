//! Who may do what: permissions as types, roles from a file, assignments from the database.

use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use auth_web::{
    core::{AssignmentStore, Page, PolicyVersion, RoleName},
    rbac::{
        self, LivePolicy, Loaded, PolicyFile, PolicyReloader, PolicySource, Revision, SourceError,
        document::{self, PolicyDocument},
    },
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

/// The policy that comes with the program.
const BUILT_IN: &str = include_str!("../policy.toml");
/// How often to look whether policy or assignments have changed.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// What keeps `live` up to date. The server asks it at its start and every second, so a role that is granted by the
/// command line counts without a restart, and so does another policy in the file.
pub fn reloader(
    file: Option<&Path>,
    assignments: Arc<dyn AssignmentStore>,
    live: LivePolicy,
) -> Result<PolicyReloader, Box<dyn Error>> {
    let roles = match file {
        None => Roles::BuiltIn(PolicyDocument::from_toml(BUILT_IN)?),
        Some(path) => Roles::File { file: PolicyFile::toml(path), last: Mutex::default() },
    };
    Ok(PolicyReloader::new(RolesAndAssignments { roles, assignments }, live).every(INTERVAL))
}

/// The names of the roles that can be granted.
pub fn roles(file: Option<&PathBuf>) -> Result<Vec<RoleName>, Box<dyn Error>> {
    let document = match file {
        None => PolicyDocument::from_toml(BUILT_IN)?,
        Some(path) => {
            let text =
                std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            PolicyDocument::from_toml(&text)?
        }
    };
    Ok(document.roles.into_iter().map(|role| role.name).collect())
}

/// The roles of a file with the assignments of the database, as one policy. Both count their changes, and the policy's
/// version is the sum, so whatever changes makes it larger.
struct RolesAndAssignments {
    roles: Roles,
    assignments: Arc<dyn AssignmentStore>,
}

enum Roles {
    BuiltIn(PolicyDocument),
    File {
        file: PolicyFile,
        /// What it last said.
        last: Mutex<Option<(Revision, PolicyDocument)>>,
    },
}

impl Roles {
    /// The roles, and what tells them from others.
    async fn load(&self) -> Result<(String, PolicyDocument), SourceError> {
        let (file, last) = match self {
            Self::BuiltIn(document) => return Ok((String::new(), document.clone())),
            Self::File { file, last } => (file, last),
        };
        let before = last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let known = before.as_ref().map(|(revision, _)| revision);
        let (revision, document) = match (file.load(known).await?, before) {
            (Loaded::Changed { revision, document }, _) => {
                let now = (revision, *document);
                *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(now.clone());
                now
            }
            // While it is being changed, what it said before holds.
            (_, Some(before)) => before,
            (_, None) => return Err(SourceError::Read(std::io::Error::other("the file is being changed"))),
        };
        Ok((revision.as_str().to_owned(), document))
    }
}

#[async_trait]
impl PolicySource for RolesAndAssignments {
    async fn load(&self, known: Option<&Revision>) -> Result<Loaded, SourceError> {
        let (roles, mut document) = self.roles.load().await?;
        let version = self.assignments.version().await.map_err(SourceError::Store)?;
        let revision = Revision::new(format!("{roles} {version}"));
        if known == Some(&revision) {
            return Ok(Loaded::Unchanged);
        }
        let names: Vec<RoleName> = document.roles.iter().map(|role| role.name.clone()).collect();
        let mut page = Page::first();
        loop {
            let assigned = self.assignments.list(page).await.map_err(SourceError::Store)?;
            let count = assigned.len();
            for assignment in assigned {
                // A row that the policy does not know gives nothing, and must not keep the others from being read.
                if names.contains(&assignment.role) {
                    document
                        .assignments
                        .push(document::Assignment::new(assignment.principal, [assignment.role]));
                } else {
                    tracing::warn!(?assignment, "an assignment is left out: there is no such role");
                }
            }
            if count < page.limit() as usize {
                break;
            }
            page = page.next();
        }
        // The pages are one state only if nothing changed while they were read; the next call reads them whole.
        if self.assignments.version().await.map_err(SourceError::Store)? != version {
            return Ok(Loaded::Changing(INTERVAL));
        }
        document.version = PolicyVersion::new(document.version.get().saturating_add(version.get()));
        Ok(Loaded::Changed { revision, document: Box::new(document) })
    }
}

/// For the pages: the roles that somebody holds.
pub fn roles_of(live: &LivePolicy, principal: &auth_web::core::PrincipalId) -> Vec<RoleName> {
    live.policy().map(|policy| policy.roles().roles_of(principal)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A permission that the file does not name is one that nobody has.
    #[test]
    fn the_policy_knows_every_permission_of_the_program() {
        let document = PolicyDocument::from_toml(BUILT_IN).unwrap();
        assert_eq!(
            document.permissions,
            Permission::ALL.iter().map(|permission| permission.action()).collect::<Vec<_>>()
        );
        document.compile().unwrap();
        assert_eq!(roles(None).unwrap().len(), 2);
    }
}
