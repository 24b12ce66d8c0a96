//! What the command line does to the database, beside a running server or without one.

use std::{error::Error, io, sync::Arc};

use auth_sql::{Sqlite, SqliteOptions, SqliteSessions};
use auth_web::{
    core::{
        Account, AccountStore, Assignment, AssignmentStore, AuditEvent, AuditSink, Clock, CounterStore,
        KeyRing, LoginName, Realm, RoleName, StoreError, SystemClock, TracingAudit,
    },
    credentials::{Accounts, EpochRaised},
};

use crate::{cli::Options, keys, policy::ROLES, setup};

/// How to become admin, to be pasted into a terminal.
pub fn hint(options: &Options) -> String {
    let path = match options.database.display().to_string() {
        database if database == "quickstart.db" => String::new(),
        database => format!("--database '{}' ", database.replace('\'', r"'\''")),
    };
    format!("cargo run -p quickstart -- {path}grant <email> admin")
}

pub async fn grant(options: &Options, email: &str, role: &str) -> Result<(), Box<dyn Error>> {
    let (store, assignment) = assignment(options, email, role).await?;
    let new = store.grant(&assignment).await?;
    let Assignment { principal, role } = assignment;
    println!("{email} {} {role}", if new { "is now" } else { "already was" });
    // Nobody has verified the address here: whoever signed up first has it.
    println!("That is account {}; compare it with the page /profile of whom you mean.", principal.id());
    if new {
        TracingAudit.record(SystemClock.now(), &AuditEvent::RoleGranted { principal, role, by: None });
    }
    Ok(())
}

pub async fn revoke(options: &Options, email: &str, role: &str) -> Result<(), Box<dyn Error>> {
    let (store, assignment) = assignment(options, email, role).await?;
    let held = store.revoke(&assignment).await?;
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
    println!("{email} has a new password; {} sessions ended", found.sweep(&raised).await?);
    Ok(())
}

/// Disables an account and ends all of its sessions and tokens.
pub async fn disable(options: &Options, email: &str) -> Result<(), Box<dyn Error>> {
    let found = Found::by_login(options, email).await?;
    let raised = found.accounts.disable(&found.account.id).await?;
    println!("{email} is disabled; {} sessions ended", found.sweep(&raised).await?);
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
    sessions: SqliteSessions,
    keys: KeyRing,
}

impl Found {
    async fn by_login(options: &Options, email: &str) -> Result<Self, Box<dyn Error>> {
        let (database, account) = account(options, email).await?;
        let counters: Arc<dyn CounterStore> = Arc::new(database.counters());
        let audit: Arc<dyn AuditSink> = Arc::new(TracingAudit);
        let accounts = setup::passwords(&database, &counters, &audit)?;
        let keys = keys::load_or_create(&options.key_file()?)?;
        Ok(Self { account, accounts, sessions: database.sessions(), keys })
    }

    async fn sweep(&self, raised: &EpochRaised) -> Result<u64, StoreError> {
        self.accounts.finish_sweep(raised, &self.sessions, &self.keys, None).await
    }
}

async fn account(options: &Options, email: &str) -> Result<(Sqlite, Account), Box<dyn Error>> {
    let login = LoginName::canonical(email)?;
    if !options.database.exists() {
        return Err(
            format!("there is no database {}; start the server first", options.database.display()).into()
        );
    }
    let database = Sqlite::open(&options.database, SqliteOptions::default()).await?;
    let account = database.accounts().by_login(&Realm::LOCAL, &login).await?;
    Ok((database, account.ok_or_else(|| format!("nobody has signed up as {login}"))?))
}

async fn assignment(
    options: &Options,
    email: &str,
    role: &str,
) -> Result<(impl AssignmentStore, Assignment), Box<dyn Error>> {
    let known = || ROLES.map(|role| role.to_string()).join(", ");
    let role = RoleName::parse(role).ok().filter(|role| ROLES.contains(role));
    let role = role.ok_or_else(|| format!("there is no such role; there are {}", known()))?;
    let (database, account) = account(options, email).await?;
    Ok((database.assignments(), Assignment { principal: account.id, role }))
}
