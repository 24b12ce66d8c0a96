//! A permit cannot be changed into one for another action.
use auth_core::{Action, Permit};

fn forge(permit: Permit) -> Permit {
    Permit { action: Action::from_static("users.delete"), ..permit }
}

fn main() {}
