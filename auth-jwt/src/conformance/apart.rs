//! What must not be taken for another.

use super::{
    check::{Bench, Verdict, Wrong},
    sample::{ISSUER, LOOK_ALIKES, START, at, session, subject, token},
};
use crate::{Revocation, RevocationRecord};

/// Keeps them, and each must be there, with a date and an end of its own.
async fn kept_apart(bench: &Bench<'_>, records: Result<Vec<RevocationRecord>, Wrong>) -> Verdict {
    let records = records?;
    bench.put_all(&records, START).await?;
    bench.expect("all of them", START, &records).await
}

fn numbered<T>(all: impl IntoIterator<Item = T>) -> impl Iterator<Item = (u64, T)> {
    (1..).zip(all)
}

/// `jti`, `sid` and `sub` are unique within an issuer only (RFC 7519 section 4.1.7).
pub(super) async fn revocations_of_two_issuers_are_kept_apart(bench: &Bench<'_>) -> Verdict {
    let issuers =
        [ISSUER, "https://issuer.example/", "https://ISSUER.example", "http://issuer.example", "issuer%"];
    let records =
        numbered(issuers).map(|(n, issuer)| token(issuer, "1", Some(at(n)), at(n.saturating_add(10))));
    kept_apart(bench, records.collect()).await
}

pub(super) async fn kinds_of_one_name_are_kept_apart(bench: &Bench<'_>) -> Verdict {
    let records = [
        token(ISSUER, "1", Some(at(1)), at(10)),
        session(ISSUER, "1", at(11)),
        subject(ISSUER, "1", at(2), at(12)),
    ];
    kept_apart(bench, records.into_iter().collect()).await
}

/// Whose names differ in case, in white space, or in how a letter is composed.
pub(super) async fn names_that_look_alike_are_kept_apart(bench: &Bench<'_>) -> Verdict {
    let records =
        numbered(LOOK_ALIKES).map(|(n, name)| token(ISSUER, name, Some(at(n)), at(n.saturating_add(100))));
    kept_apart(bench, records.collect()).await
}

/// An index holds less than a name may have.
pub(super) async fn long_names_are_kept_apart(bench: &Bench<'_>) -> Verdict {
    let long = "x".repeat(Revocation::MAX_NAME_LEN.saturating_sub(1));
    let names = [format!("{long}a"), format!("{long}b"), format!("a{long}"), long];
    let records = numbered(&names).map(|(n, name)| session(ISSUER, name, at(n.saturating_add(100))));
    kept_apart(bench, records.collect()).await
}

/// A key of parts that stand one behind the other is no key.
pub(super) async fn parts_that_run_together_are_kept_apart(bench: &Bench<'_>) -> Verdict {
    let parts = [("https://a", "b:c"), ("https://ab", ":c"), ("https://a:b", "c"), ("https://a:", "b:c")];
    let records = numbered(parts).map(|(n, (issuer, name))| session(issuer, name, at(n.saturating_add(100))));
    kept_apart(bench, records.collect()).await
}
