//! Text, tree and serde are three forms of one condition.

use std::{net::IpAddr, time::Duration};

use auth_core::{Decimal, Network, PrincipalId, UnixTime};
use auth_rbac::{
    AttributePath, Comparison, Condition, Nested, Operation, Part, Pattern, Predicate, Rule, Schema, Term,
    Value, Variable, ZoneName,
};
use proptest::prelude::*;

use super::{compile, condition, permit, schema};

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        any::<i64>().prop_map(|units| Value::Decimal(Decimal::from_units(units))),
        any::<String>().prop_map(Value::Text),
        any::<u64>().prop_map(|seconds| Value::Time(UnixTime::from_secs(seconds))),
        (0..10_000_000_000_u64).prop_map(|seconds| Value::Time(UnixTime::from_secs(seconds))),
        (0..=i64::MAX as u64).prop_map(|seconds| Value::Duration(Duration::from_secs(seconds))),
        any::<IpAddr>().prop_map(Value::Address),
        (any::<IpAddr>(), 0..=128_u8)
            .prop_map(|(address, prefix)| Value::Network(Network::of(address, prefix))),
        "[a-z ~\"\\\\]{1,8}".prop_map(|id| Value::Principal(PrincipalId::local_user(&id).unwrap())),
    ]
}

fn constant() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => scalar(),
        1 => proptest::collection::vec(any::<String>(), 1..4).prop_map(Value::Texts),
        1 => proptest::collection::vec(any::<i64>(), 1..4).prop_map(Value::Integers),
        1 => proptest::collection::vec((0..100_000_u64).prop_map(Duration::from_secs), 1..4).prop_map(Value::Durations),
    ]
}

fn path() -> impl Strategy<Value = AttributePath> {
    "(principal|resource|context|action)(\\.[a-z_][a-z0-9_]{0,5}|\\.zone|\\.in|\\.hour){1,3}"
        .prop_map(|path| AttributePath::parse(&path).unwrap())
}

fn variable() -> impl Strategy<Value = Variable> {
    "[a-h]".prop_map(|name| Variable::parse(&name).unwrap())
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![Just(Part::Hour), Just(Part::Weekday), Just(Part::TimeOfDay), Just(Part::Year)]
}

fn zone() -> impl Strategy<Value = Option<ZoneName>> {
    prop_oneof![Just(None), Just(Some(ZoneName::parse("+05:30").unwrap()))]
}

fn term() -> impl Strategy<Value = Term> {
    let leaf = prop_oneof![
        constant().prop_map(Term::Constant),
        path().prop_map(Term::Attribute),
        variable().prop_map(Term::Variable),
        Just(Term::Principal),
    ];
    leaf.prop_recursive(3, 12, 2, |term| {
        let by = prop_oneof![Just(Operation::Add), Just(Operation::Subtract), Just(Operation::Multiply)];
        prop_oneof![
            term.clone().prop_map(|set| Term::Size(Box::new(set))),
            (term.clone(), part(), zone()).prop_map(|(time, part, zone)| Term::Part {
                time: Box::new(time),
                part,
                zone
            }),
            (term.clone(), by, term).prop_map(|(left, by, right)| Term::Arithmetic {
                left: Box::new(left),
                by,
                right: Box::new(right)
            }),
        ]
    })
}

fn comparison() -> impl Strategy<Value = Comparison> {
    prop_oneof![
        Just(Comparison::Equal),
        Just(Comparison::NotEqual),
        Just(Comparison::Less),
        Just(Comparison::AtMost),
        Just(Comparison::More),
        Just(Comparison::AtLeast),
    ]
}

