//! A browser's cookie.

use std::sync::{Mutex, PoisonError};

use auth_session::SetCookie;

const NAME: &str = "__Host-sid=";

/// The cookie of one session in one browser, shared by its tabs, and those that it had before.
#[derive(Debug, Default)]
pub(crate) struct Jar(Mutex<Cookies>);

#[derive(Debug, Default, Clone)]
struct Cookies {
    now: Option<String>,
    before: Vec<String>,
}

impl Jar {
    /// A `Cookie` header's value, or `None` if there is no cookie.
    pub(crate) fn header(&self) -> Option<String> {
        self.lock().now.as_ref().map(|value| format!("{NAME}{value}"))
    }

    /// Takes what an answer sets.
    pub(crate) fn take(&self, cookie: &SetCookie) {
        let mut cookies = self.lock();
        let value =
            cookie.expose().split(';').next().and_then(|pair| pair.strip_prefix(NAME)).unwrap_or_default();
        let before = std::mem::replace(&mut cookies.now, (!cookie.clears()).then(|| value.to_owned()));
        cookies.before.extend(before);
        let too_many = cookies.before.len().saturating_sub(8);
        cookies.before.drain(..too_many);
    }

    /// A header with a cookie that is at least two older than the one of now.
    pub(crate) fn stale_header(&self) -> Option<String> {
        let cookies = self.lock();
        let at = cookies.before.len().checked_sub(2)?;
        cookies.before.get(at).map(|value| format!("{NAME}{value}"))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Cookies> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
