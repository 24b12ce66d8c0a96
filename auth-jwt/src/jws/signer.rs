//! Making a JWS, in any serialisation.

use std::fmt;

use super::{
    JwsSignError, MAX_LEN, MAX_LEN_BOUNDS, MAX_SIGNATURES, checked_max_len, is_printable,
    payload::SigningInput,
    write::{self, Signed, WireHeader},
};
use crate::{AnySigningKey, PolicyError, Signature, TypeRule, base64url, typ};

/// Signs bytes of any kind (RFC 7515), in any serialisation. Cheap enough to clone.
///
/// Not for access tokens: it takes anybody's word for what it signs, so it refuses their `typ`.
/// [`TokenIssuer`](crate::TokenIssuer) issues those, on a login. Verifiers that accept [`any_typ`](crate::any_typ), or a
/// type that is signed here, take what was signed for what they believe it to be.
///
/// The whole header is protected: `alg`, the key's name or else its thumbprint as `kid` (a secret without a name
/// has none), `typ` and `cty` if they are set.
/// What it makes, a [`JwsVerifier`](crate::JwsVerifier) of the same settings accepts.
///
/// ```
/// use auth_core::SystemEntropy;
/// use auth_jwt::{Ed25519SigningKey, Es256SigningKey, JwsSigner, JwsVerifier, KeyId, KeySet};
///
/// // A webhook: the body travels as it is, its signature in a header.
/// let key = Ed25519SigningKey::generate(&SystemEntropy)?;
/// let verifier = JwsVerifier::new(key.verifying_key()).with_unencoded_payload();
/// let signature = JwsSigner::new(key).with_unencoded_payload()?.compact_detached(b"{\"paid\":true}")?;
/// assert!(verifier.compact_detached(&signature, b"{\"paid\":true}").is_ok());
/// assert!(verifier.compact_detached(&signature, b"{\"paid\":null}").is_err());
///
/// // A contract: two parties, one document.
/// let buyer = Es256SigningKey::generate(&SystemEntropy)?.with_id(KeyId::new("buyer")?);
/// let seller = Es256SigningKey::generate(&SystemEntropy)?.with_id(KeyId::new("seller")?);
/// let parties = JwsVerifier::new(KeySet::new([buyer.verifying_key(), seller.verifying_key()])?);
/// let contract = JwsSigner::general(&[JwsSigner::new(buyer), JwsSigner::new(seller)], b"one house")?;
/// assert_eq!(parties.general_all(&contract)?.signatures().count(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct JwsSigner {
    key: AnySigningKey,
    typ: Option<Box<str>>,
    content_type: Option<Box<str>>,
    is_unencoded: bool,
    max_len: usize,
    /// The header segment of all that it signs, encoded once.
    header: String,
}

impl JwsSigner {
    /// The longest JWS, and the longest detached payload, that it makes: what verifiers accept by default.
    pub const MAX_LEN: usize = MAX_LEN;
    /// The bounds within which that can be set: 256 bytes to 8 MiB.
    pub const MAX_LEN_BOUNDS: std::ops::RangeInclusive<usize> = MAX_LEN_BOUNDS;

    /// A signer with this key.
    #[must_use]
    pub fn new(key: impl Into<AnySigningKey>) -> Self {
        let (key, header) = (key.into(), String::new());
        Self { key, typ: None, content_type: None, is_unencoded: false, max_len: MAX_LEN, header }.headed()
    }

    /// The same with a `typ`: what the whole JWS is (RFC 7515 section 4.1.9). Give each kind of thing that a
    /// key signs one of its own, and let verifiers ask for it.
    ///
    /// # Errors
    /// [`PolicyError::Type`] if `name` is not a media type, with or without `application/`;
    /// [`PolicyError::AccessToken`] if it is `at+jwt`, in any spelling: see
    /// [`danger::sign_access_tokens_without_login`](crate::danger::sign_access_tokens_without_login);
    /// [`PolicyError::UnencodedJwt`] if it is `JWT` or ends with `+jwt` and the payload is
    /// [unencoded](Self::with_unencoded_payload).
    pub fn with_typ(self, name: &str) -> Result<Self, PolicyError> {
        if typ(name)?.media_type() == Some(TypeRule::ACCESS_TOKEN) {
            return Err(PolicyError::AccessToken);
        }
        self.typed(name)
    }

