#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

mod broken;
mod failing;
mod forwarding;
mod json_lines;
mod memory;
mod reference;
mod remote_authorizer;
mod transactional;
