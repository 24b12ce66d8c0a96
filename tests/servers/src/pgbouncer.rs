//! PgBouncer, in front of a PostgreSQL server.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::{Postgres, Process, free_port, unprivileged};

/// A pooler that gives a connection of the server to each transaction.
#[derive(Debug)]
pub struct PgBouncer {
    process: Process,
    _folder: TempDir,
}

impl PgBouncer {
    /// Starts one that has up to four connections to each database of the server, and keeps no prepared statement.
    ///
    /// # Panics
    /// If it is not installed or does not start.
    #[must_use]
    pub fn start(server: &Postgres) -> Self {
        let (folder, port) = (unprivileged::folder(), free_port());
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=test\n\n\
            [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
            pool_mode = transaction\ndefault_pool_size = 4\nmax_client_conn = 400\n",
            server.port()
        );
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, settings).expect("a file");
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].map(Path::new);
        let program = program.into_iter().find(|program| program.exists()).unwrap_or(Path::new("pgbouncer"));
        let mut command = unprivileged::command(program);
        let process = Process::start(command.arg(&file), port, &folder.path().join("log"));
        Self { process, _folder: folder }
    }

    /// The URL of one of the databases of its server.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://test@127.0.0.1:{}/{database}", self.process.port())
    }
}
