//! The audit log on a server.

use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{ChainHead, KeyRing, Page, StoreError};

use super::{
    client::Client,
    driver::Driver,
    failure::Failure,
    statement::{Statement, sql},
    work::{Work, repeated},
};
use crate::{
    audit::{
        entry::{Entry, Row, rows},
        log::AuditRows,
        query::AuditQuery,
        row::{Numbered, head, numbered},
        sql::{AFTER, DELETE, HEAD, HEAD_LOCKED, INSERT_MANY, INSERT_ONE, LIST, LIST_OF, MANY, MOVE_HEAD},
    },
    number::{time_to_column, to_column},
};

/// A database whose tables these are.
pub(crate) trait OnServer: Driver + Clone {
    fn client(&self) -> &Client<Self>;
}

/// Binds a row.
fn row<'q>(statement: Statement<'q>, row: &'q Row<'q>) -> Statement<'q> {
    let (entry, principal) = (row.entry, row.entry.principal.as_ref());
    statement
        .bind(row.number)
        .bind(time_to_column(entry.at))
        .bind(entry.name)
        .bind(principal.map(|principal| principal.realm().as_str()))
        .bind(principal.map(|principal| principal.kind().as_str()))
        .bind(principal.map(|principal| principal.id()))
        .bind(entry.content.as_str())
        .bind(row.links.as_ref().map(|(before, _)| before))
        .bind(row.links.as_ref().map(|(_, hash)| hash))
}

impl<D: Driver> Client<D> {
    async fn append_once(
        &self,
        work: &Work,
        entries: &[Entry],
        ring: Option<&Arc<KeyRing>>,
    ) -> Result<(), Failure> {
        let mut transaction = self.begin(work).await?;
        let last = head(transaction.read_one(&sql(HEAD_LOCKED)).await?)?;
        let (rows, head) = rows(last, entries, ring);
        for rows in rows.chunks(MANY) {
            let whole = rows.len() == MANY;
            let (text, each) = if whole { (&INSERT_MANY, MANY) } else { (&INSERT_ONE, 1) };
            for rows in rows.chunks(each) {
                if transaction.write(&rows.iter().fold(sql(text.as_str()), row)).await? == 0 {
                    // Somebody has written numbers that are to come.
                    return Err(StoreError::corrupt("entry").into());
                }
            }
        }
        let hash = ring.map(|_| &head.hash);
        transaction.write(&sql(MOVE_HEAD).bind(to_column(head.entry)).bind(hash)).await?;
        transaction.commit(()).await
    }
}

#[async_trait]
impl<S: OnServer> AuditRows for S {
    async fn append(&self, entries: &[Entry], ring: Option<&Arc<KeyRing>>) -> Result<(), StoreError> {
        let client = self.client();
        let mut work = client.work();
        repeated!(work: client.append_once(&work, entries, ring))
    }

    async fn list(&self, query: &AuditQuery, page: Page) -> Result<Vec<Numbered>, StoreError> {
        let text = if query.principal.is_some() { LIST_OF } else { LIST };
        let mut list = sql(text)
            .bind(time_to_column(query.since))
            .bind(time_to_column(query.until))
            .bind(page.limit())
            .bind(page.offset());
        if let Some(principal) = &query.principal {
            let (realm, kind) = (principal.realm().as_str(), principal.kind().as_str());
            list = list.bind(realm).bind(kind).bind(principal.id());
        }
        self.client().read(&list).await?.into_iter().map(numbered).collect()
    }

    async fn after(&self, number: u64, limit: u32) -> Result<Vec<Numbered>, StoreError> {
        let after = sql(AFTER).bind(to_column(number)).bind(limit);
        self.client().read(&after).await?.into_iter().map(numbered).collect()
    }

    async fn head(&self) -> Result<ChainHead, StoreError> {
        head(self.client().read_one(&sql(HEAD)).await?)
    }

    async fn delete(&self, (first, last): (u64, u64)) -> Result<u64, StoreError> {
        self.client().write(&sql(DELETE).bind(to_column(first)).bind(to_column(last))).await
    }
}
