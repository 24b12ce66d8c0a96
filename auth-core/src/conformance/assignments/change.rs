//! Granting and revoking.

use super::{
    AssignmentBench,
    sample::{all, expect_roles, grant_all, holds},
};
use crate::conformance::{
    check::{Verdict, ensure, expect},
    sample::user,
};

pub(super) async fn a_role_is_granted_once(bench: &AssignmentBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, user("ann")?);
    expect_roles(store, &ann, &[]).await?;
    expect("all", all(store, 10).await?, Vec::new())?;
    expect("granting", store.grant(&holds("ann", "reader")?).await?, true)?;
    expect("granting again", store.grant(&holds("ann", "reader")?).await?, false)?;
    expect("granting another", store.grant(&holds("ann", "writer")?).await?, true)?;
    expect_roles(store, &ann, &["reader", "writer"]).await?;
    expect("all", all(store, 10).await?.len(), 2)
}

pub(super) async fn a_role_is_revoked_once(bench: &AssignmentBench<'_>) -> Verdict {
    let (store, ann) = (&bench.store, user("ann")?);
    expect("revoking what was not held", store.revoke(&holds("ann", "reader")?).await?, false)?;
    let granted = [holds("ann", "reader")?, holds("ann", "writer")?, holds("bob", "reader")?];
    grant_all(store, &granted).await?;
    expect("revoking", store.revoke(&holds("ann", "reader")?).await?, true)?;
    expect("revoking again", store.revoke(&holds("ann", "reader")?).await?, false)?;
    expect_roles(store, &ann, &["writer"]).await?;
    expect_roles(store, &user("bob")?, &["reader"]).await?;
    expect("all", all(store, 10).await?.len(), 2)?;
    expect("granting anew", store.grant(&holds("ann", "reader")?).await?, true)?;
    expect_roles(store, &ann, &["reader", "writer"]).await
}

/// Whoever compiled the policy looks at the version alone: one that moves without need compiles for nothing,
/// one that stays is a role that was revoked and still works.
pub(super) async fn the_version_goes_up_with_each_change_and_stays_otherwise(
    bench: &AssignmentBench<'_>,
) -> Verdict {
    let store = &bench.store;
    let (reader, writer) = (holds("ann", "reader")?, holds("ann", "writer")?);
    let steps = [
        (true, &reader, true),
        (true, &reader, false),
        (true, &writer, true),
        (false, &reader, true),
        (false, &reader, false),
        (true, &reader, true),
        (false, &writer, true),
    ];
    let mut before = store.version().await?;
    expect("the version, read again", store.version().await?, before)?;
    for (grants, assignment, changes) in steps {
        let changed = if grants { store.grant(assignment).await? } else { store.revoke(assignment).await? };
        expect("whether something changed", changed, changes)?;
        let after = store.version().await?;
        ensure(after >= before, "the version never goes down")?;
        expect("whether the version went up", after > before, changes)?;
        all(store, 10).await?;
        store.roles_of(&assignment.principal).await?;
        expect("the version after reading", store.version().await?, after)?;
        before = after;
    }
    Ok(())
}
