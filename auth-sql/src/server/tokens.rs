//! Single-use tokens on a server.

use async_trait::async_trait;
use auth_core::{
    Claim, Purpose, Put, Realm, StoreError, TokenKey, TokenRecord, TokenStore, TokenSubject, UnixTime,
};

use super::{
    client::Client,
    driver::Driver,
    failure::Failure,
    sql::token::{DELETE_OTHERS, PEEK},
    statement::{Statement, sql},
    work::{Work, repeated},
};
use crate::{fields::Fields, number::time_to_column, rows::token::token};

/// The [`TokenStore`] of a database on a server. Cheap to clone.
///
/// A row holds the SHA-256 hash of a token, never the token. It is full when the disk of the server is.
#[derive(Debug, Clone)]
#[expect(private_bounds, reason = "the databases are this crate's")]
pub struct ServerTokens<D: Driver>(pub(crate) Client<D>);

/// Binds the three parameters of a key.
fn at<'q>(text: &'static str, key: &'q TokenKey) -> Statement<'q> {
    sql(text).bind(key.realm.as_str()).bind(key.purpose.as_str()).bind(key.hash.as_bytes())
}

fn insert<D: Driver>(token: &TokenRecord) -> Statement<'_> {
    at(D::DIALECT.inserts.token, &token.key)
        .bind(token.subject.as_str())
        .bind(&token.payload[..])
        .bind(time_to_column(token.expires_at))
}

#[async_trait]
impl<D: Driver> TokenStore for ServerTokens<D> {
    async fn put(&self, token: &TokenRecord, _: UnixTime) -> Result<Put, StoreError> {
        let stored = self.0.write(&insert::<D>(token)).await?;
        Ok(if stored > 0 { Put::Stored } else { Put::Collision })
    }

    async fn replace(&self, token: &TokenRecord, _: UnixTime) -> Result<Put, StoreError> {
        let mut work = self.0.work();
        repeated!(work: self.0.replace_once(&work, token))
    }

    async fn take(&self, key: &TokenKey, now: UnixTime) -> Result<Option<TokenRecord>, StoreError> {
        let take = at("", key).bind(time_to_column(now));
        let taken = self.0.write_returning(&D::DIALECT.take, &take).await?;
        // It is gone, and whoever reads that nothing was written would come back for it.
        taken.into_iter().next().map(|row| token(key, row)).transpose().map_err(StoreError::unknown)
    }

    async fn peek(&self, key: &TokenKey, now: UnixTime) -> Result<Option<TokenRecord>, StoreError> {
        let found = self.0.read_one(&at(PEEK, key).bind(time_to_column(now))).await?;
        found.map(|row| token(key, row)).transpose()
    }

    async fn claim(&self, key: &TokenKey, expires_at: UnixTime, now: UnixTime) -> Result<Claim, StoreError> {
        let claim = at("", key).bind(time_to_column(expires_at)).bind(time_to_column(now));
        let mut work = self.0.work();
        for text in D::DIALECT.claim {
            if self.0.write_in(&mut work, &claim.with_text(text)).await? > 0 {
                return Ok(Claim::First);
            }
        }
        Ok(Claim::Seen)
    }

    async fn revoke(
        &self,
        realm: &Realm,
        purpose: Purpose,
        subject: &TokenSubject,
        now: UnixTime,
    ) -> Result<u64, StoreError> {
        let revoke = sql("")
            .bind(realm.as_str())
            .bind(purpose.as_str())
            .bind(subject.as_str())
            .bind(time_to_column(now));
        let mut live = 0_u64;
        for row in self.0.write_returning(&D::DIALECT.revoke_tokens, &revoke).await? {
            live = live.saturating_add(u64::from(Fields(row).flag("live").map_err(StoreError::unknown)?));
        }
        Ok(live)
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        self.0.write(&sql(D::DIALECT.purge_tokens).bind(time_to_column(now)).bind(limit)).await
    }
}

impl<D: Driver> Client<D> {
    async fn replace_once(&self, work: &Work, token: &TokenRecord) -> Result<Put, Failure> {
        let of_subject = at(DELETE_OTHERS, &token.key).bind(token.subject.as_str());
        let mut transaction = self.begin(work).await?;
        // Two replacements at once must not each miss what the other adds.
        if let Some(lock) = D::DIALECT.lock_subject {
            transaction.write(&of_subject.with_text(lock)).await?;
        }
        if transaction.write(&insert::<D>(token)).await? == 0 {
            return transaction.roll_back(Put::Collision).await;
        }
        transaction.write(&of_subject).await?;
        transaction.commit(Put::Stored).await
    }
}
