//! Names that look alike.

use auth_core::Effect;
use auth_rbac::PolicyBuilder;

use crate::support::{V1, effect, user};

/// No case folding, no wildcard, no prefix, no parent segment.
#[test]
fn only_the_exact_permission_is_given() {
    let mut policy = PolicyBuilder::new();
    let others =
        ["doc", "doc.read.all", "doc.rea", "doc.reads", "Doc.read", "doc:read", "doc/read", "doc.write"];
    policy.permission("doc.read").unwrap();
    for other in others {
        policy.permission(other).unwrap();
    }
    policy.role("reader").unwrap().allow("doc.read").unwrap();
    policy.assign(&user("ann"), "reader").unwrap();
    let snapshot = policy.build(V1).unwrap();
    assert_eq!(effect(&snapshot, &user("ann"), "doc.read"), Effect::Permit);
    for other in others {
        assert_eq!(effect(&snapshot, &user("ann"), other), Effect::NotApplicable, "{other}");
    }
}

/// Ids that look alike are different people.
#[test]
fn only_the_exact_principal_holds_the_role() {
    let mut policy = PolicyBuilder::new();
    policy.permission("doc.read").unwrap();
    policy.role("reader").unwrap().allow("doc.read").unwrap();
    policy.assign(&user("José"), "reader").unwrap();
    let snapshot = policy.build(V1).unwrap();
    assert_eq!(effect(&snapshot, &user("José"), "doc.read"), Effect::Permit);
    for other in ["Jose\u{301}", "josé", "José ", "José\u{200b}", "Jose"] {
        assert_eq!(effect(&snapshot, &user(other), "doc.read"), Effect::NotApplicable, "{other:?}");
    }
}

/// Role names differ by case.
#[test]
fn roles_that_differ_by_case_are_different_roles() {
    let mut policy = PolicyBuilder::new();
    policy.permission("doc.read").unwrap();
    policy.role("reader").unwrap().allow("doc.read").unwrap();
    policy.role("Reader").unwrap();
    policy.assign(&user("ann"), "Reader").unwrap();
    assert_eq!(effect(&policy.build(V1).unwrap(), &user("ann"), "doc.read"), Effect::NotApplicable);
}