    pub(crate) fn of_access_tokens(self) -> Result<Self, PolicyError> {
        self.typed(TypeRule::ACCESS_TOKEN)
    }

    /// The same with a `cty`: what the payload is (RFC 7515 section 4.1.10).
    ///
    /// # Errors
    /// [`PolicyError::Type`] if `name` is not a media type, with or without `application/`.
    pub fn with_content_type(self, name: &str) -> Result<Self, PolicyError> {
        typ(name)?;
        Ok(Self { content_type: Some(name.into()), ..self }.headed())
    }

    /// The same for payloads that are signed as they are: `"b64":false` with `"crit":["b64"]` (RFC 7797).
    /// Only verifiers that were told so accept it. Not for JWT.
    ///
    /// # Errors
    /// [`PolicyError::UnencodedJwt`] if its `typ` is `JWT` or ends with `+jwt` (RFC 7797 section 7).
    pub fn with_unencoded_payload(self) -> Result<Self, PolicyError> {
        Self { is_unencoded: true, ..self }.checked()
    }

    /// The same with another cap on the length of a JWS and of a detached payload, each, in bytes.
    ///
    /// # Errors
    /// [`PolicyError::MaxLen`] if it is not between 256 bytes and 8 MiB.
    pub fn with_max_len(self, max_len: usize) -> Result<Self, PolicyError> {
        Ok(Self { max_len: checked_max_len(max_len)?, ..self })
    }

    /// Signs, in the compact serialisation (RFC 7515 section 7.1). An unencoded payload has to be printable
    /// ASCII without a full stop (RFC 7797 section 5.2).
    ///
    /// # Errors
    /// [`JwsSignError`].
    pub fn compact(&self, payload: &[u8]) -> Result<String, JwsSignError> {
        let payload_len =
            if self.is_unencoded { payload.len() } else { base64url::encoded_len(payload.len()) };
        let signature = base64url::encoded_len(self.key.verifying_key().signature_len());
        let len = [self.header.len(), payload_len, signature, 2].into_iter().fold(0, usize::saturating_add);
        let mut jws = String::with_capacity(self.capped(len)?);
        jws.push_str(&self.header);
        jws.push('.');
        if self.is_unencoded {
            jws.push_str(
                std::str::from_utf8(payload)
                    .ok()
                    .filter(|_| is_printable(payload))
                    .ok_or(JwsSignError::Payload)?,
            );
        } else {
            base64url::encode_to(payload, &mut jws);
        }
        let signature = self.key.sign(jws.as_bytes())?;
        jws.push('.');
        base64url::encode_to(signature.as_bytes(), &mut jws);
        Ok(jws)
    }

    /// Signs a payload that travels another way, in the compact serialisation: there is nothing between the
    /// dots (RFC 7515 appendix F).
    ///
    /// # Errors
    /// [`JwsSignError`].
    pub fn compact_detached(&self, payload: &[u8]) -> Result<String, JwsSignError> {
        let signature = self.signature(&mut self.input(payload)?)?;
        let mut jws = format!("{}..", self.header);
        base64url::encode_to(signature.as_bytes(), &mut jws);
        self.capped_text(jws)
    }

    /// Signs, in the flattened JSON serialisation (RFC 7515 section 7.2.2). An unencoded payload has to be
    /// text without U+0000.
    ///
    /// # Errors
    /// [`JwsSignError`].
    pub fn flattened(&self, payload: &[u8]) -> Result<String, JwsSignError> {
        let signature = self.signature(&mut self.input(payload)?)?;
        let text = write::payload(payload, self.is_unencoded)?;
        self.capped_text(write::flattened(Some(&text), &self.header, &signature))
    }

