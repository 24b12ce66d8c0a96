//! The token itself.

use std::fmt;

use auth_core::{KeyRing, Purpose, SecretHash, SessionId};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

const PURPOSE: Purpose = Purpose::new("refresh-token");
const VERSION: &[u8] = b"rt1";
const MAC_LEN: usize = 32;
const MAC_TEXT_LEN: usize = 43;
const COUNTER_TEXT_LEN: usize = 11;

/// A refresh token as a client presents it: read, and not checked.
///
/// `rt1.<id>.<counter>.<MAC>`, the last three in base64url without padding (RFC 4648 section 5), which has one
/// spelling for each token. The MAC is HMAC-SHA-256 over id and counter, under a key that is derived from the
/// server's [`KeyRing`] for this purpose and kept nowhere else. Nothing in the store makes one.
///
/// Redacted in `Debug`, and wiped when it is dropped.
#[derive(Clone)]
pub struct RefreshToken {
    id: SessionId,
    counter: u64,
    mac: Zeroizing<[u8; MAC_LEN]>,
}

impl RefreshToken {
    /// Length of the text form, in bytes.
    pub const TEXT_LEN: usize =
        VERSION.len() + 1 + SessionId::TEXT_LEN + 1 + COUNTER_TEXT_LEN + 1 + MAC_TEXT_LEN;

