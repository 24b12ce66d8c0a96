//! Headers, keys and signatures of a JWS that was taken apart.

use super::JwsVerifier;
use crate::{
    AnyVerifyingKey, MalformedToken, Signature, base64url,
    header::{HeaderBuffer, JwsHeader},
    json::{JsonError, Members, Reader},
    jws::{
        JwsError, MAX_SIGNATURES, VerifiedJws, VerifiedSignature,
        parts::Entry,
        payload::{Payload, Signed},
    },
    policy::is_jwt,
};

impl JwsVerifier {
    /// One signature has to be good. The others do no harm, unless they disagree about the payload.
    pub(super) fn check_any<'p>(
        &self,
        entries: &[Entry<'_>],
        payload: Payload<'_, 'p>,
    ) -> Result<VerifiedJws<'p>, JwsError> {
        self.agree(entries)?;
        let mut signed = self.signed(&payload);
        let mut refused: Option<JwsError> = None;
        for entry in entries {
            match self.check(entry, &mut signed) {
                Ok((_, signature)) => {
                    return Ok(VerifiedJws::assertion(payload.verified()?, signature, Vec::new()));
                }
                Err(error) => {
                    refused = Some(match refused {
                        Some(first) => first.or(error),
                        None => error,
                    });
                }
            }
        }
        Err(refused.unwrap_or(JwsError::Signatures { max: MAX_SIGNATURES }))
    }

    /// Every signature has to be good, and every key has to have made one.
    pub(super) fn check_all<'p>(
        &self,
        entries: &[Entry<'_>],
        payload: Payload<'_, 'p>,
    ) -> Result<VerifiedJws<'p>, JwsError> {
        self.agree(entries)?;
        let mut signed = self.signed(&payload);
        let mut has_signed = Vec::new();
        let mut signatures = Vec::new();
        for entry in entries {
            let (index, signature) = self.check(entry, &mut signed)?;
            // Only behind a good signature: forgeries cost no memory.
            has_signed.resize(self.keys.len(), false);
            for (other, place) in has_signed.iter_mut().enumerate() {
                // A key that serves for several algorithms signs with one.
                *place |= self.keys.is_one_key(other, index);
            }
            signatures.push(signature);
        }
        if has_signed.iter().any(|has_signed| !has_signed) {
            return Err(JwsError::NotAllSigned);
        }
        let mut signatures = signatures.into_iter();
        let first = signatures.next().ok_or(JwsError::Signatures { max: MAX_SIGNATURES })?;
        Ok(VerifiedJws::assertion(payload.verified()?, first, signatures.collect()))
    }

    /// Checks headers and signature of one entry; yields which key it is by.
    pub(super) fn check(
        &self,
        entry: &Entry<'_>,
        signed: &mut Signed<'_, '_, '_>,
    ) -> Result<(usize, VerifiedSignature), JwsError> {
        if let Some(unprotected) = entry.unprotected {
            decides_nothing(unprotected)?;
        }
        let segment = entry.protected.ok_or(MalformedToken::Parameter("alg"))?;
        let mut buffer = HeaderBuffer::default();
        let header = JwsHeader::parse(segment, &mut buffer)?;
        if entry.unprotected.is_some_and(|unprotected| !is_disjoint(&header, unprotected)) {
            return Err(JwsError::BothHeaders);
        }
        if header.is_unencoded != self.is_unencoded {
            return Err(JwsError::Encoding);
        }
        // What is a JWT is signed as it is encoded, always (RFC 7797 section 7).
        if header.is_unencoded && header.common.typ.is_some_and(is_jwt) {
            return Err(MalformedToken::Refused("b64").into());
        }
        let index = self.keys.choose(&header.common).map_err(JwsError::of)?;
        let key = self.keys.iter().nth(index).ok_or(JwsError::UnknownKey)?;
        // A JWS has no time to compare with a key's, and a key whose time nobody looks at would never end.
        if self.keys.window(index).is_some() {
            return Err(JwsError::UnknownKey);
        }
        let mut room = [0; Signature::MAX_LEN];
        let signature = decode(entry.signature, key, &mut room)?;
        let message = signed.under(segment).ok_or(MalformedToken::HeaderTooLong)?;
        key.verify(message, signature).map_err(|_| JwsError::Signature)?;
        self.typ.check(&header.common).map_err(JwsError::of)?;
        Ok((index, VerifiedSignature::assertion(key.algorithm(), self.keys.id(index), &header)))
    }

    fn signed<'a, 't, 'p>(&self, payload: &'a Payload<'t, 'p>) -> Signed<'a, 't, 'p> {
        Signed::Parts { payload, is_unencoded: self.is_unencoded, input: None }
    }

    /// Signatures that disagree about the payload's encoding make two payloads of one (RFC 7797 section 3), so
    /// here even a stranger's counts.
    fn agree(&self, entries: &[Entry<'_>]) -> Result<(), JwsError> {
        if entries.len() < 2 {
            return Ok(());
        }
        let disagrees = |entry: &Entry<'_>| {
            let mut buffer = HeaderBuffer::default();
            let header = entry.protected.map(|segment| JwsHeader::parse(segment, &mut buffer));
            matches!(header, Some(Ok(header)) if header.is_unencoded != self.is_unencoded)
        };
        if entries.iter().any(disagrees) { Err(JwsError::Encoding) } else { Ok(()) }
    }
}

/// Decodes a signature. Another length is another signature, whose characters are of no interest.
fn decode<'r>(text: &str, key: &AnyVerifyingKey, room: &'r mut [u8]) -> Result<&'r [u8], JwsError> {
    if text.len() != base64url::encoded_len(key.signature_len()) {
        return Err(JwsError::Signature);
    }
    Ok(base64url::decode(text, room).ok_or(MalformedToken::Base64)?)
}

/// The parameters that would say how to verify, had they been protected.
fn decides_nothing(unprotected: &str) -> Result<(), JwsError> {
    const DECIDING: [&str; 3] = ["alg", "crit", "b64"];
    let mut found = None;
    names(unprotected, |name| {
        found = found.or(DECIDING.into_iter().find(|deciding| name.is(deciding)));
    })
    .map_err(MalformedToken::Json)?;
    found.map_or(Ok(()), |name| Err(JwsError::Unprotected(name)))
}

fn is_disjoint(header: &JwsHeader<'_>, unprotected: &str) -> bool {
    let mut is_disjoint = true;
    names(unprotected, |name| is_disjoint &= !header.has(name)).is_ok() && is_disjoint
}

/// Calls with each name of an object that was read before.
fn names(object: &str, mut each: impl FnMut(crate::json::JsonStr<'_>)) -> Result<(), JsonError> {
    let mut reader = Reader::jws(object);
    reader.open_object()?;
    let mut seen = Members::default();
    while let Some(name) = reader.next_name(&mut seen)? {
        each(name);
        reader.skip()?;
    }
    reader.end()
}
