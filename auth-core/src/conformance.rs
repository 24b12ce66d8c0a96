//! The suites that every store must pass, whoever writes it.

mod accounts;
mod assignments;
pub mod broken;
mod check;
mod counters;
mod credentials;
mod macros;
mod race;
pub mod reference;
mod report;
mod round;
mod sample;
mod sessions;
mod tokens;

pub use {
    accounts::account_store,
    assignments::assignment_store,
    counters::counter_store,
    credentials::credential_store,
    race::{Contender, Race, Tasks, Threads},
    report::{Failure, Report},
    sessions::session_store,
    tokens::token_store,
};
