//! What a policy of rules answers.

use auth_core::{
    AuthorizerExt, Decision, DenialReason, Effect, Indeterminate, Obligation, PrincipalId, Refusal, Resource,
    ResourceKind,
};
use auth_rbac::{Abac, Actions, Combiner, Kinds, PolicyBuilder, Rbac, Rule, Stack, Value};
use proptest::prelude::*;

use super::{Asked, DOCUMENT, EDIT, READ, V1, asked, compile, condition, deny, map, name, permit};

/// No rule, an action or a kind that nobody declared: denied.
#[test]
fn what_no_rule_speaks_of_is_denied() {
    let everybody = Rule::permit(name("all"), Actions::Any, Kinds::Any, condition("true"));
    let unknown_action = Asked { action: auth_core::Action::from_static("documents.shred"), ..asked() };
    let unknown_kind = Asked { resource: Resource::any(ResourceKind::from_static("planet")), ..asked() };
    for (abac, asked) in [
        (compile(&[]), asked()),
        (compile(&[permit("r", "false")]), asked()),
        (compile(&[permit("r", "true")]), Asked { action: EDIT, ..asked() }),
        (
            compile(&[permit("r", "true")]),
            Asked { resource: Resource::any(ResourceKind::from_static("folder")), ..asked() },
        ),
        (compile(std::slice::from_ref(&everybody)), unknown_action),
        (compile(std::slice::from_ref(&everybody)), unknown_kind),
    ] {
        assert_eq!(asked.effect(&abac), Effect::NotApplicable);
        asked.with(|request| assert!(matches!(abac.require(request), Err(Refusal::Denied(_)))));
    }
    assert_eq!(asked().effect(&compile(&[everybody])), Effect::Permit);
}

/// A rule that forbids everything forbids what nobody declared as well: another engine of the stack may allow it.
#[test]
fn what_is_not_declared_is_still_forbidden() {
    let nobody = Rule::deny(name("closed"), Actions::Any, Kinds::Any, condition("true"));
    let abac = compile(&[nobody]);
    let unknown = Asked {
        action: auth_core::Action::from_static("planets.read"),
        resource: Resource::any(ResourceKind::from_static("planet")),
        ..asked()
    };
    for asked in [asked(), unknown] {
        assert_eq!(asked.effect(&abac), Effect::Deny);
    }
}

/// XACML 3.0, C.2 and C.3: deny-overrides, of rules that are true, false and neither.
#[test]
fn effects_are_combined_by_deny_overrides() {
    let (t, f, u) = ("true", "false", "resource.public");
    let doubt = Effect::Indeterminate;
    for (denying, permitting, expected) in [
        (t, t, Effect::Deny),
        (t, u, Effect::Deny),
        (t, f, Effect::Deny),
        (u, t, doubt(Indeterminate::Either)),
        (u, u, doubt(Indeterminate::Either)),
        (u, f, doubt(Indeterminate::Deny)),
        (f, t, Effect::Permit),
        (f, u, doubt(Indeterminate::Permit)),
        (f, f, Effect::NotApplicable),
    ] {
        for rules in
            [[deny("d", denying), permit("p", permitting)], [permit("p", permitting), deny("d", denying)]]
        {
            assert_eq!(asked().effect(&compile(&rules)), expected, "{denying} {permitting}");
        }
    }
    // One that is true outweighs another that is neither.
    assert_eq!(asked().effect(&compile(&[deny("d", u), deny("e", t)])), Effect::Deny);
    assert_eq!(asked().effect(&compile(&[permit("p", u), permit("q", t)])), Effect::Permit);
}

/// A deny rule that cannot be evaluated must not open access (Cedar skips it).
#[test]
fn a_deny_rule_that_cannot_be_evaluated_denies() {
    for text in [
        r#"resource.owner == "mallory""#,
        r#"!(resource.owner == "ann")"#,
        r#""banned" in principal.departments"#,
        "resource.level + 1 > 3",
        r#"all(d in resource.departments: d == "public")"#,
        r#"context.device.id == "x""#,
    ] {
        let abac = compile(&[permit("everybody", "true"), deny("guard", text)]);
        let asked = Asked { of_resource: map(&[("level", i64::MAX.into())]), ..asked() };
        asked.with(|request| match auth_core::Authorizer::decide(&abac, request).unwrap() {
            Decision::Deny(denial) => {
                assert_eq!(denial.reason(), DenialReason::Indeterminate, "{text}");
                assert_eq!(abac.rule(denial.rule().unwrap()).unwrap().name, name("guard"), "{text}");
            }
            Decision::Allow(_) => panic!("{text} was skipped"),
        });
    }
}

