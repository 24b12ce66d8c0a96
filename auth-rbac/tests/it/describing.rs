//! Decisions, told by name.

use auth_core::{AccessRequest, AuthorizerExt, Denial, DenialReason, PolicyVersion, Refusal, RuleId};
use auth_rbac::{DescribeError, Description, Rbac, Verdict};

use crate::support::{NOW, V1, action, decide, office, office_snapshot, roles, thing, user, who};

#[test]
fn a_permit_names_the_role_the_path_and_the_rule() {
    let rbac = Rbac::new(office_snapshot());
    let (who, action, thing) = (who(&user("ann")), action("users.read"), thing());
    let permit = rbac.require(&AccessRequest::new(&who, &action, &thing, NOW)).unwrap();
    let description = rbac.snapshot().unwrap().describe(&permit).unwrap();
    assert_eq!(description.to_string(), "users.read allowed by role admin > support");
    let Description::Rule(rule) = description else { panic!() };
    assert!(!rule.denies());
    assert_eq!(rule.permission(), &action);
    assert_eq!(rule.path(), roles(&["admin", "support"]));
}

#[test]
fn a_denial_names_the_rule_that_forbids() {
    let snapshot = office_snapshot();
    let description = snapshot.describe(&decide(&snapshot, &user("eve"), "users.read")).unwrap();
    assert_eq!(description.to_string(), "users.read denied by role suspended");
    let Description::Rule(rule) = description else { panic!() };
    assert!(rule.denies());
    let description = snapshot.describe(&decide(&snapshot, &user("bob"), "users.delete")).unwrap();
    assert_eq!(description, Description::NoRule);
    assert_eq!(description.to_string(), "no rule allows it");
}

/// Who is refused learns neither roles nor rules (AuthZEN, "Policy
/// Confidentiality").
#[test]
fn nothing_of_the_policy_is_in_what_a_client_is_told() {
    let rbac = Rbac::new(office_snapshot());
    let (who, action, thing) = (who(&user("eve")), action("users.read"), thing());
    let refusal = rbac.require(&AccessRequest::new(&who, &action, &thing, NOW)).unwrap_err();
    assert_eq!(refusal.status(), 403);
    assert_eq!(refusal.to_string(), "not allowed");
    assert!(!format!("{refusal:?}").contains("suspended"));
}

/// The same number means another rule in another policy.
#[test]
fn a_decision_is_described_by_its_own_snapshot_only() {
    let (old, new) = (office_snapshot(), office().build(PolicyVersion::new(2)).unwrap());
    let decision = decide(&old, &user("ann"), "users.read");
    assert!(old.describe(&decision).is_ok());
    let error = new.describe(&decision).unwrap_err();
    assert_eq!(error, DescribeError::OtherVersion { decided: V1, snapshot: PolicyVersion::new(2) });

    // A denial by limits was not decided by a policy at all.
    let refusal = Refusal::from(Denial::new(DenialReason::Scope));
    let Refusal::Denied(denial) = refusal else { panic!() };
    assert_eq!(old.describe(&denial).unwrap_err(), DescribeError::NotByPolicy);

    for id in [u64::MAX, u64::from(u32::MAX), 7 << 32, 1, 1 << 20] {
        let foreign = Verdict::permit(V1, Some(RuleId::new(id)));
        assert_eq!(old.describe(&foreign).unwrap_err(), DescribeError::UnknownRule, "{id:x}");
    }
}
