//! Messages for the next page.

use serde::{Deserialize, Serialize};

use crate::{
    data::{DataError, SessionData},
    session::Session,
};

/// A message that is shown once, on the next page: "Your password was changed."
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// How it is meant.
    pub level: FlashLevel,
    /// What it says. It is text: a page that shows it escapes it.
    pub text: String,
}

/// How a [`Flash`] is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FlashLevel {
    /// For your information.
    Info,
    /// It worked.
    Success,
    /// It worked, but.
    Warning,
    /// It did not work.
    Error,
}

impl Flash {
    /// The most messages that wait for the next page; one more pushes out the oldest.
    pub const MAX: usize = 16;
    /// The most bytes of a message; what is beyond is cut off.
    pub const MAX_LEN: usize = 1_024;

    /// A message.
    #[must_use]
    pub fn new(level: FlashLevel, text: impl Into<String>) -> Self {
        let mut text = text.into();
        let mut end = text.len().min(Self::MAX_LEN);
        while !text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        text.truncate(end);
        Self { level, text }
    }

    /// A message that it worked.
    #[must_use]
    pub fn success(text: impl Into<String>) -> Self {
        Self::new(FlashLevel::Success, text)
    }

    /// A message that it did not work.
    #[must_use]
    pub fn error(text: impl Into<String>) -> Self {
        Self::new(FlashLevel::Error, text)
    }
}

/// The messages that wait.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Flashes(Vec<Flash>);

impl SessionData for Flashes {
    const SLOT: &'static str = "auth.flash";
    const VERSION: u16 = 1;

    /// What one request showed is gone, and what both said is said.
    fn merge(base: Option<Self>, ours: Self, theirs: Self) -> Option<Self> {
        let base = base.unwrap_or_default().0;
        let shown = |flash: &Flash| base.contains(flash) && !ours.0.contains(flash);
        let new = ours.0.iter().filter(|flash| !base.contains(flash)).cloned();
        Some(Self(theirs.0.into_iter().filter(|flash| !shown(flash)).chain(new).collect()).cut())
    }
}

impl Flashes {
    fn cut(mut self) -> Self {
        let too_many = self.0.len().saturating_sub(Flash::MAX);
        self.0.drain(..too_many);
        self
    }
}

impl Session {
    /// Leaves a message for the next page. It survives a redirect, and a login as the same person.
    ///
    /// # Errors
    /// [`DataError`] as [`set`](Self::set).
    pub fn flash(&mut self, message: Flash) -> Result<(), DataError> {
        let mut flashes = self.waiting();
        flashes.0.push(message);
        self.set(&flashes.cut())
    }

    /// The messages that wait for this page, oldest first. They are shown once: [`commit`](Self::commit) forgets them.
    ///
    /// # Errors
    /// [`DataError`] as [`set`](Self::set).
    pub fn take_flashes(&mut self) -> Result<Vec<Flash>, DataError> {
        let flashes = self.waiting();
        if !flashes.0.is_empty() {
            // Emptied and not removed: two requests that show them at once are then merged.
            self.set(&Flashes::default())?;
        }
        Ok(flashes.0)
    }

    /// What a newer version left, and this one cannot read, is not worth failing for.
    fn waiting(&self) -> Flashes {
        self.get().ok().flatten().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flashes(texts: &[&str]) -> Flashes {
        Flashes(texts.iter().map(|text| Flash::success(*text)).collect())
    }

    #[test]
    fn messages_of_two_requests_are_both_kept_and_shown_ones_are_gone() {
        let merge = |base: &[&str], ours: &[&str], theirs: &[&str]| {
            Flashes::merge(Some(flashes(base)), flashes(ours), flashes(theirs)).unwrap()
        };
        assert_eq!(merge(&[], &["a"], &["b"]), flashes(&["b", "a"]));
        assert_eq!(merge(&["a"], &[], &["a", "b"]), flashes(&["b"]));
        assert_eq!(merge(&["a"], &[], &[]), flashes(&[]));
        assert_eq!(merge(&["a"], &["a", "b"], &[]), flashes(&["b"]));
    }

    #[test]
    fn messages_are_bounded_in_number_and_length() {
        let many = Flashes((0..40).map(|n| Flash::error(n.to_string())).collect()).cut();
        assert_eq!((many.0.len(), many.0[0].text.as_str()), (Flash::MAX, "24"));
        let long = Flash::success("é".repeat(1_000));
        assert_eq!(long.text.len(), 1_024);
        let odd = Flash::success(format!("a{}", "é".repeat(1_000)));
        assert_eq!(odd.text.len(), 1_023);
    }
}
