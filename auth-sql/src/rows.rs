//! What rows mean, whatever database they are of.

pub(crate) mod account;
pub(crate) mod session;
pub(crate) mod token;
