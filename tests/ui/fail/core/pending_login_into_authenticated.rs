//! A login that lacks a factor does not act for anybody.
use auth_core::{Authenticated, PendingLogin};

fn profile(_: &Authenticated) {}

fn handler(pending: PendingLogin) {
    profile(&pending);
}

fn main() {}
