//! The real binary on a free port, with its files in a folder of its own.

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

pub struct Server {
    pub url: String,
    child: Child,
    folder: TempDir,
    agent: ureq::Agent,
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
}

impl Server {
    pub fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let (child, url) = spawn(&folder, "127.0.0.1:0");
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_secs(30)));
        Self { url, child, folder, agent: config.build().new_agent() }
    }

    /// Runs it to its end, which must come by itself.
    pub fn try_start(arguments: &[&str]) -> (bool, String) {
        let folder = TempDir::new().unwrap();
        let Output { status, stdout, stderr } = command(&folder).args(arguments).output().unwrap();
        let said = [stdout, stderr].concat();
        (status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// SIGKILL, and the same files again on the same port.
    pub fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let listen = self.url.trim_start_matches("http://").to_owned();
        (self.child, self.url) = spawn(&self.folder, &listen);
    }

    pub fn cli(&self, arguments: &[&str]) {
        let output = command(&self.folder).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn cli_with(&self, arguments: &[&str], input: &str) {
        let mut child = command(&self.folder)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
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
    command.current_dir(folder.path()).env("RUST_LOG", "off");
    command
}

fn spawn(folder: &TempDir, listen: &str) -> (Child, String) {
    let mut child = command(folder).args(["--listen", listen]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next().expect("the server said nothing").unwrap();
    let url = line.rsplit(' ').next().unwrap().to_owned();
    assert!(url.starts_with("http://127.0.0.1:"), "{line}");
    // Somebody must go on reading, or the server would find its output closed.
    std::thread::spawn(move || lines.for_each(drop));
    (child, url)
}

fn read(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Response {
    let mut response = response.expect("an answer");
    let body = response.body_mut().read_to_string().unwrap();
    Response { status: response.status().as_u16(), body, headers: response.headers().clone() }
}
