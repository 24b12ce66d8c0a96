//! What a person types.

use std::fmt;

use auth_core::Secret;

/// A password as it was presented.
///
/// Wiped on drop, never printed, not comparable. Every byte counts: nothing is trimmed, folded or cut off,
/// NUL bytes included (NIST SP 800-63B-4 section 3.1.1.2: the entire password is verified).
///
/// An input beyond [`MAX_BYTES`](Self::MAX_BYTES) is wiped at once, and what remains is the fact that it was
/// too long. It can be handed on like any other and matches nothing, after the same work, so a caller needs
/// no branch that an attacker could time (CVE-2025-22234).
#[derive(Clone)]
pub struct Password {
    secret: Secret,
    too_long: bool,
}

impl Password {
    /// The most bytes that are hashed: 4096. NIST asks for at least 64 characters.
    pub const MAX_BYTES: usize = 4096;

    /// Takes what was typed. The buffer is wiped.
    #[must_use]
    pub fn new(typed: String) -> Self {
        let too_long = typed.len() > Self::MAX_BYTES;
        let secret = Secret::from(typed);
        Self { secret: if too_long { Secret::new(Vec::new()) } else { secret }, too_long }
    }

    /// Whether the input had more than [`MAX_BYTES`](Self::MAX_BYTES) bytes.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.too_long
    }

    /// The bytes to hash; none if the input was too long.
    pub(crate) fn expose(&self) -> &[u8] {
        self.secret.expose()
    }

    /// The text, for the policy. Always there: a password is made of a `String`.
    pub(crate) fn expose_str(&self) -> &str {
        self.secret.expose_str().unwrap_or_default()
    }
}

impl From<String> for Password {
    fn from(typed: String) -> Self {
        Self::new(typed)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checklist, credentials P4: the cap is in bytes and is checked before any hashing.
    #[test]
    fn an_over_long_input_keeps_nothing_but_the_fact() {
        let longest = Password::new("x".repeat(Password::MAX_BYTES));
        assert!(!longest.is_too_long());
        assert_eq!(longest.expose().len(), Password::MAX_BYTES);

        let longer = Password::new("x".repeat(Password::MAX_BYTES + 1));
        assert!(longer.is_too_long());
        assert!(longer.expose().is_empty());
    }

    /// Checklist, credentials P12.
    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Password::new("hunter2".to_owned())), "Password(redacted)");
    }
}
