//! A server process.

use std::{
    fs::{self, DirEntry, File},
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

/// How long a server may take to answer on its port.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that runs. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    port: u16,
}

impl Process {
    /// Starts a server and waits until it accepts connections on `port`. What it prints goes into `log`.
    ///
    /// # Panics
    /// If it cannot be started, ends at once, or does not listen within a minute: with its log.
    #[must_use]
    pub fn start(command: &mut Command, port: u16, log: &Path) -> Self {
        let output = File::options().create(true).append(true).open(log).expect("a log file");
        let errors = output.try_clone().expect("a log file");
        let child = command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn();
        let child = child
            .unwrap_or_else(|error| panic!("{command:?}: {error}; ./scripts/test installs what is missing"));
        let mut process = Self { child, port };
        if let Err(error) = process.wait_until_it_listens() {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            panic!("{command:?}: {error}\n{log}");
        }
        process
    }

    fn wait_until_it_listens(&mut self) -> io::Result<()> {
        let end = Instant::now() + PATIENCE;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!("ended: {status}")));
            }
            match TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > end => return Err(error),
                // There is no event to wait for: the process is not ours to change.
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its pid.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a crash would: `SIGKILL`, without a last word. Waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Stops it without ending it: it keeps its port and its connections, and answers nothing (`SIGSTOP`).
    pub fn freeze(&self) {
        self.signal("STOP");
        wait_until_stopped(self.pid());
    }

    /// Lets it go on (`SIGCONT`).
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(self.pid().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -{signal}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until no thread of a process runs any more: where other processes want the processor too, a signal takes its
/// time, and a thread that has not met it yet answers once more.
///
/// # Panics
/// If one still runs after half a minute.
pub(crate) fn wait_until_stopped(pid: u32) {
    let until = Instant::now() + Duration::from_secs(30);
    let runs = |task: io::Result<DirEntry>| {
        let stat = task.and_then(|task| fs::read_to_string(task.path().join("stat"))).unwrap_or_default();
        // Behind the name, which may have anything in it: stopped, or ended.
        stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with(['T', 'Z']))
    };
    while fs::read_dir(format!("/proc/{pid}/task")).is_ok_and(|mut threads| threads.any(runs)) {
        assert!(Instant::now() < until, "process {pid} does not stop");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A port that nothing listens on just now, and that this process was not given before.
///
/// It lies below those that systems hand out by themselves (from 32,768 on, mostly): between the look and the server's
/// start, another server or a connection would else take it now and then.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn free_port() -> u16 {
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 20_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    // Processes begin far from one another.
    let begin = std::process::id().wrapping_mul(7_919);
    (0..COUNT)
        .map(|_| FIRST + begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % COUNT)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("a free port")
}
