//! Counters to check with.

use std::time::Duration;

use crate::{
    Count, CounterKey, Realm, Window,
    conformance::{
        check::{Verdict, Wrong},
        sample::PURPOSE,
    },
};

pub(super) fn key(n: u64) -> CounterKey {
    CounterKey::new(&Realm::LOCAL, PURPOSE, &[&n.to_be_bytes()])
}

/// 80 seconds in buckets of ten, which begin where the minutes do.
pub(super) fn window() -> Window {
    Window::new(Duration::from_secs(80))
}

/// At least `least`; and if the store calls it exact, at most `most`.
#[track_caller]
pub(super) fn expect_between(what: &str, found: Count, least: u64, most: u64) -> Verdict {
    let too_low = found.value < least;
    let too_high = found.exact && found.value > most;
    if too_low || too_high {
        return Err(Wrong::new(&format!("{what}: found {found:?}, wanted {least} to {most}")));
    }
    Ok(())
}

/// Not too low; and if the store calls it exact, exact.
#[track_caller]
pub(super) fn expect_count(what: &str, found: Count, wanted: u64) -> Verdict {
    expect_between(what, found, wanted, wanted)
}
