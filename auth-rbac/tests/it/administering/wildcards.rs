//! Wildcards, which will mean more one day.

use auth_core::{
    Authenticated, Authentication, Limits, PrincipalId, Realm, Scopes, testing::authenticated_as,
};
use auth_rbac::{AdminError, PolicyBuilder, PolicyChange};

use super::{acme, administer, allow, assign, key, lacks, shop, tried};
use crate::support::{NOW, user, who};

/// A wildcard will mean what is declared later; holding all that it means today is not holding it.
#[test]
fn a_wildcard_is_handed_out_by_who_holds_it() {
    let mut policy = shop();
    policy.role("all-docs").unwrap().allow("doc.*").unwrap();
    policy.role("by-name").unwrap();
    for name in ["doc.read", "doc.write", "policy.assign", "policy.edit"] {
        policy.allow("by-name", name).unwrap();
    }
    policy.assign(&user("ned"), "by-name").unwrap();
    policy.assign(&user("wil"), "by-name").unwrap().allow_principal(&user("wil"), "doc.*").unwrap();
    let (administration, _) = administer(policy);
    let (ned, wil) = (who(&user("ned")), who(&user("wil")));
    assert_eq!(tried(&administration, &ned, assign("zoe", "all-docs")), lacks("doc.*"));
    assert_eq!(tried(&administration, &ned, allow("reader", "doc.*")), lacks("doc.*"));
    assert_eq!(tried(&administration, &ned, assign("zoe", "writer")), Ok(()));
    assert_eq!(tried(&administration, &wil, assign("zoe", "all-docs")), Ok(()));
    assert_eq!(tried(&administration, &wil, allow("reader", "doc.*")), Ok(()));
    // Roles that are not active hand out nothing, by name or by wildcard.
    let none = administration.by(&wil).with_active_roles(&[]).apply(&[assign("zoe", "reader")]);
    assert!(matches!(none, Err(AdminError::Refused(_))));
}

/// Gil gives documents, and may do anything with them but what is denied.
fn library(deny: impl FnOnce(&mut PolicyBuilder, &PrincipalId)) -> PolicyBuilder {
    let mut policy = shop();
    policy.permission("mail.delete").unwrap().role("librarian").unwrap();
    policy.allow("librarian", "doc.**").unwrap().allow("librarian", "policy.*").unwrap();
    policy.deny("librarian", "policy.bind").unwrap().deny("librarian", "policy.escalate").unwrap();
    policy.role("all-docs").unwrap().allow("doc.**").unwrap();
    policy.assign(&user("gil"), "librarian").unwrap();
    deny(&mut policy, &user("gil"));
    policy
}

fn given(policy: PolicyBuilder) -> [Result<(), String>; 2] {
    let gil = who(&user("gil"));
    [assign("zoe", "all-docs"), allow("reader", "doc.**")]
        .map(|change| tried(&administer(policy.clone()).0, &gil, change))
}

/// Once `doc.delete` is declared, whoever was given `doc.**` has it, and who gave it would not.
#[test]
fn a_wildcard_is_not_handed_out_by_who_is_denied_some_of_it() {
    assert_eq!(given(library(|_, _| {})), [Ok(()), Ok(())]);
    let refused = [lacks("doc.**"), lacks("doc.**")];
    let by_role = |policy: &mut PolicyBuilder, gil: &PrincipalId| {
        policy.role("careful").unwrap().deny("*.delete").unwrap();
        policy.role("trainee").unwrap().inherits("careful").unwrap();
        policy.assign(gil, "trainee").unwrap();
    };
    assert_eq!(given(library(by_role)), refused);
    assert_eq!(
        given(library(|policy, gil| {
            policy.deny_principal(gil, "*.delete").unwrap();
        })),
        refused
    );
    // Of other things, nothing is lost.
    assert_eq!(
        given(library(|policy, gil| {
            policy.deny_principal(gil, "mail.*").unwrap();
        })),
        [Ok(()), Ok(())]
    );
    // Roles that are not active forbid all the same.
    let administration = administer(library(by_role)).0;
    let (gil, active) = (who(&user("gil")), crate::support::roles(&["librarian"]));
    let error =
        administration.by(&gil).with_active_roles(&active).apply(&[assign("zoe", "all-docs")]).unwrap_err();
    assert!(matches!(error, AdminError::Escalation { missing } if missing == "doc.**"));
}

/// What is given everywhere counts in the tenant where the giver is denied it, and nowhere else is that their concern.
#[test]
fn a_denial_in_a_tenant_counts_where_the_wildcard_would() {
    let policy = library(|policy, gil| {
        policy.deny_principal_in(&acme(), gil, "*.delete").unwrap();
    });
    let give = |tenant: Option<Realm>| {
        let change = PolicyChange::Assign { principal: user("zoe"), role: key("all-docs"), tenant };
        tried(&administer(policy.clone()).0, &who(&user("gil")), change)
    };
    assert_eq!(give(None), lacks("doc.**"));
    assert_eq!(give(Some(acme())), lacks("doc.**"));
    assert_eq!(give(Some(Realm::local("other").unwrap())), Ok(()));
}

/// No scope means what is declared later.
#[test]
fn a_wildcard_is_not_handed_out_with_limited_scopes() {
    let (administration, _) = administer(library(|_, _| {}));
    let event = authenticated_as(&user("gil"), NOW).authentication().clone();
    let scopes = Scopes::parse("doc.read doc.write policy.assign policy.edit").unwrap();
    let limits = Limits::unlimited().with_scopes(scopes);
    let scoped = Authenticated::assertion(Authentication::with_limits(event, limits));
    assert_eq!(tried(&administration, &scoped, assign("zoe", "all-docs")), lacks("doc.**"));
    assert_eq!(tried(&administration, &scoped, assign("zoe", "writer")), Ok(()));
}
