//! What is stored, and loaded again.

use std::sync::Arc;

use auth_core::Action;

use super::{
    check::{Bench, Verdict, Wrong, ensure, expect, role, user, version},
    sample,
};
use crate::{
    admin::PolicyChange,
    document::{Assignment, PolicyDocument, Role},
    live::LivePolicy,
    source::{Loaded, PolicyReloader, Reloaded, Revision, SourceError},
    store::Saved,
};

/// Nobody is denied, or allowed anything, by a policy that was never written.
pub(super) async fn where_nothing_was_stored_there_is_no_policy(bench: &Bench<'_>) -> Verdict {
    for known in [None, Some(&Revision::new("7"))] {
        let found = bench.store.load(known).await;
        ensure(matches!(found, Err(SourceError::Nothing)), "there is nothing yet")?;
    }
    let conflict = bench.store.save(version(1), &PolicyDocument::new(version(2))).await?;
    expect("what is not there is not replaced", &conflict, &Saved::Conflict(version(0)))?;
    bench.change(0, &[PolicyChange::CreateRole(role("first")?)]).await?;
    let wanted = PolicyDocument::new(version(1)).role(Role::new(role("first")?));
    bench.expect("a change of nothing", &wanted).await
}

/// A denial, a constraint or the place of an entry that is lost on the way would open what it forbids.
pub(super) async fn a_policy_is_loaded_as_it_was_saved(bench: &Bench<'_>) -> Verdict {
    let mut document = sample()?;
    bench.save(0, &document).await?;
    bench.expect("the first", &document).await?;
    document.version = version(8);
    bench.save(7, &document).await?;
    bench.expect("the second", &document).await?;
    let empty = PolicyDocument::new(version(9));
    bench.save(8, &empty).await?;
    bench.expect("nothing of the old one stays behind", &empty).await
}

pub(super) async fn what_has_not_changed_is_not_loaded_again(bench: &Bench<'_>) -> Verdict {
    bench.save(0, &sample()?).await?;
    let (revision, _) = bench.loaded().await?;
    let again = bench.store.load(Some(&revision)).await?;
    ensure(again == Loaded::Unchanged, "what is known is not answered again")?;
    bench.change(7, &[PolicyChange::CreateRole(role("new")?)]).await?;
    let Loaded::Changed { revision: next, document } = bench.store.load(Some(&revision)).await? else {
        return Err(Wrong::new("what has changed is answered"));
    };
    ensure(next != revision, "another policy has another revision")?;
    expect("its version", &document.version, &version(8))
}

/// More rows than one statement adds, and the last one counts as much as the first.
pub(super) async fn a_large_policy_is_kept_whole(bench: &Bench<'_>) -> Verdict {
    let mut document = PolicyDocument::new(version(1)).permission(Action::from_static("a.b"));
    for n in 0..300 {
        document = document.role(Role::new(role(&format!("r{n:04}"))?).deny("a.b"));
    }
    for n in 0..1_500 {
        let held = role(&format!("r{:04}", n % 300))?;
        document = document.assign(Assignment::new(user(&format!("u{n:05}"))?, [held]));
    }
    bench.save(0, &document).await?;
    bench.expect("all of it", &document).await
}

pub(super) async fn what_is_stored_comes_into_force(bench: &Bench<'_>) -> Verdict {
    let mut reloader = PolicyReloader::new(Arc::clone(&bench.store), LivePolicy::without_policy());
    ensure(reloader.poll().await.outcome.is_err(), "there is nothing yet")?;
    bench.save(0, &sample()?).await?;
    for wanted in [Reloaded::Replaced(version(7)), Reloaded::Unchanged] {
        expect("what a look finds", &reloader.poll().await.outcome?, &wanted)?;
    }
    let revoke = PolicyChange::Revoke { principal: user("ann")?, role: role("cashier")?, tenant: None };
    bench.change(7, &[revoke]).await?;
    let behind = reloader.live().at_least(version(8));
    ensure(behind.is_err(), "who asks for the change is not answered by the old policy")?;
    expect("what a look finds", &reloader.poll().await.outcome?, &Reloaded::Replaced(version(8)))?;
    let held = reloader.live().at_least(version(8))?.roles().roles_of(&user("ann")?);
    ensure(held.iter().all(|role| role.as_str() != "cashier"), "what was revoked is not held")
}
