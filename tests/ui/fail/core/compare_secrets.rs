//! Secrets are not compared with `==`, whose time tells where they differ.
use auth_core::{Secret, SessionSecret};

fn check(password: &Secret, other: &Secret) -> bool {
    password == other
}

fn check_cookie(cookie: &SessionSecret, other: &SessionSecret) -> bool {
    cookie == other
}

fn main() {}
