//! One factor is no login, and neither is a login that lacks one: only the gate decides.
use auth_core::{FactorPassed, Login, PendingLogin};

fn start(_: Login) {}

fn password_only(factor: FactorPassed) {
    start(factor);
}

fn second_factor_missing(pending: PendingLogin) {
    start(pending);
}

fn main() {}
