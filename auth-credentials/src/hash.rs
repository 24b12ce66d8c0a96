//! Argon2id: parameters, the stored form, and the hasher.

mod calibrate;
pub(crate) mod hasher;
pub(crate) mod memory;
pub(crate) mod params;
pub(crate) mod phc;
