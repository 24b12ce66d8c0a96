//! The real binary on a free port, with its files in a folder of its own.

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tempfile::TempDir;

pub struct Server {
    pub url: String,
    child: Child,
    folder: TempDir,
    /// The options of this server and of the commands beside it.
    environment: Vec<(&'static str, String)>,
    agent: ureq::Agent,
    /// What it told people on its standard output, without the line of its address, and its log.
    told: Arc<Mutex<String>>,
    log: Arc<Mutex<String>>,
}

pub struct Response {
    pub status: u16,
    pub body: String,
    headers: ureq::http::HeaderMap,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn cookies(&self) -> impl Iterator<Item = &str> {
        self.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap())
    }
}

impl Server {
    pub fn start() -> Self {
        Self::start_in(TempDir::new().unwrap(), |server| server.args(["--listen", "127.0.0.1:0"]))
    }

    /// In this folder, with options of its own.
    pub fn start_in(folder: TempDir, options: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        Self::start_with(folder, Vec::new(), options)
    }

    /// On stores elsewhere, which the commands beside it use too, and so it does when it is started again.
    pub fn start_on(environment: Vec<(&'static str, String)>) -> Self {
        Self::start_with(TempDir::new().unwrap(), environment, |server| {
            server.args(["--listen", "127.0.0.1:0"])
        })
    }

    fn start_with(
        folder: TempDir,
        environment: Vec<(&'static str, String)>,
        options: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let (told, log) = (Arc::default(), Arc::default());
        let mut server = command(&folder);
        let (child, url) = spawn(options(server.envs(environment.clone())), &told, &log);
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // Who is answered before the body was read finds the connection closed.
            .max_idle_connections(0)
            .timeout_global(Some(Duration::from_secs(30)));
        Self { url, child, folder, environment, agent: config.build().new_agent(), told, log }
    }

    /// Runs it to its end, which must come by itself.
    pub fn try_start(arguments: &[&str]) -> (bool, String) {
        Self::try_start_in(&TempDir::new().unwrap(), arguments)
    }

    pub fn try_start_in(folder: &TempDir, arguments: &[&str]) -> (bool, String) {
        let Output { status, stdout, stderr } = command(folder).args(arguments).output().unwrap();
        let said = [stdout, stderr].concat();
        (status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// SIGKILL, and the same files again on the same port.
    pub fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let listen = self.url.trim_start_matches("http://").to_owned();
        let mut server = self.command();
        (self.child, self.url) = spawn(server.args(["--listen", &listen]), &self.told, &self.log);
    }

    pub fn cli(&self, arguments: &[&str]) {
        let (done, said) = self.try_cli(arguments);
        assert!(done, "{said}");
    }

    /// Answers whether it was done, and what it said.
    pub fn try_cli(&self, arguments: &[&str]) -> (bool, String) {
        let Output { status, stdout, stderr } = self.command().args(arguments).output().unwrap();
        let said = [stdout, stderr].concat();
        (status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Answers what it said.
    pub fn cli_with(&self, arguments: &[&str], input: &str) -> String {
        let mut child =
            self.command().args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}");
        said
    }

    /// Runs a line as a person would paste it, with the built program in the place of `cargo run`.
    pub fn paste(&self, line: &str) {
        let program = concat!("'", env!("CARGO_BIN_EXE_quickstart"), "'");
        let line = line.replacen("cargo run -p quickstart --", program, 1);
        let output = Command::new("sh").args(["-c", &line]).current_dir(self.folder.path()).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn told(&self) -> String {
        self.told.lock().unwrap().clone()
    }

    /// All that it has written, to whichever output.
    pub fn said(&self) -> String {
        format!("{}{}", self.told(), self.log.lock().unwrap())
    }

    fn command(&self) -> Command {
        let mut command = command(&self.folder);
        command.envs(self.environment.clone());
        command
    }

    /// The lines of the audit log that tell an event of this name.
    pub fn logged(&self, name: &str) -> Vec<String> {
        let named = format!("name=\"{name}\"");
        self.log.lock().unwrap().lines().filter(|line| line.contains(&named)).map(str::to_owned).collect()
    }

    /// The newest link to this page in the mail of an address, once it is written: the notifier does not wait for that.
    pub fn link(&self, to: &str, page: &str) -> String {
        let newest = || {
            let mail = std::fs::read_to_string(self.path("quickstart.mail")).unwrap_or_default();
            let begin = format!("{}{page}?token=", self.url);
            let to = format!("{to}\n");
            let sent = mail.split("To: ").filter(|message| message.starts_with(&to));
            sent.flat_map(str::lines).filter(|line| line.starts_with(&begin)).last().map(str::to_owned)
        };
        self.until("the mail is there", || newest().is_some());
        newest().unwrap()
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }

    /// Asks again until it is so: the server looks for new roles every second.
    pub fn until(&self, what: &str, so: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !so() {
            assert!(Instant::now() < deadline, "waited too long until {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.call())
    }

    pub fn delete(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = self.agent.delete(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.call())
    }

    pub fn post(&self, path: &str, headers: &[(&str, &str)], form: String) -> Response {
        self.send(path, "application/x-www-form-urlencoded", headers, form)
    }

    pub fn post_json(&self, path: &str, headers: &[(&str, &str)], json: String) -> Response {
        self.send(path, "application/json", headers, json)
    }

    /// Without a body, and so without a word on what it would be.
    pub fn post_nothing(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send_empty())
    }

    fn send(&self, path: &str, content_type: &str, headers: &[(&str, &str)], body: String) -> Response {
        let mut request = self.agent.post(format!("{}{path}", self.url)).header("content-type", content_type);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send(body))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quickstart"));
    command.current_dir(folder.path()).env("RUST_LOG", "auth=info").env("NO_COLOR", "1");
    command
}

fn spawn(server: &mut Command, told: &Arc<Mutex<String>>, log: &Arc<Mutex<String>>) -> (Child, String) {
    let mut child = server.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    keep(BufReader::new(child.stderr.take().unwrap()), log);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    let url = line.trim_end().rsplit(' ').next().unwrap().to_owned();
    assert!(url.starts_with("http://127.0.0.1:"), "{line} {}", log.lock().unwrap());
    keep(lines, told);
    (child, url)
}

/// Somebody must go on reading, or the server would find its output closed.
fn keep(lines: impl BufRead + Send + 'static, text: &Arc<Mutex<String>>) {
    let text = Arc::clone(text);
    std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            text.lock().unwrap().push_str(&format!("{line}\n"));
        }
    });
}

fn read(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Response {
    let mut response = response.expect("an answer");
    let body = response.body_mut().read_to_string().unwrap();
    Response { status: response.status().as_u16(), body, headers: response.headers().clone() }
}
