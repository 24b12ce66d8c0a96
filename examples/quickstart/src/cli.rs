//! The command line. Every option can also be set by an environment variable.

use std::{
    io,
    net::SocketAddr,
    path::{self, PathBuf},
};

use clap::{Parser, Subcommand};

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
    /// The SQLite file. It is made if it does not exist.
    #[arg(long, env = "QUICKSTART_DATABASE", default_value = "quickstart.db", global = true)]
    pub database: PathBuf,
    /// The file of the server's master key. It is made on the first start, readable by its owner only.
    /// [default: beside the database, with the extension `key`]
    #[arg(long, env = "QUICKSTART_KEY_FILE", global = true)]
    pub key_file: Option<PathBuf>,
}

impl Options {
    /// The key file, which is never inside the database: who copies the one does not have the other.
    pub fn key_file(&self) -> io::Result<PathBuf> {
        let key_file = self.key_file.clone().unwrap_or_else(|| self.database.with_extension("key"));
        let same = path::absolute(&key_file)? == path::absolute(&self.database)?
            || matches!((key_file.canonicalize(), self.database.canonicalize()), (Ok(a), Ok(b)) if a == b);
        if same {
            let path = key_file.display();
            return Err(io::Error::other(format!(
                "{path} cannot be both database and key file: name another one"
            )));
        }
        Ok(key_file)
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the application (the default).
    Serve,
    /// Give a role to an account: `quickstart grant ann@example.com admin`.
    Grant {
        /// The e-mail address that the account logs in with.
        email: String,
        /// The role: `admin` or `member`.
        role: String,
    },
    /// Set a new password, read from standard input: for somebody who forgot theirs or failed 100 times. Ends
    /// all of their sessions.
    SetPassword {
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
