//! Why rules say what they say.

use std::fmt;

use auth_core::{AccessRequest, Effect};

use super::{
    Abac, Evaluation, Facts,
    evaluate::{Found, MAX_STEPS},
    index::Listed,
    operand::Truth,
    program::{Node as Code, Slot},
    rule::{Kinds, Rule, RuleEffect, RuleName},
};
use crate::{
    attribute::{
        AttributePath,
        kind::{AttributeType, ScalarType},
        value::Value,
    },
    condition::{
        print,
        shape::Node,
        tree::{Predicate, Term},
    },
    engine::Model,
    schema::{builtin::BuiltIn, resolve::Source},
    verdict::Verdict,
};

/// The rules about an action and a kind of resource, and what each says of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainedRules {
    rules: Vec<ExplainedRule>,
    more: usize,
}

/// What a rule says of a request, and by which clauses.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainedRule {
    name: RuleName,
    effect: RuleEffect,
    outcome: ClauseOutcome,
    decisive: bool,
    clauses: Vec<Clause>,
}

/// What became of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClauseOutcome {
    /// It is true.
    True,
    /// It is false.
    False,
    /// It could not be evaluated.
    Indeterminate,
}

/// A clause that made a condition true, false or indeterminate.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    text: String,
    outcome: ClauseOutcome,
    compared: Vec<Compared>,
}

/// An attribute that a clause looked at. Its value is shown only to who asks for it: it is known of a person.
#[derive(Clone, PartialEq)]
pub struct Compared {
    attribute: String,
    found: Option<Value>,
    missing: bool,
}

impl ExplainedRules {
    /// The most rules that are told of; whether there are more is told too.
    pub const MAX: usize = 64;
    /// Elements that quantifiers and searches look at for one explanation: ten times what a verdict may take, as rules
    /// and their clauses are evaluated one by one.
    const MAX_STEPS: u32 = 10 * MAX_STEPS;

    pub(super) fn new(abac: &Abac, request: &AccessRequest<'_>, verdict: &Verdict) -> Self {
        let applicable = abac.buckets(request);
        let facts = Facts::new(request, abac.schema.home_realm(), applicable.attributes);
        let decisive = verdict.rule().and_then(Model::of).map(|(_, number)| number);
        let mut listed: Vec<Listed> = Vec::new();
        for bucket in applicable.buckets.iter().flatten() {
            listed.extend(bucket.deny.all());
            if applicable.declared {
                listed.extend(bucket.permit.all());
            }
        }
        // The one that decided comes first.
        listed.sort_unstable_by_key(|listed| (Some(u64::from(listed.rule)) != decisive, listed.rule));
        let mut steps = Self::MAX_STEPS;
        let explain = |listed: &Listed| {
            let rule = abac.rules.get(listed.rule as usize)?;
            let mut explainer = Explainer {
                abac,
                rule,
                evaluation: Evaluation::new(&abac.program, facts, 0),
                steps: &mut steps,
                clauses: Vec::new(),
            };
            let is_decisive = Some(u64::from(listed.rule)) == decisive;
            let is_open = is_decisive && matches!(verdict.effect(), Effect::Indeterminate(_));
            let alone = explainer.outcome(listed.root)?;
            let outcome = if is_open { ClauseOutcome::Indeterminate } else { alone };
            if outcome == alone {
                explainer.clause(rule.condition.tree(), listed.root, outcome);
            } else {
                // Alone it is known. After all the others there was no time left for it, or one of them might have obliged.
                explainer.whole(rule.condition.tree(), outcome);
            }
            Some(ExplainedRule {
                name: rule.name.clone(),
                effect: rule.effect,
                outcome,
                decisive: is_decisive,
                clauses: explainer.clauses,
            })
        };
        let rules: Vec<_> = listed.iter().take(Self::MAX).map_while(explain).collect();
        let more = listed.len().saturating_sub(rules.len());
        Self { rules, more }
    }

