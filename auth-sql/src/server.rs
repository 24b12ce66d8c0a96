//! The stores on a database server: what PostgreSQL, MariaDB and MySQL share.
//!
//! A [`Driver`](driver::Driver) runs statements on a connection and says what an error of its server means; a
//! [`Client`](client::Client) has the connections, the time limits and the transactions; the stores are written
//! once over both. What a database says in words of its own is in its [`Dialect`](sql::Dialect).

pub(crate) mod accounts;
pub(crate) mod assignments;
#[cfg(feature = "audit")]
pub(crate) mod audit;
pub(crate) mod client;
pub(crate) mod counters;
mod credentials;
pub(crate) mod driver;
pub(crate) mod failure;
pub(crate) mod local;
pub(crate) mod migrate;
#[cfg(feature = "policy")]
pub(crate) mod policy;
pub(crate) mod pool;
#[cfg(feature = "revocations")]
pub(crate) mod revocations;
pub(crate) mod sessions;
pub(crate) mod sql;
pub(crate) mod statement;
pub(crate) mod tokens;
mod transaction;
pub(crate) mod work;
