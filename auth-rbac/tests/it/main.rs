#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

mod abac;
mod active;
mod asserted;
mod building;
mod combining;
mod deciding;
mod describing;
mod model;
mod naming;
mod permissions;
mod reloading;
mod reviewing;
mod support;
