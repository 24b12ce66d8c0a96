//! What attributes are called.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) mod kind;
pub(crate) mod map;
pub(crate) mod read;
pub(crate) mod value;

/// What an attribute is an attribute of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Root {
    /// Who asks.
    Principal,
    /// What is to be done.
    Action,
    /// To what.
    Resource,
    /// Under which circumstances.
    Context,
}

impl Root {
    pub(crate) const ALL: [Self; 4] = [Self::Principal, Self::Action, Self::Resource, Self::Context];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Principal => "principal",
            Self::Action => "action",
            Self::Resource => "resource",
            Self::Context => "context",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|root| root.as_str() == word)
    }
}

/// Not a name, or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an attribute name: letters, digits and `_`, with dots between the parts, {} bytes at most",
    AttributeName::MAX_LEN
)]
pub struct AttributeNameError;

/// The name of an attribute below its [`Root`]: `owner`, `device.managed`. ASCII letters, digits and `_`, not beginning
/// with a digit, in parts with dots between them; case counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeName(Box<str>);

impl AttributeName {
    /// The most bytes that it may have.
    pub const MAX_LEN: usize = 128;

    /// Reads a name.
    ///
    /// # Errors
    /// [`AttributeNameError`].
    pub fn parse(text: &str) -> Result<Self, AttributeNameError> {
        let whole = text.len() <= Self::MAX_LEN && text.split('.').all(is_identifier);
        whole.then(|| Self(text.into())).ok_or(AttributeNameError)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a word may be a part of a name, or the name of a variable.
pub(crate) fn is_identifier(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && word.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

/// An attribute with what it is an attribute of: `context.device.managed`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributePath {
    root: Root,
    name: AttributeName,
}

impl AttributePath {
    /// The attribute of this name.
    #[must_use]
    pub const fn new(root: Root, name: AttributeName) -> Self {
        Self { root, name }
    }

    /// Reads `root.name`.
    ///
    /// # Errors
    /// [`AttributeNameError`].
    pub fn parse(text: &str) -> Result<Self, AttributeNameError> {
        let (root, name) = text.split_once('.').ok_or(AttributeNameError)?;
        let root = Root::parse(root).ok_or(AttributeNameError)?;
        Ok(Self { root, name: AttributeName::parse(name)? })
    }

    /// What it is an attribute of.
    #[must_use]
    pub const fn root(&self) -> Root {
        self.root
    }

    /// Its name there.
    #[must_use]
    pub const fn name(&self) -> &AttributeName {
        &self.name
    }

    /// The same with another part behind it.
    pub(crate) fn join(&self, part: &str) -> Result<Self, AttributeNameError> {
        Ok(Self { root: self.root, name: AttributeName::parse(&format!("{}.{part}", self.name))? })
    }
}

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.root.as_str(), self.name)
    }
}

impl std::borrow::Borrow<str> for AttributeName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

macro_rules! as_text {
    ($name:ty) => {
        impl FromStr for $name {
            type Err = AttributeNameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

as_text!(AttributeName);
as_text!(AttributePath);

#[cfg(test)]
mod tests {
    use super::*;

    /// No look-alike letter and no invisible character gets into a name.
    #[test]
    fn names_are_dotted_ascii_identifiers() {
        for good in ["owner", "device.managed", "_a.b_1", "A"] {
            assert_eq!(AttributeName::parse(good).unwrap().as_str(), good);
        }
        let long = "a".repeat(129);
        for bad in
            ["", ".", "a.", ".a", "a..b", "1a", "a b", "a-b", "ownеr", "a\u{200b}", "a.1", long.as_str()]
        {
            assert_eq!(AttributeName::parse(bad), Err(AttributeNameError), "{bad:?}");
        }
        assert_eq!(AttributePath::parse("context.device.id").unwrap().to_string(), "context.device.id");
        for bad in ["context", "user.id", "Context.id", "context.", "principal"] {
            assert!(AttributePath::parse(bad).is_err(), "{bad:?}");
        }
    }
}
