//! What is in a file: a line with its kind and version, the SHA-256 of what follows, and JSON.

use std::{borrow::Cow, sync::Arc};

use auth_core::{
    AuthEpoch, Authentication, PrincipalId, SecretHash, SecretState, SessionBlob, SessionId, SessionKind,
    SessionRecord, SessionTerms, StoreError, UnixTime, Version,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::names;

/// The most bytes of a file that are read, and that are written.
pub(super) const MAX_LEN: usize = 262_144;

const SESSION: &str = "auth-session 1\n";
const MARKERS: &str = "auth-session-markers 1\n";
const DIGEST_LEN: usize = 64;

/// The file of a session.
pub(super) fn encode(record: &SessionRecord) -> Result<Vec<u8>, StoreError> {
    let secret = &record.secret;
    write(
        SESSION,
        &Row {
            id: record.id.to_string(),
            kind: record.kind.as_str().into(),
            authentication: record.authentication.as_deref().map(Cow::Borrowed),
            terms: record.terms.as_deref().map(Cow::Borrowed),
            secret: URL_SAFE_NO_PAD.encode(secret.current.as_bytes()),
            previous_secret: secret.previous.as_ref().map(|hash| URL_SAFE_NO_PAD.encode(hash.as_bytes())),
            rotated_at: secret.rotated_at,
            seen: secret.seen,
            generation: secret.generation,
            reissued: secret.reissued,
            version: record.version.get(),
            created_at: record.created_at,
            last_used_at: record.last_used_at,
            idle_until: record.idle_until,
            absolute_until: record.absolute_until,
            data: URL_SAFE_NO_PAD.encode(record.data.as_bytes()),
        },
    )
}

/// The session of a file that is called after `id`.
pub(super) fn decode(id: &SessionId, bytes: &[u8]) -> Result<SessionRecord, StoreError> {
    let row: Row<'_> = read(SESSION, bytes)?;
    if SessionId::parse(row.id.as_bytes()) != Some(*id) {
        return Err(StoreError::corrupt("id"));
    }
    let previous = row.previous_secret.as_deref().map(|text| hash(text, "previous_secret")).transpose()?;
    let data = URL_SAFE_NO_PAD.decode(&row.data).map_err(|_| StoreError::corrupt("data"))?;
    Ok(SessionRecord {
        id: *id,
        kind: SessionKind::parse(&row.kind).ok_or(StoreError::corrupt("kind"))?,
        authentication: row.authentication.map(Cow::into_owned).map(Arc::new),
        terms: row.terms.map(Cow::into_owned).map(Arc::new),
        secret: SecretState {
            current: hash(&row.secret, "secret")?,
            previous,
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
        data: SessionBlob::from_bytes(&data).map_err(|_| StoreError::corrupt("data"))?,
    })
}

/// The epochs below which everything of some principals was ended: of all whose sessions have one tag. That is one
/// principal, but for tags that happen to be the same.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Markers {
    of: Vec<Marker>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Marker {
    principal: PrincipalId,
    epoch: AuthEpoch,
    keep_until: UnixTime,
}

impl Markers {
    pub(super) fn encode(&self) -> Result<Vec<u8>, StoreError> {
        write(MARKERS, self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        read(MARKERS, bytes)
    }

    /// Whether the session's login is of an epoch that was ended.
    pub(super) fn outdate(&self, record: &SessionRecord) -> bool {
        record.principal().is_some_and(|principal| record.epoch() < self.epoch_of(principal))
    }

    /// Raises a principal's epoch, never lowers it, and keeps it at least until `keep_until`.
    pub(super) fn raise(&mut self, principal: &PrincipalId, epoch: AuthEpoch, keep_until: UnixTime) {
        match self.of.iter_mut().find(|marker| marker.principal == *principal) {
            Some(marker) => {
                marker.epoch = marker.epoch.max(epoch);
                marker.keep_until = marker.keep_until.max(keep_until);
            }
            None => self.of.push(Marker { principal: principal.clone(), epoch, keep_until }),
        }
    }

    /// Those that were not kept long enough yet.
    pub(super) fn after(&self, now: UnixTime) -> Self {
        Self { of: self.of.iter().filter(|marker| marker.keep_until >= now).cloned().collect() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    fn epoch_of(&self, principal: &PrincipalId) -> AuthEpoch {
        let marker = self.of.iter().find(|marker| marker.principal == *principal);
        marker.map_or(AuthEpoch::ZERO, |marker| marker.epoch)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row<'a> {
    id: String,
    kind: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication: Option<Cow<'a, Authentication>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terms: Option<Cow<'a, SessionTerms>>,
    secret: String,
    #[serde(skip_serializing_if = "Option::is_none")]
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

fn hash(text: &str, field: &'static str) -> Result<SecretHash, StoreError> {
    let mut hash = [0; 32];
    match URL_SAFE_NO_PAD.decode_slice(text, &mut hash) {
        Ok(32) => Ok(SecretHash::from_bytes(hash)),
        _ => Err(StoreError::corrupt(field)),
    }
}

fn write(kind: &str, value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let json = serde_json::to_vec(value).map_err(StoreError::not_written)?;
    let mut bytes = Vec::with_capacity(json.len().saturating_add(128));
    bytes.extend_from_slice(kind.as_bytes());
    bytes.extend_from_slice(digest(&json).as_bytes());
    bytes.push(b'\n');
    bytes.extend_from_slice(&json);
    if bytes.len() > MAX_LEN { Err(StoreError::full()) } else { Ok(bytes) }
}

fn read<T: DeserializeOwned>(kind: &str, bytes: &[u8]) -> Result<T, StoreError> {
    if bytes.len() > MAX_LEN {
        return Err(StoreError::corrupt("length"));
    }
    let rest = bytes.strip_prefix(kind.as_bytes()).ok_or(StoreError::corrupt("kind of file"))?;
    let (stated, rest) = rest.split_at_checked(DIGEST_LEN).ok_or(StoreError::corrupt("digest"))?;
    let json = rest.strip_prefix(b"\n").ok_or(StoreError::corrupt("digest"))?;
    if stated != digest(json).as_bytes() {
        return Err(StoreError::corrupt("digest"));
    }
    serde_json::from_slice(json).map_err(|_| StoreError::corrupt("content"))
}

/// Against torn and damaged files, not against people: who can write here needs no session.
fn digest(bytes: &[u8]) -> String {
    names::hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use auth_core::{Method, SystemEntropy};
    use proptest::prelude::*;

    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

    fn record() -> SessionRecord {
        let ann = PrincipalId::local_user("ann").unwrap();
        let later = NOW.saturating_add(Duration::from_secs(100));
        SessionRecord {
            id: SessionId::anonymous(&SystemEntropy).unwrap(),
            kind: SessionKind::Cookie,
            authentication: Some(Arc::new(Authentication::new(
                ann,
                Method::PASSWORD,
                NOW,
                AuthEpoch::new(3),
            ))),
            terms: None,
            secret: SecretState::first(SecretHash::of(b"1"), NOW).rotated(SecretHash::of(b"2"), NOW),
            version: Version::FIRST,
            created_at: NOW,
            last_used_at: NOW,
            idle_until: later,
            absolute_until: later,
            data: SessionBlob::empty().with_slot("cart", 1, b"[1]").unwrap(),
        }
    }

    #[test]
    fn a_session_survives_its_file_and_answers_to_its_own_name_only() {
        let record = record();
        let file = encode(&record).unwrap();
        assert_eq!(decode(&record.id, &file).unwrap(), record);
        let other = SessionId::anonymous(&SystemEntropy).unwrap();
        assert!(matches!(decode(&other, &file), Err(StoreError::Corrupt("id"))));
        assert!(matches!(Markers::decode(&file), Err(StoreError::Corrupt("kind of file"))));
    }

    /// A file that was torn by a crash, or that a disk has changed, is no session.
    #[test]
    fn no_bit_of_a_file_can_be_changed_and_no_byte_left_out() {
        let record = record();
        let file = encode(&record).unwrap();
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(matches!(decode(&record.id, &changed), Err(StoreError::Corrupt(_))), "byte {at}");
            assert!(matches!(decode(&record.id, &file[..at]), Err(StoreError::Corrupt(_))), "cut at {at}");
        }
        let longer = [&file[..], b" "].concat();
        assert!(matches!(decode(&record.id, &longer), Err(StoreError::Corrupt(_))));
    }

    #[test]
    fn what_is_larger_than_a_file_may_be_is_refused_in_both_directions() {
        let record = record();
        let padded = [encode(&record).unwrap(), vec![b' '; MAX_LEN]].concat();
        assert!(matches!(decode(&record.id, &padded), Err(StoreError::Corrupt("length"))));
        let mut markers = Markers::default();
        for n in 0..3_000 {
            markers.raise(&PrincipalId::local_user(&format!("{n:0>60}")).unwrap(), AuthEpoch::ZERO, NOW);
        }
        assert!(matches!(markers.encode(), Err(StoreError::Full)));
    }

    #[test]
    fn markers_go_up_and_are_forgotten_when_they_were_kept_long_enough() {
        let (ann, bob) = (PrincipalId::local_user("ann").unwrap(), PrincipalId::local_user("bob").unwrap());
        let mut markers = Markers::default();
        markers.raise(&ann, AuthEpoch::new(5), UnixTime::from_secs(10));
        markers.raise(&ann, AuthEpoch::new(2), UnixTime::from_secs(20));
        markers.raise(&ann, AuthEpoch::new(3), UnixTime::from_secs(5));
        markers.raise(&bob, AuthEpoch::new(1), UnixTime::from_secs(7));
        let markers = Markers::decode(&markers.encode().unwrap()).unwrap();
        assert_eq!(markers.epoch_of(&ann), AuthEpoch::new(5));
        let left = markers.after(UnixTime::from_secs(20));
        assert_eq!((left.epoch_of(&ann), left.epoch_of(&bob)), (AuthEpoch::new(5), AuthEpoch::ZERO));
        assert!(left.after(UnixTime::from_secs(21)).is_empty());
    }

    proptest! {
        /// Files are input: whatever is in them, with the right digest too, reading ends in a session or an error.
        #[test]
        fn reading_any_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), digested: bool) {
            let id = SessionId::from_bytes([7; 24]);
            let bytes = if digested {
                [SESSION.as_bytes(), digest(&bytes).as_bytes(), b"\n", &bytes].concat()
            } else {
                bytes
            };
            prop_assert!(matches!(decode(&id, &bytes), Err(StoreError::Corrupt(_))));
        }
    }
}
