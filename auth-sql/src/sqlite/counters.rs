//! Counters in SQLite.

use async_trait::async_trait;
use auth_core::{Count, CounterKey, CounterStore, StoreError, UnixTime, Window};

use super::{
    Sqlite,
    statement::{Statement, sql},
};
use crate::{
    fields::Fields,
    number::{time_to_column, to_column},
};

/// The [`CounterStore`] of a [`Sqlite`] database. Cheap to clone. Its counts are exact.
///
/// Each addition is a commit, which waits for the disk unless told otherwise: where that is too slow, and
/// forgetting counts when the process ends is fine, count in memory.
#[derive(Debug, Clone)]
pub struct SqliteCounters(pub(super) Sqlite);

/// What the other buckets hold is read in the statement that writes this one. Buckets that are still to come
/// count too: another process's clock may be ahead, and a count is never too low.
const ADD: &str = "INSERT INTO auth_counters (counter, window_secs, bucket, counted, forgotten_at) \
    VALUES (?1, ?2, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET counted = counted + excluded.counted \
    RETURNING counted + (\
        SELECT coalesce(sum(others.counted), 0) FROM auth_counters AS others \
        WHERE others.counter = ?1 AND others.window_secs = ?2 AND others.bucket >= ?3 AND others.bucket <> ?4\
    ) AS counted";

const READ: &str = "SELECT coalesce(sum(counted), 0) AS counted FROM auth_counters \
    WHERE counter = ?1 AND window_secs = ?2 AND bucket >= ?3";

const RESET: &str = "DELETE FROM auth_counters WHERE counter = ?1 AND window_secs = ?2";

const PURGE: &str = "DELETE FROM auth_counters WHERE (counter, window_secs, bucket) IN (\
        SELECT counter, window_secs, bucket FROM auth_counters WHERE forgotten_at <= ?1 LIMIT ?2\
    )";

#[cfg(test)]
pub(super) const ALL: &[&str] = &[ADD, READ, RESET, PURGE];

/// Binds the two parameters that name a counter.
fn at<'q>(text: &'static str, key: &CounterKey, window: Window) -> Statement<'q> {
    sql(text).bind(&key.as_bytes()[..]).bind(to_column(window.length().as_secs()))
}

#[async_trait]
impl CounterStore for SqliteCounters {
    async fn add(
        &self,
        key: &CounterKey,
        n: u32,
        window: Window,
        now: UnixTime,
    ) -> Result<Count, StoreError> {
        let oldest = to_column(window.oldest(now));
        let row = if n == 0 {
            self.0.read_one(at(READ, key, window).bind(oldest)).await?
        } else {
            let add = at(ADD, key, window)
                .bind(oldest)
                .bind(to_column(window.bucket(now)))
                .bind(n)
                .bind(time_to_column(window.forgotten_at(now)));
            self.0.write_returning(add).await?.into_iter().next()
        };
        let row = row.ok_or(StoreError::corrupt("counted"))?;
        Ok(Count { value: Fields(row).number("counted")?, exact: true })
    }

    async fn reset(&self, key: &CounterKey, window: Window) -> Result<(), StoreError> {
        self.0.write(at(RESET, key, window)).await?;
        Ok(())
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.0.write(sql(PURGE).bind(time_to_column(now)).bind(limit)).await
    }
}
