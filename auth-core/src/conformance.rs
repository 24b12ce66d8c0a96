//! The suites that every store must pass, whoever writes it.
//!
//! There is one for each storage trait of this crate; `auth-jwt` has that of its store of revocations, `auth-rbac` those of
//! sources and stores of policies. A suite checks every sentence of its trait's documentation against a
//! store of yours, most of them with calls that are made at once, and answers a [`Report`]. What it demands
//! can be read as code in [`reference`](mod@reference), and what it catches in [`broken`].
//!
//! In the tests of a crate with `tokio`, one line does it:
//!
//! ```
//! # mod doc {
//! # use auth_core::MemorySessions;
//! auth_core::session_store_conformance!(|| async { MemorySessions::new(10_000) }, threads);
//! # }
//! ```
//!
//! Elsewhere, or to look at the report:
//!
//! ```
//! use auth_core::{MemoryTokens, conformance::{Threads, token_store}, testing::block_on};
//!
//! let fresh = || async { MemoryTokens::new(10_000) };
//! let report = block_on(token_store(fresh, &Threads::new().with_rounds(20)));
//! report.assert_passed();
//! ```
//!
//! # What the suites go by
//!
//! - Time is the caller's. All of it is in 2100 or later (but for a few dates of creation and clocks that
//!   stand at 1970), so that a server that expires rows by its own clock still has them; within a check it
//!   goes forward, where the check is not about clocks that differ.
//! - Times go up to [`UnixTime::MAX`](crate::UnixTime::MAX); versions, epochs and generations up to 2^63 - 1,
//!   which is what a signed column holds.
//! - Session ids carry the tag of their owner, as those of an engine do.
//! - A store expires what it likes when it likes, but for one thing: [`purge`](crate::SessionStore::purge)
//!   answers for all rows that are past a deadline and that nobody else has asked for.
//!
//! # Races
//!
//! A suite that runs on one thread finds no race: in a store without `.await`s, joined futures take turns. So
//! races are run by a [`Race`]: [`Threads`] for stores in the process, [`Tasks`] for those that need a
//! runtime. On a busy machine with two cores, [`Threads`] noticed 88 of 100 faults that were open for no
//! longer than it takes to unlock a mutex and lock it again, in one run each.

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
