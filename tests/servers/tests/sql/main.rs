//! `auth-sql` on real servers.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

mod at_once;
mod audit;
mod cancelled;
mod conformance;
mod corrupt;
mod crash;
mod demoted;
mod disk;
mod factors;
mod frozen;
mod halfway;
mod idle;
mod locked;
mod migrations;
mod plans;
mod policy;
mod pooler;
mod revocations;
mod rights;
mod secrets;
mod support;
mod torture;
mod values;
