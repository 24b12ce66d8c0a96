//! What is counted.

use super::{
    CounterBench,
    sample::{expect_between, expect_count, key, window},
};
use crate::{
    UnixTime,
    conformance::{
        check::{Verdict, ensure},
        sample::{START, at},
    },
};

pub(super) async fn a_count_is_the_sum_with_the_new_amount_in_it(bench: &CounterBench<'_>) -> Verdict {
    let store = &bench.store;
    let mut sum = 0_u64;
    for (n, secs) in [(1, 0), (1, 0), (5, 3), (1_000, 9), (70_000, 25), (1, 40)] {
        sum = sum.saturating_add(u64::from(n));
        expect_count("the sum", store.add(&key(1), n, window(), at(secs)).await?, sum)?;
    }
    Ok(())
}

pub(super) async fn adding_nothing_only_reads(bench: &CounterBench<'_>) -> Verdict {
    let store = &bench.store;
    expect_count("what was never counted", store.add(&key(1), 0, window(), START).await?, 0)?;
    expect_count("adding", store.add(&key(1), 3, window(), START).await?, 3)?;
    for secs in [0, 0, 5, 40] {
        expect_count("reading", store.add(&key(1), 0, window(), at(secs)).await?, 3)?;
    }
    expect_count("adding", store.add(&key(1), 1, window(), at(40)).await?, 4)
}

/// A sum that wraps lets an attacker through who has only to try often enough.
pub(super) async fn a_sum_saturates(bench: &CounterBench<'_>) -> Verdict {
    let store = &bench.store;
    let largest = u64::from(u32::MAX);
    let mut last = 0;
    for n in [u32::MAX, 1, u32::MAX, u32::MAX, 2] {
        let count = store.add(&key(1), n, window(), START).await?;
        // Where it saturates is the store's affair, as long as it is not below one amount.
        expect_between("a large sum", count, largest, u64::MAX)?;
        ensure(count.value >= last, "a sum does not fall")?;
        last = count.value;
    }
    Ok(())
}

/// A store whose counters share cells may keep the count, and says that it is not exact.
pub(super) async fn a_reset_forgets_the_count(bench: &CounterBench<'_>) -> Verdict {
    let store = &bench.store;
    store.reset(&key(1), window()).await?;
    for secs in [0, 15, 30] {
        store.add(&key(1), 5, window(), at(secs)).await?;
    }
    store.reset(&key(1), window()).await?;
    expect_between("after a reset", store.add(&key(1), 0, window(), at(30)).await?, 0, 0)?;
    expect_between("counting anew", store.add(&key(1), 2, window(), at(30)).await?, 2, 2)
}

pub(super) async fn purging_forgets_nothing_that_counts(bench: &CounterBench<'_>) -> Verdict {
    let store = &bench.store;
    for n in 0..20 {
        store.add(&key(n), 1, window(), START).await?;
    }
    store.add(&key(100), 7, window(), at(50)).await?;
    ensure(store.purge(at(80), 1_000).await? == 0, "nothing is forgotten while the window covers it")?;
    expect_count("a purged store", store.add(&key(1), 0, window(), at(80)).await?, 1)?;
    ensure(store.purge(at(100), 3).await? <= 3, "at most as many as the limit says")?;
    store.purge(at(100), 1_000).await?;
    ensure(store.purge(at(100), 1_000).await? == 0, "a purge comes to an end")?;
    expect_count("a purged store", store.add(&key(100), 0, window(), at(100)).await?, 7)?;
    expect_count("a purged store", store.add(&key(1), 0, window(), at(100)).await?, 0)
}

/// A server that boots without a clock.
pub(super) async fn a_clock_at_the_beginning_of_time_counts(bench: &CounterBench<'_>) -> Verdict {
    let store = &bench.store;
    expect_count("adding", store.add(&key(1), 2, window(), UnixTime::EPOCH).await?, 2)?;
    expect_count("adding", store.add(&key(1), 3, window(), UnixTime::from_secs(80)).await?, 5)?;
    expect_count("much later", store.add(&key(1), 1, window(), START).await?, 1)
}
