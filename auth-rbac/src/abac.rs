//! Attribute-based access control: rules with conditions.

use std::{collections::HashMap, fmt};

use auth_core::{
    AccessRequest, Action, Authorizer, DecideError, Decision, Effect, Indeterminate, Obligation,
    PolicyVersion, ResourceKind, RuleId,
};

mod challenge;
mod check;
mod evaluate;
pub(crate) mod explain;
mod index;
mod kinds;
pub(crate) mod operand;
mod program;
pub(crate) mod rule;

use self::{
    challenge::{Challenges, Demanded},
    evaluate::{Evaluation, Facts},
    explain::ExplainedRules,
    index::{Listed, Outcome, Rules},
    program::{Program, Writer},
    rule::{Actions, Kinds, Rule, RuleEffect, RuleName},
};
use crate::{
    attribute::{AttributeName, value::Value},
    condition::error::ConditionError,
    engine::{Engine, Model},
    explain::{Because, Explanation},
    names::Names,
    schema::{Schema, SchemaError},
    verdict::Verdict,
};

/// Attribute-based access control (NIST SP 800-162): rules with conditions over the attributes of who asks, what is asked
/// for, and the circumstances. Compiled once, immutable, and asked without an allocation or a lock.
///
/// A rule that forbids overrides all that allow, and one whose condition cannot be evaluated keeps them from allowing
/// (XACML 3.0, deny-overrides). Of several that allow, the first decides, with its obligations.
///
/// ```
/// use auth_core::PolicyVersion;
/// use auth_rbac::{Abac, Rule, Schema};
///
/// let mut schema = Schema::new();
/// schema.action("documents.read")?;
/// schema.resource("document", "department", "text")?.principal("departments", "set<text>")?;
/// let rules: Vec<Rule> = serde_json::from_str(
///     r#"[{
///         "name": "own-department",
///         "effect": "permit",
///         "actions": ["documents.read"],
///         "resource": "document",
///         "condition": "resource.department in principal.departments && context.time.hour in 9..17"
///     }]"#,
/// )?;
/// let abac = Abac::compile(PolicyVersion::new(1), &schema, &rules)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Abac {
    version: PolicyVersion,
    program: Program,
    schema: Schema,
    rules: Vec<Rule>,
    /// The condition of each rule.
    roots: Vec<u32>,
    actions: Names,
    kinds: Names,
    /// Attributes of each action, sorted by name.
    of_actions: Vec<Box<[(AttributeName, Value)]>>,
    buckets: HashMap<(u32, u32), Bucket, foldhash::fast::RandomState>,
    challenges: Challenges,
}

/// In place of an action or a kind: any.
const ANY: u32 = u32::MAX;

/// The rules about one action, or any, and one kind, or any.
#[derive(Debug, Clone, Default)]
struct Bucket {
    deny: Rules,
    permit: Rules,
    challenges: Demanded,
}

impl Abac {
    /// The most rules.
    pub const MAX_RULES: usize = 1 << 20;
    /// The most different challenges that rules demand.
    pub const MAX_CHALLENGES: usize = 8;

    /// Compiles a policy.
    ///
    /// # Errors
    /// [`AbacError`]: every mistake that can be found without a request, such as a comparison of different types or an
    /// action that the schema does not declare.
    pub fn compile(version: PolicyVersion, schema: &Schema, rules: &[Rule]) -> Result<Self, AbacError> {
        schema.check()?;
        if rules.len() > Self::MAX_RULES {
            return Err(AbacError::TooMany);
        }
        let mut abac = Self::empty(version, schema);
        let mut writer = Writer::default();
        let mut names = HashMap::new();
        let mut buckets: HashMap<(u32, u32), [Vec<Listed>; 2]> = HashMap::new();
        let mut demanded: HashMap<(u32, u32), Demanded> = HashMap::new();
        for (rule, index) in rules.iter().zip(0_u32..) {
            let refuse = |problem| AbacError::Rule { name: rule.name.clone(), problem };
            if names.insert(&rule.name, ()).is_some() {
                return Err(refuse(RuleProblem::Duplicate));
            }
            if rule.effect == RuleEffect::Deny && !rule.obligations.is_empty() {
                return Err(refuse(RuleProblem::Obligations));
            }
            let (of, kind) = abac.kind_of(rule).map_err(refuse)?;
            let actions = abac.actions_of(rule).map_err(refuse)?;
            let root = check::compile(&rule.condition, schema, of, &mut writer)
                .map_err(|error| refuse(RuleProblem::Condition(error)))?;
            abac.roots.push(root);
            let demand = abac.challenges.add(rule).map_err(refuse)?;
            for action in actions {
                let [deny, permit] = buckets.entry((action, kind)).or_default();
                let list = if rule.effect == RuleEffect::Deny { deny } else { permit };
                list.push(Listed { rule: index, root });
                let of_bucket = demanded.entry((action, kind)).or_default();
                *of_bucket = of_bucket.and(demand);
            }
        }
        abac.program = writer.program;
        for (key, [deny, permit]) in buckets {
            let bucket = Bucket {
                deny: Rules::new(&abac.program, deny),
                permit: Rules::new(&abac.program, permit),
                challenges: demanded.get(&key).copied().unwrap_or_default(),
            };
            abac.buckets.insert(key, bucket);
        }
        abac.rules = rules.to_vec();
        Ok(abac)
    }

