//! What does not count together.

use std::time::Duration;

use super::{
    CounterBench,
    sample::{expect_count, key, window},
};
use crate::{
    CounterKey, Realm, Window,
    conformance::{
        check::Verdict,
        sample::{OTHER_PURPOSE, PURPOSE, START, other_realm},
    },
};

/// One person's failures must not lock another one out.
pub(super) async fn keys_count_apart(bench: &CounterBench<'_>) -> Verdict {
    let keys = [
        CounterKey::new(&Realm::LOCAL, PURPOSE, &[b"ann"]),
        CounterKey::new(&Realm::LOCAL, PURPOSE, &[b"Ann"]),
        CounterKey::new(&Realm::LOCAL, OTHER_PURPOSE, &[b"ann"]),
        CounterKey::new(&other_realm()?, PURPOSE, &[b"ann"]),
    ];
    for n in 1..4 {
        for key in &keys {
            expect_count("a key's own", bench.store.add(key, 1, window(), START).await?, n)?;
        }
    }
    Ok(())
}

/// A limit for a minute and another one for a day.
pub(super) async fn windows_count_apart(bench: &CounterBench<'_>) -> Verdict {
    let windows = [8, 16, 80, 88, 86_400].map(|secs| Window::new(Duration::from_secs(secs)));
    for n in 1..4 {
        for window in windows {
            expect_count("a window's own", bench.store.add(&key(1), 1, window, START).await?, n)?;
        }
    }
    Ok(())
}

/// Success clears the pair, not the source.
pub(super) async fn a_reset_leaves_other_keys_and_windows(bench: &CounterBench<'_>) -> Verdict {
    let (store, other) = (&bench.store, Window::new(Duration::from_secs(160)));
    store.add(&key(1), 1, window(), START).await?;
    store.add(&key(1), 2, other, START).await?;
    store.add(&key(2), 3, window(), START).await?;
    store.reset(&key(1), window()).await?;
    expect_count("another window", store.add(&key(1), 0, other, START).await?, 2)?;
    expect_count("another key", store.add(&key(2), 0, window(), START).await?, 3)
}
