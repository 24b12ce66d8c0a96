//! Published test vectors, against every backend that is enabled: each case must get the same answer from all of
//! them, and that answer must be the published one.
//!
//! `cargo test --package vectors -- --nocapture` prints how many cases each set has had.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "test code"
)]

mod ecdsa;
mod ed25519;
mod hmac;
#[cfg(any(feature = "rsa", feature = "aws-lc-rs"))]
mod rsa;
mod support;