    fn empty(version: PolicyVersion, schema: &Schema) -> Self {
        let (mut actions, mut kinds) = (Names::new(), Names::new());
        let mut of_actions = Vec::new();
        for (action, attributes) in schema.actions_with_attributes() {
            actions.push(action.as_str());
            let attributes = attributes.iter().map(|(name, value)| (name.clone(), value.clone()));
            of_actions.push(attributes.collect());
        }
        for kind in schema.kinds() {
            kinds.push(kind.as_str());
        }
        Self {
            version,
            program: Program::default(),
            schema: schema.clone(),
            rules: Vec::new(),
            roots: Vec::new(),
            actions,
            kinds,
            of_actions,
            buckets: HashMap::default(),
            challenges: Challenges::default(),
        }
    }

    fn kind_of<'r>(&self, rule: &'r Rule) -> Result<(Option<&'r ResourceKind>, u32), RuleProblem> {
        match &rule.resource {
            Kinds::Any => Ok((None, ANY)),
            Kinds::One(kind) => {
                let number =
                    self.kinds.find(kind.as_str()).ok_or_else(|| RuleProblem::UnknownKind(kind.clone()))?;
                Ok((Some(kind), number))
            }
        }
    }

    fn actions_of(&self, rule: &Rule) -> Result<Vec<u32>, RuleProblem> {
        let actions = match &rule.actions {
            Actions::Any => return Ok(vec![ANY]),
            Actions::These(actions) => actions,
        };
        if actions.is_empty() {
            return Err(RuleProblem::NoAction);
        }
        let find = |action: &Action| {
            self.actions.find(action.as_str()).ok_or_else(|| RuleProblem::UnknownAction(action.clone()))
        };
        let mut numbers = actions.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    /// The version that it was compiled as.
    #[must_use]
    pub fn version(&self) -> PolicyVersion {
        self.version
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The schema.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The rule that a decision of this policy names.
    #[must_use]
    pub fn rule(&self, id: RuleId) -> Option<&Rule> {
        match Model::of(id)? {
            (Model::Conditions, number) => self.rules.get(usize::try_from(number).ok()?),
            _ => None,
        }
    }

    /// The buckets that a request falls into, and whether action and kind are both declared.
    #[inline]
    fn buckets(&self, request: &AccessRequest<'_>) -> Applicable<'_> {
        let action = self.actions.find(request.action().as_str());
        let kind = self.kinds.find(request.resource().kind().as_str());
        let bucket = |action: Option<u32>, kind: Option<u32>| self.buckets.get(&(action?, kind?));
        let buckets = [
            bucket(action, kind),
            bucket(action, Some(ANY)),
            bucket(Some(ANY), kind),
            bucket(Some(ANY), Some(ANY)),
        ];
        let attributes = action.and_then(|action| self.of_actions.get(action as usize));
        Applicable {
            buckets,
            declared: action.is_some() && kind.is_some(),
            attributes: attributes.map_or(&[], |list| list),
        }
    }

    #[inline]
    fn answer(&self, request: &AccessRequest<'_>) -> Verdict {
        // Reading an attribute costs more than remembering it; making room for many costs as well.
        if self.program.slots.len() <= 8 {
            self.answer_with::<8>(request)
        } else {
            self.answer_with::<32>(request)
        }
    }

    fn answer_with<const N: usize>(&self, request: &AccessRequest<'_>) -> Verdict {
        let applicable = self.buckets(request);
        let facts = Facts::new(request, self.schema.home_realm(), applicable.attributes);
        let found = self.find::<N>(&applicable, facts);
        let verdict = self.verdict(found);
        let none = Demanded::default();
        let demanded = applicable.buckets.iter().flatten().fold(none, |all, of| all.and(of.challenges));
        if demanded != none && found.effect() != Effect::Permit {
            self.challenged::<N>(verdict, demanded, &applicable, facts)
        } else {
            verdict
        }
    }

    #[inline]
    fn find<'a, const N: usize>(&'a self, applicable: &Applicable<'a>, facts: Facts<'a>) -> Outcomes {
        let mut evaluation = Evaluation::<N>::new(&self.program, facts);
        let mut found = Outcomes::default();
        for bucket in applicable.buckets.iter().flatten() {
            bucket.deny.evaluate(&mut evaluation, &mut found.deny);
        }
        // What nobody has declared, nothing allows.
        if found.deny.applies.is_none() && applicable.declared {
            for bucket in applicable.buckets.iter().flatten() {
                bucket.permit.evaluate(&mut evaluation, &mut found.permit);
            }
        }
        found
    }

    fn verdict(&self, found: Outcomes) -> Verdict {
        let rule = |rule: u32| Some(Model::Conditions.rule(rule.into()));
        match (found.deny.applies, found.deny.unknown, found.permit.applies, found.permit.unknown) {
            (Some(deny), ..) => Verdict::deny(self.version, rule(deny)),
            (None, Some(deny), None, None) => {
                Verdict::indeterminate(self.version, rule(deny), Indeterminate::Deny)
            }
            (None, Some(deny), ..) => Verdict::indeterminate(self.version, rule(deny), Indeterminate::Either),
            (None, None, Some(permit), _) => {
                let verdict = Verdict::permit(self.version, rule(permit));
                match self.rules.get(permit as usize) {
                    Some(of) if !of.obligations.is_empty() => verdict.with_obligations(
                        of.obligations.iter().map(|name| Obligation { name: name.clone() }).collect(),
                    ),
                    _ => verdict,
                }
            }
            (None, None, None, Some(permit)) => {
                Verdict::indeterminate(self.version, rule(permit), Indeterminate::Permit)
            }
            (None, None, None, None) => Verdict::not_applicable(self.version),
        }
    }
}

struct Applicable<'a> {
    buckets: [Option<&'a Bucket>; 4],
    declared: bool,
    attributes: &'a [(AttributeName, Value)],
}

#[derive(Debug, Clone, Copy, Default)]
struct Outcomes {
    deny: Outcome,
    permit: Outcome,
}

impl Outcomes {
    fn effect(self) -> Effect {
        let permits = self.permit.applies.is_some() || self.permit.unknown.is_some();
        match (self.deny.applies, self.deny.unknown) {
            (Some(_), _) => Effect::Deny,
            (None, Some(_)) if permits => Effect::Indeterminate(Indeterminate::Either),
            (None, Some(_)) => Effect::Indeterminate(Indeterminate::Deny),
            (None, None) if self.permit.applies.is_some() => Effect::Permit,
            (None, None) if permits => Effect::Indeterminate(Indeterminate::Permit),
            (None, None) => Effect::NotApplicable,
        }
    }
}

impl Engine for Abac {
    fn evaluate(&self, request: &AccessRequest<'_>) -> Result<Verdict, DecideError> {
        Ok(self.answer(request))
    }

    fn explain(&self, request: &AccessRequest<'_>) -> Result<Explanation, DecideError> {
        let verdict = self.answer(request);
        let rules = ExplainedRules::new(self, request, &verdict);
        Ok(Explanation::new(verdict, Because::Rules(rules)))
    }
}

impl Authorizer for Abac {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        Ok(self.answer(request).decide(request))
    }
}

