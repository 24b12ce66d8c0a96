//! Stores that break their contract on purpose, one fault each: proof that the suites catch it.
//!
//! Each fault names the check that must notice it, in `caught_by`; a test of this crate runs every suite
//! against every fault, and sees that there is no check that nothing fails. Whoever doubts a check can read
//! here what it is for.
//!
//! What a fault has made two steps of lies as far apart as two statements that a network carries, or, in a
//! store made by `tight`, no further than two locks in one process.

mod accounts;
mod assignments;
mod counters;
mod credentials;
mod sessions;
mod tokens;

pub use accounts::{AccountFault, BrokenAccounts};
pub use assignments::{AssignmentFault, BrokenAssignments};
pub use counters::{BrokenCounters, CounterFault};
pub use credentials::{BrokenCredentials, CredentialFault};
pub use sessions::{BrokenSessions, SessionFault};
pub use tokens::{BrokenTokens, TokenFault};

/// What lies between two statements of a store that should have made one of them.
#[derive(Debug, Clone, Copy)]
enum Gap {
    /// As much as between two statements that a network carries: others get their turn.
    Wide,
    /// No more than between two locks in one process.
    Tight,
}

impl Gap {
    fn pass(self) {
        if matches!(self, Self::Wide) {
            for _ in 0..4 {
                std::thread::yield_now();
            }
        }
    }
}

/// Faults, each with what it is and the check that catches it.
macro_rules! faults {
    (
        $(#[$doc:meta])*
        $name:ident {
            $( $(#[$fault_doc:meta])* $fault:ident => $check:ident $($raced:ident)?, )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$fault_doc])* $fault, )*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$fault),*];

            /// The check that must notice it.
            #[must_use]
            pub const fn caught_by(self) -> &'static str {
                match self {
                    $( Self::$fault => stringify!($check), )*
                }
            }

            /// Whether it shows only when calls are made at once.
            #[must_use]
            pub const fn needs_a_race(self) -> bool {
                match self {
                    $( Self::$fault => faults!(@raced $($raced)?), )*
                }
            }
        }
    };
    (@raced raced) => { true };
    (@raced) => { false };
}
use faults;
