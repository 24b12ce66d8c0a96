//! Hashing and checking passwords, on the thread that asks.

use std::{fmt, sync::Arc};

use argon2::{Algorithm, Argon2, Params, Version};
use auth_core::{
    AuthenticateError, Entropy, EntropyError, KeyRing, Purpose, Refusal, RejectionReason, Unavailable,
    entropy_array,
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

#[cfg(feature = "import")]
use super::import::ForeignHashes;
use super::{
    argon2id::{Argon2Hash, PepperId},
    memory::{HashMemory, OutOfMemory},
    params::Argon2Params,
    phc::{Form, PasswordHash, StoredHashError},
};
use crate::password::Password;

/// Hashes and checks passwords with Argon2id, version 0x13 (RFC 9106): 16-byte salt, 32-byte tag.
///
/// This is the part without threads, queue or store: a call takes tens of milliseconds at the default parameters
/// ([`calibrate`](Self::calibrate) measures yours) and never allocates while the memory fits
/// (`hashing_allocates_nothing` counts). In a server, use it through a [`HashPool`](crate::HashPool).
#[derive(Clone)]
pub struct PasswordHasher {
    params: Argon2Params,
    entropy: Arc<dyn Entropy>,
    pepper: Option<Arc<KeyRing>>,
    dummy: Argon2Hash,
    #[cfg(feature = "import")]
    foreign: ForeignHashes,
}

/// What the keys of peppers are derived for.
const PEPPER: Purpose = Purpose::new("password-pepper");

/// What came of checking a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum PasswordMatch {
    /// It is another password.
    Mismatch,
    /// It is the password.
    Match,
    /// It is the password, and the hash was not made with today's parameters: store a new one.
    MatchOutdated,
}

