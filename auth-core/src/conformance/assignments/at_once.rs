//! Granting, revoking and compiling at once.

use std::sync::Arc;

use super::{
    AssignmentBench,
    sample::{all, expect_roles, grant_all, holds},
};
use crate::{
    Assignment, AssignmentStore, Page, PolicyVersion,
    conformance::{
        check::{Verdict, Wrong, ensure, expect},
        sample::user,
    },
};

pub(super) async fn of_many_that_grant_one_role_one_does(bench: &AssignmentBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let assignment = holds(&format!("ann{}", round.n), "reader")?;
        let before = round.store.version().await?;
        let same = assignment.clone();
        let answers = round
            .many(move |_, store| {
                let assignment = same.clone();
                async move { store.grant(&assignment).await }
            })
            .await?;
        expect("how many did", answers.iter().filter(|new| **new).count(), 1)?;
        ensure(round.store.version().await? > before, "the version went up")?;
        expect_roles(&round.store, &assignment.principal, &["reader"]).await?;
        let again = round.store.grant(&assignment).await?;
        expect("granting again", again, false)
    });
    race.await
}

pub(super) async fn of_many_that_revoke_one_role_one_does(bench: &AssignmentBench<'_>) -> Verdict {
    let race = bench.race(|round| async move {
        let assignment = holds(&format!("ann{}", round.n), "reader")?;
        grant_all(&round.store, [&assignment]).await?;
        let same = assignment.clone();
        let answers = round
            .many(move |_, store| {
                let assignment = same.clone();
                async move { store.revoke(&assignment).await }
            })
            .await?;
        expect("how many did", answers.iter().filter(|held| **held).count(), 1)?;
        expect_roles(&round.store, &assignment.principal, &[]).await
    });
    race.await
}

/// Two changes that share a version are one change for whoever compiled at it. All rounds together make
/// `rounds` times `width` changes, between the first version and the last.
pub(super) async fn each_change_at_once_has_a_version_of_its_own(bench: &AssignmentBench<'_>) -> Verdict {
    let before = bench.store.version().await?;
    let race = bench.race(|round| async move {
        let number = round.n;
        let answers = round
            .many(move |n, store| async move {
                Ok::<_, Wrong>(store.grant(&holds(&format!("ann{number}-{n}"), "reader")?).await?)
            })
            .await?;
        ensure(answers.iter().all(|new| *new), "every role is new")
    });
    race.await?;
    let changes = all(&bench.store, Page::MAX).await?.len();
    let versions = bench.store.version().await?.get().saturating_sub(before.get());
    ensure(versions >= u64::try_from(changes)?, "the version went up with every change")
}

/// Who compiled the assignments at a version has them all: whatever is listed while the version stays the
/// same is the same list. A store that writes the row in one step and the version in another has two.
pub(super) async fn a_version_has_one_list(bench: &AssignmentBench<'_>) -> Verdict {
    const OFTEN: u64 = 3;
    let race = bench.race(|round| async move {
        let name = format!("ann{}", round.n);
        let (writer, reader) = (name.clone(), name.clone());
        let first = snapshot(&round.store, &name).await?;
        let (written, seen) = round
            .one_and_many(
                move |store| async move {
                    let mut written = Vec::new();
                    for n in 0..OFTEN {
                        grant_all(&store, [&holds(&writer, &format!("r{n}"))?]).await?;
                        // Nobody else writes, so this is what the version stands for.
                        written.extend(snapshot(&store, &writer).await?);
                    }
                    Ok::<_, Wrong>(written)
                },
                move |_, store| {
                    let name = reader.clone();
                    async move {
                        let mut seen = Vec::new();
                        for _ in 0..2 * OFTEN {
                            seen.extend(snapshot(&store, &name).await?);
                        }
                        Ok::<_, Wrong>(seen)
                    }
                },
            )
            .await?;
        let mut seen: Vec<_> = seen.into_iter().flatten().chain(written).chain(first).collect();
        seen.sort();
        for (one, other) in seen.iter().zip(seen.iter().skip(1)) {
            ensure(one.0 != other.0 || one.1 == other.1, "one version has one list")?;
            ensure(one.1.len() <= other.1.len(), "a later version has what was granted before it")?;
        }
        Ok(())
    });
    race.await
}

/// What a principal holds at a version, if the version stayed the same while it was read.
async fn snapshot(
    store: &Arc<dyn AssignmentStore>,
    name: &str,
) -> Result<Option<(PolicyVersion, Vec<Assignment>)>, Wrong> {
    let before = store.version().await?;
    let listed = roles(store, name).await?;
    Ok((store.version().await? == before).then_some((before, listed)))
}

async fn roles(store: &Arc<dyn AssignmentStore>, name: &str) -> Result<Vec<Assignment>, Wrong> {
    let principal = user(name)?;
    let held = store.roles_of(&principal).await?;
    Ok(held.into_iter().map(|role| Assignment { principal: principal.clone(), role }).collect())
}
