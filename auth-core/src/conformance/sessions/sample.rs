//! Sessions to check with.

use std::sync::Arc;

use crate::{
    AuthEpoch, Authentication, Inserted, KeyName, KeyRing, Method, PrincipalId, Secret, SecretState,
    SessionBlob, SessionId, SessionKind, SessionOwner, SessionRecord, SessionStore, UnixTime, Version,
    conformance::{
        check::{Verdict, Wrong, expect, present},
        reference::move_up,
        sample::{DAY, HOUR, START, at, hash, user},
    },
    testing::SeededEntropy,
};

pub(super) fn keys() -> Result<KeyRing, Wrong> {
    Ok(KeyRing::new(KeyName::from_static("current"), secret(1))?)
}

/// The key ring before the current key was made.
pub(super) fn old_keys() -> Result<KeyRing, Wrong> {
    Ok(KeyRing::new(KeyName::from_static("retired"), secret(2))?)
}

/// The current key, and the old one to read with.
pub(super) fn rotated_keys() -> Result<KeyRing, Wrong> {
    Ok(keys()?.with_retired(KeyName::from_static("retired"), secret(2))?)
}

fn secret(n: u8) -> Secret {
    Secret::new((n..=u8::MAX).take(32).collect())
}

/// The owner of the sessions of one round.
pub(super) fn owner_in(round: u64) -> Result<SessionOwner, Wrong> {
    owner(&format!("ann{round}"))
}

/// The owner of a local user's sessions.
pub(super) fn owner(id: &str) -> Result<SessionOwner, Wrong> {
    owner_of(user(id)?)
}

pub(super) fn owner_of(principal: PrincipalId) -> Result<SessionOwner, Wrong> {
    Ok(SessionOwner::new(principal, &keys()?))
}

/// The `n`th session of an owner. It began at [`START`] at epoch zero, and ends an hour later or, if it is
/// used, after a day.
pub(super) fn session(owner: &SessionOwner, n: u64) -> Result<SessionRecord, Wrong> {
    let login = Authentication::new(owner.principal().clone(), Method::PASSWORD, START, AuthEpoch::ZERO);
    Ok(SessionRecord {
        id: SessionId::for_owner(owner, &SeededEntropy::new(n))?,
        authentication: Some(Arc::new(login)),
        ..anonymous(n)?
    })
}

/// The `n`th session of nobody.
pub(super) fn anonymous(n: u64) -> Result<SessionRecord, Wrong> {
    Ok(SessionRecord {
        id: SessionId::anonymous(&SeededEntropy::new(n))?,
        kind: SessionKind::Cookie,
        authentication: None,
        terms: None,
        secret: SecretState::first(hash(n), START),
        version: Version::FIRST,
        created_at: START,
        last_used_at: START,
        idle_until: at(HOUR),
        absolute_until: at(DAY),
        data: blob(0)?,
    })
}

pub(super) fn at_epoch(mut record: SessionRecord, epoch: u64) -> SessionRecord {
    move_up(&mut record, AuthEpoch::new(epoch));
    record
}

/// The same, with somebody who acts in it.
pub(super) fn acted_in(mut record: SessionRecord) -> Result<SessionRecord, Wrong> {
    if let Some(login) = &mut record.authentication {
        Arc::make_mut(login).actor = Some(user("support")?);
    }
    Ok(record)
}

pub(super) fn begun_at(mut record: SessionRecord, moment: UnixTime) -> SessionRecord {
    record.created_at = moment;
    record.last_used_at = moment;
    record
}

/// Data with a number in it.
pub(super) fn blob(n: u64) -> Result<SessionBlob, Wrong> {
    Ok(SessionBlob::empty().with_slot("n", 1, &n.to_be_bytes())?)
}

/// The number that [`blob`] put in.
pub(super) fn number_in(data: &SessionBlob) -> Option<u64> {
    Some(u64::from_be_bytes(data.slot("n")?.bytes.try_into().ok()?))
}

/// Puts sessions into a store that has room for them.
pub(super) async fn insert_all<'a>(
    store: &dyn SessionStore,
    records: impl IntoIterator<Item = &'a SessionRecord, IntoIter: Send>,
) -> Verdict {
    for record in records {
        let inserted = store.insert(record, None, START).await?;
        expect("inserting a session", inserted, Inserted::Stored { ended: 0 })?;
    }
    Ok(())
}

pub(super) async fn load(
    store: &dyn SessionStore,
    id: &SessionId,
    now: UnixTime,
) -> Result<SessionRecord, Wrong> {
    present("the session", store.load(id, now).await?)
}

/// The session must not be there.
#[track_caller]
pub(super) fn expect_none(what: &str, found: Option<&SessionRecord>) -> Verdict {
    expect(what, found.map(|record| record.id), None)
}

/// Both records must be the same; names the first field that differs.
#[track_caller]
pub(super) fn expect_same(found: &SessionRecord, wanted: &SessionRecord) -> Verdict {
    expect("the id", found.id, wanted.id)?;
    expect("the kind", found.kind, wanted.kind)?;
    expect("the login", &found.authentication, &wanted.authentication)?;
    expect("the terms", &found.terms, &wanted.terms)?;
    expect("the secrets", &found.secret, &wanted.secret)?;
    expect("the version", found.version, wanted.version)?;
    expect("created_at", found.created_at, wanted.created_at)?;
    expect("last_used_at", found.last_used_at, wanted.last_used_at)?;
    expect("idle_until", found.idle_until, wanted.idle_until)?;
    expect("absolute_until", found.absolute_until, wanted.absolute_until)?;
    expect("the data", &found.data, &wanted.data)
}
