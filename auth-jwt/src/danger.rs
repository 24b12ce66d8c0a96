//! What gives up a protection, and says so where it is called.

#[cfg(feature = "reqwest")]
pub use crate::remote::http_on_loopback;
