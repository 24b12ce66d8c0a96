//! The public behaviour of `auth-credentials`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

mod allocations;
mod api_keys;
mod audit;
mod bearer;
#[cfg(feature = "certificates")]
mod certificates;
mod change_password;
#[cfg(feature = "import")]
mod import;
mod leaked;
mod links;
mod log_in;
mod login_gate;
mod normalization;
mod pepper;
mod pool;
mod remembered_devices;
mod remove_own;
mod second_factors;
mod sign_up;
mod signed_requests;
#[cfg(feature = "smtp")]
mod smtp;
mod step_up;
mod support;
mod throttle;
