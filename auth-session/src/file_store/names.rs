//! Names of files: lower-case hexadecimal, so that they stay apart where case does not count.

use auth_core::{PrincipalTag, SessionId};

/// What a process locks before it writes to a folder.
pub(super) const LOCK: &str = "lock";
/// What is not written to its end. Only who holds the lock has one, so one name is enough, and what a crash left
/// behind is replaced by the next write.
pub(super) const TEMPORARY: &str = "tmp";

/// A file in one of the folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Session(SessionId),
    Markers(PrincipalTag),
    Temporary,
    /// The lock, or nothing of ours.
    Other,
}

impl Name {
    pub(super) fn parse(name: &str) -> Self {
        if name == TEMPORARY {
            return Self::Temporary;
        }
        let parsed = match name.split_at_checked(1) {
            Some(("s", hex)) => unhex::<24>(hex).map(|id| Self::Session(SessionId::from_bytes(id))),
            Some(("m", hex)) => unhex::<8>(hex).map(|tag| Self::Markers(tag_of(tag))),
            _ => None,
        };
        parsed.unwrap_or(Self::Other)
    }
}

pub(super) fn session(id: &SessionId) -> String {
    format!("s{}", hex(id.as_bytes()))
}

pub(super) fn markers(tag: PrincipalTag) -> String {
    format!("m{}", hex(tag.as_bytes()))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut digits = text.bytes().map(|byte| match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    });
    let mut bytes = [0; N];
    for byte in &mut bytes {
        *byte = (digits.next()?? << 4) | digits.next()??;
    }
    digits.next().is_none().then_some(bytes)
}

/// A tag is only ever read out of an id.
fn tag_of(bytes: [u8; 8]) -> PrincipalTag {
    let mut id = [0; 24];
    for (to, from) in id.iter_mut().zip(bytes) {
        *to = from;
    }
    SessionId::from_bytes(id).tag()
}

#[cfg(test)]
mod tests {
    use auth_core::SystemEntropy;

    use super::*;

    #[test]
    fn a_name_is_read_back_and_has_one_spelling() {
        let id = SessionId::anonymous(&SystemEntropy).unwrap();
        let (name, of_markers) = (session(&id), markers(id.tag()));
        assert_eq!(Name::parse(&name), Name::Session(id));
        assert_eq!(Name::parse(&of_markers), Name::Markers(id.tag()));
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
        let letters = SessionId::from_bytes([0xab; 24]);
        for other in
            [&session(&letters).to_uppercase(), &name[1..], &format!("{name}0"), &name[..48], "lock", "", "é"]
        {
            assert_eq!(Name::parse(other), Name::Other, "{other}");
        }
    }
}
