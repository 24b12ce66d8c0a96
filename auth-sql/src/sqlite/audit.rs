//! The audit log in SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{ChainHead, KeyRing, Page, StoreError};

use super::{
    Sqlite,
    statement::{Statement, sql},
};
use crate::{
    audit::{
        entry::{Entry, Row, rows},
        log::{AuditLog, AuditRows},
        query::AuditQuery,
        row::{Numbered, head, numbered},
        sql::{AFTER, DELETE, HEAD, INSERT_MANY, INSERT_ONE, LIST, LIST_OF, MANY, MOVE_HEAD},
    },
    number::{time_to_column, to_column},
};

/// The audit log of a [`Sqlite`] database.
pub type SqliteAudit = AuditLog<Sqlite>;

/// Binds a row.
fn row<'q>(statement: Statement<'q>, row: &Row<'q>) -> Statement<'q> {
    let (entry, principal) = (row.entry, row.entry.principal.as_ref());
    statement
        .bind(row.number)
        .bind(time_to_column(entry.at))
        .bind(entry.name)
        .bind(principal.map(|principal| principal.realm().as_str()))
        .bind(principal.map(|principal| principal.kind().as_str()))
        .bind(principal.map(|principal| principal.id()))
        .bind(entry.content.as_str())
        .bind(row.links.map(|(before, _)| before.to_vec()))
        .bind(row.links.map(|(_, hash)| hash.to_vec()))
}

#[async_trait]
impl AuditRows for Sqlite {
    async fn append(&self, entries: &[Entry], ring: Option<&Arc<KeyRing>>) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let (rows, head) = rows(head(transaction.read_one(sql(HEAD)).await?)?, entries, ring);
        for rows in rows.chunks(MANY) {
            if rows.len() == MANY {
                transaction.write(rows.iter().fold(sql(INSERT_MANY.as_str()), row)).await?;
                continue;
            }
            for one in rows {
                transaction.write(row(sql(INSERT_ONE.as_str()), one)).await?;
            }
        }
        let hash = ring.map(|_| head.hash.to_vec());
        transaction.write(sql(MOVE_HEAD).bind(to_column(head.entry)).bind(hash)).await?;
        transaction.commit().await
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
        self.read_all(list).await?.into_iter().map(numbered).collect()
    }

    async fn after(&self, number: u64, limit: u32) -> Result<Vec<Numbered>, StoreError> {
        let after = sql(AFTER).bind(to_column(number)).bind(limit);
        self.read_all(after).await?.into_iter().map(numbered).collect()
    }

    async fn head(&self) -> Result<ChainHead, StoreError> {
        head(self.read_one(sql(HEAD)).await?)
    }

    async fn delete(&self, (first, last): (u64, u64)) -> Result<u64, StoreError> {
        self.write(sql(DELETE).bind(to_column(first)).bind(to_column(last))).await
    }
}
