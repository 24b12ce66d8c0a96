//! Single-use tokens as a store keeps them.

use crate::{
    NameError, Purpose, Realm, SecretHash, UnixTime,
    text::{Class, Text, check},
};

/// Names a single-use token: its realm, what it is for, and the hash of its secret.
///
/// The purpose is part of the key, so a token for one thing is not found when another is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenKey {
    /// The space that it belongs to.
    pub realm: Realm,
    /// What it is for.
    pub purpose: Purpose,
    /// The hash of its secret.
    pub hash: SecretHash,
}

/// Whom or what a token is about: a principal's id, an address. Printable, 1 to 255 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenSubject(Text);

impl TokenSubject {
    /// Reads a subject.
    ///
    /// # Errors
    /// [`NameError`] if it is empty, longer than 255 bytes or has a control character.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check(text, 255, Class::Printable)?;
        Ok(Self(Text::new(text)))
    }

    /// The subject as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// One single-use token, as a store keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// The row's key.
    pub key: TokenKey,
    /// Whom it is about.
    pub subject: TokenSubject,
    /// From when on it is refused.
    pub expires_at: UnixTime,
    /// What the flow that made it needs back; at most [`MAX_PAYLOAD`](Self::MAX_PAYLOAD) bytes.
    pub payload: Vec<u8>,
}

impl TokenRecord {
    /// The most bytes of a payload.
    pub const MAX_PAYLOAD: usize = 4_096;

    /// Whether it is still accepted.
    #[must_use]
    pub fn is_live(&self, now: UnixTime) -> bool {
        now < self.expires_at
    }
}

impl std::fmt::Debug for TokenRecord {
    /// Without the payload: flows keep secrets of theirs in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenRecord")
            .field("key", &self.key)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// What became of a new token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Put {
    /// It was stored.
    Stored,
    /// One with this key exists; nothing was changed.
    Collision,
}

/// Who was first to claim something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "only the first may go on"]
pub enum Claim {
    /// This call was.
    First,
    /// Another one was.
    Seen,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A login's state has a code verifier in its payload, a reset its address as subject.
    #[test]
    fn debug_shows_neither_hash_nor_subject_nor_payload() {
        let record = TokenRecord {
            key: TokenKey {
                realm: Realm::LOCAL,
                purpose: Purpose::new("reset"),
                hash: SecretHash::of(b"presented"),
            },
            subject: TokenSubject::parse("ann@example.com").unwrap(),
            expires_at: UnixTime::from_secs(7),
            payload: b"verifier".to_vec(),
        };
        let shown = format!("{record:?}");
        assert!(shown.contains("SecretHash(redacted)") && shown.contains("reset"), "{shown}");
        let (payload, hash) = (format!("{:?}", b"verifier"), format!("{:?}", record.key.hash.as_bytes()));
        for secret in
            ["ann@example.com", "verifier", payload.trim_matches(['[', ']']), hash.trim_matches(['[', ']'])]
        {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
