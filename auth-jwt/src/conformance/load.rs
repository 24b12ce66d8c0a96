//! Handing over what is kept.

use auth_core::StoreError;

use super::{
    check::{Bench, Verdict, ensure, expect_all},
    sample::{ISSUER, START, at, session, subject, token},
};

/// More than most pages have, and no multiple of what they may.
const MANY: u64 = 1_203;

pub(super) async fn every_one_of_many_is_handed_over(bench: &Bench<'_>) -> Verdict {
    let mut records = Vec::new();
    for n in 0..MANY {
        records.push(session(ISSUER, &format!("s{n}"), at(n.saturating_add(100)))?);
    }
    bench.put_all(&records, START).await?;
    let mut found = bench.load(START).await?;
    ensure(found.len() >= records.len(), "as many are handed over as were kept")?;
    // So that they need not be compared each with each.
    for list in [&mut found, &mut records] {
        list.sort_by(|a, b| (a.ends_at, a.revocation.name()).cmp(&(b.ends_at, b.revocation.name())));
        list.dedup();
    }
    ensure(found == records, "what is handed over is what was kept")
}

/// From its end on it may be gone, and not before.
pub(super) async fn a_revocation_is_handed_over_until_it_ends(bench: &Bench<'_>) -> Verdict {
    let short = [token(ISSUER, "1", Some(at(1)), at(100))?, subject(ISSUER, "1", at(1), at(100))?];
    let long = [session(ISSUER, "1", at(200))?, token(ISSUER, "2", None, at(101))?];
    let all = [short.clone(), long.clone()].concat();
    bench.put_all(&all, START).await?;
    bench.expect("a second before the end", at(99), &all).await?;
    let mut found = bench.load(at(100)).await?;
    found.retain(|record| !short.contains(record));
    expect_all("what has not ended", &found, &long)
}

/// A list that is full says so in its answer: to go on as if nothing were would be a list of which a part is missing.
pub(super) async fn what_each_answers_is_passed_on(bench: &Bench<'_>) -> Verdict {
    const ROWS: u64 = 3;
    for n in 0..ROWS {
        bench.put_all(&[session(ISSUER, &format!("s{n}"), at(100))?], START).await?;
    }
    for refused in 1..=ROWS {
        let mut handed_over = 0_u64;
        let mut each = |_| {
            handed_over = handed_over.saturating_add(1);
            if handed_over == refused { Err(StoreError::full()) } else { Ok(()) }
        };
        let answer = bench.store.load(START, &mut each).await;
        ensure(matches!(answer, Err(StoreError::Full)), "the answer is what the caller answered")?;
    }
    Ok(())
}
