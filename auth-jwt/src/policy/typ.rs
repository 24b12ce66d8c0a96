//! Which kinds of tokens are accepted, by their media type.

use std::sync::Arc;

use super::PolicyError;
use crate::{
    VerifyError,
    header::{Header, redacted},
    json::JsonStr,
};

/// Which `typ` a token's header must have. Made by [`typ`] or [`any_typ`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeRule {
    /// In lower case, and without `application/`.
    expected: Option<Arc<str>>,
    or_none: bool,
}

/// Tokens of this media type, and no others (RFC 7519 section 5.1).
///
/// Compared as RFC 8725 section 3.11 and RFC 7515 section 4.1.9 say: without regard to case, and
/// `application/` may be left out on either side.
///
/// # Errors
/// [`PolicyError::Type`] if `name` is not a media type.
pub fn typ(name: &str) -> Result<TypeRule, PolicyError> {
    let token = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(&byte))
    };
    let lower = name.to_ascii_lowercase();
    let (kind, subtype) = lower.split_once('/').unwrap_or(("application", &lower));
    if name.len() > 127 || !token(kind) || !token(subtype) {
        return Err(PolicyError::Type);
    }
    let short = if kind == "application" { subtype } else { &lower };
    Ok(TypeRule::exactly(short))
}

/// Tokens of any media type, and without one.
///
/// This gives up the protection against tokens that the same issuer made for something else: an ID token is
/// then as good as an access token (RFC 8725 section 2.8).
#[must_use]
pub const fn any_typ() -> TypeRule {
    TypeRule { expected: None, or_none: true }
}

impl TypeRule {
    /// The media type of access tokens (RFC 9068 section 2.1).
    pub(crate) const ACCESS_TOKEN: &'static str = "at+jwt";

    /// `expected` is in lower case, and without `application/`.
    pub(crate) fn exactly(expected: &str) -> Self {
        Self { expected: Some(expected.into()), or_none: false }
    }

    /// The same, and tokens that have no `typ` at all: whoever issues them says nothing of what they are for.
    #[must_use]
    pub fn or_none(mut self) -> Self {
        self.or_none = true;
        self
    }

    /// The media type that a token is to have, in lower case and without `application/`.
    pub(crate) fn media_type(&self) -> Option<&str> {
        self.expected.as_deref()
    }

    /// Whether what has this type is a JWT: `JWT`, or a type with its suffix (RFC 8417 section 7.2).
    pub(crate) fn is_jwt(&self) -> bool {
        self.media_type().is_some_and(|name| name == JWT || name.ends_with("+jwt"))
    }

    pub(crate) fn check(&self, header: &Header<'_>) -> Result<(), VerifyError> {
        let Some(expected) = &self.expected else { return Ok(()) };
        let fits = header.typ.map_or(self.or_none, |found| is_media_type(found, expected));
        if fits {
            return Ok(());
        }
        Err(VerifyError::Type { expected: Arc::clone(expected), found: header.typ.map(redacted) })
    }
}

/// The media type of tokens that say no more of themselves (RFC 7519 section 5.1).
const JWT: &str = "jwt";

/// The same of a `typ` that was found, however it is spelt.
pub(crate) fn is_jwt(found: JsonStr<'_>) -> bool {
    let end = found.chars().fold(['\0'; 4], |[_, a, b, c], next| [a, b, c, next.to_ascii_lowercase()]);
    is_media_type(found, JWT) || end == ['+', 'j', 'w', 't']
}

/// `expected` is in lower case, and without `application/`.
fn is_media_type(found: JsonStr<'_>, expected: &str) -> bool {
    let found = || found.chars().map(|character| character.to_ascii_lowercase());
    found().eq(expected.chars())
        || (!expected.contains('/') && found().eq("application/".chars().chain(expected.chars())))
}
