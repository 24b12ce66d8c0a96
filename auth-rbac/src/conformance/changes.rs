//! What changes do.

use auth_core::{Action, Realm};

use super::{
    check::{Bench, Verdict, Wrong, ensure, expect, expect_policy, role, user, version},
    sample,
};
use crate::{
    admin::PolicyChange,
    document::{Assignment, PolicyDocument, Role},
    role_ref::RoleKey,
    source::Loaded,
};

/// Every kind of change, each of them made twice where that changes nothing.
pub(super) async fn each_change_does_what_it_does_to_a_document(bench: &Bench<'_>) -> Verdict {
    let mut wanted = sample()?;
    bench.save(0, &wanted).await?;
    for step in steps()? {
        let once = matches!(step, PolicyChange::CreateRole(_) | PolicyChange::DeleteRole(_));
        for _ in 0..if once { 1 } else { 2 } {
            bench.change(wanted.version.get(), std::slice::from_ref(&step)).await?;
            wanted.version = wanted.version.next();
            wanted.apply(&step)?;
            expect_policy(&step.to_string(), &bench.loaded().await?.1, &wanted)?;
        }
    }
    Ok(())
}

fn steps() -> Result<Vec<PolicyChange>, Wrong> {
    let (acme, bob) = (Realm::local("acme")?, user("bob")?);
    let of_acme = |name: &str| Ok::<_, Wrong>(RoleKey { tenant: Some(acme.clone()), ..role(name)? });
    let (clerk, editor, fresh) = (role("clerk")?, of_acme("editor")?, role("fresh")?);
    let rule = |role: &RoleKey, permission: &str, denies| PolicyChange::AddRule {
        role: role.clone(),
        permission: permission.to_owned(),
        denies,
    };
    let unrule = |role: &RoleKey, permission: &str, denies| PolicyChange::RemoveRule {
        role: role.clone(),
        permission: permission.to_owned(),
        denies,
    };
    let direct = |permission: &str, denies, tenant: Option<&Realm>| PolicyChange::AddDirect {
        principal: bob.clone(),
        permission: permission.to_owned(),
        denies,
        tenant: tenant.cloned(),
    };
    let undirect = |permission: &str, denies, tenant: Option<&Realm>| PolicyChange::RemoveDirect {
        principal: bob.clone(),
        permission: permission.to_owned(),
        denies,
        tenant: tenant.cloned(),
    };
    let assign = |role: &RoleKey, tenant: Option<&Realm>| PolicyChange::Assign {
        principal: bob.clone(),
        role: role.clone(),
        tenant: tenant.cloned(),
    };
    let revoke = |role: &RoleKey, tenant: Option<&Realm>| PolicyChange::Revoke {
        principal: bob.clone(),
        role: role.clone(),
        tenant: tenant.cloned(),
    };
    Ok(vec![
        PolicyChange::Inherit { role: editor.clone(), parent: clerk.clone() },
        PolicyChange::Disinherit { role: editor.clone(), parent: clerk.clone() },
        rule(&clerk, "doc.*", false),
        rule(&clerk, "doc.*", true),
        rule(&editor, "doc.read", true),
        unrule(&clerk, "doc.*", true),
        assign(&clerk, None),
        assign(&clerk, Some(&acme)),
        assign(&editor, None),
        assign(&of_acme("clerk")?, Some(&acme)),
        revoke(&clerk, None),
        revoke(&of_acme("clerk")?, None),
        revoke(&editor, Some(&acme)),
        direct("doc.read", false, None),
        direct("doc.read", true, Some(&acme)),
        direct("doc.*", true, Some(&acme)),
        undirect("doc.*", true, Some(&acme)),
        undirect("doc.read", false, None),
        PolicyChange::CreateRole(fresh.clone()),
        PolicyChange::Inherit { role: editor.clone(), parent: fresh.clone() },
        PolicyChange::Inherit { role: fresh.clone(), parent: clerk },
        rule(&fresh, "doc.write", true),
        assign(&fresh, None),
        assign(&fresh, Some(&acme)),
        PolicyChange::DeleteRole(fresh),
        PolicyChange::DeleteRole(editor),
    ])
}

/// What a role had is not what another one of its name begins with.
pub(super) async fn a_deleted_role_leaves_nothing_to_the_next_of_its_name(bench: &Bench<'_>) -> Verdict {
    let (gone, other) = (role("gone")?, role("other")?);
    let document = PolicyDocument::new(version(1))
        .permission(Action::from_static("a.b"))
        .role(Role::new(gone.clone()).inherits(other.clone()).allow("a.b"))
        .role(Role::new(other.clone()))
        .role(Role::new(role("heir")?).inherits(gone.clone()))
        .assign(Assignment::new(user("ann")?, [gone.clone(), other.clone()]));
    bench.save(0, &document).await?;
    bench
        .change(1, &[PolicyChange::DeleteRole(gone.clone()), PolicyChange::CreateRole(gone.clone())])
        .await?;
    let wanted = PolicyDocument::new(version(2))
        .permission(Action::from_static("a.b"))
        .role(Role::new(gone))
        .role(Role::new(other.clone()))
        .role(Role::new(role("heir")?))
        .assign(Assignment::new(user("ann")?, [other]));
    bench.expect("it begins with nothing", &wanted).await
}

/// A change that nobody can tell from what was before is one that nobody waits for.
pub(super) async fn every_change_has_a_version_of_its_own(bench: &Bench<'_>) -> Verdict {
    bench.save(0, &sample()?).await?;
    let mut known = bench.loaded().await?.0;
    // The second one changes nothing but the version.
    let held = PolicyChange::Assign { principal: user("ann")?, role: role("cashier")?, tenant: None };
    for (expected, changes) in [(7, [held.clone()].to_vec()), (8, [held].to_vec()), (9, Vec::new())] {
        bench.change(expected, &changes).await?;
        let Loaded::Changed { revision, document } = bench.store.load(Some(&known)).await? else {
            return Err(Wrong::new("a change is told from what was before"));
        };
        expect("the version", &document.version, &version(expected).next())?;
        ensure(revision != known, "the revision is another one")?;
        known = revision;
    }
    Ok(())
}
