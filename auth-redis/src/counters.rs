//! Counters in Redis.

use async_trait::async_trait;
use auth_core::{Count, CounterKey, CounterStore, StoreError, UnixTime, Window};
use redis::{Value, cmd};

use crate::{
    Redis,
    script::{COUNTER_ADD, COUNTER_FORGET},
    walk::Walk,
};

/// The [`CounterStore`] of a [`Redis`] server. Cheap to clone. Its counts are exact.
///
/// A counter is a hash from bucket to count. An addition is one round trip.
#[derive(Debug, Clone)]
pub struct RedisCounters {
    pub(crate) redis: Redis,
    pub(crate) walk: Walk,
}

/// A number as scripts read it.
fn decimal(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}

/// The oldest bucket that is kept: a server whose clock is a whole window behind still has its counts.
fn oldest_kept(window: Window, now: UnixTime) -> u64 {
    window.oldest(now).saturating_sub(Window::BUCKETS)
}

#[async_trait]
impl CounterStore for RedisCounters {
    async fn add(
        &self,
        key: &CounterKey,
        n: u32,
        window: Window,
        now: UnixTime,
    ) -> Result<Count, StoreError> {
        let arguments = [
            u64::from(n),
            window.bucket(now),
            window.oldest(now),
            oldest_kept(window, now),
            window.forgotten_at(now).as_secs(),
            now.as_secs(),
        ]
        .map(decimal);
        let arguments = arguments.each_ref().map(Vec::as_slice);
        let answer =
            self.redis.link.run(&COUNTER_ADD, &[&self.redis.keys.counter(key, window)], &arguments).await?;
        let Value::BulkString(sum) = answer else { return Err(StoreError::corrupt("redis answer")) };
        let sum = std::str::from_utf8(&sum).ok().and_then(|sum| sum.parse().ok());
        Ok(Count { value: sum.ok_or(StoreError::corrupt("count"))?, exact: true })
    }

    async fn reset(&self, key: &CounterKey, window: Window) -> Result<(), StoreError> {
        let key = self.redis.keys.counter(key, window);
        self.redis.link.write(cmd("DEL").arg(key)).await.map(drop)
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let pattern = self.redis.keys.all_counters();
        let purge = |keys, left| self.forget(keys, left, now);
        self.walk.on(&self.redis.link, &pattern, limit, purge).await
    }
}

impl RedisCounters {
    async fn forget(&self, keys: Vec<Vec<u8>>, limit: u64, now: UnixTime) -> Result<u64, StoreError> {
        let mut found = redis::pipe();
        found.ignore_errors();
        keys.iter().for_each(|key| {
            found.cmd("HKEYS").arg(key);
        });
        let fields = if keys.is_empty() { Vec::new() } else { self.redis.link.read_all(&found).await? };
        let mut forgotten = 0_u64;
        for (key, fields) in keys.iter().zip(fields) {
            let left = limit.saturating_sub(forgotten);
            let Some(window) = self.redis.keys.window_of(key).filter(|_| left > 0) else { continue };
            let Ok(name) = std::str::from_utf8(key) else { continue };
            let oldest = window.oldest(now);
            if has_older(&fields, oldest) {
                let arguments = [oldest, left].map(decimal);
                let arguments = arguments.each_ref().map(Vec::as_slice);
                let removed = self.redis.link.run(&COUNTER_FORGET, &[name], &arguments).await?;
                let Value::Int(removed) = removed else { return Err(StoreError::corrupt("redis answer")) };
                forgotten = forgotten.saturating_add(u64::try_from(removed).unwrap_or(0));
            }
        }
        Ok(forgotten)
    }
}

fn has_older(fields: &Value, oldest: u64) -> bool {
    let Value::Array(fields) = fields else { return false };
    fields.iter().any(|field| match field {
        Value::BulkString(bucket) => std::str::from_utf8(bucket)
            .ok()
            .and_then(|bucket| bucket.parse().ok())
            .is_some_and(|bucket: u64| bucket < oldest),
        _ => false,
    })
}
