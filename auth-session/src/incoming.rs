//! What a request carries of a session.

use auth_core::{ClientSignals, Malformed, SecretHash, SessionId, SessionSecret};

use crate::cookie::CookieName;

/// The session cookie of a request, read and not checked.
///
/// Plain data: reading it touches no store, so a layer may do it for each request and open the session only
/// for handlers that ask. It holds no secret, only its hash.
#[derive(Debug, Clone, Copy)]
pub struct Incoming {
    pub(crate) carried: Carried,
    pub(crate) signals: ClientSignals,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Carried {
    Nothing,
    /// There is a cookie of our name, and nothing that we ever made.
    Unreadable,
    Cookie(SessionCookie),
}

impl Incoming {
    /// No session cookie, or one that is ignored because the request has an `Authorization` header.
    #[must_use]
    pub const fn nothing() -> Self {
        Self { carried: Carried::Nothing, signals: ClientSignals::none() }
    }

    /// Reads the cookie called `name` from the values of all `Cookie` lines of a request.
    ///
    /// # Errors
    /// [`Malformed::DuplicateCookie`] and [`Malformed::TooLarge`]. A cookie whose value is none of ours is no
    /// error: it opens nothing and is cleared.
    pub fn read<'a>(
        name: &CookieName,
        cookie_lines: impl IntoIterator<Item = &'a [u8], IntoIter: Clone>,
    ) -> Result<Self, Malformed> {
        let carried = match name.find_in(cookie_lines)? {
            None => Carried::Nothing,
            Some(value) => SessionCookie::parse(value).map_or(Carried::Unreadable, Carried::Cookie),
        };
        Ok(Self { carried, signals: ClientSignals::none() })
    }

    /// The same, with what the client that sent the request can be recognised by: what a
    /// [`ClientCheck`](crate::ClientCheck) goes by. Without it, no change is seen.
    #[must_use]
    pub const fn with_signals(mut self, signals: ClientSignals) -> Self {
        self.signals = signals;
        self
    }

    /// Whether the request carries a session cookie of any value.
    #[must_use]
    pub const fn is_something(&self) -> bool {
        !matches!(self.carried, Carried::Nothing)
    }

    /// Whether it carries one that we never made.
    pub(crate) const fn is_unreadable(&self) -> bool {
        matches!(self.carried, Carried::Unreadable)
    }
}

/// The value of a session cookie: which session, and the hash of what proves it. Not checked.
#[derive(Debug, Clone, Copy)]
pub struct SessionCookie {
    pub(crate) id: SessionId,
    pub(crate) hash: SecretHash,
}

impl SessionCookie {
    /// Length of the value: the id, a dot, the secret.
    pub const TEXT_LEN: usize = SessionId::TEXT_LEN + 1 + SessionSecret::TEXT_LEN;

    /// Reads a cookie's value, `None` unless it has exactly our form. The secret itself is not kept.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        if value.len() != Self::TEXT_LEN {
            return None;
        }
        let (id, rest) = value.split_at_checked(SessionId::TEXT_LEN)?;
        let secret = rest.strip_prefix(b".")?;
        Some(Self { id: SessionId::parse(id)?, hash: SessionSecret::parse(secret)?.hash() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_core::SystemEntropy;
    use proptest::prelude::*;

    fn value() -> String {
        let id = SessionId::anonymous(&SystemEntropy).unwrap();
        format!("{id}.{}", *SessionSecret::generate(&SystemEntropy).unwrap().expose())
    }

    fn read(line: &str) -> Carried {
        Incoming::read(&CookieName::SESSION, [line.as_bytes()]).unwrap().carried
    }

    #[test]
    fn a_value_of_ours_is_read() {
        let value = value();
        assert_eq!(value.len(), SessionCookie::TEXT_LEN);
        assert!(matches!(read(&format!("__Host-sid={value}")), Carried::Cookie(_)));
        assert!(matches!(read("a=b"), Carried::Nothing));
    }

    /// Whatever else it is, no store is asked.
    #[test]
    fn a_value_of_another_form_is_unreadable() {
        let good = value();
        for bad in [
            String::new(),
            good.replace('.', "-"),
            format!("{good}A"),
            format!("\"{good}\""),
            good[1..].to_owned(),
            format!("{}é", &good[..74]),
            format!("{}=", &good[..75]),
            format!(".{}", &good[..75]),
            "x".repeat(9_000),
            "%00".repeat(25),
        ] {
            assert!(matches!(read(&format!("__Host-sid={bad}")), Carried::Unreadable), "{bad}");
        }
    }

    /// A secret in a log is as good as a login.
    #[test]
    fn debug_shows_no_secret() {
        let value = value();
        let line = format!("__Host-sid={value}");
        let shown = format!("{:?}", Incoming::read(&CookieName::SESSION, [line.as_bytes()]).unwrap());
        assert!(!shown.contains(&value[33..]), "{shown}");
        assert!(shown.contains("SecretHash(redacted)"), "{shown}");
    }

    proptest! {
        #[test]
        fn no_value_makes_it_panic(value in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = SessionCookie::parse(&value);
        }

        /// One session, one spelling: no character can be changed without naming another session or secret.
        #[test]
        fn a_cookie_has_one_spelling(at in 0_usize..SessionCookie::TEXT_LEN, to in any::<u8>()) {
            let good = value();
            let mut changed = good.clone().into_bytes();
            changed[at] = to;
            let original = SessionCookie::parse(good.as_bytes()).unwrap();
            if let Some(other) = SessionCookie::parse(&changed) {
                let same = other.id == original.id && other.hash.ct_eq(&original.hash);
                prop_assert_eq!(same, changed == good.as_bytes());
            }
        }
    }
}
