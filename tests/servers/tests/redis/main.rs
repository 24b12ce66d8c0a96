//! `auth-redis` on real servers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

mod conforms;
mod crash;
mod deadlines;
mod faults;
mod monitor;
mod reconnect;
mod rows;
mod secrets;
mod setup;
mod support;
mod tls;
mod together;
mod torture;
mod wire;
