//! Sessions as bytes.
//!
//! A row is one string, so that loading is one `GET` and a change of secret or deadline writes its few bytes in
//! place. All numbers are big-endian; the scripts know the places up to 66.
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 1 | version of this layout: 1 |
//! | 1 | 1 | bit 0: kind, 0 cookie, 1 refresh; bit 1: somebody else acts in it |
//! | 2 | 8 | `created_at` |
//! | 10 | 8 | `absolute_until` |
//! | 18 | 8 | `last_used_at` |
//! | 26 | 8 | `idle_until` |
//! | 34 | 8 | epoch |
//! | 42 | 16 | hash of the principal; zeros for nobody |
//! | 58 | 8 | version of the session |
//! | 66 | 32 | hash of the current secret |
//! | 98 | 32 | hash of the previous secret, or zeros |
//! | 130 | 1 | bit 0: there is a previous one; bit 1: the current one was seen |
//! | 131 | 8 | `rotated_at` |
//! | 139 | 8 | generation |
//! | 147 | 4 | reissued |
//! | 151 | 4 + 4 | lengths of login and terms |
//! | 159 | | login (`login.rs`), and terms as JSON, each if its length is not zero; then the data to the end |

use std::sync::Arc;

use auth_core::{
    AuthEpoch, Authentication, PrincipalId, SecretHash, SecretState, SessionBlob, SessionId, SessionKind,
    SessionRecord, SessionTerms, StoreError, UnixTime, Version,
};
use redis::Value;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::login;
use crate::{bytes::Bytes, keys};

const LAYOUT: u8 = 1;
const FIXED: usize = 159;
const HAS_PREVIOUS: u8 = 1;
const SEEN: u8 = 2;
const REFRESH: u8 = 1;
const HAS_ACTOR: u8 = 2;
/// The most bytes that login and terms may have each: far more than they can.
const MAX_PART: usize = 1 << 20;

/// Sixteen bytes that name a principal; zeros for nobody.
pub(super) fn principal_hash(principal: Option<&PrincipalId>) -> [u8; 16] {
    principal.map_or([0; 16], |principal| keys::half(Sha256::digest(principal.to_bytes()).into()))
}

/// The row of a session.
pub(super) fn encode(record: &SessionRecord) -> Result<Vec<u8>, StoreError> {
    let login = record.authentication.as_deref().map_or(Ok(Vec::new()), login::encode)?;
    let terms = json(record.terms.as_deref())?;
    let data = record.data.as_bytes();
    let len = FIXED.saturating_add(login.len()).saturating_add(terms.len()).saturating_add(data.len());
    let mut row = Vec::with_capacity(len);
    row.push(LAYOUT);
    let kind = match record.kind {
        SessionKind::Cookie => 0,
        SessionKind::Refresh => REFRESH,
        _ => return Err(StoreError::not_written("unknown kind of session")),
    };
    row.push(kind | if record.has_actor() { HAS_ACTOR } else { 0 });
    for time in [record.created_at, record.absolute_until, record.last_used_at, record.idle_until] {
        row.extend(time.as_secs().to_be_bytes());
    }
    row.extend(record.epoch().get().to_be_bytes());
    row.extend(principal_hash(record.principal()));
    row.extend(versioned_secret(record.version, &record.secret));
    for part in [&login, &terms] {
        if part.len() > MAX_PART {
            return Err(StoreError::not_written("login is too large"));
        }
        row.extend(u32::try_from(part.len()).map_err(StoreError::not_written)?.to_be_bytes());
    }
    for part in [login.as_slice(), terms.as_slice(), data] {
        row.extend(part);
    }
    Ok(row)
}

/// The part of a row that a rotation replaces.
pub(super) fn versioned_secret(version: Version, secret: &SecretState) -> Vec<u8> {
    let mut part = Vec::with_capacity(93);
    part.extend(version.get().to_be_bytes());
    part.extend(secret.current.as_bytes());
    part.extend(secret.previous.map_or([0; 32], |previous| *previous.as_bytes()));
    let previous = if secret.previous.is_some() { HAS_PREVIOUS } else { 0 };
    part.push(previous | if secret.seen { SEEN } else { 0 });
    part.extend(secret.rotated_at.as_secs().to_be_bytes());
    part.extend(secret.generation.to_be_bytes());
    part.extend(secret.reissued.to_be_bytes());
    part
}

fn json(value: Option<&impl Serialize>) -> Result<Vec<u8>, StoreError> {
    value.map_or(Ok(Vec::new()), serde_json::to_vec).map_err(StoreError::not_written)
}

fn read<T: DeserializeOwned>(json: &[u8], what: &'static str) -> Result<T, StoreError> {
    serde_json::from_slice(json).map_err(|_| StoreError::corrupt(what))
}

