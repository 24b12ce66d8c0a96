//! Verifying: one key, one policy, one answer.

use std::{fmt, sync::Arc};

use auth_core::UnixTime;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    Algorithm, AnyVerifyingKey, Claims, KeySet, MalformedToken, RevocationStatus, Revocations, TokenPolicy,
    Verified, VerifyError, base64url,
    compact::Compact,
    header::{Header, HeaderBuffer},
    json::JsonError,
    key::SignatureFault,
    payload,
    registered::Registered,
    verifier::seen::SeenHeaders,
};

mod seen;

/// Room for a decoded payload: 1 KiB in place, so on the stack, and as much as a token needs beyond that.
///
/// Claims that [`Verifier::verify_in`] borrows live here. One buffer may serve many tokens, one after another.
pub struct TokenBuffer {
    inline: [u8; Self::INLINE],
    heap: Vec<u8>,
}

impl TokenBuffer {
    const INLINE: usize = 1024;

    /// An empty buffer. Allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { inline: [0; Self::INLINE], heap: Vec::new() }
    }

    pub(crate) fn decode(&mut self, segment: &str) -> Result<&str, VerifyError> {
        let room = base64url::decoded_len(segment.len());
        let into = if room <= Self::INLINE {
            &mut self.inline[..]
        } else {
            if self.heap.len() < room {
                self.heap.resize(room, 0);
            }
            &mut self.heap[..]
        };
        let bytes = base64url::decode(segment, into).ok_or(VerifyError::PayloadEncoding)?;
        std::str::from_utf8(bytes).map_err(|_| JsonError::Encoding.into())
    }
}

impl Default for TokenBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TokenBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenBuffer").finish_non_exhaustive()
    }
}

/// What an answer about a token depends on beside the token and the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Provenance {
    /// The verifier's set of keys.
    pub(crate) generation: u64,
    /// From when on, and until before when, the key that the token means may be used.
    pub(crate) key_from: UnixTime,
    pub(crate) key_until: UnixTime,
    /// The version of the revocations that were asked.
    pub(crate) revocations: Option<u64>,
}

/// The keys, as verifying wants them.
struct Keys {
    set: KeySet,
    /// In the order of `set`.
    slots: Box<[KeySlot]>,
    seen: SeenHeaders,
}

struct KeySlot {
    key: AnyVerifyingKey,
    /// From when on, and until before when, it may be used.
    window: Option<(UnixTime, UnixTime)>,
}

impl KeySlot {
    #[inline]
    fn check(&self, compact: &Compact<'_>, now: UnixTime) -> Result<(), VerifyError> {
        if self.window.is_some_and(|(from, until)| now < from || now >= until) {
            return Err(VerifyError::UnknownKey);
        }
        match self.key.check(compact.signing_input, compact.signature) {
            Ok(()) => Ok(()),
            Err(SignatureFault::Mismatch) => Err(VerifyError::Signature),
            // What could not be read may have been several segments.
            Err(SignatureFault::Length) => {
                Err(compact.check_end().err().map_or(VerifyError::Signature, VerifyError::Malformed))
            }
            Err(SignatureFault::Encoding) => {
                Err(compact.check_end().err().unwrap_or(MalformedToken::Base64).into())
            }
        }
    }
}

/// Verifies the tokens that one policy accepts. Cheap to clone; share it.
///
/// The order of the checks is fixed: length, segments, header, algorithm and key, signature, `typ`; only
/// then is the payload decoded, and read once: its JSON, the types of the registered claims, required claims,
/// issuer, audience, further rules, `nbf`, `iat`, `exp`, [revocations](Self::with_revocations), and at last your
/// own type.
///
/// A token that is bound to a key of its presenter (`cnf`, RFC 7800) is verified like any other, for only the caller
/// sees the proof. Who checks none refuses what [`Claims::is_bound`] tells of;
/// [`BearerAuthenticator`](crate::BearerAuthenticator) does.
///
/// It is for one issuer, whose keys it has. Several issuers are several verifiers; which one a token is for is
/// known by where it comes from, or by the `kid` of an [`UnverifiedToken`](crate::UnverifiedToken).
///
/// ```
/// use auth_core::{SystemEntropy, UnixTime};
/// use auth_jwt::{Algorithm, Audience, Hs256Key, Issuer, TokenPolicy, Verifier, VerifyError};
///
/// let key = Hs256Key::generate(&SystemEntropy)?;
/// let issuer = Issuer::new("https://id.example")?;
/// let policy = TokenPolicy::access_token(issuer, Audience::new("https://api.example")?);
/// let verifier = Verifier::new(key, policy);
///
/// let refused = verifier.verify::<()>("eyJhbGciOiJub25lIn0.e30.", UnixTime::EPOCH).unwrap_err();
/// assert!(matches!(refused, VerifyError::Algorithm { expected: Algorithm::Hs256, .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Verifier {
    policy: Arc<TokenPolicy>,
    keys: Arc<Keys>,
    revocations: Option<Arc<dyn Revocations>>,
}

