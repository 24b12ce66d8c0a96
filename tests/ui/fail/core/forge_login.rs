//! A login cannot be written down.
use auth_core::{Authentication, Login};

fn forge(authentication: Authentication) -> Login {
    Login(authentication)
}

fn main() {}
