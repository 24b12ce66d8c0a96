//! auth-web through its public face: axum in process, real engines, memory stores, stores that fail.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

mod access_cookie;
mod active_roles;
#[cfg(feature = "actix4")]
mod actix;
mod api_keys;
mod app;
mod attacks;
mod audit_trail;
mod basic;
mod circumstances;
mod crash;
mod every_error;
mod hybrid;
mod login_form;
mod refusals;
mod sessions;
mod setup;
mod step_up;
mod stolen_token;
mod visits;
