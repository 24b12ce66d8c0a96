//! The nouns of JWT as types, so that an issuer is never passed for an audience.

use std::{fmt, sync::Arc};

use auth_core::{NameError, Realm};

/// Visible ASCII and the space, other alphabets as they are; no control character.
fn check(text: &str, max: usize) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > max {
        return Err(NameError::TooLong { max });
    }
    match text.char_indices().find(|(_, character)| character.is_control()) {
        Some((at, _)) => Err(NameError::Character { at }),
        None => Ok(()),
    }
}

macro_rules! jwt_name {
    ($(#[$doc:meta])* $name:ident, max: $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The most bytes that it may have.
            pub const MAX_LEN: usize = $max;

            /// Takes `text` as it is: comparing is exact, case included (RFC 7519 section 2, "StringOrURI").
            ///
            /// # Errors
            /// [`NameError`] if it is empty, longer than [`MAX_LEN`](Self::MAX_LEN) or has a control character.
            pub fn new(text: &str) -> Result<Self, NameError> {
                check(text, Self::MAX_LEN)?;
                Ok(Self(text.into()))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), self.as_str())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

jwt_name! {
    /// Who a token is for: one value of its `aud` (RFC 7519 section 4.1.3).
    Audience, max: 400
}

impl Audience {
    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

jwt_name! {
    /// The OAuth client that asked for a token: its `client_id` (RFC 9068 section 2.2, RFC 8693 section 4.3).
    ClientId, max: 256
}

/// ID tokens are for the client that asked for them (OpenID Connect Core section 2).
impl From<ClientId> for Audience {
    fn from(client: ClientId) -> Self {
        // A client's id is shorter, and of the same characters.
        Self(client.0)
    }
}

impl ClientId {
    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

jwt_name! {
    /// Which key a token is signed with: the `kid` of its header (RFC 7515 section 4.1.4).
    ///
    /// Compared as text and nothing else: it is never a path, a query or an address.
    KeyId, max: 256
}

/// Who issues a token: its `iss` (RFC 7519 section 4.1.1), compared exactly, case included.
///
/// Visible ASCII, at most 400 bytes, because it also names the [`Realm`] of the issuer's subjects.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Issuer {
    text: Arc<str>,
    realm: Realm,
}

impl Issuer {
    /// The most bytes that it may have.
    pub const MAX_LEN: usize = 400;

    /// The issuer of this name, which for most is an `https` URL.
    ///
    /// # Errors
    /// [`NameError`] if it is empty, longer than 400 bytes or not visible ASCII.
    pub fn new(text: &str) -> Result<Self, NameError> {
        Ok(Self { realm: Realm::issuer(text)?, text: text.into() })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The realm that its subjects belong to, unless the issuer is declared local.
    #[must_use]
    pub fn realm(&self) -> &Realm {
        &self.realm
    }

    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({:?})", self.as_str())
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
