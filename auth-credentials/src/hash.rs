//! Argon2id: parameters, the stored form, and the hasher; and hashes of other algorithms, to be checked.

mod argon2id;
mod calibrate;
mod field;
pub(crate) mod hasher;
#[cfg(feature = "import")]
pub(crate) mod import;
pub(crate) mod memory;
pub(crate) mod params;
pub(crate) mod phc;
