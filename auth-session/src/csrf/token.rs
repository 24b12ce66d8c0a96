//! Tokens for forms, for where no header tells who caused a request.

use std::sync::Arc;

use auth_core::{Entropy, EntropyError, KeyRing, Purpose, Secret, SecretHash, entropy_array};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

const PURPOSE: Purpose = Purpose::new("csrf-token");
const MAC_LEN: usize = 32;
const RAW_LEN: usize = MAC_LEN * 2;

/// That a [`CsrfTokens`] has found a token right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenMatched(());

impl TokenMatched {
    #[cfg(test)]
    pub(crate) const fn for_tests() -> Self {
        Self(())
    }
}

/// Makes and checks tokens that a page puts in its forms.
///
/// A token is an HMAC over what the browser holds, under a key that only the server has, so nobody can
/// make one for somebody else's browser, and nothing is stored. Each time it is written it looks different,
/// so that a compressed page does not leak it (BREACH). Tokens made under a retired key are still right.
///
/// What it is bound to must be something that another site cannot choose: the id of the session, or, before
/// there is one, a random value in a `__Host-` cookie of its own.
#[derive(Debug, Clone)]
pub struct CsrfTokens {
    keys: Arc<KeyRing>,
}

impl CsrfTokens {
    /// Length of a token, in bytes of visible ASCII.
    pub const TEXT_LEN: usize = 86;

    /// Tokens under the keys of `keys`.
    #[must_use]
    pub const fn new(keys: Arc<KeyRing>) -> Self {
        Self { keys }
    }

    /// A token for the browser that holds `bound_to`.
    ///
    /// # Errors
    /// [`EntropyError`] if `entropy` failed.
    pub fn issue(&self, bound_to: &[u8], entropy: &dyn Entropy) -> Result<Secret, EntropyError> {
        let mask: [u8; MAC_LEN] = entropy_array(entropy)?;
        let masked = xor(&self.keys.mac(PURPOSE, &[bound_to]), &mask);
        let mut raw = [0; RAW_LEN];
        for (to, from) in raw.iter_mut().zip(mask.iter().chain(&masked)) {
            *to = *from;
        }
        Ok(Secret::from(URL_SAFE_NO_PAD.encode(raw)))
    }

    /// Whether `token` was issued for the browser that holds `bound_to`.
    #[must_use]
    pub fn check(&self, bound_to: &[u8], token: &[u8]) -> Option<TokenMatched> {
        if token.len() != Self::TEXT_LEN {
            return None;
        }
        let mut raw = [0; RAW_LEN];
        let written = URL_SAFE_NO_PAD.decode_slice(token, &mut raw).ok()?;
        let (mask, masked) = raw.get(..written)?.split_first_chunk::<MAC_LEN>()?;
        let presented = SecretHash::from_bytes(xor(masked.first_chunk()?, mask));
        std::iter::once(self.keys.mac(PURPOSE, &[bound_to]))
            .chain(self.keys.retired_macs(PURPOSE, &[bound_to]))
            .any(|mac| SecretHash::from_bytes(mac).ct_eq(&presented))
            .then_some(TokenMatched(()))
    }
}

fn xor(left: &[u8; MAC_LEN], right: &[u8; MAC_LEN]) -> [u8; MAC_LEN] {
    let mut out = *left;
    for (to, from) in out.iter_mut().zip(right) {
        *to ^= *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_core::{KeyName, SystemEntropy};
    use proptest::prelude::*;

    fn ring(byte: u8) -> KeyRing {
        KeyRing::new(KeyName::from_static("now"), Secret::new((byte..).take(32).collect())).unwrap()
    }

    fn tokens(byte: u8) -> CsrfTokens {
        CsrfTokens::new(Arc::new(ring(byte)))
    }

    /// A token is right for one browser only.
    #[test]
    fn a_token_is_bound_to_what_the_browser_holds() {
        let token = tokens(1).issue(b"session-a", &SystemEntropy).unwrap();
        assert_eq!(token.len(), CsrfTokens::TEXT_LEN);
        assert!(tokens(1).check(b"session-a", token.expose()).is_some());
        assert!(tokens(1).check(b"session-b", token.expose()).is_none());
        assert!(tokens(1).check(b"", token.expose()).is_none());
        assert!(tokens(2).check(b"session-a", token.expose()).is_none());
    }

    /// Written twice, it has nothing in common: compression of the page shows nothing.
    #[test]
    fn a_token_never_looks_the_same_twice() {
        let (a, b) = (tokens(1).issue(b"x", &SystemEntropy), tokens(1).issue(b"x", &SystemEntropy));
        assert_ne!(a.unwrap().expose(), b.unwrap().expose());
    }

    /// A change of key must not break the forms that are open.
    #[test]
    fn a_token_of_a_retired_key_is_still_right() {
        let old = tokens(1).issue(b"x", &SystemEntropy).unwrap();
        let both =
            ring(2).with_retired(KeyName::from_static("old"), Secret::new((1..).take(32).collect())).unwrap();
        assert!(CsrfTokens::new(Arc::new(both)).check(b"x", old.expose()).is_some());
        assert!(tokens(2).check(b"x", old.expose()).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_pass_or_panic(token in proptest::collection::vec(any::<u8>(), 0..100), text in "[A-Za-z0-9_-]{86}") {
            prop_assert!(tokens(1).check(b"x", &token).is_none());
            prop_assert!(tokens(1).check(b"x", text.as_bytes()).is_none());
        }

        #[test]
        fn no_character_of_a_token_can_be_changed(at in 0_usize..CsrfTokens::TEXT_LEN, to in "[A-Za-z0-9_-]") {
            let mut token = tokens(1).issue(b"x", &SystemEntropy).unwrap().expose().to_vec();
            let changed = token[at] != to.as_bytes()[0];
            token[at] = to.as_bytes()[0];
            prop_assert_eq!(tokens(1).check(b"x", &token).is_none(), changed);
        }
    }
}
