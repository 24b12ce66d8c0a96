//! Which hashes of other algorithms are checked, and that nobody can tell who has one.

use super::{
    ForeignHash, Scheme,
    bcrypt::{self, Cost as BcryptCost},
    pbkdf2::{self, Pbkdf2Digest},
    scrypt::{self, Cost as ScryptCost},
};
use crate::hash::{hasher::HashError, params::ParamsError};

/// The hashes of other algorithms that are still in the store, each with the most that one of them costs.
///
/// Give it to [`PasswordHasher::accepting`](crate::PasswordHasher::accepting). Whoever logs in with such a hash gets one
/// of Argon2id instead; no hash of these algorithms is ever made here. With the feature `import`.
///
/// Each check then costs what all of the algorithms here cost together with Argon2id, for every account and for none,
/// so that the time does not tell who has not logged in since the import (`an_account_with_an_imported_hash_takes_the_same_time`).
/// A hash that is cheaper than its entry here is made up for; one that is dearer takes longer. So give the true
/// maximum, and take the entry away once there is no such hash left: those who never came back then set a new password
/// by a link.
///
/// ```
/// use auth_credentials::{ForeignHashes, Pbkdf2Digest};
///
/// // What Django 4.2 wrote by default, and what somebody wrote before.
/// let of_before =
///     ForeignHashes::none().with_pbkdf2(Pbkdf2Digest::Sha256, 600_000)?.with_bcrypt(12)?;
/// # Ok::<(), auth_credentials::ParamsError>(())
/// ```
///
/// | algorithm | what to know |
/// |---|---|
/// | bcrypt | It hashes 72 bytes, and whatever follows them is right: until the first login, which stores a hash of the whole. A password with a NUL byte is refused: some programs hashed what was before it, and `a`, `a\0a` and `a\0a\0a` have one hash. `$2x$`, made by a program with a bug, is not read. |
/// | bcrypt_sha256 of Django | The whole password, by its SHA-256 in hexadecimal. |
/// | scrypt | It takes memory of its own for each check, 128 x N x r bytes, beside that of the pool; the crate leaves it unwiped. |
/// | PBKDF2 | The cheapest to guess of them all, on a graphics card. With SHA-1, only for hashes that exist. |
///
/// # Hashes of other programs
///
/// With the feature `import`, rows may hold what other programs wrote: bcrypt (`$2a$`, `$2b$`, `$2y$`), scrypt and
/// PBKDF2 as PHC strings, and Django's `argon2`, `bcrypt`, `bcrypt_sha256`, `pbkdf2_sha256`, `pbkdf2_sha1` and
/// `scrypt`. Copy them into the rows as they are, and tell the hasher which to accept
/// (`PasswordHasher::accepting`); each login replaces one by Argon2id, unless the password was changed meanwhile:
/// `a_hash_of_another_program_is_right_once_and_then_ours`,
/// `a_password_that_is_changed_during_an_import_stays_changed`. Nothing here makes such a hash.
///
/// - *Who has not logged in since* does not show in the time: every check costs what all accepted algorithms cost
///   together, `an_account_with_an_imported_hash_takes_the_same_time`. So accept what you have and no more, and end
///   it one day.
/// - *What nobody asked for* is refused, and audited as `corrupt`: `what_is_not_asked_for_is_refused`.
/// - *A row that asks for too much* is refused before anything is computed:
///   `an_imported_hash_that_asks_for_too_much_is_refused_at_once`.
/// - *bcrypt's 72 bytes*: what was hashed elsewhere is right whatever follows them, until the first login
///   (`seventy_two_bytes_are_hashed_and_what_follows_is_right`,
///   `the_whole_of_a_long_password_counts_once_it_is_hashed_anew`). A password with a NUL byte is none to bcrypt:
///   `a_password_with_nul_is_never_right`. Nor is one that ends in NUL to PBKDF2 and scrypt, which do not tell it from
///   the one without: `a_password_that_ends_in_nul_is_never_right`.
/// - A hash that is cheap to guess stays so until its owner comes. Ask those who do not for a new password, by a
///   link.
/// - Hashes agree with the RFCs (`the_vectors_of_rfc_7914_hold`, `the_vectors_of_the_rfcs_hold`,
///   `the_vector_of_rfc_9106_holds`) and, in both directions, with argon2-cffi, bcrypt, Django and Debian's
///   `argon2` (`tests/interop/tests/passwords.rs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ForeignHashes {
    bcrypt: Option<BcryptCost>,
    scrypt: Option<ScryptCost>,
    pbkdf2_sha1: Option<u32>,
    pbkdf2_sha256: Option<u32>,
    pbkdf2_sha512: Option<u32>,
}

impl ForeignHashes {
    /// The most that a hash of bcrypt may cost: 2^15 rounds.
    pub const MAX_BCRYPT_COST: u32 = BcryptCost::MAX;
    /// The most rounds of PBKDF2: five million.
    pub const MAX_PBKDF2_ROUNDS: u32 = pbkdf2::MAX_ROUNDS;
    /// The most memory of scrypt, 128 x N x r bytes, in KiB: 256 MiB.
    pub const MAX_SCRYPT_MEMORY_KIB: u32 = ScryptCost::MAX_MEMORY_KIB;
    /// The most work of scrypt, N x r x p: four times OWASP's.
    pub const MAX_SCRYPT_WORK: u64 = ScryptCost::MAX_WORK;

