//! What is in a file: a line with its kind and version, the SHA-256 of what follows, and JSON.

use auth_core::{AuthEpoch, EpochMarker, PrincipalId, SessionId, SessionRecord, StoreError, UnixTime};
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
    write(SESSION, record)
}

/// The session of a file that is called after `id`.
pub(super) fn decode(id: &SessionId, bytes: &[u8]) -> Result<SessionRecord, StoreError> {
    let record: SessionRecord = read(SESSION, bytes)?;
    if record.id == *id { Ok(record) } else { Err(StoreError::corrupt("id")) }
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
    pub(super) fn ended(&self, record: &SessionRecord) -> bool {
        record.principal().and_then(|principal| self.marker_of(principal)).is_some_and(|it| it.ends(record))
    }

    /// Raises a principal's epoch, never lowers it, and keeps it for long enough from `now`.
    pub(super) fn raise(&mut self, principal: &PrincipalId, epoch: AuthEpoch, now: UnixTime) {
        let EpochMarker { epoch, keep_until } = EpochMarker::raised(self.marker_of(principal), epoch, now);
        self.of.retain(|marker| marker.principal != *principal);
        self.of.push(Marker { principal: principal.clone(), epoch, keep_until });
    }

    /// Those that were not kept long enough yet.
    pub(super) fn after(&self, now: UnixTime) -> Self {
        Self { of: self.of.iter().filter(|marker| !marker.get().is_over(now)).cloned().collect() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    fn marker_of(&self, principal: &PrincipalId) -> Option<EpochMarker> {
        self.of.iter().find(|marker| marker.principal == *principal).map(Marker::get)
    }
}

impl Marker {
    const fn get(&self) -> EpochMarker {
        EpochMarker { epoch: self.epoch, keep_until: self.keep_until }
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
    use std::{sync::Arc, time::Duration};

    use auth_core::{
        Authentication, Method, SecretHash, SecretState, SessionBlob, SessionKind, SystemEntropy, Version,
    };
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
        let at = UnixTime::from_secs;
        markers.raise(&ann, AuthEpoch::new(5), at(10));
        markers.raise(&ann, AuthEpoch::new(2), at(20));
        markers.raise(&ann, AuthEpoch::new(3), at(5));
        markers.raise(&bob, AuthEpoch::new(1), at(7));
        let markers = Markers::decode(&markers.encode().unwrap()).unwrap();
        let epoch_of = |markers: &Markers, whose| markers.marker_of(whose).map(|marker| marker.epoch);
        assert_eq!(epoch_of(&markers, &ann), Some(AuthEpoch::new(5)));
        let left = markers.after(at(20).saturating_add(EpochMarker::KEPT));
        assert_eq!((epoch_of(&left, &ann), epoch_of(&left, &bob)), (Some(AuthEpoch::new(5)), None));
        assert!(left.after(at(21).saturating_add(EpochMarker::KEPT)).is_empty());
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
