//! A permit is for one use: it cannot be put aside by copying it.
use auth_core::Permit;

fn copy(permit: &Permit) -> Permit {
    permit.clone()
}

fn main() {}
