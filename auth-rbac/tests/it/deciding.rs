//! What a policy means.

use auth_core::{
    AccessRequest, Authenticated, Authorizer, AuthorizerExt, DecideError, Decision, DenialReason, Effect,
    Indeterminate, Limits, Realm, Refusal, Scopes, testing,
};
use auth_rbac::{Engine, PolicyBuilder, Rbac, Verdict};

use crate::support::{NOW, V1, action, decide, effect, office, office_snapshot, thing, user, who};

#[test]
fn a_role_gives_what_it_allows_and_inherits() {
    let office = office_snapshot();
    assert_eq!(effect(&office, &user("ann"), "users.read"), Effect::Permit);
    assert_eq!(effect(&office, &user("ann"), "users.delete"), Effect::Permit);
    assert_eq!(effect(&office, &user("bob"), "users.read"), Effect::Permit);
}

/// A junior role must not get what its seniors have: inheritance goes one way.
#[test]
fn a_role_gets_nothing_from_those_that_inherit_it() {
    assert_eq!(effect(&office_snapshot(), &user("bob"), "users.delete"), Effect::NotApplicable);
}

/// No rule, no answer, and hence a denial; in lists as well.
#[test]
fn what_no_rule_speaks_of_is_denied() {
    let empty = PolicyBuilder::new().build(V1).unwrap();
    for (snapshot, principal, permission) in [
        (&empty, "ann", "users.read"),
        (&office_snapshot(), "nobody", "users.read"),
        (&office_snapshot(), "ann", "users.unheard-of"),
        (&office_snapshot(), "bob", "users.delete"),
    ] {
        assert_eq!(effect(snapshot, &user(principal), permission), Effect::NotApplicable);
        let Decision::Deny(denial) = decide(snapshot, &user(principal), permission) else {
            panic!("{principal} may {permission}");
        };
        assert_eq!(denial.reason(), DenialReason::NotPermitted);
        assert_eq!((denial.version(), denial.rule()), (Some(V1), None));
        let listed = snapshot.principals_with(permission, auth_core::Page::first());
        assert!(!listed.contains(&user(principal)));
        assert!(!snapshot.permissions_of(&user(principal)).contains(&action(permission)));
    }
    assert!(empty.principals_with("users.read", auth_core::Page::first()).is_empty());
}

/// The denial of a lowly role beats the allow of a mighty one.
#[test]
fn a_denial_overrides_every_allow() {
    let office = office_snapshot();
    assert_eq!(effect(&office, &user("eve"), "users.read"), Effect::Deny);
    assert_eq!(effect(&office, &user("eve"), "users.delete"), Effect::Permit);
    let Decision::Deny(denial) = decide(&office, &user("eve"), "users.read") else { panic!() };
    assert_eq!(denial.reason(), DenialReason::Forbidden);
}

/// Whichever way the denial comes.
#[test]
fn a_denial_is_inherited_and_beats_the_heirs_own_allow() {
    let mut policy = PolicyBuilder::new();
    policy.permission("doc.read").unwrap();
    policy.role("base").unwrap().deny("doc.read").unwrap();
    policy.role("middle").unwrap().inherits("base").unwrap();
    policy.role("top").unwrap().inherits("middle").unwrap().allow("doc.read").unwrap();
    policy.role("both").unwrap().allow("doc.read").unwrap().deny("doc.read").unwrap();
    for (principal, role) in [("a", "top"), ("b", "both"), ("c", "middle")] {
        policy.assign(&user(principal), role).unwrap();
    }
    let snapshot = policy.build(V1).unwrap();
    for principal in ["a", "b", "c"] {
        assert_eq!(effect(&snapshot, &user(principal), "doc.read"), Effect::Deny, "{principal}");
    }
}

/// A rule that cannot be evaluated opens nothing, whatever it would have said.
#[test]
fn only_a_permit_becomes_an_allow() {
    let (who, action, thing) = (who(&user("ann")), action("users.read"), thing());
    let request = AccessRequest::new(&who, &action, &thing, NOW);
    for would_be in [Indeterminate::Permit, Indeterminate::Deny, Indeterminate::Either] {
        let Decision::Deny(denial) = Verdict::indeterminate(V1, None, would_be).decide(&request) else {
            panic!("{would_be:?} opened the door");
        };
        assert_eq!(denial.reason(), DenialReason::Indeterminate);
    }
    let reason = |verdict: Verdict| match verdict.decide(&request) {
        Decision::Allow(permit) => {
            assert!(permit.covers(&request));
            None
        }
        Decision::Deny(denial) => Some(denial.reason()),
    };
    assert_eq!(reason(Verdict::permit(V1, None)), None);
    assert_eq!(reason(Verdict::deny(V1, None)), Some(DenialReason::Forbidden));
    assert_eq!(reason(Verdict::not_applicable(V1)), Some(DenialReason::NotPermitted));
}

