//! Whether a password is in a list of leaked ones that somebody else keeps.

#[cfg(feature = "reqwest")]
pub(crate) mod https;

use std::{error::Error, fmt, sync::Arc};

use async_trait::async_trait;
use auth_core::{AuthenticateError, Malformed, Refusal, Unavailable};
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use crate::password::Password;

/// Asks a list of leaked passwords for all of them whose hash begins alike.
///
/// This is how [Pwned Passwords] is asked, and mirrors of it: whoever keeps the list learns 20 bits of a hash, which
/// some thousand leaked passwords share, and never which one was meant or whether it was any of them (k-anonymity).
///
/// Timeouts and connections are its own affair: nothing here gives up waiting, so an implementation has to. The answer
/// decides which passwords may be chosen, so it must come over a channel that proves the server.
///
/// [Pwned Passwords]: https://haveibeenpwned.com/API/v3#PwnedPasswords
#[async_trait]
pub trait RangeClient: Send + Sync {
    /// The body of the answer: a line `<35 hexadecimal digits>:<count>` for each leaked password whose SHA-1 begins
    /// with `prefix` and goes on with these digits. At most [`LeakedPasswords::MAX_ANSWER_LEN`] bytes.
    ///
    /// # Errors
    /// [`RangeError`].
    async fn range(&self, prefix: HashPrefix) -> Result<Vec<u8>, RangeError>;
}

macro_rules! forward {
    ($pointer:ty) => {
        #[async_trait]
        impl<T: RangeClient + ?Sized> RangeClient for $pointer {
            async fn range(&self, prefix: HashPrefix) -> Result<Vec<u8>, RangeError> {
                (**self).range(prefix).await
            }
        }
    };
}

forward!(&T);
forward!(Box<T>);
forward!(Arc<T>);

/// What is told of a password: the first 20 bits of its SHA-1, as five hexadecimal digits in upper case.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HashPrefix([u8; Self::LEN]);

impl HashPrefix {
    const LEN: usize = 5;

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Hexadecimal digits are UTF-8.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// It narrows a password down for whoever reads the log.
impl fmt::Debug for HashPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashPrefix(redacted)")
    }
}

/// Why a list of leaked passwords gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// No connection, no TLS, or the connection broke.
    #[error("server is out of reach")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// No whole answer in time.
    #[error("server did not answer in time")]
    Timeout,
    /// The answer is a redirect, which is not followed.
    #[error("server redirects with status {0}")]
    Redirect(u16),
    /// The answer has another status than 200.
    #[error("server answered with status {0}")]
    Status(u16),
    /// The answer is longer than is looked at.
    #[error("answer is longer than {max} bytes")]
    TooLarge {
        /// The most bytes that are looked at.
        max: usize,
    },
    /// The answer is no list of hashes.
    #[error("answer is no list of hashes")]
    Malformed,
}

/// What becomes of a password that nobody could be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfUnanswered {
    /// It cannot be chosen now: 503. No password gets past the list, and nobody signs up while it is out of reach.
    Refuse,
    /// It is judged by the rest of the policy alone. For as long as the list is out of reach, leaked passwords can be
    /// chosen; each is written down as [`AuditEvent::Unanswered`](auth_core::AuditEvent::Unanswered).
    Accept,
}

/// Passwords that are known to have leaked, as a part of what may be chosen (NIST SP 800-63B-4 section 3.1.1.2).
///
/// Give it to [`Accounts::with_leaked_passwords`](crate::Accounts::with_leaked_passwords): it is asked wherever a
/// password is chosen, after the [`PasswordPolicy`](crate::PasswordPolicy) and the throttle and before anything is
/// hashed, and never when a password is checked. The feature `reqwest` has a client.
#[derive(Clone)]
pub struct LeakedPasswords {
    client: Arc<dyn RangeClient>,
    if_unanswered: IfUnanswered,
}

/// Why a password may not be chosen after all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeakedError {
    /// It is among those that leaked.
    #[error("password has leaked")]
    Leaked,
    /// Nobody answered.
    #[error("leaked passwords could not be asked for")]
    Unanswered(#[from] RangeError),
}

impl LeakedPasswords {
    /// The most bytes of an answer that are looked at: 256 KiB. Pwned Passwords sends 50 KiB, padding included.
    pub const MAX_ANSWER_LEN: usize = 256 * 1024;

    /// Asks `client`, and does this where there is no answer.
    #[must_use]
    pub fn new(client: Arc<dyn RangeClient>, if_unanswered: IfUnanswered) -> Self {
        Self { client, if_unanswered }
    }

    /// What becomes of a password that nobody could be asked about.
    #[must_use]
    pub fn if_unanswered(&self) -> IfUnanswered {
        self.if_unanswered
    }

