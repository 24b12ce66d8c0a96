#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "test code"))]

pub mod danger;
mod hash;
mod one_factor;
mod password;
mod policy;
mod pool;
mod source;

pub use {
    hash::{
        hasher::{HashError, PasswordHasher, PasswordMatch},
        memory::{HashMemory, OutOfMemory},
        params::{Argon2Params, ParamsError},
        phc::{PasswordHash, StoredHashError},
    },
    one_factor::OneFactor,
    password::Password,
    policy::{PasswordPolicy, PolicyError},
    pool::{
        HashPlace, HashPool, HashPoolError, HashPoolSize, HashPoolStats, Overloaded, PasswordCheck,
    },
    source::SourceKey,
};
