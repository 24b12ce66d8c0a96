//! Values that the checks use.

use std::time::Duration;

use auth_core::UnixTime;

use super::check::Wrong;
use crate::{Issuer, Revocation, RevocationRecord};

/// When every check begins: 2100-01-01, so that a store whose server forgets rows by its own clock has them all.
pub(super) const START: UnixTime = UnixTime::from_secs(4_102_444_800);

/// The moment `secs` after [`START`].
pub(super) const fn at(secs: u64) -> UnixTime {
    START.saturating_add(Duration::from_secs(secs))
}

/// One who issues tokens.
pub(super) const ISSUER: &str = "https://issuer.example";

/// Names that a careless comparison takes for one: by case, by white space, by Unicode normalisation, by a pattern's
/// wildcards, by quoting, by number.
pub(super) const LOOK_ALIKES: [&str; 17] = [
    "ann",
    "Ann",
    "ann ",
    "ann\t",
    " ann",
    "a%",
    "a_n",
    "a\\n",
    "a'n",
    "\u{e9}",
    "e\u{301}",
    "ann/token",
    "token/ann",
    "1",
    "01",
    "1.0",
    "\u{ff41}\u{ff4e}\u{ff4e}",
];

/// A token that is revoked, with its date, until its end.
pub(super) fn token(
    issuer: &str,
    name: &str,
    date: Option<UnixTime>,
    ends_at: UnixTime,
) -> Result<RevocationRecord, Wrong> {
    let revocation = Revocation::token(Issuer::new(issuer)?, name, date)?;
    Ok(RevocationRecord { revocation, ends_at })
}

pub(super) fn session(issuer: &str, name: &str, ends_at: UnixTime) -> Result<RevocationRecord, Wrong> {
    let revocation = Revocation::session(Issuer::new(issuer)?, name)?;
    Ok(RevocationRecord { revocation, ends_at })
}

pub(super) fn subject(
    issuer: &str,
    name: &str,
    date: UnixTime,
    ends_at: UnixTime,
) -> Result<RevocationRecord, Wrong> {
    let revocation = Revocation::subject(Issuer::new(issuer)?, name, date)?;
    Ok(RevocationRecord { revocation, ends_at })
}
