//! Why it was decided so.

use auth_core::{AuthorizerExt, Refusal};
use auth_rbac::{Because, ClauseOutcome, Engine, ExplainedRules, Value};

use super::{Asked, asked, compile, deny, map, permit};

fn explain(rules: &[auth_rbac::Rule], asked: &Asked) -> (ExplainedRules, String) {
    let abac = compile(rules);
    let explanation = asked.with(|request| abac.explain(request).unwrap());
    assert_eq!(explanation.verdict(), &asked.verdict(&abac));
    let text = explanation.to_string();
    match explanation.because() {
        Because::Rules(rules) => (rules.clone(), text),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_clause_that_decided_is_told_with_what_it_compared() {
    let asked = Asked { of_resource: map(&[("owner", "bob".into()), ("level", 3.into())]), ..asked() };
    let rules = [
        permit("own", "resource.level < 5 && resource.owner == principal.id"),
        deny("secret", "resource.level >= 3 || resource.owner == \"eve\""),
    ];
    let (explained, text) = explain(&rules, &asked);
    let [secret, own] = explained.rules() else { panic!("{explained:?}") };
    assert!(secret.is_decisive() && !own.is_decisive());
    assert_eq!((secret.name().as_str(), secret.outcome()), ("secret", ClauseOutcome::True));
    let [clause] = secret.clauses() else { panic!("{secret:?}") };
    assert_eq!(clause.text(), "resource.level >= 3");
    let [level] = clause.compared() else { panic!("{clause:?}") };
    assert_eq!((level.attribute(), level.expose()), ("resource.level", Some(&Value::Integer(3))));

    assert_eq!(own.outcome(), ClauseOutcome::False);
    let [clause] = own.clauses() else { panic!("{own:?}") };
    assert_eq!(clause.text(), "resource.owner == principal.id");
    let values: Vec<_> =
        clause.compared().iter().map(|one| (one.attribute(), one.expose_text().unwrap())).collect();
    assert_eq!(values, [("resource.owner", "\"bob\"".to_owned()), ("principal.id", "\"ann\"".to_owned())]);
    assert_eq!(
        text,
        "deny: deny rule secret is true: `resource.level >= 3` is true; \
         permit rule own is false: `resource.owner == principal.id` is false"
    );
}

#[test]
fn a_denial_tells_what_was_missing() {
    let asked = Asked { of_resource: map(&[("level", "high".into())]), ..asked() };
    let rules =
        [permit("own", "resource.owner == principal.id && resource.level < 5 && context.auth.age < 1h")];
    let (explained, text) = explain(&rules, &asked);
    let [own] = explained.rules() else { panic!("{explained:?}") };
    assert_eq!(own.outcome(), ClauseOutcome::Indeterminate);
    let missing = |name: &str| {
        let mut all = own.clauses().iter().flat_map(|clause| clause.compared());
        all.find(|compared| compared.attribute() == name)
            .map(|compared| (compared.is_missing(), compared.expose().is_none()))
    };
    assert_eq!(missing("resource.owner"), Some((true, true)));
    assert_eq!(missing("resource.level"), Some((false, true)));
    assert_eq!(missing("context.auth.age"), None, "that clause is true");
    assert_eq!(
        text,
        "indeterminate, might permit: permit rule own is indeterminate: `resource.owner == principal.id` is indeterminate \
         (resource.owner is missing), `resource.level < 5` is indeterminate (resource.level is not of its type)"
    );
    let (nothing, text) = explain(&[], &asked);
    assert!(nothing.rules().is_empty());
    assert_eq!(text, "not applicable: no rule speaks of it");
}

/// Neither values nor the policy are in what a client is told, nor values in a log.
#[test]
fn nothing_of_it_is_in_what_a_client_is_told() {
    let asked = Asked { of_resource: map(&[("owner", "bob-the-secret".into())]), ..asked() };
    let rules = [permit("own-rule", "resource.owner == principal.id")];
    let (explained, text) = explain(&rules, &asked);
    for shown in
        [format!("{explained:?}"), text, format!("{:?}", asked.of_resource), format!("{:?}", compile(&rules))]
    {
        assert!(!shown.contains("bob-the-secret"), "{shown}");
    }
    let refusal = asked.with(|request| compile(&rules).require(request)).unwrap_err();
    assert!(matches!(refusal, Refusal::Denied(_)));
    for shown in [refusal.to_string(), format!("{refusal:?}")] {
        assert!(!shown.contains("own-rule") && !shown.contains("owner") && !shown.contains("bob"), "{shown}");
    }
}

#[test]
fn a_policy_of_many_rules_is_told_in_part() {
    let rules: Vec<_> =
        (0..200).map(|n| permit(&format!("r{n}"), &format!("resource.level == {n}"))).collect();
    let asked = Asked { of_resource: map(&[("level", 150.into())]), ..asked() };
    let (explained, text) = explain(&rules, &asked);
    assert_eq!((explained.rules().len(), explained.more()), (ExplainedRules::MAX, 200 - ExplainedRules::MAX));
    assert_eq!(explained.rules()[0].name().as_str(), "r150");
    assert!(text.ends_with("; and 136 more"), "{text}");
}

/// Looking at the clauses one by one does not use up what the verdict had.
#[test]
fn an_explanation_has_as_much_time_as_the_verdict() {
    let with = |many: i64| {
        let numbers: Vec<i64> = (0..many).collect();
        Asked { of_resource: map(&[("numbers", numbers.into()), ("level", 4.into())]), ..asked() }
    };
    let long = "any(a in resource.numbers: any(b in resource.numbers: a + b < 0))";
    let (explained, _) = explain(&[permit("p", &format!("{long} || resource.level == 3"))], &with(200));
    let outcomes = |explained: &ExplainedRules| -> Vec<_> {
        explained.rules()[0].clauses().iter().map(auth_rbac::Clause::outcome).collect()
    };
    assert_eq!(explained.rules()[0].outcome(), ClauseOutcome::False);
    assert_eq!(outcomes(&explained), [ClauseOutcome::False; 2]);

    // Each has the time, and both together have not.
    let (explained, _) = explain(&[permit("p", &format!("!{long} && !{long}"))], &with(245));
    assert_eq!(explained.rules()[0].outcome(), ClauseOutcome::Indeterminate);
    assert_eq!(outcomes(&explained), [ClauseOutcome::Indeterminate]);
}

/// Sixty-four rules took sixty-four times what a verdict may take, and their clauses as much again.
#[test]
fn an_explanation_ends() {
    let numbers: Vec<i64> = (0..300).collect();
    let asked = Asked { of_resource: map(&[("numbers", numbers.into())]), ..asked() };
    let long = "any(a in resource.numbers: any(b in resource.numbers: a + b < 0))";
    let rules: Vec<_> = (0..40).map(|n| permit(&format!("p{n}"), long)).collect();
    let (explained, _) = explain(&rules, &asked);
    assert_eq!((explained.rules().len(), explained.more()), (11, 29), "{explained}");
    assert!(explained.to_string().ends_with("; and 29 more"), "{explained}");
}

/// A rule for which no time was left is not told to be false because it is so when it is asked alone.
#[test]
fn what_there_was_no_time_for_is_told_so() {
    let numbers: Vec<i64> = (0..2_000).collect();
    let asked = Asked {
        of_resource: map(&[("numbers", numbers.into()), ("public", false.into())]),
        principal: map(&[("departments", ["law"].as_slice().into())]),
        ..asked()
    };
    let spent = "any(a in resource.numbers: any(b in resource.numbers: a + b < 0)) && resource.public";
    let mut rules = vec![permit("p", "true"), deny("spent", spent)];
    rules.extend((0..8).map(|n| deny(&format!("d{n}"), "\"finance\" in principal.departments")));
    let (explained, _) = explain(&rules, &asked);
    let first = &explained.rules()[0];
    assert!(first.is_decisive() && first.name().as_str() == "d0", "{explained}");
    assert_eq!(first.outcome(), ClauseOutcome::Indeterminate);
    let [clause] = first.clauses() else { panic!("{first:?}") };
    assert_eq!(clause.outcome(), ClauseOutcome::Indeterminate);
}
