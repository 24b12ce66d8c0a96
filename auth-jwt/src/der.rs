//! Keys in DER (X.690): SPKI, PKCS#8, PKCS#1 and SEC 1, read strictly.

mod error;
mod form;
mod read;
mod write;

pub use self::error::KeyFormatError;
pub(crate) use self::{
    form::Form,
    read::{MAX_LEN, private, public},
    write::{pkcs8, spki},
};

#[cfg(test)]
mod tests;
