#![cfg(feature = "sqlite")]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

#[cfg(feature = "audit")]
mod audit;
mod cancelled;
mod conformance;
mod corrupt;
mod files;
mod locked;
#[cfg(feature = "policy")]
mod policy;
mod processes;
mod reference;
#[cfg(feature = "revocations")]
mod revocations;
mod schema;
mod secrets;
mod shared;
mod support;
mod values;
