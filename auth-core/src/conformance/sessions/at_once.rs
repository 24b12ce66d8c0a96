//! Different writes to one session at once.

use std::sync::Arc;

use super::{
    SessionBench,
    sample::{blob, expect_none, expect_same, insert_all, load, number_in, owner_in, session},
};
use crate::{
    Page, Rotated, SessionId, SessionRecord, SessionStore, Updated, Version,
    conformance::{
        check::{Verdict, Wrong, ensure, expect},
        sample::{HOUR, START, at, hash},
    },
};

pub(super) async fn an_update_and_a_rotation_of_one_version_have_one_winner(
    bench: &SessionBench<'_>,
) -> Verdict {
    let race = bench.race(|round| async move {
        let record = session(&owner_in(round.n)?, 1)?;
        insert_all(&round.store, [&record]).await?;
        let (id, version, data) = (record.id, record.version, blob(1)?);
        let (new_data, next) = (data.clone(), record.secret.rotated(hash(2), START));
        let new_secret = next.clone();
        let answers = round
            .both(
                move |store| async move { store.update(&id, version, &new_data).await },
                move |store| async move { store.rotate(&id, version, &new_secret).await },
            )
            .await?;
        let after = match answers {
            (Updated::Updated, Rotated::Conflict) => SessionRecord { data, ..record },
            (Updated::Conflict, Rotated::Rotated) => SessionRecord { secret: next, ..record },
            answers => return expect("the answers", answers, (Updated::Updated, Rotated::Conflict)),
        };
        let after = SessionRecord { version: version.next(), ..after };
        expect_same(&load(&round.store, &id, START).await?, &after)
    });
    race.await
}

/// A touch or an update that writes the whole row back undoes the other.
pub(super) async fn a_touch_and_an_update_at_once_are_both_kept(bench: &SessionBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let record = session(&owner_in(round.n)?, 1)?;
        insert_all(&round.store, [&record]).await?;
        let (id, version, data) = (record.id, record.version, blob(1)?);
        let new = data.clone();
        let answers = round
            .both(
                move |store| async move { store.touch(&id, at(2 * HOUR), at(1)).await },
                move |store| async move { store.update(&id, version, &new).await },
            )
            .await?;
        expect("the answers", answers, (true, Updated::Updated))?;
        let after = SessionRecord { data, version: version.next(), ..touched(record) };
        expect_same(&load(&round.store, &id, at(1)).await?, &after)
    });
    race.await
}

fn touched(record: SessionRecord) -> SessionRecord {
    SessionRecord { idle_until: at(2 * HOUR), last_used_at: at(1), ..record }
}

pub(super) async fn a_touch_and_a_rotation_at_once_are_both_kept(bench: &SessionBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let record = session(&owner_in(round.n)?, 1)?;
        insert_all(&round.store, [&record]).await?;
        let (id, version, secret) = (record.id, record.version, record.secret.rotated(hash(2), START));
        let new = secret.clone();
        let answers = round
            .both(
                move |store| async move { store.touch(&id, at(2 * HOUR), at(1)).await },
                move |store| async move { store.rotate(&id, version, &new).await },
            )
            .await?;
        expect("the answers", answers, (true, Rotated::Rotated))?;
        let after = SessionRecord { secret, version: version.next(), ..touched(record) };
        expect_same(&load(&round.store, &id, at(1)).await?, &after)
    });
    race.await
}

/// A race: whichever comes first, the session is over.
pub(super) async fn a_write_at_once_with_removal_brings_nothing_back(bench: &SessionBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let ann = owner_in(round.n)?;
        for (n, write) in (1..).zip(WRITES) {
            let record = session(&ann, n)?;
            insert_all(&round.store, [&record]).await?;
            let id = record.id;
            let (removed, ()) = round
                .both(
                    move |store| async move { store.remove(&id).await },
                    move |store| write_somehow(store, record, write),
                )
                .await?;
            expect("removing", removed, true)?;
            expect_none("the removed session", round.store.load(&id, START).await?.as_ref())?;
            expect("listed", round.store.list(&ann, Page::first(), START).await?.len(), 0)?;
        }
        Ok(())
    });
    race.await
}

/// A write to one session.
#[derive(Debug, Clone, Copy)]
pub(super) enum Write {
    Update,
    Rotate,
    Touch,
}

pub(super) const WRITES: [Write; 3] = [Write::Update, Write::Rotate, Write::Touch];

/// Writes, if the session is still there.
pub(super) async fn write_somehow(
    store: Arc<dyn SessionStore>,
    record: SessionRecord,
    write: Write,
) -> Verdict {
    let (id, version) = (record.id, record.version);
    match write {
        Write::Update => match store.update(&id, version, &blob(1)?).await? {
            Updated::Updated | Updated::Gone => Ok(()),
            Updated::Conflict => Err(Wrong::new("a conflict, although nobody else wrote")),
        },
        Write::Rotate => {
            let next = record.secret.rotated(hash(2), START);
            match store.rotate(&id, version, &next).await? {
                Rotated::Rotated | Rotated::Gone => Ok(()),
                Rotated::Conflict => Err(Wrong::new("a conflict, although nobody else wrote")),
            }
        }
        Write::Touch => {
            store.touch(&id, at(2 * HOUR), START).await?;
            Ok(())
        }
    }
}

/// Each version has one content; a reader that sees a mixture decides on what never was.
pub(super) async fn a_session_is_never_read_half_written(bench: &SessionBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let record = session(&owner_in(round.n)?, 1)?;
        insert_all(&round.store, [&record]).await?;
        let id = record.id;
        round
            .one_and_many(move |store| write_often(store, record), move |_, store| read_often(store, id))
            .await
            .map(drop)
    });
    race.await
}

const OFTEN: u64 = 3;

/// Updates and rotations take turns, so that the version tells what else must be there.
async fn write_often(store: Arc<dyn SessionStore>, mut record: SessionRecord) -> Verdict {
    let id = record.id;
    for n in 1..=OFTEN {
        let updated = store.update(&id, record.version, &blob(n)?).await?;
        expect("updating", updated, Updated::Updated)?;
        record.secret = record.secret.rotated(hash(n), START);
        let rotated = store.rotate(&id, record.version.next(), &record.secret).await?;
        expect("rotating", rotated, Rotated::Rotated)?;
        record.version = record.version.next().next();
    }
    Ok(())
}

async fn read_often(store: Arc<dyn SessionStore>, id: SessionId) -> Verdict {
    for _ in 0..2 * OFTEN {
        let found = load(&store, &id, START).await?;
        let written = found.version.get().saturating_sub(Version::FIRST.get());
        let wanted = (Some(written.div_ceil(2)), written / 2);
        expect("data and generation", (number_in(&found.data), found.secret.generation), wanted)?;
        let own = found.secret.generation == 0 || found.secret.current == hash(wanted.1);
        ensure(own, "the secret is that of its generation")?;
    }
    Ok(())
}
