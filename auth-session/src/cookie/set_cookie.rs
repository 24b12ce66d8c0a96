//! A `Set-Cookie` header, ready to be sent.

use std::fmt;

use auth_core::Secret;

use crate::cookie::CookieName;

/// The value of a `Set-Cookie` header.
///
/// It holds a secret: `Debug` shows the name only, and [`expose`](Self::expose) is for the response. An answer
/// that carries it must not be cached: send `Cache-Control: no-store` with it.
pub struct SetCookie {
    name: CookieName,
    text: Secret,
    clears: bool,
}

impl SetCookie {
    pub(crate) fn new(name: CookieName, text: Secret, clears: bool) -> Self {
        Self { name, text, clears }
    }

    /// The cookie that it sets or clears.
    #[must_use]
    pub fn name(&self) -> &CookieName {
        &self.name
    }

    /// Whether it makes the browser forget the cookie.
    #[must_use]
    pub fn clears(&self) -> bool {
        self.clears
    }

    /// The header's value: visible ASCII and spaces, one line, at most 4096 bytes.
    #[must_use]
    pub fn expose(&self) -> &str {
        // Made of parts that were checked to be ASCII.
        self.text.expose_str().unwrap_or_default()
    }
}

impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetCookie")
            .field("name", &self.name)
            .field("clears", &self.clears)
            .finish_non_exhaustive()
    }
}
