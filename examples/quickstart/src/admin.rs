//! What the command line does to the database, beside a running server or without one.

use std::error::Error;

use auth_sql::{Sqlite, SqliteOptions};
use auth_web::core::{
    AccountStore, Assignment, AssignmentStore, AuditEvent, AuditSink, Clock, LoginName, Realm, RoleName,
    SystemClock, TracingAudit,
};

use crate::{cli::Options, policy::ROLES};

/// How to become admin, to be pasted into a terminal.
pub fn hint(options: &Options) -> String {
    let database = options.database.display();
    let path = if database.to_string() == "quickstart.db" {
        String::new()
    } else {
        format!("--database '{database}' ")
    };
    format!("cargo run -p quickstart -- {path}grant <email> admin")
}

pub async fn grant(options: &Options, email: &str, role: &str) -> Result<(), Box<dyn Error>> {
    let (store, assignment) = assignment(options, email, role).await?;
    let new = store.grant(&assignment).await?;
    let Assignment { principal, role } = assignment;
    println!("{email} {} {role}", if new { "is now" } else { "already was" });
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

async fn assignment(
    options: &Options,
    email: &str,
    role: &str,
) -> Result<(impl AssignmentStore, Assignment), Box<dyn Error>> {
    let known = || ROLES.map(|role| role.to_string()).join(", ");
    let role = RoleName::parse(role).ok().filter(|role| ROLES.contains(role));
    let role = role.ok_or_else(|| format!("there is no such role; there are {}", known()))?;
    let login = LoginName::canonical(email)?;
    if !options.database.exists() {
        return Err(
            format!("there is no database {}; start the server first", options.database.display()).into()
        );
    }
    let database = Sqlite::open(&options.database, SqliteOptions::default()).await?;
    let account = database.accounts().by_login(&Realm::LOCAL, &login).await?;
    let account = account.ok_or_else(|| format!("nobody has signed up as {login}"))?;
    Ok((database.assignments(), Assignment { principal: account.id, role }))
}