/// The session that a row holds, and the hash of its principal.
pub(super) fn decode(id: SessionId, row: &[u8]) -> Result<(SessionRecord, [u8; 16]), StoreError> {
    let mut bytes = Bytes(row);
    let found = fixed(&mut bytes).ok_or(StoreError::corrupt("session"))?;
    let login = bytes.take(found.login).ok_or(StoreError::corrupt("session's login"))?;
    let terms = bytes.take(found.terms).ok_or(StoreError::corrupt("session's terms"))?;
    let authentication = authentication(login, &found)?;
    let terms =
        if terms.is_empty() { None } else { Some(Arc::new(read::<SessionTerms>(terms, "session's terms")?)) };
    let data = SessionBlob::from_bytes(bytes.0).map_err(|_| StoreError::corrupt("session's data"))?;
    let record = SessionRecord {
        id,
        kind: found.kind,
        authentication,
        terms,
        secret: found.secret,
        version: found.version,
        created_at: found.created_at,
        last_used_at: found.last_used_at,
        idle_until: found.idle_until,
        absolute_until: found.absolute_until,
        data,
    };
    Ok((record, found.principal))
}

/// Those of these sessions whose rows, of which the first 66 bytes were read, are past a deadline.
pub(super) fn past(ids: &[SessionId], heads: &[Value], now: UnixTime) -> Vec<SessionId> {
    let is_past = |head: &Value| match head {
        Value::BulkString(head) => deadline(head).is_some_and(|deadline| deadline <= now),
        _ => false,
    };
    ids.iter().zip(heads).filter(|(_, head)| is_past(head)).map(|(id, _)| *id).collect()
}

fn deadline(head: &[u8]) -> Option<UnixTime> {
    let mut bytes = Bytes(head);
    if bytes.byte()? != LAYOUT {
        return None;
    }
    bytes.take(9)?;
    let absolute = bytes.u64()?;
    bytes.take(8)?;
    Some(UnixTime::from_secs(absolute.min(bytes.u64()?)))
}

/// What has its place in every row.
struct Fixed {
    kind: SessionKind,
    has_actor: bool,
    created_at: UnixTime,
    absolute_until: UnixTime,
    last_used_at: UnixTime,
    idle_until: UnixTime,
    epoch: AuthEpoch,
    principal: [u8; 16],
    version: Version,
    secret: SecretState,
    login: usize,
    terms: usize,
}

fn fixed(bytes: &mut Bytes<'_>) -> Option<Fixed> {
    if bytes.byte()? != LAYOUT {
        return None;
    }
    let (kind, has_actor) = match bytes.byte()? {
        flags if flags & !(REFRESH | HAS_ACTOR) == 0 => (flags & REFRESH, flags & HAS_ACTOR != 0),
        _ => return None,
    };
    let kind = if kind == 0 { SessionKind::Cookie } else { SessionKind::Refresh };
    let created_at = UnixTime::from_secs(bytes.u64()?);
    let absolute_until = UnixTime::from_secs(bytes.u64()?);
    let last_used_at = UnixTime::from_secs(bytes.u64()?);
    let idle_until = UnixTime::from_secs(bytes.u64()?);
    let epoch = AuthEpoch::new(bytes.u64()?);
    let principal = bytes.array()?;
    let version = Version::new(bytes.u64()?);
    let (current, previous) = (SecretHash::from_bytes(bytes.array()?), bytes.array::<32>()?);
    let (has_previous, seen) = match bytes.byte()? {
        flags if flags & !(HAS_PREVIOUS | SEEN) == 0 => (flags & HAS_PREVIOUS != 0, flags & SEEN != 0),
        _ => return None,
    };
    if !has_previous && previous != [0; 32] {
        return None;
    }
    let secret = SecretState {
        current,
        previous: has_previous.then(|| SecretHash::from_bytes(previous)),
        rotated_at: UnixTime::from_secs(bytes.u64()?),
        seen,
        generation: bytes.u64()?,
        reissued: bytes.u32()?,
    };
    let (login, terms) = (bytes.len()?, bytes.len()?);
    Some(Fixed {
        kind,
        has_actor,
        created_at,
        absolute_until,
        last_used_at,
        idle_until,
        epoch,
        principal,
        version,
        secret,
        login,
        terms,
    })
}

