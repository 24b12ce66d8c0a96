//! Real servers for tests: each private to its test, on a free loopback port, in a temporary folder, stopped by pid
//! when it is dropped. Nothing here is skipped: a server that is not installed fails the test that wants it, and
//! `./scripts/test` installs them.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "test code: a server that does not start fails its test"
)]

mod mariadb;
mod pgbouncer;
mod postgres;
mod process;
mod redis;
mod unprivileged;

pub use {
    mariadb::MariaDb,
    pgbouncer::PgBouncer,
    postgres::Postgres,
    process::{Process, free_port},
    redis::RedisServer,
};
