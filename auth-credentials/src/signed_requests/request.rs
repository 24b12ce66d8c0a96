//! A signed request, read and not checked.

use std::{fmt, net::IpAddr};

use auth_core::{Malformed, UnixTime};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::base::{COMPONENTS, Signed, digest};
use crate::api_keys::text::ApiKeyId;

/// The head of a request that is signed.
#[derive(Debug, Clone, Copy)]
pub struct SignedHead<'a> {
    /// Its method.
    pub method: &'a str,
    /// Host, and port where it is not 443, under which this server is reached: its own, as configured, and not what the
    /// request says. What was signed for another server is refused by that.
    pub authority: &'a str,
    /// Path and query as they came.
    pub target: &'a str,
    /// The value of its one `Signature-Input` header.
    pub signature_input: &'a [u8],
    /// The value of its one `Signature` header.
    pub signature: &'a [u8],
    /// The value of its one `Content-Digest` header (RFC 9530), also where the body is empty.
    pub content_digest: &'a [u8],
}

/// The SHA-256 of the body that came with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyDigest([u8; 32]);

impl BodyDigest {
    /// Of a body that is here whole.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        Self(digest(body))
    }

    /// Of a body that was hashed on its way.
    #[must_use]
    pub const fn from_sha256(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// As a `Content-Digest` header has it.
    pub(super) fn to_header(self) -> String {
        format!("sha-256=:{}:", STANDARD.encode(self.0))
    }
}

/// A signed request as it came, and from where: read, and not checked.
#[derive(Clone)]
pub struct SignedRequest {
    pub(super) key: ApiKeyId,
    pub(super) created: UnixTime,
    pub(super) expires: Option<UnixTime>,
    pub(super) nonce: String,
    pub(super) signature: [u8; 32],
    /// What was signed, if this is the request that was.
    pub(super) base: Vec<u8>,
    /// Whether the body is the one that the head speaks of.
    pub(super) body_is_its: bool,
    pub(super) source: Option<IpAddr>,
}

impl SignedRequest {
    /// The most bytes of a `Signature-Input` header.
    pub const MAX_INPUT: usize = 1_024;
    /// The most bytes of a path with its query.
    pub const MAX_TARGET: usize = 8_192;
    /// The fewest and most characters of a nonce.
    pub const NONCE: (usize, usize) = (16, 128);

    /// Reads a request of this form, where the label, the order of components and that of parameters are the client's:
    ///
    /// ```text
    /// Content-Digest: sha-256=:<base64>:
    /// Signature-Input: sig=("@method" "@authority" "@path" "@query" "content-digest");created=1618884473;keyid="<id of the key>";nonce="<16 to 128 characters>";alg="hmac-sha256"
    /// Signature: sig=:<base64>:
    /// ```
    ///
    /// All five components are covered, and none else. `expires` is allowed, `alg` may be left out. The caller sees to it
    /// that there is one line of each header.
    ///
    /// # Errors
    /// [`Malformed::TooLarge`], before anything is read; [`Malformed::Header`] for anything else that does not fit.
    pub fn read(head: &SignedHead<'_>, body: BodyDigest, source: Option<IpAddr>) -> Result<Self, Malformed> {
        let short = [head.method.len(), head.signature.len(), head.content_digest.len()];
        if head.signature_input.len() > Self::MAX_INPUT
            || head.target.len() > Self::MAX_TARGET
            || head.authority.len() > 300
            || short.iter().any(|len| *len > 128)
        {
            return Err(Malformed::TooLarge);
        }
        Self::parse(head, body, source).ok_or(Malformed::Header)
    }

    fn parse(head: &SignedHead<'_>, body: BodyDigest, source: Option<IpAddr>) -> Option<Self> {
        let [input, signature, content_digest] =
            [head.signature_input, head.signature, head.content_digest].map(text);
        let (label, params) = input?.split_once('=')?;
        let named =
            label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.*".contains(&b));
        if label.is_empty() || !named || !is_word(head.method) {
            return None;
        }
        // A line that is not there is one that was signed as something else.
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain(head.authority) || !plain(head.target) {
            return None;
        }
        let signature = signature?.strip_prefix(label)?.strip_prefix("=:")?.strip_suffix(':')?;
        let signature = STANDARD.decode(signature).ok()?.try_into().ok()?;
        let (components, rest) = params.strip_prefix('(')?.split_once(')')?;
        let components: Option<Vec<&str>> = components.split(' ').map(quoted).collect();
        let components = components?;
        let all = COMPONENTS.iter().all(|component| components.contains(component));
        if !all || components.len() != COMPONENTS.len() {
            return None;
        }
        let Params { created, expires, nonce, key } = Params::read(rest)?;
        let content_digest = content_digest?;
        let signed =
            Signed { method: head.method, authority: head.authority, target: head.target, content_digest };
        Some(Self {
            key,
            created,
            expires,
            nonce: nonce.to_owned(),
            signature,
            base: signed.base(&components, params),
            body_is_its: content_digest == body.to_header(),
            source,
        })
    }

    /// Which key it says signed it.
    #[must_use]
    pub const fn key(&self) -> &ApiKeyId {
        &self.key
    }
}

/// The parameters of a signature.
struct Params<'a> {
    created: UnixTime,
    expires: Option<UnixTime>,
    nonce: &'a str,
    key: ApiKeyId,
}

impl<'a> Params<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (mut created, mut expires, mut nonce, mut key, mut alg) = (None, None, None, None, None);
        for param in text.strip_prefix(';')?.split(';') {
            let (name, value) = param.split_once('=')?;
            let twice = match name {
                "created" => created.replace(seconds(value)?).is_some(),
                "expires" => expires.replace(seconds(value)?).is_some(),
                "nonce" => nonce.replace(quoted(value)?).is_some(),
                "keyid" => key.replace(ApiKeyId::parse(quoted(value)?)?).is_some(),
                "alg" => alg.replace(quoted(value)?).is_some(),
                _ => true,
            };
            if twice {
                return None;
            }
        }
        let (least, most) = SignedRequest::NONCE;
        let nonce = nonce.filter(|nonce| (least..=most).contains(&nonce.len()))?;
        if alg.is_some_and(|alg| alg != "hmac-sha256") {
            return None;
        }
        Some(Self { created: created?, expires, nonce, key: key? })
    }
}

/// A header of one spelling: printable ASCII.
fn text(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?;
    text.bytes().all(|byte| matches!(byte, b' '..=b'~')).then_some(text)
}

/// A string without anything that is escaped, and without what the parameters around it are told apart by.
fn quoted(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains(['"', '\\', ';', '(', ')', ' '])).then_some(inner)
}

/// An integer in its one spelling.
fn seconds(text: &str) -> Option<UnixTime> {
    let seconds: u64 = text.parse().ok()?;
    (seconds.to_string() == text).then(|| UnixTime::from_secs(seconds))
}

/// A token (RFC 9110 section 5.6.2).
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest")
            .field("key", &self.key)
            .field("created", &self.created)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
