pub(crate) mod base32;
pub(crate) mod codes;
pub(crate) mod key;
#[cfg(feature = "qr")]
pub(crate) mod qr;
pub(crate) mod stored;
pub(crate) mod uri;
