//! Input that is made to do harm.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use auth_core::{AttributeValue, Attributes, Effect, UnixTime};
use auth_rbac::{Condition, ConditionProblem, Demand, Engine, Predicate, Term, Value};

use super::{Asked, asked, compile, map, permit, truth};

fn problem(text: &str) -> ConditionProblem {
    Condition::parse(text).unwrap_err().problem().clone()
}

/// Nesting that is deeper than the stack is refused while it is read, in every form.
#[test]
fn deep_nesting_is_refused() {
    let levels = 100_000 / 16;
    for (open, inner, close) in [
        ("(", "true", ")"),
        ("!", "true", ""),
        ("!(", "true", ")"),
        ("any(d in ", "resource.numbers", ": true)"),
        ("size(", "resource.numbers", ")"),
        ("[", "1", "]"),
        ("1+(", "1", ")"),
    ] {
        let text = format!("{}{inner}{}", open.repeat(levels), close.repeat(levels));
        assert!(matches!(problem(&text), ConditionProblem::TooLong | ConditionProblem::TooDeep), "{open}");
        let text = format!("{}{inner}{}", open.repeat(800), close.repeat(800));
        assert_eq!(problem(&text), ConditionProblem::TooDeep, "{open}");
    }
    assert_eq!(problem(&format!("1 {} == 1", "+ 1".repeat(800))), ConditionProblem::TooDeep);
    assert_eq!(
        problem(&format!("context.time{} == 1", ".zone(\"Z\").hour".repeat(400))),
        ConditionProblem::TooDeep
    );

    let nested =
        |levels: usize| format!("{}{{\"constant\":true}}{}", "{\"not\":".repeat(levels), "}".repeat(levels));
    assert!(serde_json::from_str::<Condition>(&nested(Condition::MAX_DEPTH - 1)).is_ok());
    assert!(serde_json::from_str::<Condition>(&nested(Condition::MAX_DEPTH)).is_err());
    // Before serde_json's own limit of 128.
    let error = serde_json::from_str::<Predicate>(&nested(100)).unwrap_err().to_string();
    assert!(error.contains("nested too deeply"), "{error}");
    // The count starts anew after a refusal.
    assert!(serde_json::from_str::<Condition>(&nested(Condition::MAX_DEPTH - 1)).is_ok());

    let mut tree = Predicate::Constant(true);
    for _ in 0..1_000 {
        tree = Predicate::Not(Box::new(tree));
    }
    assert_eq!(Condition::new(tree).unwrap_err().problem(), &ConditionProblem::TooDeep);
}

#[test]
fn what_is_too_large_is_refused() {
    assert_eq!(problem(&" ".repeat(Condition::MAX_LEN + 1)), ConditionProblem::TooLong);
    let wide = format!("true{}", "||true".repeat(Condition::MAX_NODES));
    assert_eq!(problem(&wide), ConditionProblem::TooLarge);
    let text = |len: usize| Predicate::Compare {
        left: Term::Constant(Value::Text("a".repeat(len))),
        by: auth_rbac::Comparison::Equal,
        right: Term::Principal,
    };
    assert_eq!(Condition::new(text(Condition::MAX_LEN)).unwrap_err().problem(), &ConditionProblem::TooLong);
    // What is short as it stands and long as it is written.
    let hidden = Predicate::Compare {
        left: Term::Constant(Value::Text("\u{200b}".repeat(4_000))),
        by: auth_rbac::Comparison::Equal,
        right: Term::Principal,
    };
    assert_eq!(Condition::new(hidden).unwrap_err().problem(), &ConditionProblem::TooLong);
}

/// Sets within sets within sets: an evaluation ends, and what was not looked at is not known.
#[test]
fn an_evaluation_ends() {
    let numbers: Vec<i64> = (0..2_000).collect();
    let asked = Asked { of_resource: map(&[("numbers", numbers.into())]), ..asked() };
    let nested =
        "any(a in resource.numbers: any(b in resource.numbers: any(c in resource.numbers: a + b + c < 0)))";
    let started = std::time::Instant::now();
    assert_eq!(truth(nested, &asked), None);
    assert_eq!(truth(&format!("!{nested}"), &asked), None);
    assert!(started.elapsed().as_secs() < 10);
    let abac = compile(&[permit("p", "true"), super::deny("d", nested)]);
    assert!(matches!(asked.effect(&abac), Effect::Indeterminate(_)));
    assert_eq!(truth("any(a in resource.numbers: a == 1999)", &asked), Some(true));
}

