//! The suites that every store must pass, whoever writes it.

pub mod broken;
mod check;
mod macros;
mod race;
pub mod reference;
mod report;
mod round;
mod sample;
mod sessions;

pub use {
    race::{Contender, Race, Tasks, Threads},
    report::{Failure, Report},
    sessions::session_store,
};
