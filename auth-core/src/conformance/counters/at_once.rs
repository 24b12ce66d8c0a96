//! Counting at once.

use super::{
    CounterBench,
    sample::{expect_count, key, window},
};
use crate::{
    Count,
    conformance::{
        check::Verdict,
        sample::{START, at},
    },
};

/// Guesses at once must not all read the count of before. Each sees the others that came before it: the
/// answers are 1, 2, 3 and so on, in some order.
pub(super) async fn nothing_that_is_added_at_once_is_lost(bench: &CounterBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let key = key(round.n);
        let mut counts =
            round.many(move |_, store| async move { store.add(&key, 1, window(), START).await }).await?;
        expect_steps(&mut counts)?;
        let sum = round.store.add(&key, 0, window(), START).await?;
        expect_count("the sum", sum, round.width.into())
    });
    race.await
}

/// A cell that is used again must be cleared once, before anything is added.
pub(super) async fn nothing_is_lost_while_a_bucket_begins(bench: &CounterBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let key = key(round.n);
        round.store.add(&key, 100, window(), START).await?;
        // Whatever a ring of buckets has as its size, in some of the rounds these meet a cell that is full.
        let buckets = (round.n % 12).saturating_add(9);
        let now = at(window().bucket_length().as_secs().saturating_mul(buckets));
        let mut counts =
            round.many(move |_, store| async move { store.add(&key, 1, window(), now).await }).await?;
        expect_steps(&mut counts)?;
        let sum = round.store.add(&key, 0, window(), now).await?;
        expect_count("the sum", sum, round.width.into())
    });
    race.await
}

fn expect_steps(counts: &mut [Count]) -> Verdict {
    counts.sort_by_key(|count| count.value);
    for (wanted, count) in (1..).zip(counts) {
        expect_count("an answer", *count, wanted)?;
    }
    Ok(())
}
