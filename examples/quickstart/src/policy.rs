//! Who may do what: permissions as types, roles from a file, assignments from the database.

use std::{
    cmp::Ordering,
    error::Error,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use auth_web::{
    core::{AssignmentStore, Page, PolicyVersion, RoleName},
    rbac::{
        self, LivePolicy, Loaded, Outdated, PolicyError, PolicyFile, PolicyReloader, PolicySource,
        ReloadError, Revision, SourceError,
        document::{self, DocumentError, PolicyDocument},
    },
};
use tokio::time;

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
/// How often to look at the start, until a file that is being written is given up.
const LOOKS_AT_START: u32 = 40;

/// What keeps `live` up to date. The server asks it at its start and every second, so a role that is granted by the
/// command line counts without a restart, and so does another policy in the file.
pub fn reloader(
    file: Option<&Path>,
    assignments: Arc<dyn AssignmentStore>,
    live: LivePolicy,
) -> Result<PolicyReloader, Box<dyn Error>> {
    Ok(PolicyReloader::new(RolesAndAssignments::new(file, assignments)?, live).every(INTERVAL))
}

/// Waits until a policy is in force: a file is taken once it was found to say the same twice.
pub async fn start(reloader: &mut PolicyReloader) -> Result<(), Box<dyn Error>> {
    for _ in 0..LOOKS_AT_START {
        let polled = reloader.poll().await;
        polled.outcome?;
        if reloader.live().policy().is_some() {
            return Ok(());
        }
        time::sleep(polled.again_in).await;
    }
    Err("the policy never stays the same".into())
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
    Ok(names(&document))
}

/// The database says who holds a role of the policy. Those of a tenant may have the same names.
fn names(document: &PolicyDocument) -> Vec<RoleName> {
    document.roles.iter().filter(|role| role.tenant.is_none()).map(|role| role.name.clone()).collect()
}

/// The roles of a file with the assignments of the database, as one policy. Both count their changes, and the policy's
/// version is the sum, so whatever changes makes it larger.
struct RolesAndAssignments {
    /// Without one, the policy is the one that comes with the program.
    file: Option<PolicyFile>,
    /// The last that was a policy, and newer than what was before. It stays while the file says anything else: whatever
    /// is wrong with the file, who loses a role loses it.
    last: Mutex<Option<Said>>,
    assignments: Arc<dyn AssignmentStore>,
}

/// What a file says, and what tells it from what it said before.
#[derive(Clone)]
struct Said {
    revision: Revision,
    document: PolicyDocument,
}

impl RolesAndAssignments {
    fn new(file: Option<&Path>, assignments: Arc<dyn AssignmentStore>) -> Result<Self, Box<dyn Error>> {
        let last = match file {
            Some(_) => None,
            None => Some(Said {
                revision: Revision::new("built-in"),
                document: PolicyDocument::from_toml(BUILT_IN)?,
            }),
        };
        Ok(Self { file: file.map(PolicyFile::toml), last: Mutex::new(last), assignments })
    }

    /// What the file says, if it is another policy than the last.
    async fn look(
        &self,
        last: Option<&Said>,
        known: Option<&Revision>,
    ) -> Result<Option<Loaded>, SourceError> {
        let Some(file) = &self.file else { return Ok(None) };
        let Loaded::Changed { revision, document } = file.load(last.map(|last| &last.revision)).await? else {
            return Ok(None);
        };
        if let Some(last) = last {
            is_newer(document.version, last.document.version)
                .map_err(|error| SourceError::Read(io::Error::other(error)))?;
        }
        let said = Said { revision, document: *document };
        let mut loaded = self.with_assignments(&said, known).await?;
        if let Loaded::Changed { document, .. } = &mut loaded {
            // A file that would take roles from their holders is refused, unless there is nothing to stay in force.
            if last.is_none() {
                leave_out_separated(document, said.document.assignments.len());
            }
            document.compile().map_err(SourceError::Document)?;
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
        }
        Ok(Some(loaded))
    }

    /// What was said before, with what is assigned by now.
    async fn as_before(&self, said: &Said, known: Option<&Revision>) -> Result<Loaded, SourceError> {
        let mut loaded = self.with_assignments(said, known).await?;
        if let Loaded::Changed { document, .. } = &mut loaded {
            leave_out_separated(document, said.document.assignments.len());
        }
        Ok(loaded)
    }

    async fn with_assignments(&self, said: &Said, known: Option<&Revision>) -> Result<Loaded, SourceError> {
        let version = self.assignments.version().await.map_err(SourceError::Store)?;
        let revision = Revision::new(format!("{} {version}", said.revision.as_str()));
        if known == Some(&revision) {
            return Ok(Loaded::Unchanged);
        }
        let mut document = said.document.clone();
        let names = names(&document);
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

#[async_trait]
impl PolicySource for RolesAndAssignments {
    async fn load(&self, known: Option<&Revision>) -> Result<Loaded, SourceError> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (self.look(last.as_ref(), known).await, last) {
            (Ok(Some(loaded)), _) => Ok(loaded),
            (Ok(None), None) => Ok(Loaded::Changing(PolicyFile::SETTLING)),
            (Err(error), None) => Err(error),
            (Ok(None), Some(last)) => self.as_before(&last, known).await,
            (Err(error), Some(last)) => {
                tracing::warn!(
                    error = &error as &(dyn Error + 'static),
                    "the policy file is not taken: what it said before stays"
                );
                self.as_before(&last, known).await
            }
        }
    }
}

/// Leaves out what the database assigns to whoever would hold roles that are separated: which of them was not to be, nobody
/// can tell. Otherwise one wrong grant would keep every later revocation from counting. The first assignments are the file's.
fn leave_out_separated(document: &mut PolicyDocument, of_the_file: usize) {
    while let Err(DocumentError::Roles {
        error: PolicyError::Separated { principal, separation, .. }, ..
    }) = document.compile()
    {
        let before = document.assignments.len();
        let mut place = 0_usize;
        document.assignments.retain(|assignment| {
            place = place.saturating_add(1);
            place <= of_the_file || assignment.principal != principal
        });
        if document.assignments.len() == before {
            // The file's own: no policy, and reported as such.
            return;
        }
        tracing::warn!(?principal, separation, "all assignments are left out: their roles are separated");
    }
}

fn is_newer(offered: PolicyVersion, in_force: PolicyVersion) -> Result<(), ReloadError> {
    match offered.cmp(&in_force) {
        Ordering::Greater => Ok(()),
        Ordering::Equal => Err(ReloadError::SameVersion(offered)),
        Ordering::Less => Err(ReloadError::Outdated(Outdated { offered, in_force })),
    }
}

/// For the pages: the roles that somebody holds.
pub fn roles_of(live: &LivePolicy, principal: &auth_web::core::PrincipalId) -> Vec<RoleName> {
    live.policy().map(|policy| policy.roles().roles_of(principal)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use auth_web::core::{Assignment, MemoryAssignments, PrincipalId};
    use tempfile::TempDir;

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

    /// A policy file, who holds what, and what keeps both in force.
    struct Running {
        folder: TempDir,
        assignments: Arc<MemoryAssignments>,
        reloader: PolicyReloader,
    }

    impl Running {
        fn new(policy: &str) -> Self {
            let (folder, assignments) = (TempDir::new().unwrap(), Arc::new(MemoryAssignments::new(10)));
            let path = folder.path().join("policy.toml");
            std::fs::write(&path, policy).unwrap();
            let live = LivePolicy::without_policy();
            let mut source = RolesAndAssignments::new(Some(&path), Arc::clone(&assignments) as _).unwrap();
            // Two looks in a row are enough here, whenever they are.
            source.file = source.file.map(|file| file.settling(Duration::ZERO));
            let reloader = PolicyReloader::new(source, live);
            Self { folder, assignments, reloader }
        }

        fn write(&self, policy: impl AsRef<[u8]>) {
            std::fs::write(self.folder.path().join("policy.toml"), policy).unwrap();
        }

        /// Looks until whatever was written has been seen to stay.
        async fn look(&mut self) {
            for _ in 0..2 {
                // What is wrong with the file is in the log.
                let _ = self.reloader.poll().await;
            }
        }

        /// The roles in force, after a look.
        async fn held(&mut self, name: &str) -> Vec<String> {
            self.look().await;
            let held = roles_of(self.reloader.live(), &ann());
            assert!(held.iter().all(|role| role.as_str() == name), "{held:?}");
            held.iter().map(ToString::to_string).collect()
        }
    }

    fn ann() -> PrincipalId {
        PrincipalId::local_user("ann").unwrap()
    }

    fn ann_is(role: &str) -> Assignment {
        Assignment { principal: ann(), role: RoleName::parse(role).unwrap() }
    }

    fn version(number: u64, more: &str) -> String {
        format!("{}{more}", BUILT_IN.replace("version = 1\n", &format!("version = {number}\n")))
    }

    /// Whatever is wrong with the file: the roles stay what they were, and who loses one loses it.
    #[tokio::test]
    async fn a_broken_file_stops_no_revocation() {
        let circle = "[[roles]]\nname = \"a\"\ninherits = [\"a\"]\n";
        let apart =
            "[[constraints]]\nname = \"c\"\nkind = \"static\"\nroles = [\"admin\", \"member\"]\nlimit = 2\n";
        let broken: [Vec<u8>; 7] = [
            b"version = 3".to_vec(),
            b"".to_vec(),
            vec![0xff, 0xfe],
            version(6, circle).into_bytes(),
            // No policy with what is assigned: administrators are members.
            version(6, apart).into_bytes(),
            version(5, "# changed without a larger version\n").into_bytes(),
            version(4, "").into_bytes(),
        ];
        let mut running = Running::new(&version(5, ""));
        let bob = PrincipalId::local_user("bob").unwrap();
        running.assignments.grant(&Assignment { principal: bob, ..ann_is("admin") }).await.unwrap();
        for broken in broken {
            let said = String::from_utf8_lossy(&broken).into_owned();
            running.assignments.grant(&ann_is("admin")).await.unwrap();
            assert_eq!(running.held("admin").await, ["admin"], "{said}");
            running.write(&broken);
            assert_eq!(running.held("admin").await, ["admin"], "{said}");
            running.assignments.revoke(&ann_is("admin")).await.unwrap();
            assert_eq!(running.held("admin").await.len(), 0, "{said}");
            running.write(version(5, ""));
        }
        std::fs::remove_file(running.folder.path().join("policy.toml")).unwrap();
        running.assignments.grant(&ann_is("admin")).await.unwrap();
        assert_eq!(running.held("admin").await, ["admin"]);
        let in_force = |running: &Running| running.reloader.live().policy().unwrap().version();
        let before = in_force(&running);
        running.write(version(6, ""));
        running.look().await;
        assert_eq!(in_force(&running), before.next(), "a good one is taken again");
    }

    /// One wrong grant must not keep everybody else's roles as they are, nor the server from starting.
    #[tokio::test]
    async fn a_grant_of_separated_roles_stops_no_revocation() {
        let apart = "[[roles]]\nname = \"auditor\"\n[[constraints]]\nname = \"c\"\nkind = \"static\"\n\
            roles = [\"admin\", \"auditor\"]\nlimit = 2\n";
        let mut running = Running::new(&version(5, apart));
        let bob = PrincipalId::local_user("bob").unwrap();
        let bob_is = |role| Assignment { principal: bob.clone(), ..ann_is(role) };
        for granted in [ann_is("admin"), bob_is("admin"), bob_is("auditor")] {
            running.assignments.grant(&granted).await.unwrap();
        }
        assert_eq!(running.held("admin").await, ["admin"]);
        let of_bob = |running: &Running| roles_of(running.reloader.live(), &bob).len();
        assert_eq!(of_bob(&running), 0, "neither of the two");
        running.assignments.revoke(&ann_is("admin")).await.unwrap();
        assert_eq!(running.held("admin").await.len(), 0);
        running.assignments.revoke(&bob_is("auditor")).await.unwrap();
        running.look().await;
        assert_eq!(of_bob(&running), 1);
        running.assignments.grant(&bob_is("auditor")).await.unwrap();
        running.look().await;
        assert_eq!(of_bob(&running), 0);
    }

    /// The first time, a file that is no policy is an error, and half of one is waited for.
    #[tokio::test]
    async fn nothing_is_in_force_before_the_file_is_a_policy() {
        let mut running = Running::new(&version(1, ""));
        assert!(running.reloader.poll().await.outcome.is_ok());
        assert!(running.reloader.live().policy().is_none());
        running.write("version = 1");
        assert!(running.reloader.poll().await.outcome.is_ok());
        assert!(running.reloader.poll().await.outcome.is_err());
        assert!(running.reloader.live().policy().is_none());
        running.write(version(1, ""));
        start(&mut running.reloader).await.unwrap();
        assert!(running.reloader.live().policy().is_some());
    }

    /// The database knows no tenants: a role of one does not make it name a role of the policy.
    #[tokio::test]
    async fn a_role_of_a_tenant_is_not_granted_by_its_name() {
        let press = "[[roles]]\nname = \"press\"\ntenant = \"acme\"\n";
        let mut running = Running::new(&version(1, press));
        running.assignments.grant(&ann_is("press")).await.unwrap();
        running.assignments.grant(&ann_is("admin")).await.unwrap();
        assert_eq!(running.held("admin").await, ["admin"]);
        let path = running.folder.path().join("policy.toml");
        assert_eq!(roles(Some(&path)).unwrap().len(), 2);
    }
}
