//! Calls at once.

use std::sync::Arc;

use auth_core::Action;

use super::check::{Bench, Call, Verdict, Wrong, ensure, expect_policy, loaded, role, user, version};
use crate::{
    admin::PolicyChange,
    document::{Assignment, PolicyDocument, Role},
    store::Saved,
};

/// Whoever was told that their change is stored finds it there, and nobody else was told so. Every other round, whole
/// documents are written.
pub(super) async fn of_writers_at_once_one_wins_each_version(bench: &Bench<'_>) -> Verdict {
    let mut wanted = PolicyDocument::new(version(1));
    bench.save(0, &wanted).await?;
    for round in 0..bench.race.rounds() {
        let expected = wanted.version;
        let mut calls: Vec<Call<(Saved, PolicyDocument)>> = Vec::new();
        for n in 0..bench.race.width().max(2) {
            let (store, changes) =
                (Arc::clone(&bench.store), [PolicyChange::CreateRole(role(&format!("r{n}"))?)]);
            let mut next = PolicyDocument::new(version(1));
            if round % 2 == 0 {
                // Roles of the round before are in nobody's way.
                next = next.role(Role::new(role(&format!("w{round}.{n}"))?));
            } else {
                next = wanted.clone();
                next.apply_all(&changes)?;
            }
            next.version = expected.next();
            calls.push(Box::pin(async move {
                let saved = match round % 2 {
                    0 => store.save(expected, &next).await?,
                    _ => store.change(expected, &changes).await?,
                };
                Ok((saved, next))
            }));
        }
        let answers = bench.race(calls).await?;
        let (won, lost): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|(saved, _)| *saved == Saved::Saved(expected.next()));
        ensure(won.len() == 1, "one of them wins")?;
        let told = lost.iter().all(|(saved, _)| *saved == Saved::Conflict(expected.next()));
        ensure(told, "the others are told which version there is")?;
        wanted = won.into_iter().map(|(_, next)| next).next().ok_or_else(|| Wrong::new("nobody won"))?;
        bench.expect("what the winner wrote", &wanted).await?;
    }
    Ok(())
}

/// Old or new, never a mix of both.
pub(super) async fn a_policy_is_read_as_it_was_at_one_moment(bench: &Bench<'_>) -> Verdict {
    bench.save(0, &numbered(1)?).await?;
    for round in 0..bench.race.rounds() {
        let number = u64::from(round).saturating_add(1);
        let next = numbered(number.saturating_add(1))?;
        let store = Arc::clone(&bench.store);
        let mut calls: Vec<Call<Option<PolicyDocument>>> = vec![Box::pin(async move {
            let saved = store.save(version(number), &next).await?;
            ensure(saved == Saved::Saved(next.version), "there is one writer")?;
            Ok(None)
        })];
        for _ in 1..bench.race.width().max(2) {
            let store = Arc::clone(&bench.store);
            calls.push(Box::pin(async move { Ok(Some(loaded(&*store).await?.1)) }));
        }
        for found in bench.race(calls).await?.into_iter().flatten() {
            expect_policy("what was read", &found, &numbered(found.version.get())?)?;
        }
    }
    Ok(())
}

/// Policies that have nothing in common with the one before.
fn numbered(number: u64) -> Result<PolicyDocument, Wrong> {
    let name = if number.is_multiple_of(2) { "even" } else { "odd" };
    let permission = Action::parse(&format!("thing.{name}"))?;
    let mut document = PolicyDocument::new(version(number)).permission(permission.clone());
    for n in 0..20 {
        let role = role(&format!("{name}{n}"))?;
        document = document.role(Role::new(role.clone()).allow(&permission));
        document = document.assign(Assignment::new(user(&format!("{name}{n}"))?, [role]));
    }
    Ok(document)
}