/// Why a password was not hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// It has more than [`Password::MAX_BYTES`] bytes.
    #[error("password is too long")]
    TooLong,
    /// There is no randomness for the salt.
    #[error("no randomness available")]
    Entropy(#[from] EntropyError),
    /// There is no memory to hash in.
    #[error("no memory to hash in")]
    OutOfMemory(#[from] OutOfMemory),
    /// The stored hash cannot be checked here. Whether the password is right is not known.
    #[error(transparent)]
    Unusable(#[from] StoredHashError),
    /// The pool was shut down, or the hash failed in a way that has no other name.
    #[error("hashing was given up")]
    Aborted,
}

impl From<HashError> for AuthenticateError {
    /// Too long is a rejection, and so is a hash that nobody can check; everything else is not the caller's fault,
    /// and passes.
    fn from(error: HashError) -> Self {
        match error {
            HashError::TooLong => RejectionReason::TooLong.into(),
            HashError::Unusable(error) => error.reason().into(),
            HashError::Entropy(error) => error.into(),
            HashError::OutOfMemory(_) | HashError::Aborted => Self::Unavailable(Unavailable::Overloaded),
        }
    }
}

impl From<HashError> for Refusal {
    fn from(error: HashError) -> Self {
        AuthenticateError::from(error).into()
    }
}

impl PasswordHasher {
    /// A hasher whose hashes cost `params`.
    ///
    /// It makes up the hash that [`verify_nothing`](Self::verify_nothing) checks: of today's cost, random,
    /// and nobody's password.
    ///
    /// # Errors
    /// [`EntropyError`] if `entropy` failed.
    pub fn new(params: Argon2Params, entropy: Arc<dyn Entropy>) -> Result<Self, EntropyError> {
        let dummy = Argon2Hash::new(params, entropy_array(&*entropy)?, entropy_array(&*entropy)?, None);
        Ok(Self {
            params,
            entropy,
            pepper: None,
            dummy,
            #[cfg(feature = "import")]
            foreign: ForeignHashes::none(),
        })
    }

    /// The same with a pepper: what is hashed is the HMAC-SHA-256 of the password, under a key that is derived from
    /// `keys` for this and nothing else. A copy of the database without the key ring cannot be guessed at at all.
    ///
    /// The id of the key is stored beside each hash, so a check costs one HMAC however many keys there are. What was
    /// hashed with a retired key, or with none, is right and outdated: its next login stores a hash with the current
    /// one. A key may go when no stored hash has its id any more; whoever comes later is refused, audited as
    /// `unknown-key`, and sets a new password by a link. *Without the keys, no password is right*: keep a copy of the
    /// key file, apart from the copies of the database.
    #[must_use]
    pub fn with_pepper(mut self, keys: Arc<KeyRing>) -> Self {
        self.dummy.pepper = Some(keys.current_id());
        self.pepper = Some(keys);
        self
    }

    /// The same, checking hashes of these other algorithms too. With the feature `import`.
    #[cfg(feature = "import")]
    #[must_use]
    pub fn accepting(mut self, foreign: ForeignHashes) -> Self {
        self.foreign = foreign;
        self
    }

    pub(super) fn entropy(&self) -> Arc<dyn Entropy> {
        Arc::clone(&self.entropy)
    }

    /// What a new hash costs.
    #[must_use]
    pub fn params(&self) -> Argon2Params {
        self.params
    }

    /// Memory for hashes at these parameters.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the allocator refuses.
    pub fn memory(&self) -> Result<HashMemory, OutOfMemory> {
        HashMemory::new(self.params)
    }

    /// Hashes a password under a new salt.
    ///
    /// # Errors
    /// [`HashError`] if the password is too long, or randomness or memory are missing.
    pub fn hash(&self, password: &Password, memory: &mut HashMemory) -> Result<PasswordHash, HashError> {
        if password.is_too_long() {
            return Err(HashError::TooLong);
        }
        let salt: [u8; PasswordHash::SALT_LEN] = entropy_array(&*self.entropy)?;
        let mut tag = Zeroizing::new([0; PasswordHash::TAG_LEN]);
        let pepper = self.current_pepper();
        let password = self.peppered(password.expose(), pepper)?;
        compute(self.params, password.bytes(), &salt, tag.as_mut_slice(), memory)?;
        Ok(PasswordHash(Form::Argon2id(Argon2Hash::new(self.params, salt, *tag, pepper))))
    }

    /// Whether a stored hash can be checked at all: its pepper is known, and its algorithm is Argon2id or one that is
    /// accepted beside it.
    ///
    /// # Errors
    /// [`StoredHashError::UnknownPepper`], [`StoredHashError::Algorithm`].
    pub fn judge(&self, stored: &PasswordHash) -> Result<(), StoredHashError> {
        match &stored.0 {
            Form::Argon2id(hash) => match (hash.pepper, &self.pepper) {
                (None, _) => Ok(()),
                (Some(id), Some(keys)) if keys.knows(id) => Ok(()),
                (Some(_), _) => Err(StoredHashError::UnknownPepper),
            },
            #[cfg(feature = "import")]
            Form::Foreign(hash) if self.foreign.accept(hash) => Ok(()),
            #[cfg(feature = "import")]
            Form::Foreign(_) => Err(StoredHashError::Algorithm),
        }
    }

    /// Checks a password against a stored hash.
    ///
    /// The time does not tell how a check ends, nor whether the hash was made with cheaper parameters than
    /// today's: the difference in work is made up. A password that is too long does the same work and
    /// matches nothing. (A hash that is dearer than today's does take longer, until its next login.) A hash of another
    /// algorithm costs what all others cost, if it is accepted.
    ///
    /// A hash of the bytes as they were typed, by a program that did not normalize, is right and outdated. A
    /// password whose [form C](Password) differs from what was typed is therefore computed twice, whatever it is
    /// checked against and whichever matches: only who typed it can tell from the time.
    ///
    /// # Errors
    /// [`HashError`] if there is no memory, or the hash cannot be [checked here](Self::judge), which costs the same
    /// work; the answer is then unknown, and not a mismatch.
    pub fn verify(
        &self,
        password: &Password,
        stored: &PasswordHash,
        memory: &mut HashMemory,
    ) -> Result<PasswordMatch, HashError> {
        let judged = self.judge(stored);
        let form = judged.is_ok().then_some(&stored.0);
        let same = self.is_of(password.expose(), form, memory)? & !password.is_too_long();
        let same_as_typed = match password.expose_typed() {
            Some(typed) => self.is_of(typed, form, memory)?,
            None => false,
        };
        judged?;
        Ok(match (same, same_as_typed, self.needs_rehash(stored)) {
            (false, false, _) => PasswordMatch::Mismatch,
            (true, _, false) => PasswordMatch::Match,
            (true, _, true) | (false, true, _) => PasswordMatch::MatchOutdated,
        })
    }

    /// Does the work of [`verify`](Self::verify) for an account that has no hash to check, and says no.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_nothing(&self, password: &Password, memory: &mut HashMemory) -> Result<(), HashError> {
        self.is_of(password.expose(), None, memory)?;
        if let Some(typed) = password.expose_typed() {
            self.is_of(typed, None, memory)?;
        }
        Ok(())
    }

    /// Whether a hash was made in another way than a new one: with other parameters, a shorter salt or tag, another
    /// pepper, by another algorithm.
    #[must_use]
    pub fn needs_rehash(&self, stored: &PasswordHash) -> bool {
        match &stored.0 {
            Form::Argon2id(hash) => {
                hash.params != self.params
                    || hash.salt().len() < PasswordHash::SALT_LEN
                    || hash.tag().len() < PasswordHash::TAG_LEN
                    || hash.pepper != self.current_pepper()
                    || hash.of_django
            }
            #[cfg(feature = "import")]
            Form::Foreign(_) => true,
        }
    }

    /// Whether a hash is that of these bytes, after work of today's cost at least, which is done for no hash too.
    fn is_of(
        &self,
        password: &[u8],
        stored: Option<&Form>,
        memory: &mut HashMemory,
    ) -> Result<bool, HashError> {
        let argon2id = match stored {
            Some(Form::Argon2id(hash)) => hash,
            _ => &self.dummy,
        };
        let same = self.is_argon2id_of(password, argon2id, memory)?;
        #[cfg(feature = "import")]
        if let Some(Form::Foreign(hash)) = stored {
            let same = hash.is_of(password)?;
            self.foreign.make_up(password, Some(hash))?;
            return Ok(same);
        }
        #[cfg(feature = "import")]
        self.foreign.make_up(password, None)?;
        Ok(same & stored.is_some())
    }

    fn is_argon2id_of(
        &self,
        password: &[u8],
        stored: &Argon2Hash,
        memory: &mut HashMemory,
    ) -> Result<bool, HashError> {
        let mut buffer = Zeroizing::new([0; 64]);
        let tag = buffer.get_mut(..stored.tag().len()).ok_or(HashError::Aborted)?;
        let password = self.peppered(password, stored.pepper)?;
        compute(stored.params, password.bytes(), stored.salt(), tag, memory)?;
        let same = bool::from(tag.ct_eq(stored.tag()));
        if let Some(difference) = stored.params.difference_to(self.params) {
            let mut unused = Zeroizing::new([0; PasswordHash::TAG_LEN]);
            compute(difference, password.bytes(), stored.salt(), unused.as_mut_slice(), memory)?;
        }
        Ok(same)
    }

    fn current_pepper(&self) -> Option<PepperId> {
        self.pepper.as_ref().map(|keys| keys.current_id())
    }

    /// What is hashed of a password.
    fn peppered<'a>(
        &self,
        password: &'a [u8],
        pepper: Option<PepperId>,
    ) -> Result<Peppered<'a>, StoredHashError> {
        let Some(id) = pepper else { return Ok(Peppered::Plain(password)) };
        let mac = self.pepper.as_ref().and_then(|keys| keys.mac_by(id, PEPPER, &[password]));
        mac.map(|mac| Peppered::Keyed(Zeroizing::new(mac))).ok_or(StoredHashError::UnknownPepper)
    }
}