impl Verifier {
    /// Accepts what one of `keys` has signed and `policy` allows. One key is a set too.
    ///
    /// A private key is not a set of keys to verify with, so that nobody hands one to a service that only
    /// verifies:
    ///
    /// ```compile_fail
    /// # fn wrong(key: auth_jwt::Es256SigningKey, policy: auth_jwt::TokenPolicy) {
    /// auth_jwt::Verifier::new(key, policy);
    /// # }
    /// ```
    #[must_use]
    pub fn new(keys: impl Into<KeySet>, policy: TokenPolicy) -> Self {
        let set = keys.into();
        let slot =
            |(index, key): (usize, &AnyVerifyingKey)| KeySlot { key: key.clone(), window: set.window(index) };
        let slots = set.iter().enumerate().map(slot).collect();
        let seen = SeenHeaders::new(set.len());
        let keys = Arc::new(Keys { slots, seen, set });
        Self { policy: Arc::new(policy), keys, revocations: None }
    }

    /// The same, refusing what `revocations` says is revoked, or cannot say of.
    ///
    /// It is asked last, of tokens that are good in every other respect, so that it tells a forger nothing and
    /// that an expired token is called expired.
    #[must_use]
    pub fn with_revocations(self, revocations: Arc<dyn Revocations>) -> Self {
        Self { revocations: Some(revocations), ..self }
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &TokenPolicy {
        &self.policy
    }

    /// Verifies a token, with own claims of type `C`. Claims that `C` does not ask for are ignored.
    ///
    /// A `C` that has a field `sub` finds the registered claim there too; it need not.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn verify<C: DeserializeOwned>(
        &self,
        token: &str,
        now: UnixTime,
    ) -> Result<Verified<C>, VerifyError> {
        // Made behind the signature check, which forgeries do not pass.
        let signed = self.check(token, now)?;
        self.read(TokenBuffer::new().decode(signed.payload)?, now, |_| Ok(()))
    }

    /// Verifies a token, with own claims that may borrow their strings from `buffer`.
    ///
    /// ```
    /// use auth_core::UnixTime;
    /// use auth_jwt::{TokenBuffer, Verified, Verifier, VerifyError};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Plan<'a> {
    ///     #[serde(borrow)]
    ///     plan: std::borrow::Cow<'a, str>,
    /// }
    ///
    /// fn is_paid(verifier: &Verifier, token: &str, now: UnixTime) -> Result<bool, VerifyError> {
    ///     let mut buffer = TokenBuffer::new();
    ///     let verified: Verified<Plan<'_>> = verifier.verify_in(token, now, &mut buffer)?;
    ///     Ok(verified.own().plan != "free")
    /// }
    /// ```
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn verify_in<'b, C: Deserialize<'b>>(
        &self,
        token: &str,
        now: UnixTime,
        buffer: &'b mut TokenBuffer,
    ) -> Result<Verified<C>, VerifyError> {
        let signed = self.check(token, now)?;
        self.read(buffer.decode(signed.payload)?, now, |_| Ok(()))
    }

    /// Whether the token's header is one that was seen before, so that its key is here.
    pub(crate) fn has_seen_header_of(&self, token: &str) -> bool {
        Compact::split(token, self.policy.max_len)
            .is_ok_and(|compact| self.keys.seen.find(compact.header).is_some())
    }

    fn slot_of(&self, token: &str) -> Result<&KeySlot, VerifyError> {
        let compact = Compact::split(token, self.policy.max_len)?;
        let mut buffer = HeaderBuffer::default();
        let index = self.keys.set.choose(&Header::parse(compact.header, &mut buffer)?)?;
        self.keys.slots.get(index).ok_or(VerifyError::UnknownKey)
    }

