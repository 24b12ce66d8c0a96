//! Verifying a JWS, in any serialisation.

use super::{
    JwsError, MAX_LEN, MAX_LEN_BOUNDS, MAX_SIGNATURES, VerifiedJws, checked_max_len,
    parts::{Entry, Form, Parts},
    payload::{Payload, Signed},
};
use crate::{KeySet, MalformedToken, PolicyError, TypeRule, any_typ, compact::Compact};

mod check;

/// Verifies signed bytes of any kind (RFC 7515), in any serialisation. Cheap to clone.
///
/// **Not for JWT.** A JSON Web Token has claims that must be judged: an expiry, an audience, an issuer. Handing
/// a token to this type and its payload to `serde` skips all of that; take a [`Verifier`](crate::Verifier).
///
/// | the JWS is | method |
/// |---|---|
/// | three segments | [`compact`](Self::compact) |
/// | an object with `signature` | [`flattened`](Self::flattened) |
/// | an object with `signatures`, one of which has to be ours | [`general_any`](Self::general_any) |
/// | the same, which all of our keys have to have signed | [`general_all`](Self::general_all) |
/// | any of these without its payload (RFC 7515 appendix F) | the same name with `_detached` |
/// | any of these with `"b64":false` (RFC 7797) | the same, of a verifier [`with_unencoded_payload`](Self::with_unencoded_payload) |
///
/// What decides is the key and the protected header. The unprotected one decides nothing: `alg`, `crit` and
/// `b64` in it are refused, its `kid` does not choose a key, and no parameter may be in both. Keys in headers
/// (`jwk`, `jku`, `x5c`, `x5u`) are never used. `crit` is refused but for `b64`, and that where it is asked
/// for.
///
/// JSON is read as strictly as a JWT's: no member may come twice, at any depth. Members that nobody knows are
/// ignored (RFC 7515 section 7.2). base64url has no escapes in it.
///
/// ```
/// use auth_core::SystemEntropy;
/// use auth_jwt::{Es256SigningKey, JwsError, JwsSigner, JwsVerifier, typ};
///
/// let key = Es256SigningKey::generate(&SystemEntropy)?;
/// let verifier = JwsVerifier::new(key.verifying_key()).with_typ(typ("receipt+jws")?);
///
/// let signer = JwsSigner::new(key).with_typ("receipt+jws")?;
/// let receipt = signer.flattened(b"three apples")?;
///
/// assert_eq!(verifier.flattened(&receipt)?.payload(), b"three apples");
/// assert!(matches!(verifier.compact(&receipt), Err(JwsError::Malformed(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A private key is not a key to verify with:
///
/// ```compile_fail
/// # fn wrong(key: auth_jwt::Es256SigningKey) {
/// auth_jwt::JwsVerifier::new(key);
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct JwsVerifier {
    keys: KeySet,
    typ: TypeRule,
    is_unencoded: bool,
    max_len: usize,
}

impl JwsVerifier {
    /// The longest JWS, and the longest detached payload, that is looked at: 64 KiB.
    pub const MAX_LEN: usize = MAX_LEN;
    /// The bounds within which that can be set: 256 bytes to 8 MiB.
    pub const MAX_LEN_BOUNDS: std::ops::RangeInclusive<usize> = MAX_LEN_BOUNDS;
    /// How many signatures one JWS may have.
    pub const MAX_SIGNATURES: usize = MAX_SIGNATURES;

    /// Accepts what one of `keys` has signed. One key is a set too.
    #[must_use]
    pub fn new(keys: impl Into<KeySet>) -> Self {
        Self { keys: keys.into(), typ: any_typ(), is_unencoded: false, max_len: MAX_LEN }
    }

    /// The same for JWS whose protected `typ` is this one, and no others. Wherever a key signs more than one
    /// kind of thing, this is what tells them apart (RFC 8725 section 3.11).
    #[must_use]
    pub fn with_typ(self, typ: TypeRule) -> Self {
        Self { typ, ..self }
    }

    /// The same for payloads that are signed as they are: `"b64":false` with `"crit":["b64"]`, and no others
    /// (RFC 7797). One whose `typ` says that it is a JWT is refused all the same (section 7).
    #[must_use]
    pub fn with_unencoded_payload(self) -> Self {
        Self { is_unencoded: true, ..self }
    }

    /// The same with another cap on the length of a JWS and of a detached payload, each, in bytes.
    ///
    /// # Errors
    /// [`PolicyError::MaxLen`] if it is not between 256 bytes and 8 MiB.
    pub fn with_max_len(self, max_len: usize) -> Result<Self, PolicyError> {
        Ok(Self { max_len: checked_max_len(max_len)?, ..self })
    }