/// The login of a row. Its epoch is the row's, which moves; its principal is the one that the scripts see, and so is
/// whether it has an actor.
fn authentication(bytes: &[u8], row: &Fixed) -> Result<Option<Arc<Authentication>>, StoreError> {
    if bytes.is_empty() {
        let nobody = row.principal == [0; 16] && row.epoch == AuthEpoch::ZERO && !row.has_actor;
        return if nobody { Ok(None) } else { Err(StoreError::corrupt("session's login")) };
    }
    let login = login::decode(bytes, row.epoch)?;
    if principal_hash(Some(&login.principal)) != row.principal {
        return Err(StoreError::corrupt("session's principal"));
    }
    if login.actor.is_some() != row.has_actor {
        return Err(StoreError::corrupt("session's actor"));
    }
    Ok(Some(Arc::new(login)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_core::{ClientLabel, Method};
    use proptest::prelude::*;

    const AT: UnixTime = UnixTime::from_secs(1_000);

    fn record() -> SessionRecord {
        let ann = PrincipalId::local_user("ann").unwrap();
        let mut terms = SessionTerms::new();
        terms.device = Some(ClientLabel::from_static("Firefox"));
        SessionRecord {
            id: SessionId::from_bytes([7; 24]),
            kind: SessionKind::Refresh,
            authentication: Some(Arc::new(Authentication::new(ann, Method::PASSWORD, AT, AuthEpoch::new(3)))),
            terms: Some(Arc::new(terms)),
            secret: SecretState::first(SecretHash::of(b"1"), AT).rotated(SecretHash::of(b"2"), AT),
            version: Version::new(u64::MAX),
            created_at: UnixTime::EPOCH,
            last_used_at: AT,
            idle_until: UnixTime::MAX,
            absolute_until: UnixTime::from_secs(1 << 60),
            data: SessionBlob::empty().with_slot("cart", 1, b"\0\xff").unwrap(),
        }
    }

    fn nobodys() -> SessionRecord {
        let secret = SecretState::first(SecretHash::of(b"1"), AT).confirmed();
        SessionRecord { authentication: None, terms: None, secret, data: SessionBlob::empty(), ..record() }
    }

    fn acted_in() -> SessionRecord {
        let mut record = record();
        let login = record.authentication.as_mut().map(Arc::make_mut).unwrap();
        login.actor = Some(PrincipalId::local_user("support").unwrap());
        record
    }

    #[test]
    fn a_row_is_read_as_it_was_written() {
        for record in [record(), nobodys(), acted_in()] {
            let row = encode(&record).unwrap();
            assert_eq!(decode(record.id, &row).unwrap().0, record);
        }
        assert_eq!(encode(&nobodys()).unwrap().len(), FIXED);
    }

    /// The scripts read and write these places.
    #[test]
    fn the_layout_is_the_one_of_the_table() {
        let row = encode(&record()).unwrap();
        assert_eq!(row[..2], [1, 1]);
        assert_eq!(encode(&acted_in()).unwrap()[..2], [1, 3]);
        assert_eq!(row[10..18], (1_u64 << 60).to_be_bytes());
        assert_eq!(row[26..34], u64::MAX.to_be_bytes());
        assert_eq!(row[34..42], 3_u64.to_be_bytes());
        assert_eq!(row[42..58], principal_hash(record().principal()));
        assert_eq!(row[58..151], versioned_secret(record().version, &record().secret));
        assert_eq!(versioned_secret(record().version, &record().secret).len(), 93);
    }

    /// A row whose login is somebody else's than the scripts believe would not end with that person's others.
    #[test]
    fn a_row_that_contradicts_itself_is_damaged() {
        let row = encode(&record()).unwrap();
        for (at, what) in [(0, "layout"), (1, "kind"), (42, "principal"), (130, "flags"), (151, "length")] {
            let mut damaged = row.clone();
            damaged[at] ^= 0x40;
            let error = decode(record().id, &damaged).expect_err(what);
            assert!(matches!(error, StoreError::Corrupt(_)), "{what}: {error:?}");
        }
        // A limit would count it, or not.
        for record in [record(), acted_in(), nobodys()] {
            let mut row = encode(&record).unwrap();
            row[1] ^= HAS_ACTOR;
            assert!(decode(record.id, &row).is_err(), "an actor");
        }
        let mut nobody = encode(&nobodys()).unwrap();
        nobody[42] = 1;
        assert!(decode(record().id, &nobody).is_err(), "a principal without a login");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_session_or_damaged(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(SessionId::from_bytes([0; 24]), &bytes);
        }

        /// A cut or flipped row is never read as another one without the change showing in it.
        #[test]
        fn a_cut_row_is_damaged_or_lacks_only_data(len in 0_usize..400) {
            let row = encode(&record()).unwrap();
            let len = len.min(row.len() - 1);
            match decode(record().id, &row[..len]) {
                Ok((found, _)) => prop_assert_eq!(found, SessionRecord { data: SessionBlob::empty(), ..record() }),
                Err(error) => prop_assert!(matches!(error, StoreError::Corrupt(_))),
            }
        }
    }
}