    /// Another number for every other set of keys. A [`KeySet`] never changes, and neither does a verifier's.
    pub(crate) fn generation(&self) -> u64 {
        self.keys.set.generation()
    }

    /// Everything up to the signature.
    #[inline]
    pub(crate) fn check<'t>(&self, token: &'t str, now: UnixTime) -> Result<Signed<'t>, VerifyError> {
        let compact = Compact::split_open(token, self.policy.max_len)?;
        let key = match self.keys.seen.find(compact.header).and_then(|index| self.keys.slots.get(index)) {
            Some(slot) => {
                slot.check(&compact, now)?;
                &slot.key
            }
            None => self.check_new(&compact, now)?,
        };
        Ok(Signed { payload: compact.payload, algorithm: key.algorithm() })
    }

    /// Everything behind the signature, of a payload that was decoded. `more` is what one call asks for beyond
    /// the policy.
    ///
    /// Not inlined, so that what is inlined before it leaves a refused signature with a small frame.
    #[inline(never)]
    pub(crate) fn read<'b, C: Deserialize<'b>>(
        &self,
        payload: &'b str,
        now: UnixTime,
        more: impl FnOnce(&Registered<'_>) -> Result<(), VerifyError>,
    ) -> Result<Verified<C>, VerifyError> {
        let mut registered = Registered::default();
        let own = payload::read::<C>(payload, &mut registered)?;
        let expires_at = self.policy.accept(&registered, now, more)?;
        let claims = Claims::keep(&registered, expires_at);
        self.check_revoked(&claims)?;
        Ok(Verified::assertion(claims, own?))
    }

    /// The last check. A cache repeats it.
    pub(crate) fn check_revoked(&self, claims: &Claims) -> Result<(), VerifyError> {
        match self.revocations.as_ref().map(|revocations| revocations.status(claims)) {
            None | Some(RevocationStatus::NotRevoked) => Ok(()),
            Some(RevocationStatus::Revoked) => Err(VerifyError::Revoked),
            Some(RevocationStatus::Unrevocable) => Err(VerifyError::Unrevocable),
            Some(RevocationStatus::Unavailable) => Err(VerifyError::RevocationsUnavailable),
        }
    }

    /// What a cached answer about `token` depends on beside the token. To be taken before it is verified, so
    /// that revocations which come meanwhile make the answer old and not new.
    pub(crate) fn provenance(&self, token: &str) -> Provenance {
        let window = |slot: &KeySlot| slot.window.unwrap_or((UnixTime::EPOCH, UnixTime::MAX));
        // A token without a key is not accepted, so nothing is remembered of it.
        let (key_from, key_until) = self.slot_of(token).map_or((UnixTime::EPOCH, UnixTime::EPOCH), window);
        Provenance {
            generation: self.generation(),
            key_from,
            key_until,
            revocations: self.revocations_version(),
        }
    }

    /// Another number whenever [`check_revoked`](Self::check_revoked) may answer otherwise; `None` if that is not
    /// known. To be read before it is asked.
    #[inline]
    pub(crate) fn revocations_version(&self) -> Option<u64> {
        self.revocations.as_ref().map_or(Some(0), |revocations| revocations.version())
    }

    /// Checks header and signature of a token whose header was not seen before.
    #[inline(never)]
    fn check_new(&self, compact: &Compact<'_>, now: UnixTime) -> Result<&AnyVerifyingKey, VerifyError> {
        compact.check_end()?;
        let mut buffer = HeaderBuffer::default();
        let header = Header::parse(compact.header, &mut buffer)?;
        let index = self.keys.set.choose(&header)?;
        let slot = self.keys.slots.get(index).ok_or(VerifyError::UnknownKey)?;
        slot.check(compact, now)?;
        // `typ` is part of what was signed, so a forger learns nothing of it.
        self.policy.check_type(&header)?;
        self.keys.seen.remember(compact.header, index);
        Ok(&slot.key)
    }
}

/// A payload whose signature was verified, and nothing else of it.
pub(crate) struct Signed<'t> {
    /// Still encoded.
    pub(crate) payload: &'t str,
    pub(crate) algorithm: Algorithm,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("policy", &self.policy)
            .field("keys", &self.keys.set)
            .field("revocations", &self.revocations.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests;