/// A set in which something stands thousands of times does not have the same rules evaluated thousands of times.
#[test]
fn an_element_that_comes_twice_is_looked_at_once() {
    let repeated = vec!["finance".to_owned(); Value::MAX_ELEMENTS];
    let asked = Asked {
        principal: map(&[("departments", repeated.into())]),
        of_resource: map(&[("numbers", vec![1_i64; 10].into())]),
        ..asked()
    };
    let text = "\"finance\" in principal.departments && any(n in resource.numbers: n < 0)";
    let rules: Vec<_> = (0..8).map(|n| permit(&format!("r{n}"), text)).collect();
    assert_eq!(asked.effect(&compile(&rules)), Effect::NotApplicable);
    let rules: Vec<_> = (0..8).map(|n| permit(&format!("r{n}"), &text.replace('<', ">"))).collect();
    assert_eq!(asked.effect(&compile(&rules)), Effect::Permit);
}

/// Searching a set is work too, within a quantifier above all.
#[test]
fn a_search_for_every_element_ends() {
    let with = |many: i64| {
        let numbers: Vec<i64> = (0..many).collect();
        Asked { of_resource: map(&[("numbers", numbers.into())]), ..asked() }
    };
    let text = "any(a in resource.numbers: a + 10000 in resource.numbers)";
    assert_eq!(truth(text, &with(1_000)), Some(false));
    assert_eq!(truth(text, &with(4_000)), None);
    assert_eq!(truth(&format!("!{text}"), &with(4_000)), None);
}

/// Rules that are found by an element of a set are not passed over when there is no time left to look for it.
#[test]
fn what_there_was_no_time_to_find_is_not_known() {
    let numbers: Vec<i64> = (0..2_000).collect();
    let spent = "any(a in resource.numbers: any(b in resource.numbers: a + b < 0)) && resource.public";
    let mut rules = vec![permit("p", "true"), super::deny("spent", spent)];
    for n in 0..8 {
        rules.push(super::deny(&format!("d{n}"), "\"finance\" in principal.departments"));
    }
    let abac = compile(&rules);
    for department in ["finance", "law"] {
        let asked = Asked {
            principal: map(&[("departments", [department].as_slice().into())]),
            of_resource: map(&[("numbers", numbers.clone().into()), ("public", false.into())]),
            ..asked()
        };
        assert!(matches!(asked.effect(&abac), Effect::Indeterminate(_)), "{department}");
    }
}

#[test]
fn a_set_that_is_too_large_is_not_known() {
    let with = |many: usize| {
        let numbers: Vec<i64> = vec![1; many];
        Asked { of_resource: map(&[("numbers", numbers.into())]), ..asked() }
    };
    for text in ["1 in resource.numbers", "size(resource.numbers) > 0", "has resource.numbers"] {
        assert_eq!(truth(text, &with(Value::MAX_ELEMENTS)), Some(true), "{text}");
        assert_eq!(truth(text, &with(Value::MAX_ELEMENTS + 1)), None, "{text}");
    }
}

/// Each denial cost seventy-two evaluations more, each with steps of its own.
#[test]
fn a_challenge_takes_no_more_than_the_verdict_has_left() {
    /// Numbers, and how often they were read: once in each evaluation.
    struct Counted(Vec<i64>, AtomicUsize);
    impl Attributes for Counted {
        fn attribute(&self, name: &str) -> Option<AttributeValue<'_>> {
            (name == "numbers").then(|| {
                self.1.fetch_add(1, Ordering::Relaxed);
                AttributeValue::Integers(&self.0)
            })
        }
    }
    let long = "any(a in resource.numbers: any(b in resource.numbers: a + b < 0))";
    let rules: Vec<_> = (1..=8)
        .map(|n| {
            let demand = Demand::fresh_within(Duration::from_secs(n));
            permit(&format!("p{n}"), &format!("context.auth.age < 0s || {long}")).with_challenge(demand)
        })
        .collect();
    let abac = compile(&rules[..]);
    let asked = |many: i64| {
        let counted = Counted((0..many).collect(), AtomicUsize::new(0));
        let stale = Asked { now: UnixTime::from_secs(super::NOW.as_secs() + 60), ..asked() };
        stale.with(|request| abac.evaluate(&request.with_resource_attributes(&counted)).map(drop)).unwrap();
        counted.1.into_inner()
    };
    assert!(asked(2) > 8, "each challenge is tried");
    assert_eq!(asked(1_000), 1);
}

/// A text that no policy would read from plain values is not looked at either where a program
/// lends it.
#[test]
fn a_text_that_is_too_long_is_not_known() {
    let with = |len: usize| Asked {
        of_resource: map(&[
            ("path", "a".repeat(len).into()),
            ("departments", vec!["a".repeat(len), "b".to_owned()].into()),
        ]),
        ..asked()
    };
    for text in [
        r#"resource.path like "a*""#,
        r#"resource.path != "a""#,
        r#"!(resource.path == "a")"#,
        "has resource.path",
        r#"any(d in resource.departments: d like "a*")"#,
    ] {
        assert_eq!(truth(text, &with(Value::MAX_TEXT_LEN)), Some(true), "{text}");
        assert_eq!(truth(text, &with(Value::MAX_TEXT_LEN + 1)), None, "{text}");
    }
}