    /// Verifies the compact serialisation (RFC 7515 section 7.1). The payload may be empty.
    ///
    /// # Errors
    /// [`JwsError`].
    pub fn compact(&self, jws: &str) -> Result<VerifiedJws<'static>, JwsError> {
        let compact = Compact::split_any(jws, self.max_len)?;
        let (_, signature) = self.check(&entry(&compact), &mut Signed::Whole(compact.signing_input))?;
        let payload = if self.is_unencoded {
            Payload::Printable(compact.payload)
        } else {
            Payload::Encoded(compact.payload)
        };
        Ok(VerifiedJws::assertion(payload.verified()?, signature, Vec::new()))
    }

    /// Verifies the compact serialisation of a payload that came another way: there is nothing between the
    /// dots (RFC 7515 appendix F).
    ///
    /// # Errors
    /// [`JwsError`].
    pub fn compact_detached<'p>(&self, jws: &str, payload: &'p [u8]) -> Result<VerifiedJws<'p>, JwsError> {
        let compact = Compact::split_any(jws, self.max_len)?;
        if !compact.payload.is_empty() {
            return Err(JwsError::PayloadPresent);
        }
        self.check_any(&[entry(&compact)], self.detached(payload)?)
    }

    /// Verifies the flattened JSON serialisation (RFC 7515 section 7.2.2): one signature.
    ///
    /// # Errors
    /// [`JwsError`].
    pub fn flattened(&self, jws: &str) -> Result<VerifiedJws<'static>, JwsError> {
        let parts = Parts::read(jws, Form::Flattened, self.max_len)?;
        self.check_any(parts.entries(), self.attached(&parts)?)
    }

    /// Verifies the flattened JSON serialisation of a payload that came another way: there is no member
    /// `payload` (RFC 7515 appendix F).
    ///
    /// # Errors
    /// [`JwsError`].
    pub fn flattened_detached<'p>(&self, jws: &str, payload: &'p [u8]) -> Result<VerifiedJws<'p>, JwsError> {
        let parts = Parts::read(jws, Form::Flattened, self.max_len)?;
        absent(&parts)?;
        self.check_any(parts.entries(), self.detached(payload)?)
    }

    /// Verifies the general JSON serialisation (RFC 7515 section 7.2.1), of which **any one** signature has to
    /// be good.
    ///
    /// Each of at most 8 is judged by itself, in their order, until one is good. One that is bad, by a stranger, or of
    /// an algorithm that nobody knows does the others no harm. What refuses all of them, because another reader could
    /// see another JWS in it, is a ninth, one without its form (no `signature`, a `header` that is no object, a member
    /// twice, an escape in base64url), and one that says otherwise whether the payload is encoded (RFC 7797 section
    /// 3). So whoever passes a JWS on can have it refused, as by taking signatures away; they cannot have another
    /// payload accepted.
    ///
    /// # Errors
    /// [`JwsError`].
    pub fn general_any(&self, jws: &str) -> Result<VerifiedJws<'static>, JwsError> {
        let parts = Parts::read(jws, Form::General, self.max_len)?;
        self.check_any(parts.entries(), self.attached(&parts)?)
    }

    /// [`general_any`](Self::general_any) of a payload that came another way (RFC 7515 appendix F).
    ///
    /// # Errors
    /// [`JwsError`].
    pub fn general_any_detached<'p>(
        &self,
        jws: &str,
        payload: &'p [u8],
    ) -> Result<VerifiedJws<'p>, JwsError> {
        let parts = Parts::read(jws, Form::General, self.max_len)?;
        absent(&parts)?;
        self.check_any(parts.entries(), self.detached(payload)?)
    }

    /// Verifies the general JSON serialisation (RFC 7515 section 7.2.1), of which **all** signatures have to be
    /// good, and **each key** of this verifier has to have made one.
    ///
    /// So nobody can take a signature away, or add one. The keys are then those of all parties, each with one
    /// key (of an RSA key that is there for several algorithms, one signature is enough); where the parties' keys
    /// change, ask [`general_any`](Self::general_any) of one verifier for each party instead.
    ///
    /// # Errors
    /// [`JwsError`]; [`JwsError::NotAllSigned`] if a key has not signed.
    pub fn general_all(&self, jws: &str) -> Result<VerifiedJws<'static>, JwsError> {
        let parts = Parts::read(jws, Form::General, self.max_len)?;
        self.check_all(parts.entries(), self.attached(&parts)?)
    }

    /// [`general_all`](Self::general_all) of a payload that came another way (RFC 7515 appendix F).
    ///
    /// # Errors
    /// [`JwsError`].
    pub fn general_all_detached<'p>(
        &self,
        jws: &str,
        payload: &'p [u8],
    ) -> Result<VerifiedJws<'p>, JwsError> {
        let parts = Parts::read(jws, Form::General, self.max_len)?;
        absent(&parts)?;
        self.check_all(parts.entries(), self.detached(payload)?)
    }

    fn attached<'t>(&self, parts: &Parts<'t>) -> Result<Payload<'t, 'static>, JwsError> {
        let payload = parts.payload.ok_or(JwsError::PayloadMissing)?;
        if self.is_unencoded {
            return Ok(Payload::Text(payload));
        }
        Ok(Payload::Encoded(payload.plain().ok_or(MalformedToken::Base64)?))
    }

    fn detached<'p>(&self, payload: &'p [u8]) -> Result<Payload<'static, 'p>, JwsError> {
        if payload.len() > self.max_len {
            return Err(JwsError::PayloadTooLong { max: self.max_len });
        }
        Ok(Payload::Detached(payload))
    }
}

fn entry<'t>(compact: &Compact<'t>) -> Entry<'t> {
    Entry { protected: Some(compact.header), unprotected: None, signature: compact.signature }
}

fn absent(parts: &Parts<'_>) -> Result<(), JwsError> {
    if parts.payload.is_some() { Err(JwsError::PayloadPresent) } else { Ok(()) }
}
