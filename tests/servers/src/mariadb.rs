//! A MariaDB server.

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;

use crate::{Process, free_port, unprivileged};

/// A MariaDB server of one test, with the user `test`, who may do everything and needs no password.
#[derive(Debug)]
pub struct MariaDb {
    process: Process,
    port: u16,
    settings: Vec<String>,
    folder: TempDir,
}

impl MariaDb {
    /// Starts one with these settings (`max_connections=400`) over the defaults.
    ///
    /// # Panics
    /// If it is not installed or does not start.
    #[must_use]
    pub fn start(settings: &[&str]) -> Self {
        let folder = unprivileged::folder();
        let mut install = unprivileged::command(Path::new("mariadb-install-db"));
        install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        install.arg("--skip-name-resolve").arg(option("datadir", &folder.path().join("data")));
        let output = install.output().expect("mariadb-install-db; ./scripts/test installs what is missing");
        assert!(output.status.success(), "{output:?}");
        let init = folder.path().join("init.sql");
        fs::write(&init, "CREATE USER IF NOT EXISTS test;\nGRANT ALL ON *.* TO test WITH GRANT OPTION;\n")
            .expect("a file");
        let (port, settings) = (free_port(), settings.iter().map(ToString::to_string).collect());
        let process = run(folder.path(), port, &settings);
        Self { process, port, settings, folder }
    }

    /// The URL of one of its databases: there is `mysql`.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("mysql://test@127.0.0.1:{}/{database}", self.port)
    }

    /// What one of its files in its folder for data holds; what is not text is replaced.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn read(&self, file: &str) -> String {
        let bytes = fs::read(self.folder.path().join("data").join(file)).expect("a file of the server");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Kills it as a crash would, and waits until it is gone.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again after [`kill`](Self::kill): it recovers from its log.
    pub fn restart(&mut self) {
        self.process = run(self.folder.path(), self.port, &self.settings);
    }

    /// Stops it without ending it: it keeps its connections, and answers nothing.
    pub fn freeze(&self) {
        self.process.freeze();
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.process.thaw();
    }
}

fn run(folder: &Path, port: u16, settings: &Vec<String>) -> Process {
    let mut command: Command = unprivileged::command(Path::new("mariadbd"));
    command.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve"]);
    command.arg(format!("--port={port}"));
    command.arg(option("datadir", &folder.join("data"))).arg(option("socket", &folder.join("socket")));
    command.arg(option("pid-file", &folder.join("pid"))).arg(option("init-file", &folder.join("init.sql")));
    for setting in settings {
        command.arg(format!("--{setting}"));
    }
    Process::start(&mut command, port, &folder.join("log"))
}

fn option(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}
