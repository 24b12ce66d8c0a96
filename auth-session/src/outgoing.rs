//! What an answer carries of a session.

use auth_core::{BlobError, Challenge, Refusal, StoreError, Unavailable};

use crate::cookie::SetCookie;

/// What comes out of a request's session: a cookie to send, and whether the data was saved.
///
/// The two are separate: a login that happened has its cookie sent even if other data of the same request
/// could not be saved.
#[derive(Debug)]
#[must_use = "without its cookie a login is lost, and unsaved data goes unnoticed"]
pub struct Outgoing {
    pub(crate) cookie: Option<SetCookie>,
    pub(crate) saved: Result<(), CommitError>,
}

impl Outgoing {
    /// The `Set-Cookie` header to send, with `Cache-Control: no-store`, whatever [`saved`](Self::saved) says.
    #[must_use]
    pub const fn cookie(&self) -> Option<&SetCookie> {
        self.cookie.as_ref()
    }

    /// Whether the application's data was saved, or there was nothing to save.
    ///
    /// # Errors
    /// [`CommitError`].
    pub const fn saved(&self) -> Result<(), &CommitError> {
        match &self.saved {
            Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Both, by value.
    pub fn into_parts(self) -> (Option<SetCookie>, Result<(), CommitError>) {
        (self.cookie, self.saved)
    }
}

/// The data of a session was not saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The session ended while the request was handled, by logout elsewhere or a deadline. The data is lost,
    /// and the browser's cookie is left alone, for it may be a newer session's.
    #[error("the session ended meanwhile")]
    Ended,
    /// The session is [challenged](crate::Session::challenge): nothing is written before somebody logs in over it.
    #[error("the session is challenged")]
    Challenged(Challenge),
    /// Another request changed the same slot. Nothing was written; handling the request again may succeed.
    #[error("session slot {slot} was changed by another request")]
    Conflict {
        /// The slot.
        slot: Box<str>,
    },
    /// So many requests write to the session at once that this one did not get its turn. Nothing was written.
    #[error("too many requests write to the session at once")]
    Contended,
    /// Together with what another request wrote, there is no room. Nothing was written.
    #[error(transparent)]
    Full(#[from] BlobError),
    /// The store failed. [`StoreError::written`] tells whether the data may have been saved.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<CommitError> for Refusal {
    /// Somebody whose session ended is no longer authenticated; everything else is 503 and may be tried again.
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Ended => Self::Unauthenticated,
            CommitError::Challenged(challenge) => challenge.into(),
            CommitError::Unavailable(unavailable) => unavailable.into(),
            error => StoreError::not_written(error).into(),
        }
    }
}
