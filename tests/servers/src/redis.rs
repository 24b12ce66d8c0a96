//! A private Redis.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{Process, free_port};

/// A `redis-server` of its own, whose files vanish with it. `REDIS_SERVER` names another program: an older one, or Valkey.
#[derive(Debug)]
pub struct RedisServer {
    process: Process,
    arguments: Vec<String>,
    folder: TempDir,
}

impl RedisServer {
    /// One that keeps nothing on disk.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&["--save", "", "--appendonly", "no"])
    }

    /// One with these arguments. Port, address and folder are set.
    #[must_use]
    pub fn with(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let process = start(free_port(), &arguments, folder.path());
        let server = Self { process, arguments, folder };
        server.wait_until_it_answers();
        server
    }

    /// Kills it as a crash would.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again after a [`kill`](Self::kill): same port, same files.
    pub fn restart(&mut self) {
        self.process = start(self.process.port(), &self.arguments, self.folder.path());
        self.wait_until_it_answers();
    }

    /// Its process, to freeze and thaw.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.process.port()
    }

    /// Where it is, without a user.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port())
    }

    /// Runs a command on a connection of its own and answers the first line of what the server says.
    ///
    /// # Panics
    /// If the server does not answer.
    #[must_use]
    pub fn say(&self, command: &[&str]) -> String {
        self.try_to_say(command).expect("an answer")
    }

    fn try_to_say(&self, command: &[&str]) -> io::Result<String> {
        let mut line = String::new();
        self.talk(command)?.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// Runs a command on a connection of its own and answers the text that the server sends.
    ///
    /// # Panics
    /// If the server does not answer with a text.
    #[must_use]
    pub fn ask(&self, command: &[&str]) -> String {
        let mut lines = self.talk(command).expect("a connection");
        let mut line = String::new();
        lines.read_line(&mut line).expect("an answer");
        let len = line.trim_end().strip_prefix('$').and_then(|len| len.parse().ok()).expect("a text");
        let mut text = vec![0; len];
        lines.read_exact(&mut text).expect("the text");
        String::from_utf8_lossy(&text).into_owned()
    }

    fn talk(&self, command: &[&str]) -> io::Result<BufReader<TcpStream>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port()))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut request = format!("*{}\r\n", command.len());
        for part in command {
            request.push_str(&format!("${}\r\n{part}\r\n", part.len()));
        }
        stream.write_all(request.as_bytes())?;
        Ok(BufReader::new(stream))
    }

    /// It listens before it has read its files, and may reset who comes before it is ready.
    fn wait_until_it_answers(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            match self.try_to_say(&["PING"]) {
                Ok(line) if !line.is_empty() && !line.starts_with("-LOADING") => return,
                answer => assert!(Instant::now() < deadline, "the server does not begin: {answer:?}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn start(port: u16, arguments: &[String], folder: &Path) -> Process {
    let program = std::env::var_os("REDIS_SERVER").unwrap_or_else(|| "redis-server".into());
    let mut command = Command::new(program);
    command
        .args(["--bind", "127.0.0.1", "--port"])
        .arg(port.to_string())
        .arg("--dir")
        .arg(folder)
        .args(arguments);
    Process::start(&mut command, port, &folder.join("log"))
}