    /// Asks whether a password leaked; in the form that is hashed, and as a whole.
    ///
    /// # Errors
    /// [`LeakedError::Leaked`]; [`LeakedError::Unanswered`] whatever [`IfUnanswered`] says, which is the caller's to
    /// follow.
    pub async fn check(&self, password: &Password) -> Result<(), LeakedError> {
        let hash = sha1_hex(password.expose());
        let (prefix, suffix) = hash.split_first_chunk().ok_or(RangeError::Malformed)?;
        let answer = self.client.range(HashPrefix(*prefix)).await?;
        if answer.len() > Self::MAX_ANSWER_LEN {
            return Err(RangeError::TooLarge { max: Self::MAX_ANSWER_LEN }.into());
        }
        if contains(&answer, suffix)? { Err(LeakedError::Leaked) } else { Ok(()) }
    }
}

impl fmt::Debug for LeakedPasswords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeakedPasswords").field("if_unanswered", &self.if_unanswered).finish_non_exhaustive()
    }
}

impl From<LeakedError> for Unavailable {
    fn from(error: LeakedError) -> Self {
        Self::Unanswered(Box::new(error))
    }
}

impl From<LeakedError> for Refusal {
    fn from(error: LeakedError) -> Self {
        match error {
            LeakedError::Leaked => Malformed::Body.into(),
            unanswered @ LeakedError::Unanswered(_) => Unavailable::from(unanswered).into(),
        }
    }
}

impl From<LeakedError> for crate::SignUpError {
    fn from(error: LeakedError) -> Self {
        match error {
            LeakedError::Leaked => Self::Policy(crate::PolicyError::Leaked),
            unanswered @ LeakedError::Unanswered(_) => Self::Unavailable(unanswered.into()),
        }
    }
}

impl From<LeakedError> for crate::ChangePasswordError {
    fn from(error: LeakedError) -> Self {
        match error {
            LeakedError::Leaked => Self::Policy(crate::PolicyError::Leaked),
            unanswered @ LeakedError::Unanswered(_) => {
                Self::Refused(AuthenticateError::Unavailable(unanswered.into()))
            }
        }
    }
}

/// Whether a list has these digits with a count that is not zero: those are padding, which hides the length of the list
/// from whoever sees the encrypted answer.
fn contains(answer: &[u8], suffix: &[u8]) -> Result<bool, RangeError> {
    let text = std::str::from_utf8(answer).map_err(|_| RangeError::Malformed)?;
    let mut found = false;
    // An empty list is none: every prefix has leaked passwords, and an error page may be empty.
    if text.trim().is_empty() {
        return Err(RangeError::Malformed);
    }
    for line in text.lines() {
        let (digits, count) = line.trim_end().split_once(':').ok_or(RangeError::Malformed)?;
        let well_formed = digits.len() == suffix.len() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let count: u64 = count.parse().map_err(|_| RangeError::Malformed)?;
        if !well_formed {
            return Err(RangeError::Malformed);
        }
        found |= count > 0 && digits.as_bytes().eq_ignore_ascii_case(suffix);
    }
    Ok(found)
}

/// SHA-1 is what these lists are made of, and has nothing to protect here.
fn sha1_hex(password: &[u8]) -> Zeroizing<[u8; 40]> {
    let mut hex = Zeroizing::new([0; 40]);
    let digest = Zeroizing::new(<[u8; 20]>::from(Sha1::digest(password)));
    for (to, byte) in hex.as_chunks_mut::<2>().0.iter_mut().zip(digest.iter()) {
        *to = [byte >> 4, byte & 15]
            .map(|digit| if digit < 10 { b'0' | digit } else { b'7'.wrapping_add(digit) });
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the documentation of Pwned Passwords shows: `password` is 5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8.
    #[test]
    fn a_hash_is_in_hexadecimal_of_upper_case() {
        assert_eq!(*sha1_hex(b"password"), *b"5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8");
    }

    #[test]
    fn a_list_is_read_strictly_and_padding_is_no_entry() {
        let suffix = b"1E4C9B93F3F0682250B6CF8331B7EE68FD8";
        let of = |text: &str| contains(text.as_bytes(), suffix);
        let other = "0018A45C4D1DEF81644B54AB7F969B88D65:10";
        assert!(of("1E4C9B93F3F0682250B6CF8331B7EE68FD8:3861493").unwrap());
        assert!(of(&format!("{other}\r\n1e4c9b93f3f0682250b6cf8331b7ee68fd8:1\r\n")).unwrap());
        assert!(!of(other).unwrap());
        assert!(!of(&format!("{other}\n1E4C9B93F3F0682250B6CF8331B7EE68FD8:0")).unwrap());
        for bad in [
            "",
            "\r\n",
            "<html>busy</html>",
            "1E4C9B93F3F0682250B6CF8331B7EE68FD8",
            "1E4C9B93F3F0682250B6CF8331B7EE68FD8:",
            "1E4C9B93F3F0682250B6CF8331B7EE68FD8:-1",
            "E4C9B93F3F0682250B6CF8331B7EE68FD8:1",
            "XE4C9B93F3F0682250B6CF8331B7EE68FD8:1",
            "1E4C9B93F3F0682250B6CF8331B7EE68FD8:1\n\n<html>",
        ] {
            assert!(matches!(of(bad), Err(RangeError::Malformed)), "{bad:?}");
        }
        assert!(matches!(contains(&[0xff], suffix), Err(RangeError::Malformed)));
    }
}
