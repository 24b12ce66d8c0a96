//! A login cannot be kept for later by copying it.
use auth_core::Login;

fn copy(login: &Login) -> Login {
    login.clone()
}

fn main() {}
