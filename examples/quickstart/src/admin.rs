//! What the command line does to the database, beside a running server or without one.

use std::{error::Error, io, sync::Arc};

use auth_web::{
    core::{
        Account, AccountStore, Assignment, AssignmentStore, AuditEvent, AuditSink, Clock, KeyRing, LoginName,
        Realm, RoleName, SessionStore, StoreError, SystemClock, TracingAudit,
    },
    credentials::{AccountLinks, Accounts, EpochRaised, Message, NotSent, Notifier, SecondFactors},
};

use crate::{cli::Options, keys, policy, setup, stores::Stores};

/// How to become admin, to be pasted into a terminal. The URL of a server may have a password in it: it is not shown.
pub fn hint(options: &Options) -> String {
    let path = match options.database.file().map(|file| file.display().to_string()) {
        None => "--database '<the same>' ".to_owned(),
        Some(database) if database == "quickstart.db" => String::new(),
        Some(database) => format!("--database '{}' ", database.replace('\'', r"'\''")),
    };
    format!("cargo run -p quickstart -- {path}grant <email> admin")
}

/// Gives an account a role, and first ends its sessions and tokens: whoever has a copy of one from before must not come
/// to more than the account had then. (With `--unverified`, links to a mailbox that nobody has proven work on: they are for
/// whoever reads that mail.) Anybody can sign up with any address, so its mail must have been read, unless
/// whoever gives the role knows better.
pub async fn grant(
    options: &Options,
    email: &str,
    role: &str,
    unverified: bool,
) -> Result<(), Box<dyn Error>> {
    let role = known(options, role)?;
    let found = Found::by_login(options, email).await?;
    let principal = found.account.id.clone();
    let mut ended = None;
    if !found.assignments.roles_of(&principal).await?.contains(&role) {
        if !unverified && !found.links.is_address_verified(&principal).await? {
            return Err(format!(
                "nobody has opened the link in the mail to {email}: have that done, or add `--unverified`, if account {} \
                 is of whom you mean",
                principal.id()
            )
            .into());
        }
        let raised = found.accounts.log_out_everywhere(&principal).await?;
        ended = Some(found.sweep(&raised).await?);
    }
    let new =
        found.assignments.grant(&Assignment { principal: principal.clone(), role: role.clone() }).await?;
    println!("{email} {} {role}", if new { "is now" } else { "already was" });
    if let Some(ended) = ended {
        println!("Who is logged in has to log in again; {ended}.");
    }
    println!("That is account {}; its page /profile says so.", principal.id());
    if new {
        TracingAudit.record(SystemClock.now(), &AuditEvent::RoleGranted { principal, role, by: None });
    }
    Ok(())
}

pub async fn revoke(options: &Options, email: &str, role: &str) -> Result<(), Box<dyn Error>> {
    let role = known(options, role)?;
    let (stores, Account { id: principal, .. }) = account(options, email).await?;
    let assignment = Assignment { principal, role };
    let held = stores.assignments.revoke(&assignment).await?;
    let Assignment { principal, role } = assignment;
    println!("{email} {} {role}", if held { "is no longer" } else { "was not" });
    if held {
        TracingAudit.record(SystemClock.now(), &AuditEvent::RoleRevoked { principal, role, by: None });
    }
    Ok(())
}

/// Sets a password and ends all sessions and tokens of the account.
pub async fn set_password(options: &Options, email: &str) -> Result<(), Box<dyn Error>> {
    let found = Found::by_login(options, email).await?;
    let mut password = String::new();
    io::stdin().read_line(&mut password)?;
    let password = password.trim_end_matches(['\r', '\n']).to_owned();
    let raised = found.accounts.set_password(&found.account.id, password.into(), None).await?;
    println!("{email} has a new password; {}", found.sweep(&raised).await?);
    Ok(())
}

/// Takes device and recovery codes away, so that the password is enough again.
pub async fn remove_device(options: &Options, email: &str) -> Result<(), Box<dyn Error>> {
    let found = Found::by_login(options, email).await?;
    let raised = found.factors.reset(&found.account.id).await?;
    println!("{email} has no device and no recovery codes; {}", found.sweep(&raised).await?);
    Ok(())
}

/// Disables an account and ends all of its sessions and tokens.
pub async fn disable(options: &Options, email: &str) -> Result<(), Box<dyn Error>> {
    let found = Found::by_login(options, email).await?;
    let raised = found.accounts.disable(&found.account.id).await?;
    println!("{email} is disabled; {}", found.sweep(&raised).await?);
    Ok(())
}

pub async fn enable(options: &Options, email: &str) -> Result<(), Box<dyn Error>> {
    let found = Found::by_login(options, email).await?;
    found.accounts.enable(&found.account.id).await?;
    println!("{email} is enabled, and has to log in again");
    Ok(())
}

/// An account, and what changes it.
struct Found {
    account: Account,
    accounts: Accounts,
    factors: SecondFactors,
    links: AccountLinks,
    assignments: Arc<dyn AssignmentStore>,
    /// `None` if only the server can reach them.
    sessions: Option<Arc<dyn SessionStore>>,
    keys: Arc<KeyRing>,
}

impl Found {
    async fn by_login(options: &Options, email: &str) -> Result<Self, Box<dyn Error>> {
        let (stores, account) = account(options, email).await?;
        let audit: Arc<dyn AuditSink> = Arc::new(TracingAudit);
        let accounts = setup::passwords(&stores, &audit)?;
        let keys = Arc::new(keys::load_or_create(&options.key_file()?)?);
        let factors = setup::second_factors(&accounts, &keys, &stores)?;
        let links =
            setup::links(&accounts, &stores, Arc::new(NoMail), &format!("http://{}", options.listen))?;
        let sessions = options.sessions.are_shared().then_some(stores.sessions);
        let assignments = stores.assignments;
        Ok(Self { account, accounts, factors, links, assignments, sessions, keys })
    }

    /// Ends the sessions of before, and says so. Those in its memory the server ends itself: the account remembers
    /// that they are to be ended.
    async fn sweep(&self, raised: &EpochRaised) -> Result<String, StoreError> {
        let Some(sessions) = &self.sessions else { return Ok("its sessions end within a minute".to_owned()) };
        let ended = self.accounts.finish_sweep(raised, sessions, &self.keys, None).await?;
        Ok(format!("{ended} sessions ended"))
    }
}

/// The command line sends none.
struct NoMail;

impl Notifier for NoMail {
    fn notify(&self, _: &Message) -> Result<(), NotSent> {
        Err(NotSent)
    }
}

async fn account(options: &Options, email: &str) -> Result<(Stores, Account), Box<dyn Error>> {
    let login = LoginName::canonical(email)?;
    if let Some(file) = options.database.file()
        && !file.exists()
    {
        return Err(format!("there is no database {}; start the server first", file.display()).into());
    }
    let audit: Arc<dyn AuditSink> = Arc::new(TracingAudit);
    let stores = Stores::open(&options.database, &options.sessions, &audit).await?;
    let account = stores.accounts.by_login(&Realm::LOCAL, &login).await?;
    Ok((stores, account.ok_or_else(|| format!("nobody has signed up as {login}"))?))
}

/// A role that the policy knows.
fn known(options: &Options, role: &str) -> Result<RoleName, Box<dyn Error>> {
    let roles = policy::roles(options.policy.as_ref())?;
    let names = || roles.iter().map(RoleName::as_str).collect::<Vec<_>>().join(", ");
    let role = RoleName::parse(role).ok().filter(|role| roles.contains(role));
    Ok(role.ok_or_else(|| format!("there is no such role; there are {}", names()))?)
}
