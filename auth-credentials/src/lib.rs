#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "test code"))]

mod accounts;
pub mod danger;
mod hash;
mod one_factor;
mod password;
mod password_authenticator;
mod policy;
mod pool;
mod source;
mod stores;
mod throttle;

pub use {
    accounts::{AccountError, Accounts, ChangePasswordError, EpochRaised, SignUpError},
    hash::{
        hasher::{HashError, PasswordHasher, PasswordMatch},
        memory::{HashMemory, OutOfMemory},
        params::{Argon2Params, ParamsError},
        phc::{PasswordHash, StoredHashError},
    },
    one_factor::OneFactor,
    password::Password,
    password_authenticator::{PasswordAuthenticator, PasswordCredential},
    policy::{PasswordPolicy, PolicyError},
    pool::{HashPlace, HashPool, HashPoolError, HashPoolSize, HashPoolStats, Overloaded, PasswordCheck},
    source::SourceKey,
    stores::AccountStores,
    throttle::{Limit, Throttle, ThrottleError, ThrottleLimits},
};
