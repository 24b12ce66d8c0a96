//! An immutable short string that is cheap to copy: the inside of names.

use std::{
    borrow::Borrow,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

/// Text of a name: written in the program, or shared by all copies. Copying allocates nothing.
#[derive(Clone)]
pub(crate) enum Text {
    Static(&'static str),
    Shared(Arc<str>),
}

impl Text {
    pub(crate) fn new(text: &str) -> Self {
        Self::Shared(text.into())
    }

    pub(crate) const fn from_static(text: &'static str) -> Self {
        Self::Static(text)
    }

    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl PartialEq for Text {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        let (one, other) = (self.as_str(), other.as_str());
        // Of copies, which most are that are compared, not a byte is read.
        std::ptr::eq(one, other) || one == other
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// Why a name was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// No characters at all.
    #[error("name is empty")]
    Empty,
    /// Longer than its kind of name may be.
    #[error("name is longer than {max} bytes")]
    TooLong {
        /// The most bytes that it may have.
        max: usize,
    },
    /// A character that its kind of name does not allow.
    #[error("name has a character that is not allowed, at byte {at}")]
    Character {
        /// Offset of the character, in bytes.
        at: usize,
    },
}

/// Checks length and characters; `allowed` sees bytes, so names that use it are ASCII.
pub(crate) const fn check(text: &str, max: usize, class: Class) -> Result<(), NameError> {
    let bytes = text.as_bytes();
    if bytes.is_empty() {
        return Err(NameError::Empty);
    }
    if bytes.len() > max {
        return Err(NameError::TooLong { max });
    }
    let mut rest = bytes;
    let mut at: usize = 0;
    while let [byte, tail @ ..] = rest {
        if !class.allows(*byte) {
            return Err(NameError::Character { at });
        }
        at = at.saturating_add(1);
        rest = tail;
    }
    Ok(())
}

/// Which characters a kind of name allows.
#[derive(Clone, Copy)]
pub(crate) enum Class {
    /// Letters, digits, `.`, `_`, `-`, `:` and `/`: role names, actions, kinds, key names.
    Identifier,
    /// RFC 6749 section 3.3: `%x21 / %x23-5B / %x5D-7E`.
    Scope,
    /// Visible ASCII: realms.
    Visible,
    /// Visible ASCII without capitals: logins.
    Login,
    /// Everything but control characters; other alphabets are passed as they are.
    Printable,
}

impl Class {
    const fn allows(self, byte: u8) -> bool {
        match self {
            Self::Identifier => {
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':' | b'/')
            }
            Self::Scope => byte.is_ascii_graphic() && byte != b'"' && byte != b'\\',
            Self::Visible => byte.is_ascii_graphic(),
            Self::Login => byte.is_ascii_graphic() && !byte.is_ascii_uppercase(),
            Self::Printable => byte >= 0x20 && byte != 0x7f,
        }
    }
}

/// A name type over [`Text`]: parsed once, then valid.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, max: $max:expr, class: $class:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(crate::text::Text);

        impl $name {
            /// The most bytes that it may have.
            pub const MAX_LEN: usize = $max;

            /// Reads a name.
            ///
            /// # Errors
            /// [`NameError`](crate::NameError) if it is empty, too long or has a character that is not allowed.
            pub fn parse(text: &str) -> Result<Self, crate::NameError> {
                crate::text::check(text, Self::MAX_LEN, $class)?;
                Ok(Self(crate::text::Text::new(text)))
            }

            /// A name that is written in the program. In a `const`, a bad one does not compile.
            ///
            /// # Panics
            /// If the name is not valid.
            #[must_use]
            pub const fn from_static(text: &'static str) -> Self {
                assert!(crate::text::check(text, $max, $class).is_ok(), "not a valid name");
                Self(crate::text::Text::from_static(text))
            }

            /// The name as text.
            #[must_use]
            #[inline]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({:?})", stringify!($name), self.as_str())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::NameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use name;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_the_same_however_it_is_held() {
        assert_eq!(Text::from_static("abc"), Text::new("abc"));
        assert_ne!(Text::from_static("abc"), Text::new("abd"));
        assert_eq!(Text::new("").as_str(), "");
    }

    /// Separators and NUL in ids must not make two names one.
    #[test]
    fn control_characters_are_in_no_name() {
        for class in [Class::Identifier, Class::Scope, Class::Visible, Class::Login, Class::Printable] {
            for text in ["a\0b", "a\nb", "a\u{7f}"] {
                assert_eq!(check(text, 10, class), Err(NameError::Character { at: 1 }), "{text:?}");
            }
            assert_eq!(check("", 10, class), Err(NameError::Empty));
            assert_eq!(check("aaaa", 3, class), Err(NameError::TooLong { max: 3 }));
        }
    }
}
