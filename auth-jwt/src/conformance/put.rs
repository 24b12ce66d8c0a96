//! Keeping a revocation, once and again.

use auth_core::UnixTime;

use super::{
    check::{Bench, Verdict},
    sample::{ISSUER, START, at, session, subject, token},
};
use crate::{Issuer, Revocation};

pub(super) async fn a_revocation_is_kept_exactly(bench: &Bench<'_>) -> Verdict {
    bench.expect("an empty store", START, &[]).await?;
    let long = "\u{439}".repeat(Revocation::MAX_NAME_LEN / 2);
    let records = [
        token(ISSUER, "t1", None, at(10))?,
        token(ISSUER, "t2", Some(at(5)), at(10))?,
        token(ISSUER, "t3", Some(UnixTime::EPOCH), at(1))?,
        token(ISSUER, "t4", Some(UnixTime::MAX), UnixTime::MAX)?,
        token(&"~".repeat(Issuer::MAX_LEN), &long, None, UnixTime::MAX)?,
        session(ISSUER, "'; DROP TABLE revocations; --", at(10))?,
        session(ISSUER, "\u{6f22}\u{1f511} \"\\", UnixTime::MAX)?,
        subject(ISSUER, "42", START, at(10))?,
        subject(ISSUER, "43", UnixTime::MAX, UnixTime::MAX)?,
    ];
    bench.put_all(&records, START).await?;
    bench.expect("what was kept", START, &records).await?;
    // Again, which is no error and changes nothing.
    bench.put_all(&records, START).await?;
    bench.expect("what was kept again", START, &records).await
}

/// A later date refuses more. An earlier one that took its place would accept what was refused.
pub(super) async fn the_later_date_counts(bench: &Bench<'_>) -> Verdict {
    for date in [50, 20, 70, 70, 0] {
        let (date, end) = (at(date), at(1_000));
        bench
            .put_all(&[token(ISSUER, "1", Some(date), end)?, subject(ISSUER, "1", date, end)?], START)
            .await?;
    }
    let wanted = [token(ISSUER, "1", Some(at(70)), at(1_000))?, subject(ISSUER, "1", at(70), at(1_000))?];
    bench.expect("the later dates", START, &wanted).await
}

/// Whichever comes first. "The greater of a number and nothing" is the number in some databases.
pub(super) async fn no_date_is_later_than_any(bench: &Bench<'_>) -> Verdict {
    let dates = [START, UnixTime::MAX, UnixTime::EPOCH];
    for (n, date) in dates.into_iter().enumerate() {
        let [before, behind] = [format!("{n}, before"), format!("{n}, behind")];
        let records = [
            token(ISSUER, &before, None, at(10))?,
            token(ISSUER, &before, Some(date), at(10))?,
            token(ISSUER, &behind, Some(date), at(10))?,
            token(ISSUER, &behind, None, at(10))?,
        ];
        bench.put_all(&records, START).await?;
    }
    let names = (0..dates.len()).flat_map(|n| [format!("{n}, before"), format!("{n}, behind")]);
    let wanted: Result<Vec<_>, _> = names.map(|name| token(ISSUER, &name, None, at(10))).collect();
    bench.expect("no date", START, &wanted?).await
}

/// An earlier end would have it forgotten while it still refuses something.
pub(super) async fn the_later_end_counts(bench: &Bench<'_>) -> Verdict {
    for end in [50, 20, 70, 70, 1] {
        bench.put_all(&[session(ISSUER, "1", at(end))?, token(ISSUER, "1", None, at(end))?], START).await?;
    }
    let wanted = [session(ISSUER, "1", at(70))?, token(ISSUER, "1", None, at(70))?];
    bench.expect("the later ends", START, &wanted).await?;
    bench.expect("the later ends, a second before", at(69), &wanted).await
}

/// The later of the two dates and the later of the two ends, not the later record.
pub(super) async fn date_and_end_count_each_for_itself(bench: &Bench<'_>) -> Verdict {
    let of = |name, date, end| subject(ISSUER, name, at(date), at(end));
    let records = [of("1", 50, 200)?, of("1", 90, 100)?, of("2", 90, 100)?, of("2", 50, 200)?];
    bench.put_all(&records, START).await?;
    bench.expect("the later of each", START, &[of("1", 90, 200)?, of("2", 90, 200)?]).await
}

/// A store may make room when it is written to, for what has ended and for nothing else.
pub(super) async fn a_put_drops_nothing_that_has_not_ended(bench: &Bench<'_>) -> Verdict {
    let records = [
        session(ISSUER, "1", at(101))?,
        token(ISSUER, "1", Some(at(50)), at(101))?,
        subject(ISSUER, "1", at(50), at(101))?,
    ];
    bench.put_all(&records, START).await?;
    let late = session(ISSUER, "late", at(1_000))?;
    bench.put_all(std::slice::from_ref(&late), at(100)).await?;
    let [one, two, three] = records;
    bench.expect("a second before the end", at(100), &[one, two, three, late]).await
}
