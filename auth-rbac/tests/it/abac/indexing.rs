//! Rules that are found by what they demand say what they would say if all were evaluated.

use auth_core::{Action, Effect};
use auth_rbac::{Abac, Actions, Kinds, Rule, Value};
use proptest::prelude::*;

use super::{Asked, asked, compile, deny, map, permit, truth};

const TEXTS: [&str; 4] = ["a", "b", "c", "d"];

fn clause() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0..4_usize).prop_map(|n| format!("resource.owner == \"{}\"", TEXTS[n])),
        1 => (0..4_usize).prop_map(|n| format!("\"{}\" == resource.path", TEXTS[n])),
        4 => (0..4).prop_map(|n| format!("resource.level == {n}")),
        1 => (0..4).prop_map(|n| format!("resource.level != {n}")),
        2 => (0..4_usize).prop_map(|n| format!("\"{}\" in principal.departments", TEXTS[n])),
        2 => (0..4_usize, 0..4_usize).prop_map(|(n, m)| format!("resource.owner in [\"{}\", \"{}\"]", TEXTS[n], TEXTS[m])),
        2 => (0..4).prop_map(|n| format!("{n} in resource.numbers")),
        1 => Just("resource.public".to_owned()),
        1 => Just("!(resource.owner == \"a\")".to_owned()),
        1 => Just("has resource.owner".to_owned()),
        1 => Just("(resource.owner == \"a\" || resource.level == 1)".to_owned()),
    ]
}

fn rule() -> impl Strategy<Value = (bool, String)> {
    (
        proptest::bool::weighted(0.3),
        proptest::collection::vec(clause(), 1..4).prop_map(|clauses| clauses.join(" && ")),
    )
}

fn values<T: Clone + std::fmt::Debug + 'static>(values: Vec<T>) -> impl Strategy<Value = Option<T>> {
    proptest::option::weighted(0.8, proptest::sample::select(values))
}

fn request() -> impl Strategy<Value = Asked> {
    let text = || values(vec![Value::from("a"), "b".into(), "z".into(), 1.into()]);
    let texts: Vec<Value> = [&["a"][..], &["b", "c", "b"], &[], &["z"]].map(Value::from).to_vec();
    let number = values(vec![Value::from(0), 1.into(), 9.into(), "1".into()]);
    let numbers = values(vec![Value::from(vec![1_i64, 2]), vec![0_i64].into(), Vec::<i64>::new().into()]);
    (text(), text(), values(texts), number, numbers, values(vec![Value::from(true), false.into()])).prop_map(
        |(owner, path, departments, level, numbers, public)| {
            let of_resource: Vec<(&str, Value)> = [
                ("owner", owner),
                ("path", path),
                ("level", level),
                ("numbers", numbers),
                ("public", public),
            ]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
            let departments: Vec<_> = departments.into_iter().map(|value| ("departments", value)).collect();
            Asked { of_resource: map(&of_resource), principal: map(&departments), ..asked() }
        },
    )
}

/// The effect and the deciding rule, of rules that are each asked alone.
fn naive(rules: &[(bool, String)], asked: &Asked) -> (Effect, Option<usize>) {
    use auth_core::Indeterminate::{Deny, Either, Permit};
    let first = |denies: bool, wanted: Option<bool>| {
        rules.iter().position(|(denying, text)| *denying == denies && truth(text, asked) == wanted)
    };
    let [deny, deny_doubt] = [Some(true), None].map(|wanted| first(true, wanted));
    let [permit, permit_doubt] = [Some(true), None].map(|wanted| first(false, wanted));
    match (deny, deny_doubt, permit.or(permit_doubt)) {
        (Some(rule), ..) => (Effect::Deny, Some(rule)),
        (None, Some(rule), None) => (Effect::Indeterminate(Deny), Some(rule)),
        (None, Some(rule), Some(_)) => (Effect::Indeterminate(Either), Some(rule)),
        (None, None, Some(_)) if permit.is_some() => (Effect::Permit, permit),
        (None, None, Some(_)) => (Effect::Indeterminate(Permit), permit_doubt),
        (None, None, None) => (Effect::NotApplicable, None),
    }
}

fn compiled(rules: &[(bool, String)]) -> Abac {
    let rules: Vec<Rule> = rules
        .iter()
        .enumerate()
        .map(
            |(n, (denies, text))| {
                if *denies { deny(&n.to_string(), text) } else { permit(&n.to_string(), text) }
            },
        )
        .collect();
    compile(&rules)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn an_index_changes_no_answer(
        rules in proptest::collection::vec(rule(), 1..24),
        asked in proptest::collection::vec(request(), 4),
    ) {
        let abac = compiled(&rules);
        for asked in asked {
            let verdict = asked.verdict(&abac);
            let rule = verdict.rule().map(|id| abac.rule(id).unwrap().name.as_str().parse::<usize>().unwrap());
            prop_assert_eq!((verdict.effect(), rule), naive(&rules, &asked), "{:?} {:?}", rules, asked.of_resource);
        }
    }
}

/// Each action had a copy of all that its rules are found by.
#[test]
fn actions_with_the_same_rules_share_them() {
    let mut schema = super::schema();
    let actions: Vec<Action> = (0..300).map(|n| Action::parse(&format!("a{n}")).unwrap()).collect();
    for action in &actions {
        schema.action(action.as_str()).unwrap();
    }
    let numbers: Vec<String> = (0..500).map(|n| n.to_string()).collect();
    let text = format!("resource.level in [{}]", numbers.join(", "));
    let rule = |n: usize| {
        let of = Actions::these(actions.clone());
        Rule::permit(super::name(&n.to_string()), of, Kinds::One(super::DOCUMENT), super::condition(&text))
    };
    let rules: Vec<Rule> = (0..4).map(rule).collect();
    let abac = Abac::compile(super::V1, &schema, &rules).unwrap();
    assert!(abac.size_in_bytes() < 150_000, "{}", abac.size_in_bytes());
    for (action, level, expected) in
        [(0, 499, Effect::Permit), (299, 0, Effect::Permit), (7, 500, Effect::NotApplicable)]
    {
        let of_resource = map(&[("level", level.into())]);
        let asked = Asked { action: actions[action].clone(), of_resource, ..asked() };
        assert_eq!(asked.effect(&abac), expected);
    }
}

/// More attributes than are remembered within an evaluation are read again, and are the same.
#[test]
fn a_policy_may_look_at_many_attributes() {
    let mut schema = super::schema();
    let mut rules = Vec::new();
    for n in 0..100 {
        schema.resource("document", &format!("a{n}"), "integer").unwrap();
    }
    let all: Vec<String> = (0..100).map(|n| format!("resource.a{n} == {n}")).collect();
    rules.push(permit("all", &all.join(" && ")));
    let abac = Abac::compile(super::V1, &schema, &rules).unwrap();
    let attributes: Vec<(String, Value)> = (0..100).map(|n| (format!("a{n}"), n.into())).collect();
    let attributes: Vec<(&str, Value)> =
        attributes.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let asked = Asked { of_resource: map(&attributes), ..asked() };
    assert_eq!(asked.effect(&abac), Effect::Permit);
    let asked = Asked { of_resource: map(&attributes[..99]), ..asked };
    assert!(matches!(asked.effect(&abac), Effect::Indeterminate(_)));
}