    /// None: every stored hash is of Argon2id.
    #[must_use]
    pub const fn none() -> Self {
        Self { bcrypt: None, scrypt: None, pbkdf2_sha1: None, pbkdf2_sha256: None, pbkdf2_sha512: None }
    }

    /// And hashes of bcrypt, Django's `bcrypt_sha256` among them, up to this cost (`12` in `$2b$12$..`).
    ///
    /// # Errors
    /// [`ParamsError::OutOfBounds`] if it is not 4 to [`MAX_BCRYPT_COST`](Self::MAX_BCRYPT_COST).
    pub fn with_bcrypt(self, cost: u32) -> Result<Self, ParamsError> {
        let cost = BcryptCost::new(cost).ok_or(ParamsError::OutOfBounds)?;
        Ok(Self { bcrypt: Some(cost), ..self })
    }

    /// And hashes of scrypt, up to this cost: the base 2 logarithm of N (`17`, or Django's 16384 as `14`), r and p.
    ///
    /// # Errors
    /// [`ParamsError::OutOfBounds`] beyond the constants here, beyond N = 2^20, r = 32 and p = 16, or if one is zero.
    pub fn with_scrypt(self, log_n: u8, r: u32, p: u32) -> Result<Self, ParamsError> {
        let cost = ScryptCost::new(log_n.into(), r, p).ok_or(ParamsError::OutOfBounds)?;
        Ok(Self { scrypt: Some(cost), ..self })
    }

    /// And hashes of PBKDF2 with this digest, up to this many rounds.
    ///
    /// # Errors
    /// [`ParamsError::OutOfBounds`] if there are none, or more than [`MAX_PBKDF2_ROUNDS`](Self::MAX_PBKDF2_ROUNDS).
    pub fn with_pbkdf2(mut self, digest: Pbkdf2Digest, rounds: u32) -> Result<Self, ParamsError> {
        if !(1..=pbkdf2::MAX_ROUNDS).contains(&rounds) {
            return Err(ParamsError::OutOfBounds);
        }
        *match digest {
            Pbkdf2Digest::Sha1 => &mut self.pbkdf2_sha1,
            Pbkdf2Digest::Sha256 => &mut self.pbkdf2_sha256,
            Pbkdf2Digest::Sha512 => &mut self.pbkdf2_sha512,
        } = Some(rounds);
        Ok(self)
    }

    /// Whether hashes of this sort are checked.
    pub(in crate::hash) fn accept(&self, hash: &ForeignHash) -> bool {
        match &hash.scheme {
            Scheme::Bcrypt(_) => self.bcrypt.is_some(),
            Scheme::Scrypt(_) => self.scrypt.is_some(),
            Scheme::Pbkdf2(hash) => self.rounds(hash.digest).is_some(),
        }
    }

    /// Does the work that a check of `hash`, or of none, has left to do so that all checks cost the same.
    pub(in crate::hash) fn make_up(
        &self,
        password: &[u8],
        hash: Option<&ForeignHash>,
    ) -> Result<(), HashError> {
        let scheme = hash.map(|hash| &hash.scheme);
        if let Some(most) = self.bcrypt {
            bcrypt::make_up(
                most,
                if let Some(Scheme::Bcrypt(done)) = scheme { Some(done.cost) } else { None },
            );
        }
        for digest in Pbkdf2Digest::ALL {
            let Some(most) = self.rounds(digest) else { continue };
            let done = match scheme {
                Some(Scheme::Pbkdf2(done)) if done.digest == digest => done.rounds,
                _ => 0,
            };
            pbkdf2::make_up(digest, most.saturating_sub(done), password);
        }
        match (self.scrypt, scheme) {
            (Some(most), Some(Scheme::Scrypt(done))) => scrypt::make_up(most, done.cost.work(), password),
            (Some(most), _) => scrypt::make_up(most, 0, password),
            (None, _) => Ok(()),
        }
    }

    fn rounds(&self, digest: Pbkdf2Digest) -> Option<u32> {
        match digest {
            Pbkdf2Digest::Sha1 => self.pbkdf2_sha1,
            Pbkdf2Digest::Sha256 => self.pbkdf2_sha256,
            Pbkdf2Digest::Sha512 => self.pbkdf2_sha512,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_accepted_beyond_the_bounds() {
        let none = ForeignHashes::none;
        assert_eq!(none(), ForeignHashes::default());
        for cost in [0, 3, 16, 31, 32, u32::MAX] {
            assert_eq!(none().with_bcrypt(cost), Err(ParamsError::OutOfBounds), "{cost}");
        }
        for rounds in [0, 5_000_001, u32::MAX] {
            assert!(none().with_pbkdf2(Pbkdf2Digest::Sha256, rounds).is_err(), "{rounds}");
        }
        for (log_n, r, p) in
            [(0, 8, 1), (21, 1, 1), (255, 8, 1), (14, 0, 1), (14, 33, 1), (14, 8, 0), (14, 8, 17), (20, 8, 1)]
        {
            assert!(none().with_scrypt(log_n, r, p).is_err(), "{log_n} {r} {p}");
        }
        // What OWASP recommends and what Django writes.
        for (log_n, r, p) in [(17, 8, 1), (16, 8, 2), (13, 8, 10), (14, 8, 5)] {
            assert!(none().with_scrypt(log_n, r, p).is_ok(), "{log_n} {r} {p}");
        }
        assert!(none().with_bcrypt(15).is_ok() && none().with_pbkdf2(Pbkdf2Digest::Sha1, 5_000_000).is_ok());
    }
}
