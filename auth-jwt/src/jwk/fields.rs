//! The members of a JWK, as they are written.

use base64ct::{Base64UrlUnpadded, Encoding};
use zeroize::Zeroizing;

use super::{Jwk, JwkError};
use crate::{
    base64url,
    json::{JsonError, JsonKind, JsonStr, Members, Reader},
};

/// The members that mean something here (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2,
/// RFC 9964 section 3). Certificates (`x5c`, `x5u`, `x5t`) are not among them: a key is not what a certificate says,
/// and nothing is fetched.
const NAMES: [&str; 19] = [
    "kty", "use", "key_ops", "alg", "kid", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi", "oth",
    "k", "priv",
];

/// The members that nobody may see but who signs.
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// A value, as it is written.
#[derive(Debug, Clone, Copy)]
enum Value<'a> {
    Text(JsonStr<'a>),
    /// Anything but a string.
    Other(&'a str),
}

/// The members of a JWK. Unknown ones were read over, with every check of JSON.
#[derive(Debug)]
pub(crate) struct Fields<'a>([Option<Value<'a>>; NAMES.len()]);

impl<'a> Fields<'a> {
    pub(crate) fn read(text: &'a str) -> Result<Self, JwkError> {
        if text.len() > Jwk::MAX_LEN {
            return Err(JwkError::TooLong { max: Jwk::MAX_LEN });
        }
        let mut reader = Reader::key(text);
        if reader.kind()? != JsonKind::Object {
            return Err(JsonError::NotAnObject.into());
        }
        reader.open_object()?;
        let mut fields = Self([None; NAMES.len()]);
        let mut seen = Members::default();
        while let Some(name) = reader.next_name(&mut seen)? {
            let place = NAMES.iter().zip(&mut fields.0).find(|(known, _)| name.is(known));
            match place {
                Some((_, place)) if reader.kind()? == JsonKind::String => {
                    *place = Some(Value::Text(reader.string()?));
                }
                Some((_, place)) => *place = Some(Value::Other(reader.raw()?)),
                None => reader.skip()?,
            }
        }
        reader.end()?;
        Ok(fields)
    }

    fn value(&self, member: &str) -> Option<Value<'a>> {
        let (_, value) = NAMES.iter().zip(&self.0).find(|(name, _)| **name == member)?;
        *value
    }

    /// Whether it has one, of whatever type.
    pub(crate) fn has(&self, member: &str) -> bool {
        self.value(member).is_some()
    }

    /// Whether anything in it is private.
    pub(crate) fn is_private(&self) -> bool {
        PRIVATE.iter().any(|member| self.has(member))
    }

    /// A member of another type's private keys.
    pub(super) fn foreign_private(&self, own: &[&str]) -> Option<&'static str> {
        PRIVATE.into_iter().find(|member| self.has(member) && !own.contains(member))
    }

    /// Whether it says that it is a secret, right or wrong.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self.value("kty"), Some(Value::Text(kty)) if kty.is("oct"))
    }

    /// A string, if there is any such member.
    pub(super) fn string(&self, member: &'static str) -> Result<Option<JsonStr<'a>>, JwkError> {
        match self.value(member) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Other(_)) => Err(JwkError::WrongType { member }),
        }
    }

    pub(super) fn required(&self, member: &'static str) -> Result<JsonStr<'a>, JwkError> {
        self.string(member)?.ok_or(JwkError::Missing { member })
    }

    /// The JSON of a member that must not be a string.
    pub(super) fn other(&self, member: &'static str) -> Result<Option<&'a str>, JwkError> {
        match self.value(member) {
            None => Ok(None),
            Some(Value::Other(json)) => Ok(Some(json)),
            Some(Value::Text(_)) => Err(JwkError::WrongType { member }),
        }
    }

    /// Bytes of exactly this length.
    pub(super) fn exact(&self, member: &'static str, len: usize) -> Result<Vec<u8>, JwkError> {
        let text = self.base64(member)?;
        if text.len() != base64url::encoded_len(len) {
            return Err(JwkError::Length { member });
        }
        let mut bytes = vec![0; len];
        base64url::decode(text, &mut bytes).ok_or(JwkError::Base64 { member })?;
        Ok(bytes)
    }

    /// A number that is not zero and begins with no zeros.
    pub(super) fn number(&self, member: &'static str) -> Result<Vec<u8>, JwkError> {
        let text = self.base64(member)?;
        let mut bytes = vec![0; base64url::decoded_len(text.len())];
        let len = base64url::decode(text, &mut bytes).ok_or(JwkError::Base64 { member })?.len();
        bytes.truncate(len);
        significant(member, &bytes)?;
        Ok(bytes)
    }

    /// Private bytes, decoded in a time that depends on nothing but their length.
    pub(super) fn secret(&self, member: &'static str) -> Result<Zeroizing<Vec<u8>>, JwkError> {
        let text = self.base64(member)?;
        let mut bytes = Zeroizing::new(vec![0; base64url::decoded_len(text.len())]);
        let decoded = Base64UrlUnpadded::decode(text, &mut bytes).map_err(|_| JwkError::Base64 { member });
        let len = decoded?.len();
        bytes.truncate(len);
        Ok(bytes)
    }

    pub(super) fn secret_exact(
        &self,
        member: &'static str,
        len: usize,
    ) -> Result<Zeroizing<Vec<u8>>, JwkError> {
        let bytes = self.secret(member)?;
        if bytes.len() == len { Ok(bytes) } else { Err(JwkError::Length { member }) }
    }

    pub(super) fn secret_number(&self, member: &'static str) -> Result<Zeroizing<Vec<u8>>, JwkError> {
        let bytes = self.secret(member)?;
        significant(member, &bytes)?;
        Ok(bytes)
    }

    /// Base64url needs no escapes, and what has some would have to be copied.
    fn base64(&self, member: &'static str) -> Result<&'a str, JwkError> {
        self.required(member)?.plain().ok_or(JwkError::Base64 { member })
    }
}

fn significant(member: &'static str, bytes: &[u8]) -> Result<(), JwkError> {
    match bytes.first() {
        None => Err(JwkError::Length { member }),
        Some(0) => Err(JwkError::LeadingZeros { member }),
        Some(_) => Ok(()),
    }
}
