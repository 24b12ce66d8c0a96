//! Assignments to check with.

use crate::{
    Assignment, AssignmentStore, Page, PrincipalId, RoleName,
    conformance::{
        check::{Verdict, Wrong, ensure, expect},
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
    let mut page = Page::new(0, size);
    let mut found = Vec::new();
    loop {
        let rows = store.list(page).await?;
        ensure(rows.len() <= usize::try_from(size)?, "a page has no more than its size")?;
        if rows.is_empty() {
            return Ok(found);
        }
        found.extend(rows);
        ensure(found.len() <= 1_000_000, "the pages come to an end")?;
        page = page.next();
    }
}