#[test]
fn rules_are_about_their_actions_and_kinds_only() {
    let folder = Asked { resource: Resource::any(ResourceKind::from_static("folder")), ..asked() };
    let edit = Asked { action: EDIT, ..asked() };
    let rule = |actions, kinds| compile(&[Rule::permit(name("r"), actions, kinds, condition("true"))]);
    for (abac, answers) in [
        (rule(Actions::these([READ]), Kinds::One(DOCUMENT)), [true, false, false]),
        (rule(Actions::these([READ, EDIT, READ]), Kinds::One(DOCUMENT)), [true, true, false]),
        (rule(Actions::Any, Kinds::One(DOCUMENT)), [true, true, false]),
        (rule(Actions::these([READ]), Kinds::Any), [true, false, true]),
        (rule(Actions::Any, Kinds::Any), [true, true, true]),
    ] {
        let effects = [&asked(), &edit, &folder].map(|asked| asked.effect(&abac) == Effect::Permit);
        assert_eq!(effects, answers);
    }
}

#[test]
fn an_action_has_the_attributes_that_the_schema_gives_it() {
    let rule =
        Rule::permit(name("r"), Actions::Any, Kinds::Any, condition("has action.writes && action.writes"));
    let abac = compile(&[rule]);
    assert_eq!(asked().effect(&abac), Effect::NotApplicable);
    assert_eq!(Asked { action: EDIT, ..asked() }.effect(&abac), Effect::Permit);
    let rule = Rule::permit(name("r"), Actions::Any, Kinds::Any, condition("!action.writes"));
    assert_eq!(asked().effect(&compile(&[rule])), Effect::Indeterminate(Indeterminate::Permit));
}

/// Which obligations there are does not depend on the order of rules (XACML 3.0, section 7.18): all that allow were
/// evaluated, whether they are found by what they demand or one by one.
#[test]
fn the_obligations_of_all_that_allow_must_be_discharged() {
    let obligation = |name: &'static str| auth_core::Action::from_static(name);
    let mut rules = vec![
        permit("free", "true"),
        permit("logged", "principal.id == \"ann\"").with_obligation(obligation("log")),
        permit("told", "resource.id == \"7\"")
            .with_obligation(obligation("tell"))
            .with_obligation(obligation("log")),
        permit("false", "false").with_obligation(obligation("never")),
        permit("unknown", "resource.public").with_obligation(obligation("nor-this")),
    ];
    rules.extend((0..8).map(|n| {
        let rule = permit(&format!("level{n}"), &format!("resource.level == {}", n % 4));
        rule.with_obligation(auth_core::Action::parse(&format!("of-level{n}")).unwrap())
    }));
    let asked = Asked { of_resource: map(&[("level", 2.into())]), ..asked() };
    for _ in 0..rules.len() {
        let abac = compile(&rules);
        let verdict = asked.verdict(&abac);
        let mut names: Vec<_> = verdict.obligations().iter().map(|of| of.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["log", "of-level2", "of-level6", "tell"]);
        let allows =
            |rule: &Rule| ["free", "logged", "told", "level2", "level6"].contains(&rule.name.as_str());
        let first = rules.iter().find(|rule| allows(rule)).unwrap();
        assert_eq!(abac.rule(verdict.rule().unwrap()).unwrap().name, first.name);
        rules.rotate_left(1);
    }
}

/// Whoever chooses how long an attribute is must not get rid of an obligation by it.
#[test]
fn what_may_oblige_and_is_not_evaluated_allows_nothing() {
    let spent = "any(a in resource.numbers: any(b in resource.numbers: a + b < 0))";
    let rules = [
        permit("free", "true"),
        permit("spent", spent),
        permit("logged", "\"law\" in principal.departments")
            .with_obligation(auth_core::Action::from_static("log")),
    ];
    let with = |many: i64| Asked {
        of_resource: map(&[("numbers", (0..many).collect::<Vec<_>>().into())]),
        principal: map(&[("departments", ["law"].as_slice().into())]),
        ..asked()
    };
    assert_eq!(with(10).verdict(&compile(&rules)).obligations().len(), 1);
    assert_eq!(with(2_000).effect(&compile(&rules)), Effect::Indeterminate(Indeterminate::Permit));
    assert_eq!(with(2_000).effect(&compile(&rules[..2])), Effect::Permit);
}

