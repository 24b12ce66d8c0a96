//! Who asks is known by how and when they were authenticated, from where and on what.

use std::time::Duration;

use auth_core::{
    Assurance, AuthEpoch, Authenticated, Authentication, AuthorizerExt, Challenge, DenialReason, Effect,
    Method, PrincipalId, Refusal, UnixTime,
};
use auth_rbac::{Abac, Actions, Combiner, Demand, Engine, Kinds, PolicyBuilder, Rbac, Rule, Stack};

use super::{Asked, DOCUMENT, EDIT, NOW, asked, compile, condition, deny, map, name, permit, truth};

const TEN_MINUTES: Duration = Duration::from_secs(600);

fn authenticated(ago: u64, assurance: Assurance, methods: &[Method]) -> Authenticated {
    let at = UnixTime::from_secs(NOW.as_secs() - ago);
    let ann = PrincipalId::local_user("ann").unwrap();
    let event = Authentication::new(ann, Method::PASSWORD, at, AuthEpoch::ZERO);
    Authenticated::assertion(event.with_methods(methods.to_vec()).with_assurance(assurance))
}

fn after(ago: u64, assurance: Assurance) -> Asked {
    Asked { who: authenticated(ago, assurance, &[Method::PASSWORD]), ..asked() }
}

fn challenge(abac: &Abac, asked: &Asked) -> Option<Challenge> {
    asked.with(|request| match abac.require(request) {
        Err(Refusal::Challenged(challenge)) => Some(challenge),
        Err(Refusal::Denied(denial)) => {
            assert_eq!(denial.challenge(), None);
            None
        }
        Ok(_) => None,
        Err(other) => panic!("{other:?}"),
    })
}

