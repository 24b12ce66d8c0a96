//! The audit log in a database.

pub(crate) mod entry;
pub(crate) mod log;
pub(crate) mod query;
pub(crate) mod row;
pub(crate) mod sink;
pub(crate) mod sql;
pub(crate) mod writer;
