//! The claims of a token as they are written: one buffer, each once.

use auth_core::UnixTime;

use crate::{IssueError, registered::Claim};

/// An object that is not yet closed.
pub(crate) struct Payload(Vec<u8>);

impl Payload {
    /// More than most payloads have.
    const USUAL_LEN: usize = 512;

    /// The members that all payloads of an issuer begin with.
    pub(crate) fn start(issuer: &str) -> Vec<u8> {
        let mut start = br#"{"iss":"#.to_vec();
        quote(issuer, &mut start);
        start
    }

    pub(crate) fn new(start: &[u8]) -> Self {
        let mut payload = Vec::with_capacity(start.len().saturating_add(Self::USUAL_LEN));
        payload.extend_from_slice(start);
        Self(payload)
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
            self.name(claim);
            quote(value, &mut self.0);
        }
    }

    pub(crate) fn date(&mut self, claim: Claim, date: Option<UnixTime>) {
        if let Some(date) = date {
            self.name(claim);
            number(date.as_secs(), &mut self.0);
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
        if values.peek().is_none() {
            return;
        }
        self.name(claim);
        for (index, value) in values.enumerate() {
            self.0.push(if index == 0 { b'[' } else { b',' });
            quote(value, &mut self.0);
        }
        self.0.push(b']');
    }

    /// The whole object; `own` adds members, each with a comma before it.
    pub(crate) fn finish(
        self,
        own: impl FnOnce(&mut Vec<u8>) -> Result<(), IssueError>,
    ) -> Result<Vec<u8>, IssueError> {
        let Self(mut payload) = self;
        own(&mut payload)?;
        payload.push(b'}');
        Ok(payload)
    }

    fn name(&mut self, claim: Claim) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(claim.name().as_bytes());
        self.0.extend_from_slice(b"\":");
    }
}

/// Writes a JSON string (RFC 8259 section 7).
fn quote(text: &str, into: &mut Vec<u8>) {
    into.push(b'"');
    if text.bytes().any(|byte| matches!(byte, 0..=0x1f | b'"' | b'\\')) {
        for byte in text.bytes() {
            match byte {
                b'"' | b'\\' => into.extend_from_slice(&[b'\\', byte]),
                0..=0x1f => {
                    let digit =
                        |value: u8| char::from_digit(value.into(), 16).map_or(b'0', |digit| digit as u8);
                    into.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
                }
                _ => into.push(byte),
            }
        }
    } else {
        into.extend_from_slice(text.as_bytes());
    }
    into.push(b'"');
}

fn number(mut number: u64, into: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let mut used: usize = 0;
    for place in digits.iter_mut().rev() {
        *place = b'0'.wrapping_add((number % 10) as u8);
        number /= 10;
        used = used.wrapping_add(1);
        if number == 0 {
            break;
        }
    }
    into.extend_from_slice(digits.get(digits.len().wrapping_sub(used)..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_serde_json_writes() {
        for text in ["", "a", "\"", "\\", "\n\u{1}\u{1f}\u{7f}", "é\u{2028}😀", "https://id.example/a b"] {
            let mut ours = Vec::new();
            quote(text, &mut ours);
            let read: String = serde_json::from_slice(&ours).unwrap();
            assert_eq!(read, text);
        }
        for value in [0, 9, 10, 1_800_000_000, 1 << 53, u64::MAX] {
            let mut ours = Vec::new();
            number(value, &mut ours);
            assert_eq!(ours, value.to_string().into_bytes());
        }
    }
}
