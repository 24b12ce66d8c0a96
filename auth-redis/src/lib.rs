#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "test code"))]

mod bytes;
mod counters;
mod failure;
mod keys;
mod link;
mod options;
mod probe;
mod redis;
mod script;
mod sessions;
mod setup_error;
mod tokens;
mod walk;

pub use {
    crate::redis::Redis, counters::RedisCounters, options::RedisOptions, sessions::RedisSessions,
    setup_error::SetupError, tokens::RedisTokens,
};
