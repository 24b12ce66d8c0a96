//! What is not stored.

use super::{
    check::{Bench, Verdict, ensure, expect, role, user, version},
    sample,
};
use crate::{
    admin::{Administration, PolicyChange},
    document::Role,
    store::{PolicyStoreError, Saved},
};

/// Two administrators who began with the same policy: the second must not bring back what the first revoked.
pub(super) async fn a_policy_that_was_overtaken_is_not_written(bench: &Bench<'_>) -> Verdict {
    bench.save(0, &sample()?).await?;
    let mut late = sample()?;
    late.version = version(9);
    for expected in [0, 6, 8] {
        let saved = bench.store.save(version(expected), &late).await?;
        expect("a document that is late", &saved, &Saved::Conflict(version(7)))?;
        let change = [PolicyChange::CreateRole(role("late")?)];
        let changed = bench.store.change(version(expected), &change).await?;
        expect("a change that is late", &changed, &Saved::Conflict(version(7)))?;
    }
    bench.expect("what was there", &sample()?).await
}

/// A policy that cannot be compiled would keep the old one in force until somebody looks.
pub(super) async fn what_is_no_policy_is_not_stored(bench: &Bench<'_>) -> Verdict {
    bench.save(0, &sample()?).await?;
    let mut circle = sample()?.role(Role::new(role("a")?).inherits(role("a")?));
    circle.version = version(8);
    let refused = bench.store.save(version(7), &circle).await;
    ensure(matches!(refused, Err(PolicyStoreError::Document(_))), "a circle is no policy")?;
    let (clerk, nobody) = (role("clerk")?, role("nobody")?);
    let rule = PolicyChange::AddRule { role: clerk.clone(), permission: "no.such".to_owned(), denies: false };
    let separated = PolicyChange::Assign { principal: user("ann")?, role: role("auditor")?, tenant: None };
    for change in [separated, rule] {
        let refused = bench.store.change(version(7), std::slice::from_ref(&change)).await;
        ensure(matches!(refused, Err(PolicyStoreError::Document(_))), &format!("no policy: {change}"))?;
    }
    for change in [
        PolicyChange::CreateRole(clerk.clone()),
        PolicyChange::Inherit { role: clerk.clone(), parent: nobody.clone() },
        PolicyChange::Revoke { principal: user("ann")?, role: nobody.clone(), tenant: None },
        PolicyChange::DeleteRole(nobody),
        // A constraint names it.
        PolicyChange::DeleteRole(clerk),
    ] {
        let refused = bench.store.change(version(7), std::slice::from_ref(&change)).await;
        ensure(matches!(refused, Err(PolicyStoreError::Change(_))), &format!("does not fit: {change}"))?;
    }
    bench.expect("what was there", &sample()?).await
}

/// Whoever knows a version must not be told that another policy is it.
pub(super) async fn a_version_that_does_not_follow_is_not_stored(bench: &Bench<'_>) -> Verdict {
    bench.save(0, &sample()?).await?;
    for offered in [0, 6, 7] {
        let mut document = sample()?;
        document.version = version(offered);
        let refused = bench.store.save(version(7), &document).await;
        ensure(matches!(refused, Err(PolicyStoreError::Version { .. })), "it does not follow")?;
    }
    bench.expect("what was there", &sample()?).await
}

pub(super) async fn too_many_changes_are_refused(bench: &Bench<'_>) -> Verdict {
    bench.save(0, &sample()?).await?;
    let change =
        PolicyChange::AddRule { role: role("clerk")?, permission: "doc.read".to_owned(), denies: false };
    let many = vec![change; Administration::MAX_CHANGES.saturating_add(1)];
    let refused = bench.store.change(version(7), &many).await;
    ensure(matches!(refused, Err(PolicyStoreError::TooMany)), "they are too many")?;
    bench.expect("what was there", &sample()?).await?;
    bench.change(7, many.get(1..).unwrap_or_default()).await
}

/// A change of two steps that is made by half may take away a denial and not what was to come for it.
pub(super) async fn changes_are_all_made_or_none(bench: &Bench<'_>) -> Verdict {
    bench.save(0, &sample()?).await?;
    let good = PolicyChange::CreateRole(role("good")?);
    for bad in [
        PolicyChange::Inherit { role: role("good")?, parent: role("good")? },
        PolicyChange::DeleteRole(role("nobody")?),
    ] {
        let refused = bench.store.change(version(7), &[good.clone(), bad]).await;
        ensure(refused.is_err(), "one of them cannot be made")?;
        bench.expect("none is made", &sample()?).await?;
    }
    let filled = PolicyChange::Inherit { role: role("good")?, parent: role("clerk")? };
    bench.change(7, &[good, filled]).await?;
    let mut wanted = sample()?.role(Role::new(role("good")?).inherits(role("clerk")?));
    wanted.version = version(8);
    bench.expect("all are made", &wanted).await
}
