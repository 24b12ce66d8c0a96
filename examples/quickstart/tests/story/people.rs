//! What people and programs do, in most tests.

use super::server::{Response, Server};

pub const PASSWORD: &str = "a long sentence of mine";

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
