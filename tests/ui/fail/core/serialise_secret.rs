//! A secret cannot become part of an answer.
use auth_core::Secret;

#[derive(serde::Serialize)]
struct Answer {
    token: Secret,
}

fn main() {}
