//! One login makes one session.
use auth_core::Login;

fn start(_: Login) {}

fn handler(login: Login) {
    start(login);
    start(login);
}

fn main() {}
