//! Which of two challenges asks for less.

use std::{cmp::Reverse, time::Duration};

use auth_core::{Assurance, Challenge};

/// How much a challenge asks for: first by assurance, which may take a device that somebody does not have at hand, then by
/// age, which takes doing again what they have done before.
pub(crate) fn asks_for(challenge: &Challenge) -> (Option<Assurance>, Reverse<Duration>) {
    (challenge.assurance, Reverse(challenge.max_age.unwrap_or(Duration::MAX)))
}
