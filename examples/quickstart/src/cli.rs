//! The command line. Every option can also be set by an environment variable.

use std::{
    io,
    net::SocketAddr,
    path::{self, Path, PathBuf},
};

use clap::{
    Parser, Subcommand,
    builder::{NonEmptyStringValueParser, PathBufValueParser, TypedValueParser},
};

use auth_web::core::Secret;

use crate::{
    keys,
    stores::{Database, SessionsIn},
};

/// A small application with sign-up, login, a member page, an admin page and a JSON API.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(flatten)]
    pub options: Options,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Where to listen. Without TLS, this must be a loopback address.
    #[arg(long, env = "QUICKSTART_LISTEN", default_value = "127.0.0.1:3000", global = true)]
    pub listen: SocketAddr,
    /// A SQLite file, which is made if it does not exist, `postgres://..` or `mysql://..`. Whoever may list processes
    /// sees a password on the command line; the variable hides it.
    #[arg(
        long,
        env = "QUICKSTART_DATABASE",
        hide_env_values = true,
        default_value = "quickstart.db",
        value_parser = PathBufValueParser::new().map(Database::named),
        global = true
    )]
    pub database: Database,
    /// Where the sessions are: in the `database`, in the `memory` of the server, or at `redis://..`. The other
    /// commands want to know it too.
    #[arg(
        long,
        env = "QUICKSTART_SESSIONS",
        hide_env_values = true,
        default_value = "database",
        value_parser = NonEmptyStringValueParser::new().map(SessionsIn::named),
        global = true
    )]
    pub sessions: SessionsIn,
    /// The file of the server's master key. It is made on the first start, readable by its owner only.
    /// [default: beside a SQLite file, with the extension `key`; else `quickstart.key`]
    #[arg(long, env = "QUICKSTART_KEY_FILE", global = true)]
    pub key_file: Option<PathBuf>,
    #[command(flatten)]
    pub smtp: SmtpOptions,
    /// The file that mail is appended to where it is not sent; `-` for the standard output. Whoever reads it can
    /// use the links in it. [default: beside a SQLite file, with the extension `mail`; else `quickstart.mail`]
    #[arg(long, env = "QUICKSTART_MAIL_FILE", global = true)]
    pub mail_file: Option<PathBuf>,
    /// A policy in TOML, in place of the one that comes with the program. While the server runs, a change of it counts
    /// within seconds, if its `version` is larger.
    #[arg(long, env = "QUICKSTART_POLICY", global = true)]
    pub policy: Option<PathBuf>,
}

/// The mail server that takes what is sent.
#[derive(Debug, clap::Args)]
pub struct SmtpOptions {
    /// Sends mail through `smtps://user@host`, or `smtp://user@host` for STARTTLS. The password is never in it.
    #[arg(
        long,
        env = "QUICKSTART_SMTP",
        hide_env_values = true,
        requires = "mail_from",
        conflicts_with = "mail_file",
        global = true
    )]
    smtp: Option<String>,
    /// The file with the user's password for the mail server, readable by its owner only.
    #[arg(long, env = "QUICKSTART_SMTP_PASSWORD_FILE", requires = "smtp", global = true)]
    smtp_password_file: Option<PathBuf>,
    /// The address that mail is from.
    #[arg(long, env = "QUICKSTART_MAIL_FROM", requires = "smtp", global = true)]
    mail_from: Option<String>,
}

/// A mail server, as the command line names it.
#[cfg_attr(not(feature = "smtp"), expect(dead_code, reason = "a build without smtp asks none"))]
pub struct Smtp {
    pub url: String,
    pub password: Option<Secret>,
    pub from: String,
}

impl SmtpOptions {
    /// The server, and the password out of its file; none where mail is written to a file.
    pub fn relay(&self) -> io::Result<Option<Smtp>> {
        let (Some(url), Some(from)) = (self.smtp.clone(), self.mail_from.clone()) else { return Ok(None) };
        let password = self.smtp_password_file.as_deref().map(keys::read_password).transpose()?;
        Ok(Some(Smtp { url, password, from }))
    }

    /// Whether mail is sent.
    pub fn is_set(&self) -> bool {
        self.smtp.is_some()
    }
}

impl Options {
    /// The key file, which is never inside the database: who copies the one does not have the other.
    pub fn key_file(&self) -> io::Result<PathBuf> {
        let key_file = self.beside_the_database(self.key_file.as_ref(), "key");
        if let Some(database) = self.database.file() {
            refuse_one_file(&key_file, database, "database and key file")?;
        }
        Ok(key_file)
    }

    /// The file of mail; none for the standard output.
    pub fn mail_file(&self) -> io::Result<Option<PathBuf>> {
        let mail_file = self.beside_the_database(self.mail_file.as_ref(), "mail");
        if mail_file.as_os_str() == "-" {
            return Ok(None);
        }
        refuse_one_file(&mail_file, &self.key_file()?, "key file and mail file")?;
        if let Some(database) = self.database.file() {
            refuse_one_file(&mail_file, database, "database and mail file")?;
        }
        Ok(Some(mail_file))
    }

    fn beside_the_database(&self, named: Option<&PathBuf>, extension: &str) -> PathBuf {
        let database = self.database.file().unwrap_or(Path::new("quickstart"));
        named.cloned().unwrap_or_else(|| database.with_extension(extension))
    }
}

fn refuse_one_file(one: &Path, other: &Path, both: &str) -> io::Result<()> {
    let same = path::absolute(one)? == path::absolute(other)?
        || matches!((one.canonicalize(), other.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if same {
        let path = one.display();
        return Err(io::Error::other(format!("{path} cannot be both {both}: name another one")));
    }
    Ok(())
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the application (the default).
    Serve,
    /// Give a role to an account: `quickstart grant ann@example.com admin`. Whoever has it must have opened the link in
    /// their mail.
    Grant {
        /// The e-mail address that the account logs in with.
        email: String,
        /// The role: `admin` or `member`, unless another policy is used.
        role: String,
        /// Although nobody has shown that the address is theirs: whoever signed up with it first gets the role.
        #[arg(long)]
        unverified: bool,
    },
    /// Set a new password, read from standard input: for somebody who forgot theirs or failed 100 times. Ends
    /// all of their sessions.
    SetPassword {
        /// The e-mail address that the account logs in with.
        email: String,
    },
    /// Take the device and the recovery codes away from an account: for somebody who lost both, once it is sure who
    /// asks. Ends all of their sessions.
    RemoveDevice {
        /// The e-mail address that the account logs in with.
        email: String,
    },
    /// Disable an account: nobody logs in to it, and all of its sessions end.
    Disable {
        /// The e-mail address that the account logs in with.
        email: String,
    },
    /// Enable an account again.
    Enable {
        /// The e-mail address that the account logs in with.
        email: String,
    },
    /// Take a role away.
    Revoke {
        /// The e-mail address that the account logs in with.
        email: String,
        /// The role.
        role: String,
    },
}
