//! Counters on a server.

use async_trait::async_trait;
use auth_core::{Count, CounterKey, CounterStore, StoreError, UnixTime, Window};

use super::{
    client::Client,
    driver::Driver,
    failure::Failure,
    sql::token::RESET,
    statement::{Statement, sql},
    work::{Work, repeated},
};
use crate::{
    fields::{Columns, Fields},
    number::{time_to_column, to_column},
};

/// The [`CounterStore`] of a database on a server. Cheap to clone. Its counts are exact.
///
/// Each addition is a commit, which waits for the disk unless the server is told otherwise: where that is too
/// slow, and forgetting counts is fine, count in memory.
///
/// Additions to one counter wait for each other. They take up to half of the connections, so that a flood of them
/// leaves the other half to everybody else.
#[derive(Debug, Clone)]
#[expect(private_bounds, reason = "the databases are this crate's")]
pub struct ServerCounters<D: Driver>(pub(crate) Client<D>);

/// Binds the two parameters that name a counter.
fn at<'q>(text: &'static str, key: &'q CounterKey, window: Window) -> Statement<'q> {
    sql(text).bind(key.as_bytes()).bind(to_column(window.length().as_secs()))
}

#[async_trait]
impl<D: Driver> CounterStore for ServerCounters<D> {
    async fn add(
        &self,
        key: &CounterKey,
        n: u32,
        window: Window,
        now: UnixTime,
    ) -> Result<Count, StoreError> {
        let sum = at(D::DIALECT.sum, key, window).bind(to_column(window.oldest(now)));
        if n == 0 {
            return count(self.0.read_one(&sum).await?);
        }
        let add = at(D::DIALECT.add, key, window)
            .bind(to_column(window.bucket(now)))
            .bind(n)
            .bind(time_to_column(window.forgotten_at(now)));
        let mut work = self.0.work();
        repeated!(work: self.0.add_once(&work, &add, &sum))
    }

    async fn reset(&self, key: &CounterKey, window: Window) -> Result<(), StoreError> {
        let mut work = self.0.work();
        let _counting = self.0.count(&work).await.map_err(|failure| failure.error)?;
        self.0.write_in(&mut work, &at(RESET, key, window)).await.map(|_| ())
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.0.write(&sql(D::DIALECT.purge_counters).bind(time_to_column(now)).bind(limit)).await
    }
}

impl<D: Driver> Client<D> {
    /// Buckets that are still to come count too: another process's clock may be ahead, and a count is never too
    /// low.
    async fn add_once(
        &self,
        work: &Work,
        add: &Statement<'_>,
        sum: &Statement<'_>,
    ) -> Result<Count, Failure> {
        let _counting = self.count(work).await?;
        let mut transaction = self.begin(work).await?;
        if let Some(lock) = D::DIALECT.lock_counter {
            transaction.write(&sum.with_text(lock)).await?;
        }
        transaction.write(add).await?;
        let counted = transaction.read_one(&sum.with_text(D::DIALECT.sum_after_adding)).await?;
        let counted = count(counted)?;
        transaction.commit(counted).await
    }
}

fn count<R: Columns>(row: Option<R>) -> Result<Count, StoreError> {
    let row = Fields(row.ok_or(StoreError::corrupt("counted"))?);
    Ok(Count { value: row.number("counted")?, exact: true })
}
