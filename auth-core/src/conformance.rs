//! The suites that every store must pass, whoever writes it.

pub mod broken;
mod check;
mod counters;
mod macros;
mod race;
pub mod reference;
mod report;
mod round;
mod sample;
mod sessions;
mod tokens;

pub use {
    counters::counter_store,
    race::{Contender, Race, Tasks, Threads},
    report::{Failure, Report},
    sessions::session_store,
    tokens::token_store,
};
