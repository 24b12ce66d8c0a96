//! A session for stores that keep bytes.

use std::{borrow::Cow, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{SecretState, SessionKind, SessionRecord};
use crate::{Authentication, SecretHash, SessionBlob, SessionId, SessionTerms, UnixTime, Version};

/// What a [`SessionRecord`] is written as. Names and forms are for ever: files are full of them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "SessionRecord")]
struct Row<'a> {
    id: String,
    kind: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authentication: Option<Cow<'a, Authentication>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    terms: Option<Cow<'a, SessionTerms>>,
    secret: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous_secret: Option<String>,
    rotated_at: UnixTime,
    seen: bool,
    generation: u64,
    reissued: u32,
    version: u64,
    created_at: UnixTime,
    last_used_at: UnixTime,
    idle_until: UnixTime,
    absolute_until: UnixTime,
    data: String,
}

/// For stores, in formats that name their fields, such as JSON and CBOR: all of it, in a form that later versions read
/// too. For people there is [`summary`](Self::summary).
impl Serialize for SessionRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Named one by one, so that a new field cannot be forgotten.
        let Self {
            id,
            kind,
            authentication,
            terms,
            secret: SecretState { current, previous, rotated_at, seen, generation, reissued },
            version,
            created_at,
            last_used_at,
            idle_until,
            absolute_until,
            data,
        } = self;
        let row = Row {
            id: id.to_string(),
            kind: kind.as_str().into(),
            authentication: authentication.as_deref().map(Cow::Borrowed),
            terms: terms.as_deref().map(Cow::Borrowed),
            secret: URL_SAFE_NO_PAD.encode(current.as_bytes()),
            previous_secret: previous.map(|previous| URL_SAFE_NO_PAD.encode(previous.as_bytes())),
            rotated_at: *rotated_at,
            seen: *seen,
            generation: *generation,
            reissued: *reissued,
            version: version.get(),
            created_at: *created_at,
            last_used_at: *last_used_at,
            idle_until: *idle_until,
            absolute_until: *absolute_until,
            data: URL_SAFE_NO_PAD.encode(data.as_bytes()),
        };
        row.serialize(serializer)
    }
}

/// Refuses what it does not know: a newer version may have written a condition that this one would not check.
impl<'de> Deserialize<'de> for SessionRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let row = Row::deserialize(deserializer)?;
        let data = URL_SAFE_NO_PAD.decode(&row.data).map_err(|_| D::Error::custom("malformed data"))?;
        Ok(Self {
            id: SessionId::parse(row.id.as_bytes()).ok_or_else(|| D::Error::custom("malformed id"))?,
            kind: SessionKind::parse(&row.kind).ok_or_else(|| D::Error::custom("unknown kind"))?,
            authentication: row.authentication.map(Cow::into_owned).map(Arc::new),
            terms: row.terms.map(Cow::into_owned).map(Arc::new),
            secret: SecretState {
                current: hash(&row.secret)?,
                previous: row.previous_secret.as_deref().map(hash).transpose()?,
                rotated_at: row.rotated_at,
                seen: row.seen,
                generation: row.generation,
                reissued: row.reissued,
            },
            version: Version::new(row.version),
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            idle_until: row.idle_until,
            absolute_until: row.absolute_until,
            data: SessionBlob::from_bytes(&data).map_err(D::Error::custom)?,
        })
    }
}

fn hash<E: Error>(text: &str) -> Result<SecretHash, E> {
    let mut hash = [0; 32];
    match URL_SAFE_NO_PAD.decode_slice(text, &mut hash) {
        Ok(32) => Ok(SecretHash::from_bytes(hash)),
        _ => Err(E::custom("malformed secret")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AuthEpoch, ClientLabel, Limits, Method, PrincipalId, Realm};
    use serde_json::{Value, json};

    fn full() -> SessionRecord {
        let at = UnixTime::from_secs(1_000);
        let mut login = Authentication::new(
            PrincipalId::local_user("ann").unwrap(),
            Method::PASSWORD,
            at,
            AuthEpoch::new(3),
        );
        login.actor = Some(PrincipalId::local_user("root").unwrap());
        login.limits = Limits { tenant: Some(Realm::LOCAL), ..Limits::unlimited() };
        let mut terms = SessionTerms::new();
        terms.device = Some(ClientLabel::from_static("Firefox"));
        SessionRecord {
            id: SessionId::from_bytes([7; 24]),
            kind: SessionKind::Refresh,
            authentication: Some(Arc::new(login)),
            terms: Some(Arc::new(terms)),
            secret: SecretState::first(SecretHash::from_bytes([1; 32]), at)
                .rotated(SecretHash::from_bytes([2; 32]), at)
                .confirmed(),
            version: Version::new(u64::MAX),
            created_at: UnixTime::EPOCH,
            last_used_at: at,
            idle_until: UnixTime::MAX,
            absolute_until: UnixTime::from_secs(1 << 60),
            data: SessionBlob::empty().with_slot("cart", 1, b"\0\xff").unwrap(),
        }
    }

    fn nobodys() -> SessionRecord {
        let secret = SecretState::first(SecretHash::from_bytes([1; 32]), UnixTime::EPOCH);
        let data = SessionBlob::empty();
        SessionRecord { kind: SessionKind::Cookie, authentication: None, terms: None, secret, data, ..full() }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for record in [full(), nobodys()] {
            let json = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<SessionRecord>(&json).unwrap(), record, "{json}");
            let value = serde_json::to_value(&record).unwrap();
            assert_eq!(serde_json::from_value::<SessionRecord>(value).unwrap(), record);
        }
    }

    /// Stores are full of it: whatever changes here must still be read.
    #[test]
    fn the_form_of_a_record_stays_as_it_is() {
        let row = json!({
            "id": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH",
            "kind": "cookie",
            "secret": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
            "rotated_at": 0,
            "seen": false,
            "generation": 0,
            "reissued": 0,
            "version": u64::MAX,
            "created_at": 0,
            "last_used_at": 1000,
            "idle_until": u64::MAX,
            "absolute_until": 1_u64 << 60,
            "data": "",
        });
        assert_eq!(serde_json::to_value(nobodys()).unwrap(), row);
        let more = serde_json::to_value(full()).unwrap();
        assert_eq!(more["previous_secret"], row["secret"]);
        assert_eq!(more["authentication"], serde_json::to_value(full().authentication.as_deref()).unwrap());
        assert_eq!(more["terms"], json!({ "device": "Firefox" }));
        assert_eq!(more["data"], "BGNhcnQAAQAAAAIA_w");
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for (field, bad) in [
            ("id", json!("short")),
            ("kind", json!("ticket")),
            ("secret", json!("AQ")),
            ("previous_secret", json!("=")),
            ("version", json!(-1)),
            ("data", json!("AA")),
            ("presence_required", json!(true)),
        ] {
            let mut row = serde_json::to_value(full()).unwrap();
            row[field] = bad;
            assert!(serde_json::from_value::<SessionRecord>(row).is_err(), "{field}");
        }
        for field in ["id", "secret", "idle_until", "absolute_until", "seen"] {
            let mut row = serde_json::to_value(full()).unwrap();
            row.as_object_mut().and_then(|row| row.remove(field)).unwrap();
            assert!(serde_json::from_value::<SessionRecord>(row).is_err(), "{field}");
        }
        assert!(serde_json::from_value::<SessionRecord>(Value::Null).is_err());
    }
}