    /// Reads the text form, `None` unless it has exactly our form. Touches no key and no store.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() != Self::TEXT_LEN {
            return None;
        }
        let rest = text.strip_prefix(VERSION)?.strip_prefix(b".")?;
        let (id, rest) = rest.split_at_checked(SessionId::TEXT_LEN)?;
        let (counter, rest) = rest.strip_prefix(b".")?.split_at_checked(COUNTER_TEXT_LEN)?;
        let text = rest.strip_prefix(b".")?;
        let mut mac = Zeroizing::new([0; MAC_LEN]);
        decode(text, &mut *mac)?;
        let mut number = [0; 8];
        decode(counter, &mut number)?;
        Some(Self { id: SessionId::parse(id)?, counter: u64::from_be_bytes(number), mac })
    }

    /// The text form, for the answer to the client and nothing else.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        // Sized in advance, so that no copy is left behind where the text grew.
        let mut text = Zeroizing::new(String::with_capacity(Self::TEXT_LEN));
        let mac = Zeroizing::new(URL_SAFE_NO_PAD.encode(*self.mac));
        let counter = URL_SAFE_NO_PAD.encode(self.counter.to_be_bytes());
        for part in ["rt1.", &self.id.to_string(), ".", &counter, ".", &mac] {
            text.push_str(part);
        }
        text
    }

    /// The public id of the session that it says it is of.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// The token that the current key makes.
    pub(super) fn make(keys: &KeyRing, id: SessionId, counter: u64) -> Self {
        let mac = keys.mac(PURPOSE, &[id.as_bytes(), &counter.to_be_bytes()]);
        Self { id, counter, mac: Zeroizing::new(mac) }
    }

    /// The token that was made before, by whichever key of the ring it was: the one with this hash.
    pub(super) fn remake(keys: &KeyRing, id: SessionId, counter: u64, hash: &SecretHash) -> Option<Self> {
        macs(keys, id, counter).map(|mac| Self { id, counter, mac }).find(|token| token.hash().ct_eq(hash))
    }

    /// Whether a key of the ring made it.
    pub(super) fn is_genuine(&self, keys: &KeyRing) -> bool {
        let presented = SecretHash::from_bytes(*self.mac);
        macs(keys, self.id, self.counter).any(|mac| SecretHash::from_bytes(*mac).ct_eq(&presented))
    }

    /// What a store keeps of it.
    pub(super) fn hash(&self) -> SecretHash {
        SecretHash::of(&*self.mac)
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshToken").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The MACs of all keys of the ring, that of the current one first.
fn macs(keys: &KeyRing, id: SessionId, counter: u64) -> impl Iterator<Item = Zeroizing<[u8; MAC_LEN]>> {
    let counter = counter.to_be_bytes();
    let current = Zeroizing::new(keys.mac(PURPOSE, &[id.as_bytes(), &counter]));
    let retired = move || {
        let parts: [&[u8]; 2] = [id.as_bytes(), &counter];
        keys.retired_macs(PURPOSE, &parts).map(Zeroizing::new).collect::<Vec<_>>()
    };
    std::iter::once(current).chain(std::iter::once_with(retired).flatten())
}

/// Fills `to`, or is `None` if the text is not the one spelling of as many bytes.
fn decode(text: &[u8], to: &mut [u8]) -> Option<()> {
    let written = URL_SAFE_NO_PAD.decode_slice(text, to).ok()?;
    (written == to.len()).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_core::{KeyName, Secret, SystemEntropy};
    use proptest::prelude::*;

    fn ring(first: u8) -> KeyRing {
        KeyRing::new(KeyName::from_static("k"), Secret::new((first..).take(32).collect())).unwrap()
    }

    fn token() -> RefreshToken {
        RefreshToken::make(&ring(1), SessionId::anonymous(&SystemEntropy).unwrap(), 7)
    }

    #[test]
    fn a_token_survives_its_text_form() {
        let token = token();
        let text = token.expose();
        assert_eq!(text.len(), RefreshToken::TEXT_LEN);
        let back = RefreshToken::parse(text.as_bytes()).unwrap();
        assert_eq!((back.id, back.counter), (token.id, 7));
        assert!(back.hash().ct_eq(&token.hash()));
        assert!(back.is_genuine(&ring(1)));
    }

    #[test]
    fn a_token_of_another_form_is_not_read() {
        let good = token().expose().to_string();
        for bad in [
            String::new(),
            good.replace("rt1.", "rt2."),
            good.replace("rt1.", "RT1."),
            format!("{good}="),
            format!("{good}."),
            good[1..].to_owned(),
            good.replace('.', ":"),
            format!("{} ", &good[..good.len() - 1]),
            "x".repeat(RefreshToken::TEXT_LEN),
            "x".repeat(100_000),
        ] {
            assert!(RefreshToken::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    /// Under another key, of another login or with another counter, a MAC is worth nothing.
    #[test]
    fn a_mac_is_of_one_key_one_login_and_one_counter() {
        let token = token();
        assert!(!token.is_genuine(&ring(2)));
        let moved = RefreshToken { counter: 8, ..token.clone() };
        let taken = RefreshToken { id: SessionId::anonymous(&SystemEntropy).unwrap(), ..token };
        assert!(!moved.is_genuine(&ring(1)) && !taken.is_genuine(&ring(1)));
    }

    /// After a change of key, what the old one made is found again, as the same token.
    #[test]
    fn a_token_is_made_again_by_the_key_that_made_it() {
        let token = token();
        let both =
            ring(2).with_retired(KeyName::from_static("old"), Secret::new((1..).take(32).collect())).unwrap();
        assert!(token.is_genuine(&both));
        let again = RefreshToken::remake(&both, token.id, 7, &token.hash()).unwrap();
        assert_eq!(*again.expose(), *token.expose());
        assert!(RefreshToken::remake(&ring(2), token.id, 7, &token.hash()).is_none());
        assert!(!RefreshToken::make(&both, token.id, 7).hash().ct_eq(&token.hash()));
    }

    /// A secret in a log is as good as a login.
    #[test]
    fn debug_shows_no_secret() {
        let token = token();
        let (shown, text) = (format!("{token:?}"), token.expose());
        assert_eq!(shown, format!("RefreshToken {{ id: {:?}, .. }}", token.id));
        assert!(!shown.contains(&text[text.len() - MAC_TEXT_LEN..]));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(text in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = RefreshToken::parse(&text);
        }

        /// One token, one spelling, and no character of a genuine one can be changed.
        #[test]
        fn a_changed_character_is_another_token_and_a_forged_one(
            at in 0_usize..RefreshToken::TEXT_LEN, to in any::<u8>(),
        ) {
            let good = token().expose();
            let mut changed = good.as_bytes().to_vec();
            changed[at] = to;
            if let Some(read) = RefreshToken::parse(&changed) {
                let written = read.expose();
                prop_assert_eq!(written.as_bytes(), &changed[..]);
                prop_assert_eq!(read.is_genuine(&ring(1)), changed == good.as_bytes());
            }
        }
    }
}
