//! Reading JWK Sets (RFC 7517 section 5).

use super::{Entry, KeySet, KeySetParseError, KeySetReport, RefusedJwk};
use crate::{
    Algorithm, AnyVerifyingKey, Backend, JsonError, Jwk, JwkError, KeyId,
    json::{JsonKind, Members, Reader},
    jwk::{fields::Fields, read},
};

/// One element of `keys`.
struct Element {
    id: Option<KeyId>,
    jwk: Result<Jwk, JwkError>,
    /// Whether it says that it is a secret.
    secret: bool,
}

/// Reads a set; see [`KeySet::parse`].
pub(super) fn parse(
    text: &str,
    accepted: &[Algorithm],
    backend: Backend,
) -> Result<(KeySet, KeySetReport), KeySetParseError> {
    let elements = elements(text)?;
    let secrets = elements.iter().filter(|element| element.secret).count();
    if secrets > 0 && secrets < elements.len() {
        return Err(KeySetParseError::Mixed);
    }
    let ambiguous = duplicates(&elements);
    let (mut entries, mut refused) = (Vec::new(), Vec::new());
    for (index, element) in elements.into_iter().enumerate() {
        let keys = element.jwk.and_then(|jwk| {
            let id = jwk.effective_id();
            if id.as_ref().is_some_and(|id| ambiguous.contains(id)) {
                return Err(JwkError::DuplicateId);
            }
            let keys = keys(&jwk, accepted, backend)?;
            let entry = |key| Entry { key, id: id.clone(), jwk: Some(index), window: None };
            Ok(keys.into_iter().map(entry).collect::<Vec<_>>())
        });
        match keys {
            Ok(keys) => entries.extend(keys),
            Err(error) => refused.push(RefusedJwk::new(index, element.id, error)),
        }
    }
    let report = KeySetReport::of(refused);
    if entries.is_empty() {
        return Err(KeySetParseError::NothingUsable(report));
    }
    Ok((KeySet::of(entries, ambiguous), report))
}

/// The keys that a JWK becomes: one for each algorithm that it serves for and the caller accepts.
fn keys(jwk: &Jwk, accepted: &[Algorithm], backend: Backend) -> Result<Vec<AnyVerifyingKey>, JwkError> {
    let fitting = jwk.algorithms().iter().filter(|algorithm| accepted.contains(algorithm));
    let keys: Vec<_> =
        fitting.map(|algorithm| jwk.verifying_key(*algorithm, backend)).collect::<Result<_, _>>()?;
    if keys.is_empty() { Err(JwkError::NotAccepted) } else { Ok(keys) }
}

/// The ids that more than one signature key has, whether or not the caller accepts it.
fn duplicates(elements: &[Element]) -> Vec<KeyId> {
    let mut ids: Vec<_> =
        elements.iter().filter_map(|element| element.jwk.as_ref().ok()?.effective_id()).collect();
    ids.sort_unstable();
    let twice = ids.windows(2).filter(|pair| matches!(pair, [one, two] if one == two));
    let mut twice: Vec<_> = twice.filter_map(|pair| pair.first().cloned()).collect();
    twice.dedup();
    twice
}

fn elements(text: &str) -> Result<Vec<Element>, KeySetParseError> {
    if text.len() > KeySet::MAX_JSON_LEN {
        return Err(KeySetParseError::TooLong { max: KeySet::MAX_JSON_LEN });
    }
    let mut reader = Reader::key(text);
    if reader.kind()? != JsonKind::Object {
        return Err(JsonError::NotAnObject.into());
    }
    reader.open_object()?;
    let mut keys = None;
    let mut seen = Members::default();
    while let Some(name) = reader.next_name(&mut seen)? {
        if !name.is("keys") {
            reader.skip()?;
        } else if reader.kind()? == JsonKind::Array {
            keys = Some(array(&mut reader)?);
        } else {
            return Err(KeySetParseError::NoKeys);
        }
    }
    reader.end()?;
    keys.ok_or(KeySetParseError::NoKeys)
}

fn array(reader: &mut Reader<'_>) -> Result<Vec<Element>, KeySetParseError> {
    reader.open_array()?;
    let mut elements = Vec::new();
    let mut first = true;
    while reader.next_element(&mut first)? {
        if elements.len() >= KeySet::MAX_KEYS {
            return Err(KeySetParseError::TooMany { max: KeySet::MAX_KEYS });
        }
        if reader.kind()? != JsonKind::Object {
            reader.skip()?;
            elements.push(Element { id: None, jwk: Err(JsonError::NotAnObject.into()), secret: false });
            continue;
        }
        let (from, text) = reader.unchecked_object()?;
        elements.push(element(text, from)?);
    }
    Ok(elements)
}

/// Only what is no JSON at all spoils more than the key itself.
fn element(text: &str, from: usize) -> Result<Element, JsonError> {
    let fields = match Fields::read(text) {
        Ok(fields) => fields,
        Err(JwkError::Json(JsonError::Syntax { at })) => {
            return Err(JsonError::Syntax { at: from.saturating_add(at) });
        }
        Err(error) => return Ok(Element { id: None, jwk: Err(error), secret: says_secret(text) }),
    };
    let (id, secret) = (read::id(&fields).ok().flatten(), fields.is_secret());
    // Secrets among themselves are a set; any other private key is in the wrong place.
    let jwk = if fields.is_private() && !secret { Err(JwkError::Private) } else { Jwk::of(&fields) };
    Ok(Element { id, jwk, secret })
}

/// Whether a key that could not be read says somewhere that it is a secret. It is out either way; but then the set was
/// put together by mistake.
fn says_secret(text: &str) -> bool {
    let value = |after: &str| {
        after.trim_start().strip_prefix(':').is_some_and(|value| value.trim_start().starts_with(r#""oct""#))
    };
    text.split(r#""kty""#).skip(1).any(value)
}
