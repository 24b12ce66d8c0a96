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
#[cfg(feature = "aws-lc-rs")]
mod backends;
mod bearer;
mod cached;
mod claims;
mod encoding;
mod id_token;
mod introspection;
mod issuing;
mod jwk;
mod jwk_round_trip;
mod jws;
mod key_ring;
mod key_set;
mod logout_token;
mod pem;
mod properties;
mod remote;
mod revocations;
mod rfc_keys;
mod role_mapping;
mod rsa_formats;
#[cfg(any(feature = "rsa", feature = "aws-lc-rs"))]
mod rsa_paddings;
mod rules;
mod signers;
mod signing;
mod support;
mod typing;
mod vectors;
