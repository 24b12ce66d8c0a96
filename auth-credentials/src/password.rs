//! What a person types.

use std::fmt;

use auth_core::Secret;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// A password as it was presented.
///
/// Wiped on drop, never printed, not comparable. Nothing is trimmed, folded or cut off, NUL bytes included (NIST
/// SP 800-63B-4 section 3.1.1.2: the entire password is verified).
///
/// One thing is evened out, as the same section asks: the same text has several spellings in Unicode, and
/// keyboards differ in which of them they send. What is hashed is its Normalization Form C (Unicode Standard Annex
/// 15), in which `é` is one code point however it was typed. Letters that merely look alike, full-width ones and
/// ligatures, stay different. A code point that Unicode has not assigned is itself in every version.
///
/// An input beyond [`MAX_BYTES`](Self::MAX_BYTES) is wiped at once, and what remains is the fact that it was
/// too long. It can be handed on like any other and matches nothing, after the same work, so a caller needs
/// no branch that an attacker could time (CVE-2025-22234).
#[derive(Clone)]
pub struct Password {
    /// In Normalization Form C.
    secret: Secret,
    /// As it was typed, if that is something else.
    typed: Option<Secret>,
    too_long: bool,
}

impl Password {
    /// The most bytes that are hashed: 4096. NIST asks for at least 64 characters.
    pub const MAX_BYTES: usize = 4096;

    /// Takes what was typed. The buffer is wiped.
    #[must_use]
    pub fn new(typed: String) -> Self {
        let too_long = typed.len() > Self::MAX_BYTES;
        let typed = Secret::from(typed);
        if too_long {
            return Self { secret: Secret::new(Vec::new()), typed: None, too_long };
        }
        match normalized(typed.expose_str().unwrap_or_default()) {
            Some(secret) => Self { secret, typed: Some(typed), too_long },
            None => Self { secret: typed, typed: None, too_long },
        }
    }

    /// Whether the input had more than [`MAX_BYTES`](Self::MAX_BYTES) bytes.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.too_long
    }

    /// How many characters (Unicode code points) it has.
    pub(crate) fn chars(&self) -> usize {
        self.expose_str().chars().count()
    }

    /// The bytes to hash; none if the input was too long.
    pub(crate) fn expose(&self) -> &[u8] {
        self.secret.expose()
    }

    /// The bytes as they were typed, if they are others: what programs hashed that do not normalize.
    pub(crate) fn expose_typed(&self) -> Option<&[u8]> {
        self.typed.as_ref().map(Secret::expose)
    }

    /// The text to hash, for the policy. Always there: a password is made of a `String`.
    pub(crate) fn expose_str(&self) -> &str {
        self.secret.expose_str().unwrap_or_default()
    }
}

/// The text in Normalization Form C, or `None` if it is in that form.
fn normalized(text: &str) -> Option<Secret> {
    if text.is_ascii() || is_nfc(text) {
        return None;
    }
    // Sized in advance, so that no copy is left behind where the text grew: form C is at most three times as long
    // in UTF-8 (Unicode Standard Annex 15, section 9.1).
    let mut normal = String::with_capacity(text.len().saturating_mul(3));
    normal.extend(text.nfc());
    Some(Secret::from(normal))
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

    /// The cap is in bytes and is checked before any hashing.
    #[test]
    fn an_over_long_input_keeps_nothing_but_the_fact() {
        let longest = Password::new("x".repeat(Password::MAX_BYTES));
        assert!(!longest.is_too_long());
        assert_eq!(longest.expose().len(), Password::MAX_BYTES);

        let longer = Password::new("x".repeat(Password::MAX_BYTES + 1));
        assert!(longer.is_too_long());
        assert!(longer.expose().is_empty());
    }

    /// A password in a log is read by more people than a password in a table.
    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Password::new("hunter2".to_owned())), "Password(redacted)");
    }

    fn hashed(typed: &str) -> (Vec<u8>, Option<Vec<u8>>) {
        let password = Password::new(typed.to_owned());
        (password.expose().to_vec(), password.expose_typed().map(<[u8]>::to_vec))
    }

    /// NIST SP 800-63B-4 asks for form C, where its drafts and revision 3 had others.
    #[test]
    fn what_is_hashed_is_in_form_c() {
        for (typed, form_c) in [
            ("cafe\u{301}", "caf\u{e9}"),
            ("A\u{30a}ngstro\u{308}m", "\u{c5}ngstr\u{f6}m"),
            // The sign for the unit is the letter; marks have one order; Hangul is composed.
            ("\u{212b}", "\u{c5}"),
            ("q\u{307}\u{323}", "q\u{323}\u{307}"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
        ] {
            assert_eq!(hashed(typed), (form_c.into(), Some(typed.into())), "{typed}");
            assert_eq!(hashed(form_c), (form_c.into(), None));
        }
    }

    /// Compatibility forms would make passwords equal that people see as different, and shorten them. An unassigned
    /// code point passes as it is ("stabilized strings"): whatever it becomes one day, the raw form still matches.
    #[test]
    fn nothing_else_is_changed() {
        let same = [
            "\u{fb01}",
            "\u{ff41}\u{ff42}",
            "x\u{b2}",
            " a  b ",
            "A\0b",
            "\u{378}x",
            "\u{200d}",
            "I\u{131}",
            "",
        ];
        for text in same {
            assert_eq!(hashed(text), (text.into(), None), "{text:?}");
        }
    }

    /// The longest text stays within what was sized in advance, however it grows.
    #[test]
    fn form_c_is_at_most_three_times_as_long() {
        // U+1D160 is excluded from composition and has three parts of four bytes.
        let typed = "\u{1d160}".repeat(Password::MAX_BYTES / 4);
        assert_eq!(hashed(&typed).0.len(), 3 * Password::MAX_BYTES);
    }
}
