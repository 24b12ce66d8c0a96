//! Hashes of other algorithms: read and checked, never made.

mod accepted;
mod bcrypt;
mod pbkdf2;
mod scrypt;

use std::fmt;

use auth_core::Secret;

pub use self::{accepted::ForeignHashes, pbkdf2::Pbkdf2Digest};
use super::{hasher::HashError, phc::StoredHashError};

/// A hash that another algorithm than Argon2id made.
#[derive(Clone)]
pub(super) struct ForeignHash {
    /// As it is stored: other programs have more than one spelling.
    text: Secret,
    scheme: Scheme,
}

#[derive(Clone)]
enum Scheme {
    Bcrypt(bcrypt::Hash),
    Pbkdf2(pbkdf2::Hash),
    Scrypt(scrypt::Hash),
}

impl ForeignHash {
    /// Reads a hash that says to be of one of these algorithms; none if it does not.
    pub(super) fn parse(stored: &str) -> Option<Result<Self, StoredHashError>> {
        let phc = stored.strip_prefix('$');
        let (name, rest) = phc.unwrap_or(stored).split_once('$')?;
        let scheme = match (phc.is_some(), name) {
            (true, "2a" | "2b" | "2y") => bcrypt::Hash::parse(stored, false).map(Scheme::Bcrypt),
            (false, "bcrypt") => bcrypt::Hash::parse(rest, false).map(Scheme::Bcrypt),
            (false, "bcrypt_sha256") => bcrypt::Hash::parse(rest, true).map(Scheme::Bcrypt),
            (true, "scrypt") => scrypt::Hash::parse_phc(rest).map(Scheme::Scrypt),
            (false, "scrypt") => scrypt::Hash::parse_django(rest).map(Scheme::Scrypt),
            (true, _) => {
                let digest = Pbkdf2Digest::named(name.strip_prefix("pbkdf2-")?)?;
                pbkdf2::Hash::parse_phc(digest, rest).map(Scheme::Pbkdf2)
            }
            (false, _) => {
                let digest = Pbkdf2Digest::named(name.strip_prefix("pbkdf2_")?)?;
                pbkdf2::Hash::parse_django(digest, rest).map(Scheme::Pbkdf2)
            }
        };
        Some(scheme.map(|scheme| Self { text: Secret::new(stored.as_bytes().to_vec()), scheme }))
    }

    /// The stored form.
    pub(super) fn expose(&self) -> Secret {
        self.text.clone()
    }

    /// Whether it is the hash of these bytes, after work of its own cost.
    pub(super) fn is_of(&self, password: &[u8]) -> Result<bool, HashError> {
        match &self.scheme {
            Scheme::Bcrypt(hash) => Ok(hash.is_of(password)),
            Scheme::Pbkdf2(hash) => Ok(hash.is_of(password)),
            Scheme::Scrypt(hash) => hash.is_of(password),
        }
    }
}

/// Shows the algorithm and its cost only.
impl fmt::Debug for ForeignHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("PasswordHash");
        match &self.scheme {
            Scheme::Bcrypt(hash) => shown.field("bcrypt", &hash.cost),
            Scheme::Pbkdf2(hash) => shown.field("pbkdf2", &(hash.digest, hash.rounds)),
            Scheme::Scrypt(hash) => shown.field("scrypt", &hash.cost),
        };
        shown.finish_non_exhaustive()
    }
}