/// Any tree, whether its types fit or not.
pub(crate) fn tree() -> impl Strategy<Value = Predicate> {
    let pattern =
        "[a*\\\\~\"\u{200b}]{0,6}".prop_filter_map("not a pattern", |text| Pattern::parse(&text).ok());
    let leaf = prop_oneof![
        any::<bool>().prop_map(Predicate::Constant),
        path().prop_map(|path| Predicate::Is(Term::Attribute(path))),
        path().prop_map(Predicate::Has),
        (term(), comparison(), term()).prop_map(|(left, by, right)| Predicate::Compare { left, by, right }),
        (term(), term()).prop_map(|(value, set)| Predicate::In { value, set }),
        (term(), pattern).prop_map(|(text, pattern)| Predicate::Like { text, pattern }),
        (term(), term(), term(), any::<bool>()).prop_map(|(value, from, to, inclusive)| Predicate::Within {
            value,
            from,
            to,
            inclusive
        }),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let holds = || inner.clone().prop_map(|holds| Nested(Box::new(holds)));
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Predicate::All),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Predicate::Any),
            inner.clone().prop_map(|inner| Predicate::Not(Box::new(inner))),
            (variable(), term(), holds()).prop_map(|(variable, set, holds)| Predicate::AnyOf {
                variable,
                set,
                holds
            }),
            (variable(), term(), holds()).prop_map(|(variable, set, holds)| Predicate::AllOf {
                variable,
                set,
                holds
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_condition_is_read_as_the_tree_that_it_is_written_from(tree in tree()) {
        let Ok(condition) = Condition::new(tree) else { return Ok(()) };
        let text = condition.to_string();
        let read = Condition::parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(read.tree(), condition.tree(), "{}", text);
        prop_assert_eq!(read.to_string(), text);
    }

    #[test]
    fn serde_reads_what_it_writes(tree in tree()) {
        let Ok(condition) = Condition::new(tree) else { return Ok(()) };
        let tree = serde_json::to_string(condition.tree()).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Predicate>(&tree).unwrap(), condition.tree());
        prop_assert_eq!(&serde_json::from_str::<Condition>(&tree).unwrap(), &condition);
        let text = serde_json::to_string(&condition).unwrap();
        prop_assert!(text.starts_with('"'));
        prop_assert_eq!(serde_json::from_str::<Condition>(&text).unwrap(), condition);
    }

    /// Whatever stands in a policy, reading it does not panic, and what is refused says where.
    #[test]
    fn any_text_is_read_or_refused(text in "[ a-z0-9.\"\\\\()<>=!&|*+:\\[\\],\u{e9}-]{0,40}|\\PC{0,40}") {
        if let Err(error) = Condition::parse(&text) {
            prop_assert!(error.line() >= 1 && error.column() <= text.chars().count() + 1);
            prop_assert!(error.to_string().contains('^'));
        }
    }
}

#[test]
fn rules_and_schemas_survive_serde() {
    let mut rules = vec![permit("a", "resource.owner == principal.id"), super::deny("b", "true")];
    rules[0] = rules[0].clone().with_obligation(auth_core::Action::from_static("log"));
    rules[1] = rules[1].clone().with_challenge(auth_rbac::Demand::fresh_within(Duration::from_secs(600)));
    let json = serde_json::to_string(&rules).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Rule>>(&json).unwrap(), rules);
    assert!(json.contains(r#""max_age":"10m""#), "{json}");
    compile(&rules);

    let mut schema = schema();
    assert_eq!(serde_json::from_str::<Schema>(&serde_json::to_string(&schema).unwrap()).unwrap(), schema);
    schema.any_home();
    assert_eq!(serde_json::from_str::<Schema>(&serde_json::to_string(&schema).unwrap()).unwrap(), schema);
}

#[test]
fn what_is_written_is_what_people_write() {
    for text in [
        "resource.owner == principal.id && (context.time.hour in 9..17 || resource.public)",
        r#"!(resource.path like "/a\*b/*") && !resource.public"#,
        r#"any(d in principal.departments: d in ["finance", "law"])"#,
        r#"context.time.zone("+02:00").time_of_day in 9h..17h30m"#,
        "(resource.level + 1) * 2 - -3 == 5",
        r#"context.ip in cidr("10.0.0.0/8") && !has context.device.id"#,
        r#"resource.owner == "\"\\\n\u{200b}é""#,
    ] {
        assert_eq!(condition(text).to_string(), text);
    }
    for (text, written) in [
        ("(context.time).hour in 9 .. 17", "context.time.hour in 9..17"),
        ("((resource.public)&&(((true))))", "resource.public && true"),
        ("90m<resource.keep", "1h30m < resource.keep"),
        ("resource.amount==1.50", "resource.amount == 1.5"),
        ("resource.owner like \"a***\"", "resource.owner like \"a*\""),
    ] {
        assert_eq!(condition(text).to_string(), written);
        assert_eq!(condition(text), condition(written));
    }
}
