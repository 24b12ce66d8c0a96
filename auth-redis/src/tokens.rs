//! Single-use tokens in Redis.

use async_trait::async_trait;
use auth_core::{
    Claim, Purpose, Put, Realm, StoreError, TokenKey, TokenRecord, TokenStore, TokenSubject, UnixTime,
};
use redis::{Value, cmd};

use crate::{
    Redis,
    script::{TOKEN_CLAIM, TOKEN_FORGET, TOKEN_PUT, TOKEN_REPLACE, TOKEN_REVOKE, TOKEN_TAKE},
    walk::Walk,
};

mod row;

/// The [`TokenStore`] of a [`Redis`] server. Cheap to clone.
///
/// A row holds the SHA-256 hash of a token, never the token. All tokens of one realm and purpose are in one slot of a
/// cluster, which is what lets the newest win in one step.
#[derive(Debug, Clone)]
pub struct RedisTokens {
    pub(crate) redis: Redis,
    pub(crate) walk: Walk,
}

/// How often a change is tried whose tokens are not the ones that were read before. Each time, another one got its
/// way.
const ATTEMPTS: u32 = 100;

type Member = [u8; 32];

fn bytes(time: UnixTime) -> [u8; 8] {
    time.as_secs().to_be_bytes()
}

fn odd() -> StoreError {
    StoreError::corrupt("redis answer")
}

fn contended() -> StoreError {
    StoreError::not_written("too many tokens of one subject at once")
}

#[async_trait]
impl TokenStore for RedisTokens {
    async fn put(&self, token: &TokenRecord, now: UnixTime) -> Result<Put, StoreError> {
        let (row, [key, index]) = (row::encode(token)?, self.keys_of(token));
        let arguments: [&[u8]; 3] = [&row, token.key.hash.as_bytes(), &bytes(now)];
        put(&self.redis.link.run(&TOKEN_PUT, &[&key, &index], &arguments).await?)
    }

    async fn replace(&self, token: &TokenRecord, now: UnixTime) -> Result<Put, StoreError> {
        let (row, [key, index], now) = (row::encode(token)?, self.keys_of(token), bytes(now));
        let mut members: Vec<Member> = Vec::new();
        for _ in 0..ATTEMPTS {
            let others = self.rows(&token.key.realm, token.key.purpose, &members);
            let keys: Vec<_> = [&key, &index].into_iter().chain(&others).map(String::as_str).collect();
            let mut arguments: Vec<&[u8]> =
                vec![&row, token.key.hash.as_bytes(), token.subject.as_str().as_bytes(), &now];
            arguments.extend(members.iter().map(|member| &member[..]));
            match self.redis.link.run(&TOKEN_REPLACE, &keys, &arguments).await? {
                Value::Array(found) => members = hashes(found)?,
                other => return put(&other),
            }
        }
        Err(contended())
    }

    async fn take(&self, key: &TokenKey, now: UnixTime) -> Result<Option<TokenRecord>, StoreError> {
        let taken = self.redis.link.run(&TOKEN_TAKE, &[&self.redis.keys.token(key)], &[&bytes(now)]).await?;
        // What cannot be read is gone all the same: that nothing was written would not be true.
        read(key, taken, now).map_err(StoreError::unknown)
    }

    async fn peek(&self, key: &TokenKey, now: UnixTime) -> Result<Option<TokenRecord>, StoreError> {
        let found = self.redis.link.read(cmd("GET").arg(self.redis.keys.token(key))).await?;
        read(key, found, now)
    }

    async fn claim(&self, key: &TokenKey, expires_at: UnixTime, now: UnixTime) -> Result<Claim, StoreError> {
        let row = row::claim(expires_at);
        let key = self.redis.keys.token(key);
        match self.redis.link.run(&TOKEN_CLAIM, &[&key], &[&row, &bytes(now)]).await? {
            Value::Int(1) => Ok(Claim::First),
            Value::Int(0) => Ok(Claim::Seen),
            _ => Err(odd()),
        }
    }

