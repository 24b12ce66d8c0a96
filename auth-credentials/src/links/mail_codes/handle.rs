//! What the browser keeps that asked for a code.

use std::fmt;

use auth_core::{Binding, Entropy, EntropyError, KeyRing, Purpose, Realm, Secret, UnixTime};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::links::token::Ticket;

const PURPOSE: Purpose = Purpose::new("mail-code/handle");
/// All handles are of one length, whomever they are about: ids and logins have at most 255 bytes each.
const PADDED: usize = 640;

/// What the browser that asked for a code keeps, in a cookie or a hidden field: the code works beside it alone. It tells
/// nothing, not even whether there is an account. Redacted in `Debug`.
#[derive(Clone)]
pub struct MailCodeHandle(Secret);

impl MailCodeHandle {
    /// The most bytes of the text: it fits into a cookie.
    pub const MAX_LEN: usize = 1_024;

    /// The text, in letters, digits, `-` and `_`.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_str().unwrap_or_default()
    }
}

impl fmt::Debug for MailCodeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailCodeHandle(redacted)")
    }
}

/// What is sealed in a handle.
pub(super) struct Asked {
    pub(super) id: [u8; 16],
    pub(super) expires_at: UnixTime,
    /// Without an owner it is nobody's, or that of an address nobody has proven.
    pub(super) ticket: Ticket,
}

impl Asked {
    pub(super) fn seal(&self, keys: &KeyRing, entropy: &dyn Entropy) -> Result<MailCodeHandle, EntropyError> {
        let ticket = self.ticket.write();
        let mut bytes = self.id.to_vec();
        bytes.extend(self.expires_at.as_secs().to_be_bytes());
        bytes.extend(u16::try_from(ticket.len()).map_err(|_| EntropyError)?.to_be_bytes());
        bytes.extend(ticket);
        bytes.resize(bytes.len().max(PADDED), 0);
        let sealed = keys.seal(PURPOSE, binding(), &bytes, entropy)?;
        Ok(MailCodeHandle(Secret::from(URL_SAFE_NO_PAD.encode(sealed))))
    }

    /// Reads a text back; none if it was not sealed here.
    pub(super) fn read(text: &str, keys: &KeyRing, realm: &Realm) -> Option<Self> {
        if text.len() > MailCodeHandle::MAX_LEN {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let bytes = keys.open(PURPOSE, binding(), &sealed).ok()?;
        let (id, rest) = bytes.expose().split_first_chunk::<16>()?;
        let (expires_at, rest) = rest.split_first_chunk::<8>()?;
        let (len, rest) = rest.split_first_chunk::<2>()?;
        let (ticket, _) = rest.split_at_checked(u16::from_be_bytes(*len).into())?;
        let ticket = Ticket::read(ticket, realm)?;
        Some(Self { id: *id, expires_at: UnixTime::from_secs(u64::from_be_bytes(*expires_at)), ticket })
    }
}

/// Whose it is stands inside.
fn binding() -> Binding<'static> {
    Binding { account: None, row: b"handle" }
}

#[cfg(test)]
mod tests {
    use auth_core::{AuthEpoch, KeyName, PrincipalId, SystemEntropy};

    use super::*;

    /// Its length must not tell whether there is an account, and nobody makes one for another.
    #[test]
    fn handles_are_of_one_length_and_nobody_writes_one() {
        let ring = || KeyRing::generate(KeyName::parse("test").unwrap(), &SystemEntropy).unwrap();
        let keys = ring();
        let of = |owner: Option<&str>, address: &str| {
            let owner = owner.map(|id| PrincipalId::local_user(id).unwrap());
            let (epoch, address) = (AuthEpoch::new(7), address.to_owned());
            let ticket = Ticket { owner, epoch, address, extra: Vec::new() };
            Asked { id: [7; 16], expires_at: UnixTime::from_secs(9), ticket }
        };
        let longest = ("i".repeat(255), "a".repeat(255));
        let asked = [of(None, ""), of(Some("ann"), "ann@example.com"), of(Some(&longest.0), &longest.1)];
        for one in &asked {
            let handle = one.seal(&keys, &SystemEntropy).unwrap();
            let text = handle.expose();
            assert!(text.len() == 919 && text.len() <= MailCodeHandle::MAX_LEN, "{}", text.len());
            let back = Asked::read(text, &keys, &Realm::LOCAL).unwrap();
            assert_eq!((back.id, back.expires_at, &back.ticket), (one.id, one.expires_at, &one.ticket));
            assert!(Asked::read(text, &ring(), &Realm::LOCAL).is_none(), "another ring");
            for at in (0..text.len()).step_by(37) {
                let mut changed = text.as_bytes().to_vec();
                changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
                let changed = std::str::from_utf8(&changed).unwrap();
                assert!(Asked::read(changed, &keys, &Realm::LOCAL).is_none(), "{at}");
            }
        }
    }
}
