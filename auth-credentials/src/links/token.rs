//! Single-use tokens of links.

use std::{fmt, time::Duration};

use auth_core::{
    AuthEpoch, Entropy, EntropyError, PrincipalId, PrincipalKind, Purpose, Realm, Secret, SecretHash,
    entropy_array,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::base::LinkPurpose;

/// The secret in a link: 256 unpredictable bits. The store has its SHA-256.
#[derive(Clone)]
pub struct OneTimeToken(Secret);

impl OneTimeToken {
    /// Length of the text form, in bytes.
    pub const TEXT_LEN: usize = 43;

    pub(super) fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(entropy_array(entropy)?);
        Ok(Self(Secret::new(bytes.to_vec())))
    }

    /// Reads the `token` of a link: 43 characters of canonical base64url (RFC 4648 section 5). `None` is refused like
    /// a token that nobody has.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != Self::TEXT_LEN {
            return None;
        }
        let bytes = Secret::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        (bytes.len() == 32).then_some(Self(bytes))
    }

    /// The text form, for the hidden field of the page that the link leads to.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.expose()))
    }

    pub(super) fn hash(&self) -> SecretHash {
        SecretHash::of(self.0.expose())
    }
}

impl fmt::Debug for OneTimeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeToken(redacted)")
    }
}

impl LinkPurpose {
    /// Part of the token's key: a token for one thing is not found when another is asked for.
    pub(super) const fn token_purpose(self) -> Purpose {
        Purpose::new(match self {
            Self::VerifyAddress => "link/verify",
            Self::ResetPassword => "link/reset",
            Self::MagicLink => "link/magic",
            Self::ChangeAddress => "link/change-address",
            Self::Invitation => "link/invite",
        })
    }

    /// How long a link works.
    #[must_use]
    pub const fn life(self) -> Duration {
        Duration::from_secs(match self {
            Self::ResetPassword | Self::ChangeAddress => 30 * 60,
            Self::MagicLink => 10 * 60,
            Self::VerifyAddress => 24 * 3_600,
            Self::Invitation => 7 * 24 * 3_600,
        })
    }
}

/// What a token was issued for: kept beside its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ticket {
    /// Whose account; none for an invitation.
    pub(super) owner: Option<PrincipalId>,
    /// The account's epoch when it was issued. What raises it ends the link, once the address is proven: a new password,
    /// another address, logging out everywhere.
    pub(super) epoch: AuthEpoch,
    /// Where the link was sent.
    pub(super) address: String,
    /// What else it is bound to, or carries.
    pub(super) extra: Vec<u8>,
}

impl Ticket {
    pub(super) fn write(&self) -> Vec<u8> {
        let kind = self.owner.as_ref().map_or("", |owner| owner.kind().as_str());
        let id = self.owner.as_ref().map_or("", PrincipalId::id);
        let mut bytes = vec![1];
        bytes.extend(self.epoch.get().to_be_bytes());
        for part in [kind.as_bytes(), id.as_bytes(), self.address.as_bytes(), &self.extra] {
            // Each is capped far below: kinds, ids and addresses by their types, the rest by the store.
            bytes.extend(u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend(part);
        }
        bytes
    }

    pub(super) fn read(bytes: &[u8], realm: &Realm) -> Option<Self> {
        let rest = bytes.strip_prefix(&[1])?;
        let (epoch, mut rest) = rest.split_first_chunk::<8>()?;
        let mut next = || {
            let (len, tail) = rest.split_first_chunk::<2>()?;
            let (part, tail) = tail.split_at_checked(u16::from_be_bytes(*len).into())?;
            rest = tail;
            Some(part)
        };
        let (kind, id, address, extra) = (next()?, next()?, next()?, next()?.to_vec());
        let text = |part| std::str::from_utf8(part).ok();
        let owner = match text(kind)? {
            "" => None,
            kind => Some(PrincipalId::new(realm.clone(), PrincipalKind::parse(kind)?, text(id)?).ok()?),
        };
        let epoch = AuthEpoch::new(u64::from_be_bytes(*epoch));
        rest.is_empty().then_some(Self { owner, epoch, address: text(address)?.to_owned(), extra })
    }
}

#[cfg(test)]
mod tests {
    use auth_core::SystemEntropy;

    use super::*;

    #[test]
    fn a_token_has_one_spelling_and_is_not_shown() {
        let token = OneTimeToken::generate(&SystemEntropy).unwrap();
        let text = token.expose();
        assert_eq!(OneTimeToken::parse(&text).unwrap().hash(), token.hash());
        let long = "A".repeat(1 << 20);
        for bad in
            ["", &text[1..], &format!("{}=", *text), &"+".repeat(43), &format!("{}B", "A".repeat(42)), &long]
        {
            assert!(OneTimeToken::parse(bad).is_none());
        }
        assert_eq!(format!("{token:?}"), "OneTimeToken(redacted)");
    }

    #[test]
    fn a_ticket_survives_its_row() {
        let realm = Realm::LOCAL;
        let ann = PrincipalId::local_user("änn/1").unwrap();
        for (owner, extra) in [(Some(ann), vec![]), (None, vec![0; 300])] {
            let ticket =
                Ticket { owner, epoch: AuthEpoch::new(7), address: "ann@example.com".to_owned(), extra };
            let bytes = ticket.write();
            assert_eq!(Ticket::read(&bytes, &realm), Some(ticket));
            assert_eq!(Ticket::read(&bytes[..bytes.len() - 1], &realm), None);
            assert_eq!(Ticket::read(&[bytes.as_slice(), b"x"].concat(), &realm), None);
            assert_eq!(Ticket::read(&[], &realm), None);
        }
    }
}
