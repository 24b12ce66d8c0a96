//! Combining, against tables of our own that say what XACML 3.0 says in its appendix C.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use auth_core::{
    AccessRequest, Assurance, AuditEvent, AuthEpoch, Authenticated, Authentication, AuthorizerExt, Challenge,
    DecideError, DenialReason, Effect, Indeterminate, Limits, MemoryAudit, Method, Obligation, PolicyVersion,
    Refusal, RuleId, Scopes,
};
use auth_rbac::{
    Actions, Audited, Because, Combiner, Condition, Engine, Explanation, Kinds, Rbac, Rule, RuleName, Schema,
    Stack, Verdict,
    document::{Assignment, PolicyDocument, Role},
};
use proptest::prelude::*;

use crate::support::{NOW, V1, action, effect, office_snapshot, role, thing, user, who};

const P: Effect = Effect::Permit;
const D: Effect = Effect::Deny;
const N: Effect = Effect::NotApplicable;
const IP: Effect = Effect::Indeterminate(Indeterminate::Permit);
const ID: Effect = Effect::Indeterminate(Indeterminate::Deny);
const IDP: Effect = Effect::Indeterminate(Indeterminate::Either);

const EFFECTS: [Effect; 6] = [P, D, N, IP, ID, IDP];
const COMBINERS: [Combiner; 3] =
    [Combiner::DenyOverrides, Combiner::PermitOverrides, Combiner::FirstApplicable];

/// What two effects make, the first down and the second across, both in the order of `EFFECTS`.
const fn pairs(combiner: Combiner) -> [[Effect; 6]; 6] {
    match combiner {
        Combiner::DenyOverrides => [
            [P, D, P, P, IDP, IDP],
            [D, D, D, D, D, D],
            [P, D, N, IP, ID, IDP],
            [P, D, IP, IP, IDP, IDP],
            [IDP, D, ID, IDP, ID, IDP],
            [IDP, D, IDP, IDP, IDP, IDP],
        ],
        Combiner::PermitOverrides => [
            [P, P, P, P, P, P],
            [P, D, D, IDP, D, IDP],
            [P, D, N, IP, ID, IDP],
            [P, IDP, IP, IP, IDP, IDP],
            [P, D, ID, IDP, ID, IDP],
            [P, IDP, IDP, IDP, IDP, IDP],
        ],
        _ => [
            [P, P, P, P, P, P],
            [D, D, D, D, D, D],
            // Indeterminate without more is Indeterminate{DP} to whatever combines it (section 7.14, table 7).
            [P, D, N, IDP, IDP, IDP],
            [IDP, IDP, IDP, IDP, IDP, IDP],
            [IDP, IDP, IDP, IDP, IDP, IDP],
            [IDP, IDP, IDP, IDP, IDP, IDP],
        ],
    }
}

/// The numbered sentences of C.2 and C.4: the first line of which every column is met by some effect answers.
fn sentences(combiner: Combiner, effects: &[Effect]) -> Effect {
    type Line = (&'static [&'static [Effect]], Effect);
    const DENY: [Line; 6] = [
        (&[&[D]], D),
        (&[&[IDP]], IDP),
        (&[&[ID], &[IP, P]], IDP),
        (&[&[ID]], ID),
        (&[&[P]], P),
        (&[&[IP]], IP),
    ];
    const PERMIT: [Line; 6] = [
        (&[&[P]], P),
        (&[&[IDP]], IDP),
        (&[&[IP], &[ID, D]], IDP),
        (&[&[IP]], IP),
        (&[&[D]], D),
        (&[&[ID]], ID),
    ];
    let lines = match combiner {
        Combiner::DenyOverrides => DENY,
        Combiner::PermitOverrides => PERMIT,
        _ => {
            return match effects.iter().find(|effect| **effect != N) {
                None => N,
                Some(Effect::Indeterminate(_)) => IDP,
                Some(other) => *other,
            };
        }
    };
    let met = |(columns, _): &&Line| {
        columns.iter().all(|column| effects.iter().any(|effect| column.contains(effect)))
    };
    lines.iter().find(met).map_or(N, |(_, answer)| *answer)
}

fn verdict(effect: Effect, rule: u64) -> Verdict {
    let rule = Some(RuleId::new(rule));
    match effect {
        P => Verdict::permit(V1, rule),
        D => Verdict::deny(V1, rule),
        N => Verdict::not_applicable(V1),
        Effect::Indeterminate(would_be) => Verdict::indeterminate(V1, rule, would_be),
    }
}

