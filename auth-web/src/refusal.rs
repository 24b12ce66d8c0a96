//! The one error of handlers.

mod from;

use auth_core::Refusal as Core;

/// What a handler answers when it cannot give what was asked for. Every error of the toolkit that a handler may
/// meet turns into one, so `?` works in handlers: what came with the request and cannot be read is 400, what it
/// may not have 401 or 403, and what is our own fault 503.
///
/// As an answer it is problem details (RFC 9457) for programs; for people it is a redirect to the login page
/// where logging in would help, and a small page otherwise. Match on [`kind`](Self::kind) to show your own.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Refusal(Core);

impl Refusal {
    /// Nobody is logged in, and this needs somebody.
    #[must_use]
    pub const fn unauthenticated() -> Self {
        Self(Core::Unauthenticated)
    }

    /// What happened.
    #[must_use]
    pub const fn kind(&self) -> &Core {
        &self.0
    }

    /// The same, by value.
    #[must_use]
    pub fn into_kind(self) -> Core {
        self.0
    }

    /// The HTTP status code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.0.status()
    }
}

impl From<Core> for Refusal {
    fn from(refusal: Core) -> Self {
        Self(refusal)
    }
}
