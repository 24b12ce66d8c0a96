//! What a session store promises, checked under load. See `main.rs` for how to run it.
//!
//! A round is a burst of operations by all tasks at once, on sessions that they share. Each operation is compared
//! with what was promised when it began and when it ended:
//!
//! - a session that was ended opens nothing, for any request that begins after the end was acknowledged;
//! - a session that nobody has begun to end is there, whatever else goes on, and is its owner's;
//! - a login whose account changed meanwhile does not survive the change.
//!
//! Between rounds nothing moves, and it is checked that every session holds exactly what was acknowledged to have been
//! written to it, that lists name the sessions that are alive and no others, and that old secrets open nothing. Then
//! time passes: not at all, a few seconds, or long enough for secrets to be replaced.
//!
//! A call that fails promises nothing: what it was to end may be alive or not, what it was to write may be there or
//! not. So the same harness runs while servers are killed.

mod check;
mod jar;
mod model;
mod operations;
mod random;
mod report;
mod store_url;
mod torture;

pub use {
    report::Report,
    store_url::{OpenError, StoreUrl},
    torture::{Options, torture},
};
