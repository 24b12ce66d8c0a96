//! What goes in comes out, byte for byte.

use std::sync::Arc;

use super::{
    SessionBench,
    sample::{anonymous, expect_same, insert_all, load, owner, owner_of, session},
};
use crate::{
    AuthEpoch, Page, PrincipalId, PrincipalKind, Realm, Rotated, SecretState, SessionBlob, SessionId,
    SessionKind, SessionOwner, SessionRecord, UnixTime, Updated, Version,
    conformance::{
        check::{Verdict, Wrong, expect},
        sample::{
            LOOK_ALIKES, START, YEAR, at, bytes, full_authentication, full_terms, hash, long_id, long_realm,
            many_authentications, many_terms,
        },
    },
    testing::SeededEntropy,
};

/// The largest number that a version, a generation or an epoch may have to have: what a signed 64-bit column
/// holds. Times go up to [`UnixTime::MAX`].
const LARGE: u64 = i64::MAX as u64;

pub(super) async fn every_field_is_kept_exactly(bench: &SessionBench<'_>) -> Verdict {
    let store = &bench.store;
    let mut records = extremes()?;
    records.push(anonymous(3)?);
    insert_all(store, &records).await?;
    for record in &records {
        expect_same(&load(store, &record.id, START).await?, record)?;
    }
    Ok(())
}

/// The largest session, and the one whose numbers are all small.
fn extremes() -> Result<Vec<SessionRecord>, Wrong> {
    let principal = PrincipalId::new(long_realm()?, PrincipalKind::Device, &long_id())?;
    let owner = owner_of(principal.clone())?;
    let largest = SessionRecord {
        id: SessionId::for_owner(&owner, &SeededEntropy::new(1))?,
        kind: SessionKind::Refresh,
        authentication: Some(Arc::new(full_authentication(principal, AuthEpoch::new(LARGE))?)),
        terms: Some(Arc::new(full_terms()?)),
        secret: SecretState {
            current: hash(1),
            previous: Some(hash(2)),
            rotated_at: UnixTime::MAX,
            seen: true,
            generation: LARGE,
            reissued: u32::MAX,
        },
        version: Version::new(LARGE),
        created_at: UnixTime::MAX,
        last_used_at: UnixTime::MAX,
        idle_until: UnixTime::MAX,
        absolute_until: UnixTime::MAX,
        data: full_blob()?,
    };
    let smallest = SessionRecord {
        secret: SecretState::first(hash(0), UnixTime::EPOCH),
        created_at: UnixTime::EPOCH,
        last_used_at: UnixTime::EPOCH,
        data: SessionBlob::empty(),
        ..session(&owner, 2)?
    };
    Ok(vec![largest, smallest])
}

/// As many bytes as session data may have.
fn full_blob() -> Result<SessionBlob, Wrong> {
    // One byte of name length, two of version, four of length, and the name.
    Ok(SessionBlob::empty().with_slot("é", 7, &bytes(SessionBlob::MAX_LEN.saturating_sub(9)))?)
}

/// "No scope" read back as "no limit" makes an administrator of a token that may do nothing.
pub(super) async fn every_login_is_kept_exactly(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    for (n, login) in (1..).zip(many_authentications(ann.principal())?) {
        let record = SessionRecord { authentication: Some(login), ..session(&ann, n)? };
        insert_all(store, [&record]).await?;
        expect_same(&load(store, &record.id, START).await?, &record)?;
    }
    Ok(())
}

/// A timeout, a device or a bound key that is lost is a session on other terms. Neither writing nor rotating nor
/// touching loses them, and a list shows them.
pub(super) async fn the_terms_are_kept_exactly(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    for (n, terms) in (1..).zip(many_terms()?) {
        let record = SessionRecord { terms: Some(terms), ..session(&ann, n)? };
        insert_all(store, [&record]).await?;
        expect_same(&load(store, &record.id, START).await?, &record)?;
        let listed = store.list(&ann, Page::first(), START).await?;
        expect("listed", listed.iter().find(|found| found.id == record.id), Some(&record.summary()))?;
        let next = record.secret.rotated(hash(200), START);
        expect("rotating", store.rotate(&record.id, record.version, &next).await?, Rotated::Rotated)?;
        let data = SessionBlob::empty();
        expect("updating", store.update(&record.id, record.version.next(), &data).await?, Updated::Updated)?;
        expect("touching", store.touch(&record.id, record.idle_until, START).await?, true)?;
        let found = load(store, &record.id, START).await?;
        expect("the terms", found.terms, record.terms)?;
    }
    Ok(())
}

