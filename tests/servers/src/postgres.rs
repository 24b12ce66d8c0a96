//! A PostgreSQL server.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{Process, free_port, process::wait_until_stopped, unprivileged};

/// A PostgreSQL server of one test, with the superuser `test`, who needs no password on loopback.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    port: u16,
    settings: Vec<String>,
    folder: TempDir,
}

impl Postgres {
    /// Starts one with these settings (`fsync=off`) over the defaults.
    ///
    /// # Panics
    /// If it is not installed or does not start.
    #[must_use]
    pub fn start(settings: &[&str]) -> Self {
        let folder = unprivileged::folder();
        let mut initdb = unprivileged::command(&binary("initdb"));
        initdb.args(["--no-sync", "--auth=trust", "--username=test", "--encoding=UTF8", "--locale=C.UTF-8"]);
        let output = initdb.arg("--pgdata").arg(folder.path().join("data")).output().expect("initdb");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (port, settings) = (free_port(), settings.iter().map(ToString::to_string).collect());
        let process = run(folder.path(), port, &settings);
        Self { process, port, settings, folder }
    }

    /// The URL of one of its databases: there is `postgres`.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://test@127.0.0.1:{}/{database}", self.port)
    }

    /// The port it listens on, also after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it has printed.
    ///
    /// # Panics
    /// If that cannot be read.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).expect("the log")
    }

    /// Kills it and every process of it as a crash of the host would, and waits until they are gone.
    ///
    /// # Panics
    /// If they stay.
    pub fn kill(&mut self) {
        let children = self.children();
        self.process.kill();
        signal("KILL", &children);
        let end = Instant::now() + Duration::from_secs(60);
        while children.iter().any(|child| Path::new("/proc").join(child).exists()) {
            assert!(Instant::now() < end, "processes of PostgreSQL stay");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts it again after [`kill`](Self::kill): it recovers from its log.
    pub fn restart(&mut self) {
        self.process = run(self.folder.path(), self.port, &self.settings);
    }

    /// Stops it and every process of it without ending them: they keep their connections, and answer nothing.
    pub fn freeze(&self) {
        self.process.freeze();
        let children = self.children();
        signal("STOP", &children);
        children.iter().filter_map(|pid| pid.parse().ok()).for_each(wait_until_stopped);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        signal("CONT", &self.children());
        self.process.thaw();
    }

    /// The pids of the server's processes for connections and for its chores.
    fn children(&self) -> Vec<String> {
        let pid = self.process.pid();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        children.split_whitespace().map(ToString::to_string).collect()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

fn run(folder: &Path, port: u16, settings: &Vec<String>) -> Process {
    let mut command = unprivileged::command(&binary("postgres"));
    command.arg("-D").arg(folder.join("data")).args(["-p", &port.to_string()]);
    command.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
    for setting in settings {
        command.args(["-c", setting]);
    }
    let process = Process::start(&mut command, port, &folder.join("log"));
    // It listens before it lets anybody in.
    let mut asking = Command::new(binary("pg_isready"));
    asking.args(["--quiet", "--host=127.0.0.1", "--port", &port.to_string()]);
    let end = Instant::now() + Duration::from_secs(60);
    while !asking.status().expect("pg_isready").success() {
        assert!(Instant::now() < end, "PostgreSQL does not get ready");
        thread::sleep(Duration::from_millis(20));
    }
    process
}

fn signal(signal: &str, pids: &[String]) {
    // One that has ended meanwhile is none of anybody's concern.
    let _ = Command::new("kill").arg(format!("-{signal}")).args(pids).output();
}

/// Debian keeps the server's programs out of the path, by version.
fn binary(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest =
        versions.map(|version| version.path().join("bin").join(name)).filter(|path| path.exists()).max();
    newest.unwrap_or_else(|| name.into())
}