/// Nor by how long, large or wrong it is. What is not there at all says nothing, and obliges to nothing.
#[test]
fn what_may_oblige_and_cannot_be_used_allows_nothing() {
    let log = auth_core::Action::from_static("log");
    let free = permit("free", "true");
    let logged = |text: &str| permit("logged", text).with_obligation(log.clone());
    let law = r#""law" in resource.departments"#;
    let open = Effect::Indeterminate(Indeterminate::Permit);
    let many = [vec!["law".to_owned()], vec![String::new(); Value::MAX_ELEMENTS]].concat();
    let long = "x".repeat(Value::MAX_TEXT_LEN + 1);
    for (condition, value, expected) in [
        (law, Some(("departments", many.clone().into())), open),
        (law, Some(("departments", "law".into())), open),
        (law, None, Effect::Permit),
        (r#"resource.owner != "bob""#, Some(("owner", long.into())), open),
        ("resource.level + 1 > 2", Some(("level", i64::MAX.into())), open),
        ("resource.level + 1 > 2", None, Effect::Permit),
    ] {
        let thing = value.map_or_else(|| map(&[]), |value| map(&[value]));
        let asked = Asked { of_resource: thing, ..asked() };
        for rules in [[free.clone(), logged(condition)], [logged(condition), free.clone()]] {
            let verdict = asked.verdict(&compile(&rules));
            assert_eq!(verdict.effect(), expected, "{condition}");
            assert!(verdict.obligations().is_empty(), "{condition}");
        }
        // What does not oblige need not be known.
        assert_eq!(asked.effect(&compile(&[free.clone(), permit("other", condition)])), Effect::Permit);
    }

    // Found by what they demand, as well as one by one.
    let mut rules = vec![free];
    rules.extend((0..8).map(|n| permit(&format!("n{n}"), &format!("\"{n}\" in resource.departments"))));
    let with = |departments: &[String]| Asked {
        of_resource: map(&[("departments", departments.to_vec().into())]),
        ..asked()
    };
    assert_eq!(with(&many).effect(&compile(&rules)), Effect::Permit);
    rules.push(logged(law));
    assert_eq!(with(&many).effect(&compile(&rules)), open);
    assert_eq!(with(&many[..9]).verdict(&compile(&rules)).obligations().len(), 1);
    assert_eq!(asked().effect(&compile(&rules)), Effect::Permit);
    // Another clause says that it does not apply.
    rules.pop();
    rules.push(logged(r#""law" in resource.departments && principal.id == "bob""#));
    assert_eq!(with(&many).effect(&compile(&rules)), Effect::Permit);
}

#[test]
fn the_first_rule_that_allows_decides() {
    let log = auth_core::Action::from_static("log");
    let abac = compile(&[
        permit("no", "false"),
        permit("logged", "principal.id == \"ann\"").with_obligation(log.clone()),
        permit("free", "true"),
    ]);
    let verdict = asked().verdict(&abac);
    assert_eq!(abac.rule(verdict.rule().unwrap()).unwrap().name, name("logged"));
    assert_eq!(verdict.obligations(), [Obligation { name: log }]);
    asked().with(|request| {
        assert!(matches!(abac.require(request), Err(Refusal::Denied(denial)) if denial.reason() == DenialReason::Obligation));
        assert!(abac.require_with(request, &mut |obligation| obligation.name.as_str() == "log").is_ok());
    });
    let bob = Asked { who: super::who(&PrincipalId::local_user("bob").unwrap()), ..asked() };
    assert_eq!(abac.rule(bob.verdict(&abac).rule().unwrap()).unwrap().name, name("free"));
}

/// Roles and conditions as one: who has the role, within office hours.
#[test]
fn conditions_restrict_what_roles_allow() {
    let mut roles = PolicyBuilder::new();
    roles.permission("documents.read").unwrap();
    roles.role("clerk").unwrap().allow("documents.read").unwrap();
    roles.assign(&PrincipalId::local_user("ann").unwrap(), "clerk").unwrap();
    let hours = deny("hours", "!(context.time.hour in 9..17)");
    let stack =
        Stack::new(Combiner::DenyOverrides, Rbac::new(roles.build(V1).unwrap())).with(compile(&[hours]));
    assert_eq!(asked().effect(&stack), Effect::Permit);
    let night = Asked { now: auth_core::UnixTime::from_secs(super::NOW.as_secs() + 12 * 3_600), ..asked() };
    assert_eq!(night.effect(&stack), Effect::Deny);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What a policy says does not depend on the order of its rules.
    #[test]
    fn the_order_of_rules_changes_no_effect(order in Just((0..12).collect::<Vec<usize>>()).prop_shuffle()) {
        let texts = ["true", "false", "resource.public", "resource.level == 1", r#"principal.id == "ann""#, "has resource.owner"];
        let rules: Vec<Rule> = (0..12)
            .map(|n| if n % 2 == 0 { permit(&format!("p{n}"), texts[n / 2]) } else { deny(&format!("d{n}"), texts[1 + n / 4]) })
            .collect();
        let shuffled: Vec<Rule> = order.iter().map(|n| rules[*n].clone()).collect();
        let (one, other): (Abac, Abac) = (compile(&rules), compile(&shuffled));
        for asked in [asked(), Asked { of_resource: map(&[("public", false.into()), ("level", 1.into())]), ..asked() }] {
            prop_assert_eq!(asked.effect(&one), asked.effect(&other));
        }
    }
}
