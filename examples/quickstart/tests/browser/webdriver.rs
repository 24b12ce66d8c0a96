//! Chromium without a screen, driven by ChromeDriver (W3C WebDriver): as much of it as the story takes.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use servers::{Process, free_port};
use tempfile::TempDir;

/// A browser with an empty profile. Dropping it closes it.
pub struct Chromium {
    agent: ureq::Agent,
    /// Of its session, to which every command is sent.
    url: String,
    // Last: the browser is told to close while its driver still runs.
    _driver: Process,
    _folder: TempDir,
}

impl Chromium {
    pub fn start() -> Self {
        let (folder, port) = (TempDir::new().unwrap(), free_port());
        let mut driver = Command::new("chromedriver");
        driver.arg(format!("--port={port}")).env("HOME", folder.path()).current_dir(folder.path());
        let driver = Process::start(&mut driver, port, &folder.path().join("chromedriver.log"));
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)));
        let agent = config.build().new_agent();
        let profile = format!("--user-data-dir={}", folder.path().join("profile").display());
        // It looks for nothing outside of this machine; and a browser of root has no sandbox.
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1000,900",
            &profile,
        ];
        let options = json!({ "goog:chromeOptions": { "args": arguments } });
        let wanted = json!({ "capabilities": { "alwaysMatch": options } });
        // A port that is open is not yet a driver that answers; this is how it says so (WebDriver section 8.3).
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_ready(&agent, port) {
            assert!(Instant::now() < deadline, "the driver is not ready");
            std::thread::sleep(Duration::from_millis(20));
        }
        let begun = send(agent.post(format!("http://127.0.0.1:{port}/session")), &wanted).unwrap();
        let session = begun["sessionId"].as_str().expect("a session");
        let url = format!("http://127.0.0.1:{port}/session/{session}");
        Self { agent, url, _driver: driver, _folder: folder }
    }

    pub fn open(&self, url: &str) {
        self.command("url", json!({ "url": url }));
    }

    pub fn path(&self) -> String {
        let url = self.ask("url");
        let url = url.as_str().unwrap().splitn(4, '/').nth(3).unwrap();
        format!("/{url}")
    }

    /// What a person reads of the page.
    pub fn text(&self) -> String {
        self.text_of("body")
    }

    pub fn text_of(&self, selector: &str) -> String {
        self.ask(&format!("element/{}/text", self.find(selector))).as_str().unwrap().to_owned()
    }

    pub fn fill(&self, selector: &str, text: &str) {
        self.command(&format!("element/{}/value", self.find(selector)), json!({ "text": text }));
    }

    /// Returns when the page that it leads to is there: the driver itself does not always wait for that.
    pub fn click(&self, selector: &str) {
        let before = self.find("html");
        self.command(&format!("element/{}/click", self.find(selector)), json!({}));
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.is_on_another_page(&before) {
            assert!(Instant::now() < deadline, "nothing comes of a click on {selector}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The cookie whose name begins so, as the browser keeps it.
    pub fn cookie(&self, name: &str) -> Option<Value> {
        let cookies = self.ask("cookie");
        let begins = |cookie: &&Value| cookie["name"].as_str().unwrap().starts_with(name);
        cookies.as_array().unwrap().iter().find(begins).cloned()
    }

    /// What a script of the page makes of an expression.
    pub fn script(&self, expression: &str) -> Value {
        self.command("execute/sync", json!({ "script": format!("return {expression}"), "args": [] }))
    }

    fn is_on_another_page(&self, before: &str) -> bool {
        let whole = json!({ "script": "return document.readyState == 'complete'", "args": [] });
        self.try_find("html").is_ok_and(|html| html != before)
            && self.try_command("execute/sync", whole).is_ok_and(|complete| complete == true)
    }

    fn find(&self, selector: &str) -> String {
        self.try_find(selector).unwrap_or_else(|error| panic!("{selector}: {error}"))
    }

    fn try_find(&self, selector: &str) -> Result<String, String> {
        let found = self.try_command("element", json!({ "using": "css selector", "value": selector }))?;
        let id = found.as_object().and_then(|element| element.values().next()).and_then(Value::as_str);
        Ok(id.ok_or("no element")?.to_owned())
    }

    fn ask(&self, what: &str) -> Value {
        value(self.agent.get(format!("{}/{what}", self.url)).call()).unwrap()
    }

    fn command(&self, what: &str, arguments: Value) -> Value {
        self.try_command(what, arguments).unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    fn try_command(&self, what: &str, arguments: Value) -> Result<Value, String> {
        send(self.agent.post(format!("{}/{what}", self.url)), &arguments)
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Already gone is fine.
        let _ = self.agent.delete(&self.url).call();
    }
}

fn is_ready(agent: &ureq::Agent, port: u16) -> bool {
    let answer = agent.get(format!("http://127.0.0.1:{port}/status")).call();
    let text = answer.ok().and_then(|mut answer| answer.body_mut().read_to_string().ok()).unwrap_or_default();
    serde_json::from_str(&text).is_ok_and(|status: Value| status["value"]["ready"] == true)
}

fn send(request: ureq::RequestBuilder<ureq::typestate::WithBody>, body: &Value) -> Result<Value, String> {
    value(request.header("content-type", "application/json").send(body.to_string()))
}

/// Every answer has one, and an error says what is wrong in it.
fn value(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, String> {
    let text = response.expect("an answer").body_mut().read_to_string().unwrap();
    let mut answer: Value = serde_json::from_str(&text).unwrap();
    if answer["value"]["error"].is_null() { Ok(answer["value"].take()) } else { Err(text) }
}