/// By insertion and by rotation.
pub(super) async fn every_secret_state_is_kept_exactly(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let first = SecretState::first(hash(1), START);
    let states = [
        first.clone(),
        first.confirmed(),
        first.rotated(hash(2), at(1)),
        first.rotated(hash(2), at(1)).confirmed(),
        first.rotated(hash(2), at(1)).reissued(hash(3), at(2)),
        first.replaced(hash(2), UnixTime::MAX),
    ];
    for (n, state) in (0..).zip(&states) {
        let record = SessionRecord { secret: state.clone(), ..session(&ann, n)? };
        insert_all(store, [&record]).await?;
        expect_same(&load(store, &record.id, START).await?, &record)?;
    }
    let mut record = session(&ann, 99)?;
    insert_all(store, [&record]).await?;
    for state in states {
        let rotated = store.rotate(&record.id, record.version, &state).await?;
        expect("rotating", rotated, Rotated::Rotated)?;
        record = SessionRecord { secret: state, version: record.version.next(), ..record };
        expect_same(&load(store, &record.id, START).await?, &record)?;
    }
    Ok(())
}

pub(super) async fn data_of_every_size_is_kept_exactly(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let empty = SessionBlob::empty();
    let blobs = [
        full_blob()?,
        empty.clone(),
        empty.with_slot("empty", 0, b"")?,
        empty.with_slot("zeros", 1, &[0; 16])?,
        empty.with_slot("binary", u16::MAX, &bytes(256))?.with_slot("漢字", 2, "'; DROP TABLE".as_bytes())?,
    ];
    for (n, data) in (0..).zip(&blobs) {
        let record = SessionRecord { data: data.clone(), ..session(&ann, n)? };
        insert_all(store, [&record]).await?;
        expect_same(&load(store, &record.id, START).await?, &record)?;
    }
    let mut record = session(&ann, 99)?;
    insert_all(store, [&record]).await?;
    for data in blobs {
        let updated = store.update(&record.id, record.version, &data).await?;
        expect("updating", updated, Updated::Updated)?;
        record = SessionRecord { data, version: record.version.next(), ..record };
        expect_same(&load(store, &record.id, START).await?, &record)?;
    }
    Ok(())
}

/// A time beyond 2^63 that is compared as a negative number is a session that was never alive.
pub(super) async fn a_deadline_of_never_is_never_reached(bench: &SessionBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, owner("ann")?);
    let absolute = SessionRecord { absolute_until: UnixTime::MAX, ..session(&ann, 1)? };
    let both = SessionRecord { idle_until: UnixTime::MAX, ..absolute.clone() };
    let both = SessionRecord { id: session(&ann, 2)?.id, ..both };
    insert_all(store, [&absolute, &both]).await?;
    expect("touching", store.touch(&absolute.id, UnixTime::MAX, START).await?, true)?;
    let later = at(YEAR.saturating_mul(1_000));
    for record in [&absolute, &both] {
        let found = load(store, &record.id, later).await?;
        expect("both deadlines", (found.idle_until, found.absolute_until), (UnixTime::MAX, UnixTime::MAX))?;
    }
    expect("listed", store.list(&ann, Page::first(), later).await?.len(), 2)?;
    expect("purged", store.purge(later, 10).await?, 0)?;
    expect("listed", store.list(&ann, Page::first(), later).await?.len(), 2)
}

pub(super) async fn principals_that_look_alike_are_kept_apart(bench: &SessionBench<'_>) -> Verdict {
    let store = &bench.store;
    let mut owners: Vec<SessionOwner> = LOOK_ALIKES.into_iter().map(owner).collect::<Result<_, _>>()?;
    let in_realm =
        |realm: &str| owner_of(PrincipalId::new(Realm::local(realm)?, PrincipalKind::User, "ann")?);
    for realm in ["A", "a", "a%", "a_", "default/user"] {
        owners.push(in_realm(realm)?);
    }
    for (n, owner) in (0..).zip(&owners) {
        insert_all(store, [&session(owner, n)?]).await?;
    }
    for (n, owner) in (0..).zip(&owners) {
        let wanted = session(owner, n)?;
        let listed = store.list(owner, Page::first(), START).await?;
        expect("listed", listed, vec![wanted.summary()])?;
    }
    Ok(())
}
