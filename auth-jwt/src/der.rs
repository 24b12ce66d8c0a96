//! Keys in DER (X.690): SPKI, PKCS#8, PKCS#1 and SEC 1, read strictly.

mod error;
mod form;
mod read;
mod write;

pub use self::error::KeyFormatError;
#[cfg(any(feature = "rsa", feature = "aws-lc-rs"))]
pub(crate) use self::write::pkcs1_public;
pub(crate) use self::{
    form::Form,
    read::{MAX_LEN, private, public},
    write::{pkcs8, spki, traditional},
};

#[cfg(test)]
mod tests;
