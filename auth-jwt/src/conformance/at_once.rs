//! Calls at once.

use std::sync::Arc;

use super::{
    check::{Bench, Call, Verdict, ensure, load},
    sample::{ISSUER, START, at, session, subject},
};
use crate::RevocationRecord;

/// The latest date and the latest end are of different calls. Half of the names are there before, so that some calls meet
/// as the first, and some as the second.
pub(super) async fn of_many_that_put_one_name_the_latest_count(bench: &Bench<'_>) -> Verdict {
    let (width, rounds) = (u64::from(bench.race.width().max(2)), u64::from(bench.race.rounds()));
    let of = |round: u64, n: u64| {
        let [date, end] = [n, width.saturating_sub(n)].map(|n| at(n.saturating_add(100)));
        subject(ISSUER, &format!("s{round}"), date, end)
    };
    let (mut races, mut wanted) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        if round % 2 == 0 {
            bench.put_all(&[subject(ISSUER, &format!("s{round}"), START, at(1))?], START).await?;
        }
        let mut calls: Vec<Call<()>> = Vec::new();
        for n in 1..=width {
            calls.push(bench.putting(of(round, n)?, START));
        }
        races.push(calls);
        let [date, end] = [width, width.saturating_sub(1)].map(|n| at(n.saturating_add(100)));
        wanted.push(subject(ISSUER, &format!("s{round}"), date, end)?);
    }
    bench.race(races).await?;
    bench.expect("the latest of each", START, &wanted).await
}

pub(super) async fn of_many_that_put_many_names_all_stay(bench: &Bench<'_>) -> Verdict {
    let (mut races, mut wanted) = (Vec::new(), Vec::new());
    for round in 0..bench.race.rounds() {
        let mut calls: Vec<Call<()>> = Vec::new();
        for n in 0..bench.race.width().max(2) {
            let record = session(ISSUER, &format!("s{round}.{n}"), at(100))?;
            calls.push(bench.putting(record.clone(), START));
            wanted.push(record);
        }
        races.push(calls);
    }
    bench.race(races).await?;
    bench.expect("all of them", START, &wanted).await
}

/// Rows that leave while a list is read by offset hide others. They leave as a store may let them: when others are kept,
/// later than their end.
pub(super) async fn what_was_confirmed_is_loaded_whatever_leaves_meanwhile(bench: &Bench<'_>) -> Verdict {
    const EACH: u64 = 20;
    let (mut staying, mut leaving) = (Vec::new(), Vec::new());
    for n in 0..EACH {
        staying.push(session(ISSUER, &format!("{n} stays"), at(1_000))?);
        leaving.push(session(ISSUER, &format!("{n} leaves"), at(50))?);
    }
    bench.put_all(&staying, START).await?;
    for round in 0..bench.race.rounds() {
        bench.put_all(&leaving, START).await?;
        let store = Arc::clone(&bench.store);
        let mut calls: Vec<Call<Vec<RevocationRecord>>> =
            vec![Box::pin(async move { Ok(load(&*store, START).await?) })];
        for n in 1..bench.race.width().max(2) {
            let other = session(ISSUER, &format!("other {}", n.wrapping_add(round) % 8), at(1_000))?;
            calls.push(bench.putting(other, at(100)));
        }
        let found: Vec<_> = bench.race([calls]).await?.into_iter().flatten().collect();
        let all = staying.iter().all(|record| found.contains(record));
        ensure(all, "all are handed over that were kept before and have not ended")?;
    }
    Ok(())
}