impl fmt::Debug for Abac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Abac")
            .field("version", &self.version)
            .field("rules", &self.rules.len())
            .finish_non_exhaustive()
    }
}

/// Why a policy of rules is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AbacError {
    /// The schema contradicts itself.
    #[error("the schema is refused")]
    Schema(#[from] SchemaError),
    /// A rule is wrong.
    #[error("rule {name}: {problem}")]
    Rule {
        /// Which.
        name: RuleName,
        /// In what.
        problem: RuleProblem,
    },
    /// There are more than [`Abac::MAX_RULES`].
    #[error("a policy has at most {} rules", Abac::MAX_RULES)]
    TooMany,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleProblem {
    /// Another rule has the same name.
    #[error("there are two rules of this name")]
    Duplicate,
    /// The schema does not declare the action.
    #[error("the schema does not declare the action {0}")]
    UnknownAction(Action),
    /// The schema does not declare the kind.
    #[error("the schema does not declare the kind {0}")]
    UnknownKind(ResourceKind),
    /// It names no action.
    #[error("the rule is about no action")]
    NoAction,
    /// Only what is allowed can depend on obligations.
    #[error("a rule that forbids has no obligations")]
    Obligations,
    /// A challenge that asks for nothing helps nobody.
    #[error("a challenge that asks for nothing")]
    Demand,
    /// There are more different challenges than [`Abac::MAX_CHALLENGES`].
    #[error("a policy has at most {} different challenges", Abac::MAX_CHALLENGES)]
    Demands,
    /// The condition is wrong.
    #[error("{0}")]
    Condition(#[source] ConditionError),
}
