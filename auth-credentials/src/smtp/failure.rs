//! Why a mail was not sent.

use lettre::transport::smtp;

/// What went wrong at one try. It never has the words of a relay, which repeat the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// It took too long.
    Timeout,
    /// Its link or code works no more.
    Dead,
    /// No connection, or one that was lost.
    Connection,
    /// No TLS that we trust: a wrong certificate, above all.
    Tls,
    /// The relay does not offer `STARTTLS`. Perhaps somebody on the way says so.
    NoStartTls,
    /// The relay offers no authentication that we know.
    NoAuthentication,
    /// The relay refused, with this code.
    Refused(u16),
    /// The relay refused before there was TLS, or somebody on the way did.
    RefusedInClear,
    /// The relay broke off, or does not speak SMTP.
    Malformed,
}

impl Failure {
    /// Whether to try again would bring the same (RFC 5321 section 4.2.1).
    pub(super) fn is_permanent(self) -> bool {
        matches!(self, Self::Refused(500..=599) | Self::NoAuthentication | Self::Dead)
    }

    /// The same before there is TLS.
    pub(super) fn in_clear(self) -> Self {
        match self {
            Self::Refused(_) => Self::RefusedInClear,
            other => other,
        }
    }

    /// The word in the log.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Dead => "too-late",
            Self::Connection => "connection",
            Self::Tls => "tls",
            Self::NoStartTls => "starttls-not-offered",
            Self::NoAuthentication => "authentication-not-offered",
            Self::Refused(_) => "refused",
            Self::RefusedInClear => "refused-in-clear",
            Self::Malformed => "broken-answer",
        }
    }

    /// The code of the answer, if there was one.
    pub(super) const fn code(self) -> Option<u16> {
        match self {
            Self::Refused(code) => Some(code),
            _ => None,
        }
    }
}

impl From<smtp::Error> for Failure {
    fn from(error: smtp::Error) -> Self {
        match error.status() {
            Some(code) => Self::Refused(code.into()),
            None if error.is_client() => Self::NoAuthentication,
            None if error.is_response() => Self::Malformed,
            None => Self::Connection,
        }
    }
}
