//! A password that was right is not yet a login: another factor may be missing.
use auth_core::{Login, LoginOutcome};

fn start(_: Login) {}

fn handler(outcome: LoginOutcome) {
    start(outcome);
}

fn only_the_good_case(outcome: LoginOutcome) {
    match outcome {
        LoginOutcome::Complete(login) => start(login),
    }
}

fn main() {}
