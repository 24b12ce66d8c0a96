//! Who holds what.

use super::{
    AssignmentBench,
    sample::{all, expect_roles, grant_all, holds, holds_as},
};
use crate::{
    Assignment, Page, PrincipalId, PrincipalKind, RoleName,
    conformance::{
        check::{Verdict, ensure, expect},
        sample::{LOOK_ALIKES, long_id, long_realm, near_namesakes, user},
    },
};

pub(super) async fn roles_are_listed_by_name(bench: &AssignmentBench<'_>) -> Verdict {
    let store = &bench.store;
    let mut names = ["m", "Z", "a", "a.b", "a/b", "a:b", "a-b", "a_b", "ab", "0", "m2", "m10", "A"];
    for name in names {
        grant_all(store, [&holds("ann", name)?]).await?;
    }
    // Byte by byte: a role's case counts.
    names.sort_unstable();
    expect_roles(store, &user("ann")?, &names).await
}

pub(super) async fn a_role_is_held_by_its_principal_only(bench: &AssignmentBench<'_>) -> Verdict {
    let (store, namesakes) = (&bench.store, near_namesakes()?);
    for (n, id) in namesakes.iter().enumerate() {
        grant_all(store, [&holds_as(id.clone(), "shared")?, &holds_as(id.clone(), &format!("x{n}"))?])
            .await?;
    }
    for (n, id) in namesakes.iter().enumerate() {
        expect_roles(store, id, &["shared", &format!("x{n}")]).await?;
    }
    expect_roles(store, &user("nobody")?, &[]).await?;
    for (n, id) in namesakes.iter().enumerate() {
        expect("revoking", store.revoke(&holds_as(id.clone(), "shared")?).await?, true)?;
        expect_roles(store, id, &[&format!("x{n}")]).await?;
    }
    Ok(())
}

/// Who is called `Ann` must not be an administrator because `ann` is one.
pub(super) async fn principals_that_look_alike_are_kept_apart(bench: &AssignmentBench<'_>) -> Verdict {
    let store = &bench.store;
    for (n, id) in LOOK_ALIKES.into_iter().enumerate() {
        grant_all(store, [&holds(id, "shared")?, &holds(id, &format!("x{n}"))?]).await?;
    }
    for (n, id) in LOOK_ALIKES.into_iter().enumerate() {
        expect_roles(store, &user(id)?, &["shared", &format!("x{n}")]).await?;
    }
    Ok(())
}

pub(super) async fn names_of_every_length_are_kept_exactly(bench: &AssignmentBench<'_>) -> Verdict {
    let store = &bench.store;
    let long = PrincipalId::new(long_realm()?, PrincipalKind::Device, &long_id())?;
    let granted = [
        holds_as(long, &"r".repeat(RoleName::MAX_LEN))?,
        holds("a", "r")?,
        holds("'; DROP TABLE", "A.b:c/d_e-f")?,
    ];
    grant_all(store, &granted).await?;
    let found = all(store, 10).await?;
    expect("how many there are", found.len(), granted.len())?;
    for assignment in &granted {
        ensure(found.contains(assignment), "an assignment is listed as it was granted")?;
        expect_roles(store, &assignment.principal, &[assignment.role.as_str()]).await?;
    }
    Ok(())
}

/// In a stable order: the pages together have each assignment once, whatever their size.
pub(super) async fn all_assignments_are_cut_into_pages(bench: &AssignmentBench<'_>) -> Verdict {
    let store = &bench.store;
    let mut granted = Vec::new();
    for n in [5, 2, 9, 0, 7, 1, 8, 3, 6, 4] {
        for role in ["writer", "reader"] {
            granted.push(holds(&format!("user{n}"), role)?);
        }
    }
    for id in near_namesakes()? {
        granted.push(holds_as(id, "reader")?);
    }
    grant_all(store, &granted).await?;
    let whole = store.list(Page::first()).await?;
    let sorted = |mut rows: Vec<Assignment>| {
        rows.sort();
        rows
    };
    expect("the whole list", sorted(whole.clone()), sorted(granted))?;
    for size in [1, 2, 7, 25, 100] {
        expect("the pages together", &all(store, size).await?, &whole)?;
    }
    expect("far behind the end", store.list(Page::new(u32::MAX, 10)).await?, Vec::new())
}