/// No policy is neither a denial nor an allow, but 503.
#[test]
fn without_a_policy_there_is_no_answer() {
    let rbac = Rbac::without_policy();
    let (who, action, thing) = (who(&user("ann")), action("users.read"), thing());
    let request = AccessRequest::new(&who, &action, &thing, NOW);
    assert!(matches!(rbac.evaluate(&request), Err(DecideError::NoPolicy)));
    assert!(matches!(rbac.decide(&request), Err(DecideError::NoPolicy)));
    assert_eq!(rbac.require(&request).unwrap_err().status(), 503);
    assert!(rbac.snapshot().is_none());
    rbac.replace(office_snapshot()).unwrap();
    assert!(rbac.require(&request).is_ok());
}

/// A read-only token of an administrator only reads.
#[test]
fn limits_hold_before_the_policy_is_asked() {
    let rbac = Rbac::new(office_snapshot());
    let login = testing::login_as(&user("ann"), NOW)
        .with_limits(Limits::unlimited().with_scopes(Scopes::parse("users.read").unwrap()));
    let who = Authenticated::assertion(login.into_authentication());
    let thing = thing();
    let ask = |name: &str| rbac.require(&AccessRequest::new(&who, &action(name), &thing, NOW)).map(drop);
    assert!(ask("users.read").is_ok());
    let Err(Refusal::Denied(denial)) = ask("users.delete") else { panic!() };
    assert_eq!(denial.reason(), DenialReason::Scope);
}

/// Nor are they lost on whoever asks for the decision itself: a permit that was made past them would be typed, and
/// opened the door that the token was not for.
#[test]
fn limits_hold_for_who_asks_for_the_decision() {
    let snapshot = office_snapshot();
    let verdict = |request: &AccessRequest<'_>| snapshot.evaluate(request).unwrap().decide(request);
    let rbac = Rbac::new(office_snapshot());
    for (limits, reason) in [
        (Limits::unlimited().with_scopes(Scopes::parse("users.read").unwrap()), DenialReason::Scope),
        (Limits::unlimited().with_tenant(Realm::local("acme").unwrap()), DenialReason::Tenant),
        (Limits::unlimited().with_networks(vec!["10.0.0.0/8".parse().unwrap()]), DenialReason::Network),
    ] {
        let login = testing::login_as(&user("ann"), NOW).with_limits(limits);
        let who = Authenticated::assertion(login.into_authentication());
        let (delete, thing) = (action("users.delete"), thing());
        let request = AccessRequest::new(&who, &delete, &thing, NOW);
        for decision in
            [rbac.decide(&request).unwrap(), snapshot.decide(&request).unwrap(), verdict(&request)]
        {
            let Decision::Deny(denial) = decision else { panic!("{reason:?} was not looked at") };
            assert_eq!(denial.reason(), reason);
        }
    }
}

/// A decision says under which policy it was made, and for what.
#[test]
fn a_permit_is_for_one_request_under_one_version() {
    let rbac = Rbac::new(office_snapshot());
    let (ann, read, thing) = (who(&user("ann")), action("users.read"), thing());
    let permit = rbac.require(&AccessRequest::new(&ann, &read, &thing, NOW)).unwrap();
    assert_eq!(permit.version(), V1);
    assert!(permit.rule().is_some());
    let (bob, delete) = (who(&user("bob")), action("users.delete"));
    assert!(!permit.covers(&AccessRequest::new(&bob, &read, &thing, NOW)));
    assert!(!permit.covers(&AccessRequest::new(&ann, &delete, &thing, NOW)));
}

/// Engines and authorizers are used behind pointers.
#[test]
fn it_works_behind_every_pointer() {
    let rbac = std::sync::Arc::new(Rbac::new(office_snapshot()));
    let engines: [Box<dyn Engine>; 3] = [
        Box::new(std::sync::Arc::clone(&rbac)),
        Box::new(office_snapshot()),
        Box::new(Box::new((*rbac).clone())),
    ];
    for engine in &engines {
        assert_eq!(effect(&&**engine, &user("ann"), "users.read"), Effect::Permit);
    }
    let authorizer: std::sync::Arc<dyn Authorizer> = rbac;
    let (who, action, thing) = (who(&user("ann")), action("users.read"), thing());
    assert!(authorizer.require(&AccessRequest::new(&who, &action, &thing, NOW)).is_ok());
}

/// A number of one snapshot must not be read as another principal's or permission's in the next one.
#[test]
fn numbers_of_another_snapshot_are_no_answer() {
    let (one, mut two) = (office_snapshot(), office());
    two.role("other").unwrap();
    let two = two.build(V1).unwrap();
    let (ann, read) = (one.principal(&user("ann")).unwrap(), one.permission("users.read").unwrap());
    assert_eq!(one.check(ann, read), Effect::Permit);
    let stale = Effect::Indeterminate(Indeterminate::Either);
    assert_eq!(two.check(ann, read), stale);
    assert_eq!(two.check(two.principal(&user("ann")).unwrap(), read), stale);
    assert_eq!(two.check(ann, two.permission("users.read").unwrap()), stale);
    assert_eq!(one.principal(&user("nobody")), None);
    assert_eq!(one.permission("users.unheard-of"), None);
}
