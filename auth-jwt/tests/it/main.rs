//! What the crate promises, seen from outside.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

mod algorithms;
mod bearer;
mod claims;
mod encoding;
mod issuing;
mod jwk;
mod key_set;
mod properties;
mod rfc_keys;
mod rules;
mod signing;
mod support;
mod typing;
mod vectors;
