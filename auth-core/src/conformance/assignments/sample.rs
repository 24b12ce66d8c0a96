//! Assignments to check with.

use crate::{
    Assignment, AssignmentStore, PrincipalId, RoleName,
    conformance::{
        check::{Verdict, Wrong, expect, page_by_page},
        sample::user,
    },
};

pub(super) fn role(name: &str) -> Result<RoleName, Wrong> {
    Ok(RoleName::parse(name)?)
}

/// That a local user holds a role.
pub(super) fn holds(who: &str, what: &str) -> Result<Assignment, Wrong> {
    holds_as(user(who)?, what)
}

pub(super) fn holds_as(principal: PrincipalId, what: &str) -> Result<Assignment, Wrong> {
    Ok(Assignment { principal, role: role(what)? })
}

pub(super) async fn grant_all<'a>(
    store: &dyn AssignmentStore,
    assignments: impl IntoIterator<Item = &'a Assignment, IntoIter: Send>,
) -> Verdict {
    for assignment in assignments {
        expect("granting a role", store.grant(assignment).await?, true)?;
    }
    Ok(())
}

/// The roles that a principal must hold, in this order.
pub(super) async fn expect_roles(
    store: &dyn AssignmentStore,
    principal: &PrincipalId,
    wanted: &[&str],
) -> Verdict {
    let found = store.roles_of(principal).await?;
    let found: Vec<_> = found.iter().map(RoleName::as_str).collect();
    expect("the roles", found.as_slice(), wanted)
}

/// All assignments, page by page.
pub(super) async fn all(store: &dyn AssignmentStore, size: u32) -> Result<Vec<Assignment>, Wrong> {
    page_by_page(size, 1_000_000, |page| store.list(page)).await
}
