//! The claims of a token as they are written: one buffer, each once.

use auth_core::UnixTime;

use crate::{Audience, IssueError, registered::Claim};

/// An object that is not yet closed.
pub(super) struct Payload(Vec<u8>);

impl Payload {
    /// More than most payloads have.
    const USUAL_LEN: usize = 512;

    /// The members that all payloads of an issuer begin with.
    pub(super) fn start(issuer: &str) -> Vec<u8> {
        let mut start = br#"{"iss":"#.to_vec();
        quote(issuer, &mut start);
        start
    }

    pub(super) fn new(start: &[u8]) -> Self {
        let mut payload = Vec::with_capacity(start.len().saturating_add(Self::USUAL_LEN));
        payload.extend_from_slice(start);
        Self(payload)
    }

    pub(super) fn string(&mut self, claim: Claim, value: Option<&str>) -> Result<(), IssueError> {
        let Some(value) = value else { return Ok(()) };
        if value.is_empty() {
            return Err(IssueError::Empty { claim: claim.name() });
        }
        // Verifiers refuse it, since so much else ends there.
        if value.contains('\0') {
            return Err(IssueError::WrongType { claim: claim.name() });
        }
        self.name(claim);
        quote(value, &mut self.0);
        Ok(())
    }

    pub(super) fn date(&mut self, claim: Claim, date: Option<UnixTime>) {
        if let Some(date) = date {
            self.name(claim);
            number(date.as_secs(), &mut self.0);
        }
    }

    pub(super) fn audiences(&mut self, audiences: &[Audience]) {
        match audiences {
            [] => {}
            [one] => {
                self.name(Claim::Aud);
                quote(one.as_str(), &mut self.0);
            }
            [first, rest @ ..] => {
                self.name(Claim::Aud);
                self.0.push(b'[');
                quote(first.as_str(), &mut self.0);
                for audience in rest {
                    self.0.push(b',');
                    quote(audience.as_str(), &mut self.0);
                }
                self.0.push(b']');
            }
        }
    }

    /// The whole object; `own` adds members, each with a comma before it.
    pub(super) fn finish(
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
