//! What a session store promises, checked under load. See `main.rs` for how to run it.
//!
//! A round is a burst of operations by all tasks at once, on sessions that they share. Each operation is compared
//! with what was promised when it began and when it ended:
//!
//! - a session that was ended opens nothing, for any request that begins after the end was acknowledged;
//! - a session that nobody has begun to end is there, whatever else goes on, and is its owner's;
//! - a login whose account changed meanwhile does not survive the change;
//! - a limit refuses a login, or ends sessions for it, only where there are too many;
//! - a login ends the session that its browser had, and takes its data along if it is the same person's, and only then;
//! - a refresh token has one successor, however many requests present it at once, and a lost answer comes again.
//!
//! Between rounds nothing moves, and it is checked that every session holds exactly what was acknowledged to have been
//! written to it, that lists name the sessions that are alive and no others, and no more of them than there may be, that
//! a limit has ended the oldest and as many as it said, and that old secrets open nothing. What ended is remembered, and
//! looked for in every later round; a session that nobody began is a fault too, unless a call has failed. Then time passes: not at all, a
//! few seconds, or long enough for secrets to be replaced.
//!
//! A call that fails promises nothing: what it was to end may be alive or not, what it was to write may be there or
//! not, at once or when a server that was frozen goes on. So the same harness runs while servers are killed and frozen.

mod check;
mod jar;
mod logins;
mod model;
mod operations;
mod random;
mod report;
mod store_url;
mod tokens;
mod torture;

pub use {
    report::{Failure, Report},
    store_url::{OpenError, StoreUrl},
    torture::{Options, torture},
};