    /// The rules, the one that decided first.
    #[must_use]
    pub fn rules(&self) -> &[ExplainedRule] {
        &self.rules
    }

    /// How many more there are: beyond [`MAX`](Self::MAX), or beyond the elements that one explanation looks at.
    #[must_use]
    pub fn more(&self) -> usize {
        self.more
    }
}

impl ExplainedRule {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &RuleName {
        &self.name
    }

    /// Whether it allows or forbids.
    #[must_use]
    pub fn effect(&self) -> RuleEffect {
        self.effect
    }

    /// What became of its condition.
    #[must_use]
    pub fn outcome(&self) -> ClauseOutcome {
        self.outcome
    }

    /// Whether it decided.
    #[must_use]
    pub fn is_decisive(&self) -> bool {
        self.decisive
    }

    /// The clauses that made its condition so.
    #[must_use]
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }
}

impl Clause {
    /// The clause, as the policy would write it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What became of it.
    #[must_use]
    pub fn outcome(&self) -> ClauseOutcome {
        self.outcome
    }

    /// The attributes that it looked at.
    #[must_use]
    pub fn compared(&self) -> &[Compared] {
        &self.compared
    }
}

impl Compared {
    /// What it is called.
    #[must_use]
    pub fn attribute(&self) -> &str {
        &self.attribute
    }

    /// Whether the request did not have it.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.missing
    }

    /// Its value, or `None` if it was missing or of another type than the schema says. Not for whoever is refused.
    #[must_use]
    pub fn expose(&self) -> Option<&Value> {
        self.found.as_ref()
    }

    /// Its value as a condition would write it. Not for whoever is refused.
    #[must_use]
    pub fn expose_text(&self) -> Option<String> {
        let mut text = String::new();
        print::constant(self.found.as_ref()?, &mut text).ok()?;
        Some(text)
    }
}

impl fmt::Debug for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Compared({}{})", self.attribute, if self.missing { ", missing" } else { ", redacted" })
    }
}

/// Without values.
impl fmt::Display for ExplainedRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, rule) in self.rules.iter().enumerate() {
            write!(f, "{}{rule}", if n > 0 { "; " } else { "" })?;
        }
        if self.rules.is_empty() {
            f.write_str("no rule speaks of it")?;
        }
        if self.more > 0 {
            write!(f, "; and {} more", self.more)?;
        }
        Ok(())
    }
}

impl fmt::Display for ExplainedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.effect {
            RuleEffect::Permit => "permit",
            RuleEffect::Deny => "deny",
        };
        write!(f, "{effect} rule {} is {}", self.name, self.outcome.as_str())?;
        for (n, clause) in self.clauses.iter().enumerate() {
            write!(f, "{}{clause}", if n > 0 { ", " } else { ": " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is {}", self.text, self.outcome.as_str())?;
        for compared in self.compared.iter().filter(|compared| compared.missing) {
            write!(f, " ({} is missing)", compared.attribute)?;
        }
        for compared in self.compared.iter().filter(|compared| !compared.missing && compared.found.is_none())
        {
            write!(f, " ({} is not of its type)", compared.attribute)?;
        }
        Ok(())
    }
}

impl ClauseOutcome {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Indeterminate => "indeterminate",
        }
    }
}

impl From<Truth> for ClauseOutcome {
    fn from(truth: Truth) -> Self {
        match truth {
            Truth::True => Self::True,
            Truth::False => Self::False,
            Truth::Unknown => Self::Indeterminate,
        }
    }
}

struct Explainer<'a> {
    abac: &'a Abac,
    rule: &'a Rule,
    evaluation: Evaluation<'a, 32>,
    /// Those that are left for the whole explanation.
    steps: &'a mut u32,
    clauses: Vec<Clause>,
}

