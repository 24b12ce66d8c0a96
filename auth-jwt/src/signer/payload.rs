//! The claims of a token as they are written: one buffer, each once.

use auth_core::UnixTime;

use crate::{IssueError, json::Writer, registered::Claim};

/// An object that is not yet closed.
pub(crate) struct Payload(Writer);

impl Payload {
    /// More than most payloads have.
    const USUAL_LEN: usize = 512;

    /// The members that all payloads of an issuer begin with.
    pub(crate) fn start(issuer: &str) -> Vec<u8> {
        let mut start = Writer::object(Self::USUAL_LEN);
        start.string(Claim::Iss.name(), issuer);
        start.unfinished()
    }

    pub(crate) fn new(start: &[u8]) -> Self {
        Self(Writer::continued(start, start.len().saturating_add(Self::USUAL_LEN)))
    }

    /// A string that must not be empty.
    pub(crate) fn string(&mut self, claim: Claim, value: Option<&str>) -> Result<(), IssueError> {
        if value.is_some_and(str::is_empty) {
            return Err(IssueError::Empty { claim: claim.name() });
        }
        // Verifiers refuse it, since so much else ends there.
        if value.is_some_and(|value| value.contains('\0')) {
            return Err(IssueError::WrongType { claim: claim.name() });
        }
        self.text(claim, value);
        Ok(())
    }

    /// A string that was read, and is known to be what it has to be.
    pub(crate) fn text(&mut self, claim: Claim, value: Option<&str>) {
        if let Some(value) = value {
            self.0.string(claim.name(), value);
        }
    }

    pub(crate) fn date(&mut self, claim: Claim, date: Option<UnixTime>) {
        if let Some(date) = date {
            self.0.integer(claim.name(), date.as_secs());
        }
    }

    /// A string or, if there are several, an array of them. Nothing if there is none.
    pub(crate) fn one_or_many<'a>(&mut self, claim: Claim, mut values: impl Iterator<Item = &'a str>) {
        match (values.next(), values.next()) {
            (Some(one), None) => self.text(claim, Some(one)),
            (Some(first), Some(second)) => self.list(claim, [first, second].into_iter().chain(values)),
            (None, _) => {}
        }
    }

    /// An array of strings. Nothing if there is none.
    pub(crate) fn list<'a>(&mut self, claim: Claim, values: impl Iterator<Item = &'a str>) {
        let mut values = values.peekable();
        if values.peek().is_some() {
            self.0.strings(claim.name(), values);
        }
    }

    /// The whole object; `own` adds members, each with a comma before it.
    pub(crate) fn finish(
        self,
        own: impl FnOnce(&mut Vec<u8>) -> Result<(), IssueError>,
    ) -> Result<Vec<u8>, IssueError> {
        let mut payload = self.0.unfinished();
        own(&mut payload)?;
        payload.push(b'}');
        Ok(payload)
    }
}