    /// Signs a payload that travels another way, in the flattened JSON serialisation: there is no member
    /// `payload` (RFC 7515 appendix F).
    ///
    /// # Errors
    /// [`JwsSignError`].
    pub fn flattened_detached(&self, payload: &[u8]) -> Result<String, JwsSignError> {
        let signature = self.signature(&mut self.input(payload)?)?;
        self.capped_text(write::flattened(None, &self.header, &signature))
    }

    /// Signs with 1 to 8 signers, in the general JSON serialisation (RFC 7515 section 7.2.1). The first one's
    /// cap counts.
    ///
    /// # Errors
    /// [`JwsSignError`]; [`JwsSignError::Signers`] if there is none, there are more than 8, or some would
    /// encode the payload and some would not.
    pub fn general(signers: &[Self], payload: &[u8]) -> Result<String, JwsSignError> {
        let (first, signatures) = Self::all(signers, payload)?;
        let text = write::payload(payload, first.is_unencoded)?;
        first.capped_text(write::general(Some(&text), &signatures))
    }

    /// [`general`](Self::general) for a payload that travels another way (RFC 7515 appendix F).
    ///
    /// # Errors
    /// [`JwsSignError`].
    pub fn general_detached(signers: &[Self], payload: &[u8]) -> Result<String, JwsSignError> {
        let (first, signatures) = Self::all(signers, payload)?;
        first.capped_text(write::general(None, &signatures))
    }

    fn all<'s>(signers: &'s [Self], payload: &[u8]) -> Result<(&'s Self, Vec<Signed<'s>>), JwsSignError> {
        let first = signers.first().ok_or(JwsSignError::Signers)?;
        let is_mixed = signers.iter().any(|signer| signer.is_unencoded != first.is_unencoded);
        if is_mixed || signers.len() > MAX_SIGNATURES {
            return Err(JwsSignError::Signers);
        }
        let mut input = first.input(payload)?;
        let sign = |signer: &'s Self| {
            Ok(Signed { header: &signer.header, signature: signer.signature(&mut input)? })
        };
        Ok((first, signers.iter().map(sign).collect::<Result<_, JwsSignError>>()?))
    }

    fn input(&self, payload: &[u8]) -> Result<SigningInput, JwsSignError> {
        self.capped(payload.len())?;
        Ok(if self.is_unencoded { SigningInput::of(payload) } else { SigningInput::encoding(payload) })
    }

    fn signature(&self, input: &mut SigningInput) -> Result<Signature, JwsSignError> {
        let message = input.under(&self.header).ok_or(JwsSignError::TooLong { max: self.max_len })?;
        Ok(self.key.sign(message)?)
    }

    fn capped_text(&self, jws: String) -> Result<String, JwsSignError> {
        self.capped(jws.len())?;
        Ok(jws)
    }

    fn capped(&self, len: usize) -> Result<usize, JwsSignError> {
        if len > self.max_len { Err(JwsSignError::TooLong { max: self.max_len }) } else { Ok(len) }
    }

    fn typed(self, name: &str) -> Result<Self, PolicyError> {
        Self { typ: Some(name.into()), ..self }.checked()
    }

    fn checked(self) -> Result<Self, PolicyError> {
        match &self.typ {
            Some(name) if self.is_unencoded && typ(name)?.is_jwt() => Err(PolicyError::UnencodedJwt),
            _ => Ok(self.headed()),
        }
    }

    fn headed(self) -> Self {
        let id = self.key.effective_id();
        let header = WireHeader {
            alg: self.key.alg(),
            typ: self.typ.as_deref(),
            cty: self.content_type.as_deref(),
            kid: id.as_ref().map(|id| id.as_str()),
            b64: self.is_unencoded.then_some(false),
            crit: self.is_unencoded.then_some(["b64"]),
        };
        Self { header: header.segment(), ..self }
    }
}

impl fmt::Debug for JwsSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwsSigner")
            .field("key", &self.key)
            .field("typ", &self.typ)
            .field("content_type", &self.content_type)
            .field("is_unencoded", &self.is_unencoded)
            .field("max_len", &self.max_len)
            .finish_non_exhaustive()
    }
}
