//! Verified claims are another type than a token that somebody sent.
use auth_jwt::{UnverifiedToken, Verified};

fn profile(_: &Verified) {}

fn handler(token: &UnverifiedToken) {
    profile(token);
}

fn main() {}