fn combine(combiner: Combiner, effects: &[Effect]) -> Effect {
    combiner.combine((0..).zip(effects).map(|(n, effect)| verdict(*effect, n))).effect()
}

/// Cannot say, and can say why.
struct Doubts;

impl Engine for Doubts {
    fn evaluate(&self, _: &AccessRequest<'_>) -> Result<Verdict, DecideError> {
        Ok(verdict(ID, 1))
    }

    fn explain(&self, request: &AccessRequest<'_>) -> Result<Explanation, DecideError> {
        Ok(Explanation::new(self.evaluate(request)?, Because::Words("no moon phase".to_owned())))
    }
}

/// Answers always the same, and counts how often it was asked.
struct Says(Verdict, Arc<AtomicUsize>);

fn says(verdict: Verdict) -> Says {
    Says(verdict, Arc::default())
}

impl Engine for Says {
    fn evaluate(&self, _: &AccessRequest<'_>) -> Result<Verdict, DecideError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Ok(self.0.clone())
    }
}

fn with_request<T>(then: impl FnOnce(&AccessRequest<'_>) -> T) -> T {
    let (who, action, thing) = (who(&user("ann")), action("users.read"), thing());
    then(&AccessRequest::new(&who, &action, &thing, NOW))
}

#[test]
fn pairs_of_effects_combine_as_the_standard_says() {
    for combiner in COMBINERS {
        for (one, row) in EFFECTS.into_iter().zip(pairs(combiner)) {
            assert_eq!(combine(combiner, &[one]), pairs(combiner)[2][place(one)], "{combiner:?} {one:?}");
            for (other, expected) in EFFECTS.into_iter().zip(row) {
                assert_eq!(combine(combiner, &[one, other]), expected, "{combiner:?} {one:?} {other:?}");
                assert_eq!(sentences(combiner, &[one, other]), expected, "{combiner:?} {one:?} {other:?}");
            }
        }
        assert_eq!(combine(combiner, &[]), N);
    }
}

fn place(effect: Effect) -> usize {
    EFFECTS.iter().position(|other| *other == effect).unwrap()
}

/// Three and four effects: by the sentences, and by the pairs one after the other.
#[test]
fn longer_lists_combine_as_the_standard_says() {
    for combiner in COMBINERS {
        for n in 0..6_usize.pow(4) {
            let list: Vec<Effect> = (0..4).map(|at| EFFECTS[n / 6_usize.pow(at) % 6]).collect();
            for list in [&list[..3], &list[..]] {
                let effect = combine(combiner, list);
                assert_eq!(effect, sentences(combiner, list), "{combiner:?} {list:?}");
                let folded = list.iter().fold(N, |a, b| pairs(combiner)[place(a)][place(*b)]);
                assert_eq!(effect, folded, "{combiner:?} {list:?}");
            }
        }
    }
}

/// A stack in a stack answers like all engines in one; of two combiners, the inner one is asked first.
#[test]
fn stacks_nest() {
    with_request(|request| {
        for (one, two, three) in EFFECTS
            .iter()
            .flat_map(|a| EFFECTS.iter().flat_map(move |b| EFFECTS.iter().map(move |c| (*a, *b, *c))))
        {
            for outer in COMBINERS {
                for inner in COMBINERS {
                    let nested = Stack::new(inner, says(verdict(two, 2))).with(says(verdict(three, 3)));
                    let stack = Stack::new(outer, says(verdict(one, 1))).with(nested);
                    let expected = sentences(outer, &[one, sentences(inner, &[two, three])]);
                    assert_eq!(stack.evaluate(request).unwrap().effect(), expected);
                }
            }
        }
    });
}

/// Cedar skips a `forbid` that cannot be evaluated, and so allows.
#[test]
fn a_denial_that_cannot_be_evaluated_denies() {
    with_request(|request| {
        let stack = Stack::new(Combiner::default(), says(verdict(P, 1))).with(says(verdict(ID, 2)));
        let Err(Refusal::Denied(denial)) = stack.require(request) else { panic!() };
        assert_eq!(denial.reason(), DenialReason::Indeterminate);
        assert_eq!(denial.rule(), Some(RuleId::new(2)));
    });
}

#[test]
fn what_is_denied_or_in_doubt_is_written_down() {
    with_request(|request| {
        for (effect, reason) in [
            (P, None),
            (D, Some(DenialReason::Forbidden)),
            (N, Some(DenialReason::NotPermitted)),
            (ID, Some(DenialReason::Indeterminate)),
        ] {
            let log = Arc::new(MemoryAudit::new(10));
            let stack = Stack::new(Combiner::default(), says(verdict(effect, 4)));
            let audited = Audited::new(stack, Arc::clone(&log) as _);
            assert_eq!(audited.require(request).is_ok(), reason.is_none());
            let told = log.events().into_iter().map(|(at, event)| match event {
                AuditEvent::AccessDenied { principal, action, reason, version, .. } => {
                    assert_eq!((at, &principal, &action), (NOW, request.principal(), request.action()));
                    assert_eq!(version, Some(V1));
                    reason
                }
                other => panic!("{other:?}"),
            });
            assert_eq!(told.collect::<Vec<_>>(), Vec::from_iter(reason));
            let missing = Audited::new(Rbac::without_policy(), Arc::clone(&log) as _);
            assert_eq!(missing.require(request).unwrap_err().status(), 503);
        }
    });
}

/// What comes before the authorizer, and after it, denies as well.
#[test]
fn what_the_asking_itself_denies_is_written_down_once() {
    let log = Arc::new(MemoryAudit::new(10));
    let told = |expected: &[DenialReason]| {
        let reasons = log.events().into_iter().map(|(_, event)| match event {
            AuditEvent::AccessDenied { reason, .. } => reason,
            other => panic!("{other:?}"),
        });
        assert_eq!(reasons.collect::<Vec<_>>(), expected);
    };
    let permits = Verdict::permit(V1, None).with_obligations(vec![Obligation { name: action("log") }]);
    let audited = Audited::new(Stack::new(Combiner::default(), says(permits)), Arc::clone(&log) as _);
    let event = Authentication::new(user("ann"), Method::PASSWORD, NOW, AuthEpoch::ZERO);
    let scopes = Limits::unlimited().with_scopes(Scopes::none());
    let (free, scoped) =
        (Authenticated::assertion(event.clone()), Authenticated::assertion(event.with_limits(scopes)));
    let (action, thing) = (action("thing.do"), thing());
    let [free, scoped] = [&free, &scoped].map(|who| AccessRequest::new(who, &action, &thing, NOW));
    assert!(audited.require(&scoped).is_err());
    told(&[DenialReason::Scope]);
    assert!(audited.require(&free).is_err());
    told(&[DenialReason::Scope, DenialReason::Obligation]);
    assert!(audited.require_with(&free, &mut |_| true).is_ok());
    assert!(audited.require_each(&[scoped, free]).iter().all(Result::is_err));
    told(&[DenialReason::Scope, DenialReason::Obligation, DenialReason::Scope, DenialReason::Obligation]);
}

/// Infrastructure that is missing is neither a denial nor an allow.
#[test]
fn an_engine_without_a_policy_is_an_error_and_no_answer() {
    with_request(|request| {
        for combiner in COMBINERS {
            let stack = Stack::new(combiner, Rbac::without_policy()).with(says(verdict(P, 1)));
            assert!(matches!(stack.evaluate(request), Err(DecideError::NoPolicy)));
            assert_eq!(stack.require(request).unwrap_err().status(), 503);
        }
    });
}

#[test]
fn the_rule_and_the_version_are_those_of_the_engine_that_decided() {
    with_request(|request| {
        let newer = PolicyVersion::new(9);
        let stack = Stack::new(Combiner::DenyOverrides, says(verdict(P, 1)))
            .with(says(Verdict::deny(newer, Some(RuleId::new(7)))));
        let decided = stack.evaluate(request).unwrap();
        assert_eq!((decided.version(), decided.rule()), (newer, Some(RuleId::new(7))));

        let rbac = Rbac::new(office_snapshot());
        let permit = Stack::new(Combiner::DenyOverrides, says(verdict(N, 0))).with(rbac.clone());
        let permit = permit.require(request).unwrap();
        let described = rbac.snapshot().unwrap().describe(&permit).unwrap().to_string();
        assert_eq!(described, "users.read allowed by role admin > support");
    });
}

/// What cannot change the effect is not asked.
#[test]
fn engines_after_the_last_word_are_not_asked() {
    let cases = [
        (Combiner::DenyOverrides, D, true),
        (Combiner::DenyOverrides, P, false),
        (Combiner::DenyOverrides, IDP, false),
        (Combiner::PermitOverrides, P, true),
        (Combiner::PermitOverrides, D, false),
        (Combiner::FirstApplicable, P, true),
        (Combiner::FirstApplicable, IP, true),
        (Combiner::FirstApplicable, N, false),
    ];
    with_request(|request| {
        for (combiner, first, last_word) in cases {
            let second = says(verdict(P, 2));
            let asked = Arc::clone(&second.1);
            let _ = Stack::new(combiner, says(verdict(first, 1))).with(second).evaluate(request).unwrap();
            assert_eq!(asked.load(Ordering::SeqCst), usize::from(!last_word), "{combiner:?} {first:?}");
        }
    });
}

/// An explanation is of the verdict, and tells what was asked and what not.
#[test]
fn a_stack_explains_itself_by_its_parts() {
    let inner = Stack::new(Combiner::FirstApplicable, says(verdict(N, 1))).with(Arc::new(Doubts));
    let stack = Stack::new(Combiner::PermitOverrides, inner).with(says(verdict(P, 2))).with(Doubts);
    with_request(|request| {
        let explanation = stack.explain(request).unwrap();
        assert_eq!(*explanation.verdict(), stack.evaluate(request).unwrap());
        let expected = "permit: permit-overrides of
  indeterminate: first-applicable of
    not applicable
    indeterminate, might deny: no moon phase
  permit";
        assert_eq!(explanation.to_string(), expected);
    });
}

fn obligations(names: &[&str]) -> Vec<Obligation> {
    names.iter().map(|name| Obligation { name: action(name) }).collect()
}

/// XACML 3.0, section 7.18: obligations of what permitted, and of nothing else.
#[test]
fn a_permit_carries_the_obligations_of_all_that_permitted() {
    let permit = |names| verdict(P, 1).with_obligations(obligations(names));
    let combined = Combiner::DenyOverrides.combine([
        permit(&["log"]),
        verdict(IP, 2).with_obligations(obligations(&["never"])),
        verdict(N, 3),
        permit(&["log", "mail"]),
    ]);
    assert_eq!(combined.obligations(), obligations(&["log", "mail"]));
    let denied = Combiner::DenyOverrides.combine([permit(&["log"]), verdict(D, 2)]);
    assert!(denied.obligations().is_empty());
    let first = Combiner::FirstApplicable.combine([permit(&["log"]), permit(&["mail"])]);
    assert_eq!(first.obligations(), obligations(&["log"]));
}

#[test]
fn obligations_must_be_discharged() {
    with_request(|request| {
        let permit = verdict(P, 1).with_obligations(obligations(&["log", "mail"]));
        let stack = Stack::new(Combiner::DenyOverrides, says(permit));
        let Err(Refusal::Denied(denial)) = stack.require(request) else { panic!() };
        assert_eq!(denial.reason(), DenialReason::Obligation);
        assert!(stack.require_with(request, &mut |obligation| obligation.name.as_str() == "log").is_err());
        assert!(stack.require_with(request, &mut |_| true).is_ok());
    });
}

fn second_factor() -> Challenge {
    Challenge { assurance: Some(Assurance::Aal2), max_age: None }
}

fn fresh() -> Challenge {
    Challenge { assurance: None, max_age: Some(Duration::from_secs(600)) }
}

/// RFC 9470: a challenge that leads nowhere would send people through a second factor for nothing.
#[test]
fn a_challenge_is_given_only_if_it_leads_to_a_permit() {
    let helps = || verdict(N, 1).with_challenge(second_factor(), P);
    with_request(|request| {
        let alone = Stack::new(Combiner::DenyOverrides, says(helps()));
        assert!(matches!(alone.require(request), Err(Refusal::Challenged(c)) if c == second_factor()));
        for in_the_way in [D, ID, IDP] {
            let stack = Stack::new(Combiner::DenyOverrides, says(helps())).with(says(verdict(in_the_way, 2)));
            assert!(matches!(stack.require(request), Err(Refusal::Denied(_))), "{in_the_way:?}");
        }
    });
}

/// A rule that forbids people without a second factor does not allow those who have one; another rule does.
#[test]
fn a_denial_that_a_challenge_lifts_is_combined_as_lifted() {
    let lifted = || verdict(D, 1).with_challenge(second_factor(), N);
    let combine = |list: Vec<Verdict>| Combiner::DenyOverrides.combine(list);
    assert_eq!(combine(vec![lifted()]).challenge(), None);
    assert_eq!(combine(vec![lifted(), verdict(P, 2)]).challenge(), Some(&second_factor()));
    assert_eq!(combine(vec![verdict(P, 2), lifted()]).challenge(), Some(&second_factor()));
    assert_eq!(combine(vec![lifted(), verdict(P, 2), verdict(D, 3)]).challenge(), None);
    // Both are in the way, so both have to be satisfied; across a nested stack as well.
    let two = [lifted(), verdict(D, 4).with_challenge(fresh(), N), verdict(P, 2)];
    assert_eq!(combine(two.to_vec()).challenge(), Some(&second_factor().and(&fresh())));
    let [one, other, permit] = two;
    let nested = combine(vec![combine(vec![one, other]), permit]);
    assert_eq!(nested.challenge(), Some(&second_factor().and(&fresh())));
}

fn any_verdict() -> impl Strategy<Value = (Effect, Option<(Challenge, Effect)>)> {
    let effect = || prop::sample::select(EFFECTS.to_vec());
    let challenge = prop::sample::select(vec![second_factor(), fresh(), second_factor().and(&fresh())]);
    (effect(), prop::option::of((challenge, effect())))
}

proptest! {
    /// Whatever is combined: who satisfies the challenge that is given is permitted, and where none is given,
    /// not even the strongest would help.
    #[test]
    fn a_challenge_keeps_its_word(list in prop::collection::vec(any_verdict(), 0..6), which in 0..3_usize) {
        let combiner = COMBINERS[which];
        let with = |satisfied: &Challenge| {
            let effect = |(now, step): &(Effect, Option<(Challenge, Effect)>)| match step {
                // A permit takes no challenge.
                Some((challenge, then)) if *now != P && satisfied.includes(challenge) => *then,
                _ => *now,
            };
            sentences(combiner, &list.iter().map(effect).collect::<Vec<_>>())
        };
        let combined = combiner.combine((0..).zip(&list).map(|(n, (effect, step))| match step {
            Some((challenge, then)) => verdict(*effect, n).with_challenge(challenge.clone(), *then),
            None => verdict(*effect, n),
        }));
        let now = with(&Challenge::default());
        prop_assert_eq!(combined.effect(), now);
        match combined.challenge() {
            Some(challenge) => prop_assert!(now != P && with(challenge) == P),
            None => prop_assert!(now == P || with(&second_factor().and(&fresh())) != P),
        }
    }
}

/// Rules stand behind roles in one policy, and among themselves a denial overrides, whatever the combiner.
#[test]
fn rules_of_a_policy_are_combined_with_its_roles() {
    let mut schema = Schema::new();
    for action in ["thing.x", "thing.y"] {
        schema.action(action).unwrap();
    }
    schema.kind("thing").unwrap();
    let rule = |name: &str, denies: bool, what: &str| {
        let make = if denies { Rule::deny } else { Rule::permit };
        make(RuleName::parse(name).unwrap(), Actions::these([action(what)]), Kinds::Any, Condition::always())
    };
    for (combiner, allowed_by_role) in [
        (Combiner::DenyOverrides, Effect::Deny),
        (Combiner::PermitOverrides, Effect::Permit),
        (Combiner::FirstApplicable, Effect::Permit),
    ] {
        let policy = PolicyDocument::new(V1)
            .combining(combiner)
            .permission(action("thing.x"))
            .permission(action("thing.y"))
            .role(Role::new(role("reader")).allow("thing.x"))
            .role(Role::new(role("barred")).deny("thing.y"))
            .assign(Assignment::new(user("ann"), [role("reader")]))
            .assign(Assignment::new(user("eve"), [role("barred")]))
            .schema(schema.clone())
            .rule(rule("no-x", true, "thing.x"))
            .rule(rule("but-x", false, "thing.x"))
            .rule(rule("all-y", false, "thing.y"))
            .compile()
            .unwrap();
        assert_eq!(effect(&policy, &user("ann"), "thing.x"), allowed_by_role, "{combiner}");
        // Where roles say nothing, rules decide, and of those the one that denies.
        assert_eq!(effect(&policy, &user("bob"), "thing.x"), Effect::Deny, "{combiner}");
        assert_eq!(effect(&policy, &user("bob"), "thing.y"), Effect::Permit, "{combiner}");
        let denied_by_role = match combiner {
            Combiner::PermitOverrides => Effect::Permit,
            _ => Effect::Deny,
        };
        assert_eq!(effect(&policy, &user("eve"), "thing.y"), denied_by_role, "{combiner}");
    }
}