#[test]
fn a_condition_sees_how_and_when_somebody_was_authenticated() {
    let asked = Asked {
        who: authenticated(300, Assurance::Aal2, &[Method::PASSWORD, Method::ONE_TIME_CODE]),
        ..asked()
    };
    for (text, expected) in [
        ("context.auth.age == 5m", true),
        ("context.auth.age <= 299s", false),
        ("context.auth.time + 5m == context.time", true),
        ("context.auth.assurance >= 2", true),
        ("context.auth.assurance == 3", false),
        (r#""otp" in context.auth.methods && !("hwk" in context.auth.methods)"#, true),
        ("size(context.auth.methods) == 2", true),
        ("context.auth.impersonated", false),
    ] {
        assert_eq!(truth(text, &asked), Some(expected), "{text}");
    }
    let event =
        Authentication::new(PrincipalId::local_user("ann").unwrap(), Method::PASSWORD, NOW, AuthEpoch::ZERO)
            .with_actor(PrincipalId::local_user("root").unwrap());
    let support = Asked { who: Authenticated::assertion(event), ..asked };
    assert_eq!(truth("context.auth.impersonated", &support), Some(true));
}

#[test]
fn a_device_that_nobody_vouches_for_is_not_trusted() {
    let abac = compile(&[permit("managed", "context.device.managed && context.device.compliant")]);
    let on =
        |attributes: &[(&str, auth_rbac::Value)]| Asked { context: map(attributes), ..asked() }.effect(&abac);
    assert_eq!(on(&[("device.managed", true.into()), ("device.compliant", true.into())]), Effect::Permit);
    assert_eq!(on(&[("device.managed", false.into())]), Effect::NotApplicable);
    assert!(matches!(on(&[("device.managed", true.into())]), Effect::Indeterminate(_)));
    assert!(matches!(on(&[]), Effect::Indeterminate(_)));
}

/// "A second factor within ten minutes": a rule demands it, and the answer says so.
#[test]
fn a_second_factor_within_ten_minutes_is_asked_for() {
    let demand = Demand::at_least(Assurance::Aal2).and_fresh_within(TEN_MINUTES);
    let wanted = Challenge { assurance: Some(Assurance::Aal2), max_age: Some(TEN_MINUTES) };
    let text = "context.auth.assurance >= 2 && context.auth.age <= 10m";
    let abac = compile(&[permit("second-factor", text).with_challenge(demand)]);
    assert_eq!(after(600, Assurance::Aal2).effect(&abac), Effect::Permit);
    for asked in [after(601, Assurance::Aal2), after(0, Assurance::Aal1), after(9_000, Assurance::Aal1)] {
        assert_eq!(challenge(&abac, &asked), Some(wanted.clone()));
    }
}

/// A challenge that leads nowhere sends people in a circle.
#[test]
fn nobody_is_challenged_who_would_be_denied_all_the_same() {
    let demand = || Demand::fresh_within(TEN_MINUTES);
    let fresh = "context.auth.age <= 10m";
    let stale = after(900, Assurance::Aal1);
    let is = |rules: &[auth_rbac::Rule]| challenge(&compile(rules), &stale).is_some();
    assert!(is(&[permit("p", fresh).with_challenge(demand())]));
    // Somebody else's.
    assert!(!is(&[permit("p", &format!("{fresh} && principal.id == \"bob\"")).with_challenge(demand())]));
    // Forbidden anyway, or possibly.
    assert!(!is(&[permit("p", fresh).with_challenge(demand()), deny("d", "true")]));
    assert!(!is(&[permit("p", fresh).with_challenge(demand()), deny("d", "resource.public")]));
    // More is needed than is asked for.
    assert!(!is(&[permit("p", &format!("{fresh} && context.auth.assurance == 3")).with_challenge(demand())]));
    // Which methods will have been used is not known.
    let methods = r#"context.auth.age <= 10m && "otp" in context.auth.methods"#;
    assert!(!is(&[permit("p", methods).with_challenge(demand())]));
    // What is satisfied already does not help.
    assert!(!is(&[
        permit("p", "context.auth.age < 0s").with_challenge(Demand::fresh_within(Duration::from_secs(3_600)))
    ]));
}

#[test]
fn a_rule_that_forbids_may_ask_as_well() {
    let abac = compile(&[
        permit("everybody", "true"),
        deny("stale", "context.auth.age > 10m").with_challenge(Demand::fresh_within(TEN_MINUTES)),
        deny("weak", "context.auth.assurance < 2").with_challenge(Demand::at_least(Assurance::Aal2)),
    ]);
    let strong = Challenge { assurance: Some(Assurance::Aal2), max_age: None };
    assert_eq!(challenge(&abac, &after(0, Assurance::Aal2)), None);
    assert_eq!(challenge(&abac, &after(0, Assurance::Aal1)), Some(strong));
    // A second factor may be as old as the first one was, and a new login of one factor, so neither challenge alone would
    // do.
    let both = Challenge { assurance: Some(Assurance::Aal2), max_age: Some(TEN_MINUTES) };
    assert_eq!(challenge(&abac, &after(900, Assurance::Aal1)), Some(both.clone()));
    assert_eq!(challenge(&abac, &after(900, Assurance::Aal2)), Some(both));
}

/// An authorization server may answer `acr_values` without `max_age` by an authentication of long ago (OpenID Connect
/// Core 1.0, section 3.1.2.1), and the client would come back as often as it is sent.
#[test]
fn a_challenge_without_an_age_is_not_taken_to_make_a_login_fresh() {
    let stale = after(900, Assurance::Aal1);
    let strong = || Demand::at_least(Assurance::Aal2);
    let text = "context.auth.assurance >= 2 && context.auth.age <= 10m";
    assert_eq!(challenge(&compile(&[permit("p", text).with_challenge(strong())]), &stale), None);
    let demand = strong().and_fresh_within(TEN_MINUTES);
    assert!(challenge(&compile(&[permit("p", text).with_challenge(demand)]), &stale).is_some());
}

/// A new login may be of one factor, and would be asked for the second one in vain, or in a circle.
#[test]
fn a_challenge_for_an_age_keeps_the_assurance_that_is_needed() {
    let text = "context.auth.assurance >= 2 && context.auth.age <= 10m";
    let abac = compile(&[permit("p", text).with_challenge(Demand::fresh_within(TEN_MINUTES))]);
    let wanted = Challenge { assurance: Some(Assurance::Aal2), max_age: Some(TEN_MINUTES) };
    assert_eq!(challenge(&abac, &after(900, Assurance::Aal2)), Some(wanted));
    assert_eq!(challenge(&abac, &after(900, Assurance::Aal1)), None, "nobody asks for what it would take");
    // Where one factor will do, no more is asked for.
    let abac =
        compile(&[permit("p", "context.auth.age <= 10m").with_challenge(Demand::fresh_within(TEN_MINUTES))]);
    let wanted = Challenge { assurance: None, max_age: Some(TEN_MINUTES) };
    assert_eq!(challenge(&abac, &after(900, Assurance::Aal2)), Some(wanted));
}

/// Who wants to read is not asked for what editing takes.
#[test]
fn a_challenge_asks_for_no_more_than_a_rule_about_the_request_does() {
    let edit = Rule::permit(
        name("edit"),
        Actions::these([EDIT]),
        Kinds::One(DOCUMENT),
        condition("context.auth.assurance >= 3"),
    );
    let mut rules = [
        edit.with_challenge(Demand::at_least(Assurance::Aal3)),
        permit("read", "context.auth.assurance >= 2 && context.auth.age <= 10m")
            .with_challenge(Demand::at_least(Assurance::Aal2).and_fresh_within(TEN_MINUTES)),
    ];
    let wanted = Challenge { assurance: Some(Assurance::Aal2), max_age: Some(TEN_MINUTES) };
    for _ in 0..2 {
        assert_eq!(challenge(&compile(&rules), &after(900, Assurance::Aal1)), Some(wanted.clone()));
        rules.reverse();
    }
}

/// Of what would do, the lower assurance is asked for, and then the greater age, wherever the rules stand.
#[test]
fn the_least_that_would_do_is_asked_for() {
    let hour = Duration::from_secs(3_600);
    let rule = |name: &str, assurance: u8, age: &str, demand: Demand| {
        permit(name, &format!("context.auth.assurance >= {assurance} && context.auth.age <= {age}"))
            .with_challenge(demand)
    };
    let mut rules = [
        rule("sure", 3, "4h", Demand::at_least(Assurance::Aal3)),
        rule("fresh", 2, "10m", Demand::at_least(Assurance::Aal2).and_fresh_within(TEN_MINUTES)),
        rule("hourly", 2, "1h", Demand::at_least(Assurance::Aal2).and_fresh_within(hour)),
    ];
    let wanted = Challenge { assurance: Some(Assurance::Aal2), max_age: Some(hour) };
    for _ in 0..rules.len() {
        assert_eq!(challenge(&compile(&rules), &after(9_000, Assurance::Aal1)), Some(wanted.clone()));
        let mut engines = rules.iter().map(|rule| compile(std::slice::from_ref(rule)));
        let stack = Stack::new(Combiner::DenyOverrides, engines.next().unwrap());
        let stack = engines.fold(stack, Stack::with);
        after(9_000, Assurance::Aal1).with(|request| {
            assert!(matches!(stack.require(request), Err(Refusal::Challenged(asked)) if asked == wanted));
        });
        rules.rotate_left(1);
    }
    // Two of three demands, where all three would be too much to ask.
    let abac = compile(&[
        permit("everybody", "true"),
        deny("stale", "context.auth.age > 10m").with_challenge(Demand::fresh_within(TEN_MINUTES)),
        deny("weak", "context.auth.assurance < 2").with_challenge(Demand::at_least(Assurance::Aal2)),
        deny("secret", "context.auth.assurance < 3 && resource.level == 9")
            .with_challenge(Demand::at_least(Assurance::Aal3)),
    ]);
    let asked = Asked { of_resource: map(&[("level", 1.into())]), ..after(900, Assurance::Aal1) };
    let wanted = Challenge { assurance: Some(Assurance::Aal2), max_age: Some(TEN_MINUTES) };
    assert_eq!(challenge(&abac, &asked), Some(wanted));
}

/// An engine without an answer costs the challenge, and not the denial that is settled.
#[test]
fn who_is_denied_anyway_is_not_told_that_an_engine_is_down() {
    let stale = || deny("stale", "context.auth.age > 10m").with_challenge(Demand::fresh_within(TEN_MINUTES));
    let stack = Stack::new(Combiner::DenyOverrides, compile(&[stale()])).with(Rbac::without_policy());
    after(900, Assurance::Aal1).with(|request| {
        let Err(Refusal::Denied(denial)) = stack.require(request) else { panic!("it is settled") };
        assert_eq!((denial.reason(), denial.challenge()), (DenialReason::Forbidden, None));
        assert_eq!(stack.explain(request).unwrap().verdict(), &stack.evaluate(request).unwrap());
    });
    after(0, Assurance::Aal1).with(|request| assert_eq!(stack.require(request).unwrap_err().status(), 503));
}

/// Who has the role but a stale login is challenged; who has no role is not.
#[test]
fn a_challenge_goes_with_what_other_engines_say() {
    let mut roles = PolicyBuilder::new();
    roles.permission("documents.read").unwrap();
    roles.role("clerk").unwrap().allow("documents.read").unwrap();
    roles.assign(&PrincipalId::local_user("ann").unwrap(), "clerk").unwrap();
    let stale = || deny("stale", "context.auth.age > 10m").with_challenge(Demand::fresh_within(TEN_MINUTES));
    let stack = Stack::new(Combiner::DenyOverrides, Rbac::new(roles.build(super::V1).unwrap()))
        .with(compile(&[stale()]));
    let ann = after(900, Assurance::Aal1);
    ann.with(|request| {
        assert!(matches!(stack.require(request), Err(Refusal::Challenged(asked)) if asked.max_age == Some(TEN_MINUTES)));
    });
    let bob = PrincipalId::local_user("bob").unwrap();
    let event =
        Authentication::new(bob, Method::PASSWORD, UnixTime::from_secs(NOW.as_secs() - 900), AuthEpoch::ZERO);
    let bob = Asked { who: Authenticated::assertion(event), ..asked() };
    bob.with(|request| assert!(matches!(stack.require(request), Err(Refusal::Denied(_)))));
}
