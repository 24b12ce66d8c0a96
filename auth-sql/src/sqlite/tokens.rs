//! Single-use tokens in SQLite.

use async_trait::async_trait;
use auth_core::{
    Claim, Purpose, Put, Realm, StoreError, TokenKey, TokenRecord, TokenStore, TokenSubject, UnixTime,
};

use super::{
    Sqlite,
    statement::{Statement, sql},
};
use crate::{fields::Fields, number::time_to_column, rows::token::token};

/// The [`TokenStore`] of a [`Sqlite`] database. Cheap to clone.
///
/// A row holds the SHA-256 hash of a token, never the token. It is full when the disk is.
#[derive(Debug, Clone)]
pub struct SqliteTokens(pub(super) Sqlite);

const INSERT: &str = "INSERT INTO auth_tokens (realm, purpose, hash, subject, payload, expires_at) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";

const DELETE_OTHERS: &str = "DELETE FROM auth_tokens \
    WHERE realm = ?1 AND purpose = ?2 AND hash <> ?3 AND subject = ?4";

const PEEK: &str = "SELECT subject, payload, expires_at FROM auth_tokens \
    WHERE realm = ?1 AND purpose = ?2 AND hash = ?3 AND expires_at > ?4 AND subject IS NOT NULL";

const TAKE: &str = "DELETE FROM auth_tokens \
    WHERE realm = ?1 AND purpose = ?2 AND hash = ?3 AND expires_at > ?4 AND subject IS NOT NULL \
    RETURNING subject, payload, expires_at";

const CLAIM: &str = "INSERT INTO auth_tokens (realm, purpose, hash, expires_at) VALUES (?1, ?2, ?3, ?4) \
    ON CONFLICT DO UPDATE SET subject = NULL, payload = NULL, expires_at = excluded.expires_at \
    WHERE auth_tokens.expires_at <= ?5";

const REVOKE: &str = "DELETE FROM auth_tokens WHERE realm = ?1 AND purpose = ?2 AND subject = ?3 \
    RETURNING expires_at > ?4 AS live";

const PURGE: &str = "DELETE FROM auth_tokens \
    WHERE rowid IN (SELECT rowid FROM auth_tokens WHERE expires_at <= ?1 LIMIT ?2)";

#[cfg(test)]
pub(super) const ALL: &[&str] = &[DELETE_OTHERS, PEEK, TAKE, REVOKE, PURGE];

/// Binds the three parameters of a key.
fn at<'q>(text: &'static str, key: &TokenKey) -> Statement<'q> {
    sql(text).bind(key.realm.as_str()).bind(key.purpose.as_str()).bind(&key.hash.as_bytes()[..])
}

fn insert<'q>(token: &TokenRecord) -> Statement<'q> {
    at(INSERT, &token.key)
        .bind(token.subject.as_str())
        .bind(&token.payload[..])
        .bind(time_to_column(token.expires_at))
}

#[async_trait]
impl TokenStore for SqliteTokens {
    async fn put(&self, token: &TokenRecord, _: UnixTime) -> Result<Put, StoreError> {
        let stored = self.0.write(insert(token)).await?;
        Ok(if stored > 0 { Put::Stored } else { Put::Collision })
    }

    async fn replace(&self, token: &TokenRecord, _: UnixTime) -> Result<Put, StoreError> {
        let mut transaction = self.0.begin().await?;
        if transaction.write(insert(token)).await? == 0 {
            return Ok(Put::Collision);
        }
        transaction.write(at(DELETE_OTHERS, &token.key).bind(token.subject.as_str())).await?;
        transaction.commit().await?;
        Ok(Put::Stored)
    }

    async fn take(&self, key: &TokenKey, now: UnixTime) -> Result<Option<TokenRecord>, StoreError> {
        let taken = self.0.write_returning(at(TAKE, key).bind(time_to_column(now))).await?;
        // It is gone, and whoever reads that nothing was written would come back for it.
        taken.into_iter().next().map(|row| token(key, row)).transpose().map_err(StoreError::unknown)
    }

    async fn peek(&self, key: &TokenKey, now: UnixTime) -> Result<Option<TokenRecord>, StoreError> {
        let found = self.0.read_one(at(PEEK, key).bind(time_to_column(now))).await?;
        found.map(|row| token(key, row)).transpose()
    }

    async fn claim(&self, key: &TokenKey, expires_at: UnixTime, now: UnixTime) -> Result<Claim, StoreError> {
        let claim = at(CLAIM, key).bind(time_to_column(expires_at)).bind(time_to_column(now));
        Ok(if self.0.write(claim).await? > 0 { Claim::First } else { Claim::Seen })
    }

    async fn revoke(
        &self,
        realm: &Realm,
        purpose: Purpose,
        subject: &TokenSubject,
        now: UnixTime,
    ) -> Result<u64, StoreError> {
        let revoke = sql(REVOKE)
            .bind(realm.as_str())
            .bind(purpose.as_str())
            .bind(subject.as_str())
            .bind(time_to_column(now));
        let mut live = 0_u64;
        for row in self.0.write_returning(revoke).await? {
            live = live.saturating_add(u64::from(Fields(row).flag("live").map_err(StoreError::unknown)?));
        }
        Ok(live)
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.0.write(sql(PURGE).bind(time_to_column(now)).bind(limit)).await
    }
}