/// What one rule may read, ten thousand may not read again and again.
#[test]
fn long_texts_times_many_rules_end() {
    let with = |path: String| Asked { of_resource: map(&[("path", path.into())]), ..asked() };
    let rules: Vec<_> =
        (0..10_000).map(|n| permit(&format!("r{n}"), &format!("resource.path like \"*b{n}*\""))).collect();
    let abac = compile(&rules);
    let started = std::time::Instant::now();
    let long = with("a".repeat(Value::MAX_TEXT_LEN)).effect(&abac);
    assert_eq!(long, Effect::Indeterminate(auth_core::Indeterminate::Permit));
    assert!(started.elapsed().as_secs() < 10);
    // As long as texts are in earnest, as many rules as one likes.
    assert_eq!(with(format!("/reports/{}", "a".repeat(200))).effect(&abac), Effect::NotApplicable);
    assert_eq!(with("/reports/b9999".to_owned()).effect(&abac), Effect::Permit);
}

/// The same within quantifiers, for texts that are as long as each other and differ in the end.
#[test]
fn comparing_long_texts_for_every_element_ends() {
    let with = |len: usize| {
        let all = (0..512).map(|n| format!("{}{n:03}", "a".repeat(len))).collect::<Vec<_>>();
        Asked {
            of_resource: map(&[
                ("departments", all.into()),
                ("path", format!("{}xyz", "a".repeat(len)).into()),
            ]),
            ..asked()
        }
    };
    for text in [
        "any(d in resource.departments: d == resource.path)",
        "any(d in resource.departments: resource.path in resource.departments)",
        r#"any(d in resource.departments: d like "*x*")"#,
    ] {
        assert_eq!(truth(text, &with(100)), Some(false), "{text}");
        assert_eq!(truth(text, &with(Value::MAX_TEXT_LEN - 3)), None, "{text}");
    }
    // So do rules that are found by an element.
    let rules: Vec<_> =
        (0..8).map(|n| permit(&format!("r{n}"), "\"finance\" in resource.departments")).collect();
    assert_eq!(with(100).effect(&compile(&rules)), Effect::NotApplicable);
    assert!(matches!(with(Value::MAX_TEXT_LEN - 3).effect(&compile(&rules)), Effect::Indeterminate(_)));
}

/// Bad addresses and patterns in policy or request neither panic nor match.
#[test]
fn bad_constants_are_refused() {
    for text in [
        r#"context.ip in cidr("")"#,
        r#"context.ip in cidr("10.0.0.0/33")"#,
        r#"context.ip == ip("999.1.1.1")"#,
        r#"context.ip == ip("10.0.0.1/8")"#,
        r#"resource.path like "\""#,
        r#"resource.path like "(a+)+$\""#,
        r#"resource.owner == "\u{110000}""#,
        r#"resource.owner == "\u{d800}""#,
        r#"resource.owner == "\u{}""#,
        r#"resource.owner == "\u{+41}""#,
        r#"resource.owner == "\x41""#,
        r#"principal == principal("nowhere", "user", "")"#,
        r#"principal == principal("local:default", "role", "ann")"#,
    ] {
        assert!(Condition::parse(text).is_err(), "{text}");
    }
    let stars = format!("resource.path like \"{}\"", "a*".repeat(17));
    assert!(matches!(problem(&stars), ConditionProblem::Constant(_)));
}

/// What turns text around, or cannot be seen, does not hide in a policy ("Trojan Source").
#[test]
fn characters_that_cannot_be_seen_are_written_as_escapes() {
    for character in [
        '\u{202e}',
        '\u{2066}',
        '\u{200b}',
        '\u{200d}',
        '\u{feff}',
        '\u{ad}',
        '\u{0}',
        '\u{7f}',
        '\u{85}',
        '\u{e0041}',
    ] {
        assert!(Condition::parse(&format!("resource.owner == \"{character}\"")).is_err(), "{character:?}");
        let escaped = format!("resource.owner == \"\\u{{{:x}}}\"", u32::from(character));
        let condition = Condition::parse(&escaped).unwrap();
        assert_eq!(condition.to_string(), escaped);
        let Predicate::Compare { right: Term::Constant(Value::Text(text)), .. } = condition.tree() else {
            panic!()
        };
        assert_eq!(*text, character.to_string());
    }
}

/// A star is a star where it is not a pattern.
#[test]
fn a_star_in_an_equality_is_a_star() {
    let owned = |owner: &str| Asked { of_resource: map(&[("owner", owner.into())]), ..asked() };
    assert_eq!(truth(r#"resource.owner == "*""#, &owned("ann")), Some(false));
    assert_eq!(truth(r#"resource.owner == "*""#, &owned("*")), Some(true));
    assert_eq!(truth(r#"resource.owner in ["a*"]"#, &owned("ann")), Some(false));
    assert_eq!(truth(r#"resource.owner like "*""#, &owned("*")), Some(true));
    assert_eq!(truth(r#"resource.owner like "\*""#, &owned("ann")), Some(false));
}
