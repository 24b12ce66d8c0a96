//! The crate as its users see it, on the memory store.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

mod audit;
mod clients;
mod clocks;
#[cfg(feature = "cookie-store")]
mod cookie_store;
mod cookies;
mod damaged;
mod data;
mod dropped;
mod epochs;
mod faults;
#[cfg(all(feature = "file-store", unix))]
mod file_store;
mod impersonation;
mod lifecycle;
mod model;
mod races;
mod refresh;
mod rotation;
mod superseded;
mod support;
mod terms;