impl Explainer<'_> {
    /// With as many steps as a verdict has for all rules together. `None` if there are not as many any more, and it took
    /// all that there were.
    fn outcome(&mut self, node: u32) -> Option<ClauseOutcome> {
        let steps = MAX_STEPS.min(*self.steps);
        self.evaluation.give(steps);
        let truth = self.evaluation.truth(node);
        let left = self.evaluation.left();
        *self.steps = self.steps.saturating_sub(steps.saturating_sub(left));
        (left > 0 || steps == MAX_STEPS).then(|| truth.into())
    }

    /// Goes down tree and program together, to the clauses that made the whole what it is.
    fn clause(&mut self, predicate: &Predicate, node: u32, outcome: ClauseOutcome) {
        let program = &self.abac.program;
        match (predicate, program.nodes.get(node as usize)) {
            (Predicate::Not(inner), Some(Code::Not(node))) => match self.outcome(*node) {
                Some(outcome) => self.clause(inner, *node, outcome),
                None => self.whole(predicate, outcome),
            },
            (Predicate::All(list), Some(Code::All { first, end })) => {
                self.joined(predicate, list, (*first, *end), outcome, ClauseOutcome::False);
            }
            (Predicate::Any(list), Some(Code::Any { first, end })) => {
                self.joined(predicate, list, (*first, *end), outcome, ClauseOutcome::True);
            }
            _ => self.whole(predicate, outcome),
        }
    }

    fn whole(&mut self, predicate: &Predicate, outcome: ClauseOutcome) {
        let mut compared = Vec::new();
        self.compared(Node::Predicate(predicate), &mut compared);
        self.clauses.push(Clause { text: print::clause(predicate), outcome, compared });
    }

    /// One clause is enough to end it; otherwise all that have the same outcome made it so. If none has it, they took too
    /// long together.
    fn joined(
        &mut self,
        whole: &Predicate,
        list: &[Predicate],
        (first, end): (u32, u32),
        outcome: ClauseOutcome,
        ends: ClauseOutcome,
    ) {
        let program = &self.abac.program;
        let children = program.children.get(first as usize..end as usize).unwrap_or_default();
        let before = self.clauses.len();
        for (inner, node) in list.iter().zip(children) {
            if self.outcome(*node) == Some(outcome) {
                self.clause(inner, *node, outcome);
                if outcome == ends {
                    return;
                }
            }
        }
        if self.clauses.len() == before {
            self.whole(whole, outcome);
        }
    }

    fn compared(&mut self, node: Node<'_>, compared: &mut Vec<Compared>) {
        let slot = match node {
            Node::Predicate(Predicate::Has(path)) | Node::Term(Term::Attribute(path)) => self.slot(path),
            Node::Term(Term::Principal) => {
                let kind = AttributeType::Scalar(ScalarType::Principal);
                Some(Slot { source: Source::BuiltIn(BuiltIn::Principal), kind })
            }
            _ => None,
        };
        let slots = &self.abac.program.slots;
        let index = slot.as_ref().and_then(|slot| slots.iter().position(|known| known == slot));
        if let (Some(slot), Some(index)) = (slot, index.and_then(|index| u32::try_from(index).ok())) {
            let (found, missing) = match self.evaluation.find(index) {
                Found::There(operand) => (operand.to_value(), false),
                Found::Missing => (None, true),
                Found::Bad => (None, false),
            };
            let attribute = slot.path();
            if compared.iter().all(|known| known.attribute != attribute) {
                compared.push(Compared { attribute, found, missing });
            }
        }
        let _ = node.below(&mut |inner| {
            self.compared(inner, compared);
            Ok::<(), std::convert::Infallible>(())
        });
    }

    fn slot(&self, path: &AttributePath) -> Option<Slot> {
        let of = match &self.rule.resource {
            Kinds::Any => None,
            Kinds::One(kind) => Some(kind),
        };
        let resolved = self.abac.schema.resolve(path, of)?;
        let kind =
            if resolved.part.is_some() { AttributeType::Scalar(ScalarType::Time) } else { resolved.kind };
        Some(Slot { source: resolved.source, kind })
    }
}