enum Peppered<'a> {
    Plain(&'a [u8]),
    Keyed(Zeroizing<[u8; 32]>),
}

impl Peppered<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(password) => password,
            Self::Keyed(mac) => mac.as_slice(),
        }
    }
}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHasher").field("params", &self.params).finish_non_exhaustive()
    }
}

/// One Argon2id computation, in `memory` if it is enough, else in memory of its own.
fn compute(
    params: Argon2Params,
    password: &[u8],
    salt: &[u8],
    tag: &mut [u8],
    memory: &mut HashMemory,
) -> Result<(), HashError> {
    let checked = Params::new(params.memory_kib(), params.passes(), params.lanes(), Some(tag.len()))
        .map_err(|_| HashError::Aborted)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, checked);
    let done = match memory.blocks_for(params) {
        Some(blocks) => argon2.hash_password_into_with_memory(password, salt, tag, blocks),
        None => {
            // A hash from dearer times. Its memory is given back, so the steady state stays what it was.
            let mut larger = HashMemory::new(params)?;
            let blocks = larger.blocks_for(params).ok_or(HashError::Aborted)?;
            argon2.hash_password_into_with_memory(password, salt, tag, blocks)
        }
    };
    done.map_err(|_| HashError::Aborted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_core::SystemEntropy;

    fn hasher(memory_kib: u32, passes: u32) -> PasswordHasher {
        let params = Argon2Params::within_bounds(memory_kib, passes, 1).unwrap();
        PasswordHasher::new(params, Arc::new(SystemEntropy)).unwrap()
    }

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[test]
    fn the_dummy_is_no_password_and_differs_at_every_start() {
        let (first, second) = (hasher(64, 1), hasher(64, 1));
        assert_ne!(first.dummy.tag(), second.dummy.tag());
        assert_eq!(first.dummy.params, first.params());
        let dummy = PasswordHash(Form::Argon2id(first.dummy.clone()));
        assert!(!first.needs_rehash(&dummy));
        let mut memory = first.memory().unwrap();
        first.verify_nothing(&password(""), &mut memory).unwrap();
        assert_eq!(first.verify(&password(""), &dummy, &mut memory), Ok(PasswordMatch::Mismatch));
    }

    /// A hash of dearer times needs more memory than is kept; the kept memory must not grow.
    #[test]
    fn a_dearer_hash_is_checked_in_memory_of_its_own() {
        let (cheap, dear) = (hasher(64, 1), hasher(256, 2));
        let stored = dear.hash(&password("correct horse"), &mut dear.memory().unwrap()).unwrap();
        let mut memory = cheap.memory().unwrap();
        assert_eq!(
            cheap.verify(&password("correct horse"), &stored, &mut memory),
            Ok(PasswordMatch::MatchOutdated)
        );
        assert_eq!(memory.bytes(), 64 * 1024);
    }

    /// RFC 9106 section 5.3 is for a secret and associated data, which are not used here; this is the
    /// reference implementation's own vector for version 0x13 (phc-winner-argon2, test.c).
    #[test]
    fn the_reference_implementation_made_this_hash() {
        let stored = PasswordHash::parse(
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        )
        .unwrap();
        let hasher = hasher(64, 1);
        let mut memory = hasher.memory().unwrap();
        assert_eq!(
            hasher.verify(&password("password"), &stored, &mut memory),
            Ok(PasswordMatch::MatchOutdated)
        );
        assert_eq!(hasher.verify(&password("Password"), &stored, &mut memory), Ok(PasswordMatch::Mismatch));
    }
}
