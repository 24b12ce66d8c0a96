//! What people and programs do, in most tests.

use std::{cell::RefCell, collections::BTreeMap};

use auth_core::{Clock, SystemClock, UnixTime};
use auth_credentials::OtpUri;

use super::server::{Response, Server};

pub const PASSWORD: &str = "a long sentence of mine";
/// Of one-time codes, in seconds.
const PERIOD: u64 = 30;

pub fn form(fields: &[(&str, &str)]) -> String {
    let escaped = |text: &str| text.replace('%', "%25").replace('&', "%26").replace(' ', "+");
    let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    pairs.join("&")
}

pub fn json(email: &str, password: &str) -> String {
    serde_json::json!({ "email": email, "password": password }).to_string()
}

pub fn sign_up(server: &Server, email: &str) -> Response {
    server.post("/signup", &[], form(&[("email", email), ("password", PASSWORD)]))
}

pub fn log_in(server: &Server, email: &str, password: &str) -> Response {
    server.post("/login", &[("origin", &server.url)], form(&[("email", email), ("password", password)]))
}

/// The cookie that a login sets, as a `Cookie` header has it.
pub fn cookie(response: &Response) -> String {
    let line = response.header("set-cookie").expect("a cookie");
    line.split(';').next().unwrap().to_owned()
}

pub fn token(server: &Server, email: &str) -> String {
    Tokens::of(server, email).bearer
}

/// What a program holds that is logged in.
pub struct Tokens {
    /// As an `Authorization` header has it.
    pub bearer: String,
    pub refresh: String,
}

impl Tokens {
    pub fn of(server: &Server, email: &str) -> Self {
        Self::read(&server.post_json("/api/login", &[], json(email, PASSWORD)))
    }

    pub fn read(response: &Response) -> Self {
        assert_eq!(response.status, 200, "{}", response.body);
        assert_eq!(response.header("cache-control"), Some("no-store"));
        let body: serde_json::Value = serde_json::from_str(&response.body).unwrap();
        assert_eq!((body["token_type"].as_str(), body["expires_in"].as_u64()), (Some("Bearer"), Some(900)));
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Self { bearer: format!("Bearer {}", text("access_token")), refresh: text("refresh_token") }
    }
}

pub fn refresh(server: &Server, token: &str) -> Response {
    server.post_json("/api/refresh-token", &[], presented(token))
}

/// A refresh token as two routes take it.
pub fn presented(token: &str) -> String {
    serde_json::json!({ "refresh_token": token }).to_string()
}

/// A browser, as far as cookies go, which says with each form that it is of our page.
pub struct Browser<'a> {
    server: &'a Server,
    cookies: RefCell<BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    pub fn new(server: &'a Server) -> Self {
        Self { server, cookies: RefCell::default() }
    }

    /// With a login by the password, which is to be enough.
    pub fn logged_in(server: &'a Server, email: &str) -> Self {
        let browser = Self::new(server);
        let login = browser.log_in(email, PASSWORD);
        assert_eq!((login.status, login.header("location")), (303, Some("/profile")), "{}", login.body);
        browser
    }

    pub fn log_in(&self, email: &str, password: &str) -> Response {
        self.post("/login", &[("email", email), ("password", password)])
    }

    pub fn get(&self, path: &str) -> Response {
        self.keep(self.server.get(path, &[("cookie", &self.cookie())]))
    }

    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let headers = [("cookie", &*self.cookie()), ("origin", &*self.server.url)];
        self.keep(self.server.post(path, &headers, form(fields)))
    }

    /// As a `Cookie` header has them.
    pub fn cookie(&self) -> String {
        let cookies = self.cookies.borrow();
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    pub fn holds(&self, name: &str) -> bool {
        self.cookies.borrow().contains_key(&format!("{name}-{}", self.server.port()))
    }

    fn keep(&self, response: Response) -> Response {
        for line in response.cookies() {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            match line.contains("Max-Age=0") {
                true => self.cookies.borrow_mut().remove(name),
                false => self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned()),
            };
        }
        response
    }
}

/// An app that makes codes, and of which steps of the time it was asked for some.
pub struct Device {
    uri: OtpUri,
    steps: RefCell<Vec<u64>>,
}

impl Device {
    /// Enrols one in a browser that is logged in; with the recovery codes.
    pub fn enrol(browser: &Browser<'_>) -> (Self, Vec<String>) {
        let device = Self::of(&browser.post("/security/codes", &[]).body);
        let confirmed = browser.post("/security/codes/confirm", &[("code", &device.code(0))]);
        assert_eq!(confirmed.status, 200, "{}", confirmed.body);
        (device, recovery_codes(&confirmed.body))
    }

    /// What the app makes of the key on the page.
    pub fn of(page: &str) -> Self {
        Self::of_key(secret(page))
    }

    pub fn of_key(key: &str) -> Self {
        let uri = format!("otpauth://totp/Quickstart:ann?issuer=Quickstart&secret={key}");
        Self { uri: OtpUri::parse(&uri).unwrap(), steps: RefCell::default() }
    }

    /// What its codes are made of, in base32.
    pub fn secret(&self) -> String {
        self.uri.expose_secret().to_string()
    }

    /// Its first code, its second, .. and always the same: each is right once, and the next one before its time.
    pub fn code(&self, which: usize) -> String {
        let mut steps = self.steps.borrow_mut();
        while steps.len() <= which {
            let now = SystemClock.now().as_secs() / PERIOD;
            let next = steps.last().map_or(now, |last| now.max(last + 1));
            steps.push(next);
        }
        let then = UnixTime::from_secs(steps[which] * PERIOD);
        self.uri.device().code_now(then).unwrap().to_string()
    }
}

/// What a page shows once.
pub fn secret(page: &str) -> &str {
    page.split_once("<code class=\"secret\">").expect("a secret").1.split('<').next().unwrap()
}

pub fn recovery_codes(page: &str) -> Vec<String> {
    let list = page.split_once("<ul class=\"codes\">").expect("a list").1.split("</ul>").next().unwrap();
    list.split("<code>").skip(1).map(|code| code.split('<').next().unwrap().to_owned()).collect()
}
