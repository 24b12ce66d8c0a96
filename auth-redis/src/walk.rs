//! Walking over keys, for `purge`.
//!
//! Redis forgets rows by itself; a purge is for those whose time is over by the caller's clock and not yet by the
//! server's. Keys of one sort are found by walking over all keys of the server, in steps, a bounded number a call.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use auth_core::StoreError;
use redis::{Value, cmd};

use crate::link::Link;

/// How many keys a step looks at.
const STEP: u32 = 512;
/// How many steps a call takes at most.
const STEPS: u32 = 64;

/// Where the next call goes on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Walk(Arc<AtomicU64>);

impl Walk {
    /// Hands the keys that match `pattern` to `purge`, a step at a time, with what may still be forgotten, until
    /// `limit` are. Answers how many `purge` says it forgot.
    pub(crate) async fn on<F, Fut>(
        &self,
        link: &Link,
        pattern: &str,
        limit: u32,
        purge: F,
    ) -> Result<u64, StoreError>
    where
        F: Fn(Vec<Vec<u8>>, u64) -> Fut,
        Fut: Future<Output = Result<u64, StoreError>>,
    {
        let (mut forgotten, mut cursor) = (0_u64, self.0.load(Ordering::Relaxed));
        let mut from_the_start = cursor == 0;
        for _ in 0..STEPS {
            let left = u64::from(limit).saturating_sub(forgotten);
            if left == 0 {
                break;
            }
            let scan =
                link.read(cmd("SCAN").arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(STEP)).await?;
            let (next, keys) = step(scan).ok_or(StoreError::corrupt("redis answer"))?;
            let now = purge(keys, left).await?;
            forgotten = forgotten.saturating_add(now);
            if now >= left {
                // There may be more in this step.
                break;
            }
            cursor = next;
            if next == 0 && from_the_start {
                break;
            }
            from_the_start = from_the_start || next == 0;
        }
        self.0.store(cursor, Ordering::Relaxed);
        Ok(forgotten)
    }
}

fn step(answer: Value) -> Option<(u64, Vec<Vec<u8>>)> {
    let Value::Array(parts) = answer else { return None };
    let [cursor, keys] = <[Value; 2]>::try_from(parts).ok()?;
    let Value::BulkString(cursor) = cursor else { return None };
    let Value::Array(keys) = keys else { return None };
    let keys = keys.into_iter().map(|key| match key {
        Value::BulkString(key) => Some(key),
        _ => None,
    });
    Some((std::str::from_utf8(&cursor).ok()?.parse().ok()?, keys.collect::<Option<_>>()?))
}