    async fn revoke(
        &self,
        realm: &Realm,
        purpose: Purpose,
        subject: &TokenSubject,
        now: UnixTime,
    ) -> Result<u64, StoreError> {
        let (index, now) = (self.redis.keys.subject(realm, purpose, subject), bytes(now));
        let mut members: Vec<Member> = Vec::new();
        for _ in 0..ATTEMPTS {
            let rows = self.rows(realm, purpose, &members);
            let keys: Vec<_> = std::iter::once(&index).chain(&rows).map(String::as_str).collect();
            let mut arguments: Vec<&[u8]> = vec![subject.as_str().as_bytes(), &now];
            arguments.extend(members.iter().map(|member| &member[..]));
            match self.redis.link.run(&TOKEN_REVOKE, &keys, &arguments).await? {
                Value::Int(live) => return u64::try_from(live).map_err(|_| odd()),
                Value::Array(found) => members = hashes(found)?,
                _ => return Err(odd()),
            }
        }
        Err(contended())
    }

    async fn purge(&self, now: UnixTime, limit: u32) -> Result<u64, StoreError> {
        let pattern = self.redis.keys.all_tokens();
        self.walk.on(&self.redis.link, &pattern, limit, |keys, left| self.forget(keys, left, now)).await
    }
}

impl RedisTokens {
    /// The row of a token, and the index of its subject.
    fn keys_of(&self, token: &TokenRecord) -> [String; 2] {
        let (keys, key) = (&self.redis.keys, &token.key);
        [keys.token(key), keys.subject(&key.realm, key.purpose, &token.subject)]
    }

    fn rows(&self, realm: &Realm, purpose: Purpose, members: &[Member]) -> Vec<String> {
        members.iter().map(|hash| self.redis.keys.token_row(realm, purpose, hash)).collect()
    }

    /// Forgets up to `limit` of the tokens and claims under these keys that have expired.
    async fn forget(&self, keys: Vec<Vec<u8>>, limit: u64, now: UnixTime) -> Result<u64, StoreError> {
        if keys.is_empty() {
            return Ok(0);
        }
        let mut heads = redis::pipe();
        heads.ignore_errors();
        keys.iter().for_each(|key| {
            heads.cmd("GETRANGE").arg(key).arg(0).arg(9);
        });
        let heads = self.redis.link.read_all(&heads).await?;
        let expired = keys.iter().zip(&heads).filter(|(_, head)| row::is_expired(head, now));
        let mut forgotten = 0_u64;
        for key in expired.filter_map(|(key, _)| std::str::from_utf8(key).ok()) {
            if forgotten >= limit {
                break;
            }
            match self.redis.link.run(&TOKEN_FORGET, &[key], &[&bytes(now)]).await? {
                Value::Int(removed @ 0..=1) => forgotten = forgotten.saturating_add(u64::from(removed == 1)),
                _ => return Err(odd()),
            }
        }
        Ok(forgotten)
    }
}

fn put(answer: &Value) -> Result<Put, StoreError> {
    match answer {
        Value::Int(1) => Ok(Put::Stored),
        Value::Int(0) => Ok(Put::Collision),
        _ => Err(odd()),
    }
}

/// A live token, from what was found.
fn read(key: &TokenKey, found: Value, now: UnixTime) -> Result<Option<TokenRecord>, StoreError> {
    match found {
        Value::Nil => Ok(None),
        Value::BulkString(row) => Ok(row::decode(key, &row)?.filter(|token| token.is_live(now))),
        _ => Err(odd()),
    }
}

/// The members of an index.
fn hashes(members: Vec<Value>) -> Result<Vec<Member>, StoreError> {
    let hash = |member| match member {
        Value::BulkString(bytes) => bytes.try_into().ok(),
        _ => None,
    };
    members.into_iter().map(|member| hash(member).ok_or(StoreError::corrupt("index of tokens"))).collect()
}
