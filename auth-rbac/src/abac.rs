//! Attribute-based access control: rules with conditions.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use auth_core::{
    AccessRequest, Action, Authorizer, DecideError, Decision, Effect, Indeterminate, Obligation,
    PolicyVersion, ResourceKind, RuleId,
};

mod challenge;
mod check;
pub(crate) mod error;
mod evaluate;
pub(crate) mod explain;
mod index;
pub(crate) mod operand;
mod program;
pub(crate) mod rule;
mod somewhere;

use self::{
    challenge::{Challenges, Demanded},
    error::{AbacError, RuleProblem},
    evaluate::{Evaluation, Facts, MAX_STEPS},
    explain::ExplainedRules,
    index::{Listed, Outcome, Outcomes, Rules},
    program::{Program, Writer},
    rule::{Actions, Kinds, Rule, RuleEffect},
};
use crate::{
    attribute::{AttributeName, value::Value},
    engine::{Engine, Model},
    explain::{Because, Explanation},
    names::Names,
    schema::Schema,
    verdict::Verdict,
};

/// Attribute-based access control (NIST SP 800-162): rules with conditions over the attributes of who asks, what is asked
/// for, and the circumstances. Compiled once, immutable, and asked without a lock; also without an allocation, except
/// where a rule about the action and the kind has obligations or demands a challenge.
///
/// A rule that forbids overrides all that allow, and one whose condition cannot be evaluated keeps them from allowing
/// (XACML 3.0, deny-overrides). Of several that allow, the first decides, and the obligations of all of them must be
/// discharged (section 7.18). If one that has obligations cannot be evaluated because a value is too large, of another
/// type than the schema says, or beyond what can be computed, nothing is allowed: whoever chooses the value must not get
/// rid of an obligation by it. A value that is not there obliges to nothing.
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
    /// By action and kind, which of `distinct`: what is about the same rules shares them.
    buckets: HashMap<(u32, u32), u32, foldhash::fast::RandomState>,
    distinct: Vec<Bucket>,
    challenges: Challenges,
}

/// In place of an action or a kind: any.
const ANY: u32 = u32::MAX;

/// The rules about one action, or any, and one kind, or any.
#[derive(Debug, Clone, Default)]
struct Bucket {
    deny: Rules,
    permit: Rules,
    /// Whether one that allows has obligations.
    obliges: bool,
    challenges: Demanded,
}

/// The rules of a bucket, those that forbid before those that allow.
type Lists = [Vec<Listed>; 2];

impl Abac {
    /// The most rules.
    pub const MAX_RULES: usize = 1 << 20;
    /// The most constants that rules are found by, all actions and kinds together. Rules beyond that answer the same, and
    /// are looked at one by one.
    pub const MAX_INDEXED: usize = 1 << 22;
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
        let mut lists: BTreeMap<(u32, u32), Lists> = BTreeMap::new();
        let mut demands = Vec::with_capacity(rules.len());
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
            demands.push(abac.challenges.add(rule).map_err(refuse)?);
            for action in actions {
                let [deny, permit] = lists.entry((action, kind)).or_default();
                let list = if rule.effect == RuleEffect::Deny { deny } else { permit };
                list.push(Listed { rule: index, root });
            }
        }
        abac.program = writer.program;
        abac.rules = rules.to_vec();
        abac.fill(lists, &demands);
        Ok(abac)
    }

    /// Makes the buckets, each distinct one once.
    fn fill(&mut self, lists: BTreeMap<(u32, u32), Lists>, demands: &[Demanded]) {
        let mut known: HashMap<Lists, u32> = HashMap::new();
        let mut room = Self::MAX_INDEXED;
        for (key, lists) in lists {
            let number = match known.get(&lists) {
                Some(number) => *number,
                None => {
                    // No more than there are pairs of an action and a kind.
                    let number = u32::try_from(self.distinct.len()).unwrap_or(u32::MAX);
                    let bucket = self.bucket(&lists, demands, &mut room);
                    self.distinct.push(bucket);
                    known.insert(lists, number);
                    number
                }
            };
            self.buckets.insert(key, number);
        }
        self.distinct.shrink_to_fit();
    }

    fn bucket(&self, [deny, permit]: &Lists, demands: &[Demanded], room: &mut usize) -> Bucket {
        let obliges = |listed: &Listed| {
            self.rules.get(listed.rule as usize).is_some_and(|rule| !rule.obligations.is_empty())
        };
        let demands =
            deny.iter().chain(permit).filter_map(|listed| demands.get(listed.rule as usize)).copied();
        Bucket {
            obliges: permit.iter().any(obliges),
            challenges: demands.fold(Demanded::default(), Demanded::and),
            deny: Rules::new(&self.program, deny.clone(), room),
            permit: Rules::new(&self.program, permit.clone(), room),
        }
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
            distinct: Vec::new(),
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

    /// The memory that conditions and what they are found by hold, in bytes. The rules as they were written, and the
    /// schema, are not counted.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        let entry = size_of::<((u32, u32), u32)>().saturating_add(1);
        let rules = self.distinct.iter().flat_map(|bucket| [bucket.deny.bytes(), bucket.permit.bytes()]);
        [
            size_of::<Self>(),
            self.program.bytes(),
            self.actions.bytes(),
            self.kinds.bytes(),
            size_of_val(self.roots.as_slice()),
            size_of_val(self.distinct.as_slice()),
            self.buckets.capacity().saturating_mul(entry),
        ]
        .into_iter()
        .chain(rules)
        .fold(0, usize::saturating_add)
    }

    /// The rule that a decision of this policy names.
    #[must_use]
    pub fn rule(&self, id: RuleId) -> Option<&Rule> {
        match Model::of(id)? {
            (Model::Conditions, number) => self.rules.get(usize::try_from(number).ok()?),
            _ => None,
        }
    }

    #[inline]
    fn bucket_of(&self, action: u32, kind: u32) -> Option<&Bucket> {
        self.distinct.get(*self.buckets.get(&(action, kind))? as usize)
    }

    /// The buckets that a request falls into, and whether action and kind are both declared.
    #[inline]
    fn buckets(&self, request: &AccessRequest<'_>) -> Applicable<'_> {
        let action = self.actions.find(request.action().as_str());
        let kind = self.kinds.find(request.resource().kind().as_str());
        let bucket = |action: Option<u32>, kind: Option<u32>| self.bucket_of(action?, kind?);
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
        let mut steps = MAX_STEPS;
        let found = self.find::<N>(&applicable, facts, &mut steps);
        let verdict = self.verdict(&found);
        let none = Demanded::default();
        let demanded = applicable.buckets.iter().flatten().fold(none, |all, of| all.and(of.challenges));
        if demanded != none && found.effect() != Effect::Permit {
            self.challenged::<N>(verdict, demanded, &applicable, facts, steps)
        } else {
            verdict
        }
    }

    /// Takes what it needs of `steps`.
    #[inline]
    fn find<'a, const N: usize>(
        &'a self,
        applicable: &Applicable<'a>,
        facts: Facts<'a>,
        steps: &mut u32,
    ) -> Findings {
        let mut evaluation = Evaluation::<N>::new(&self.program, facts, *steps);
        let mut found = Findings::default();
        for bucket in applicable.buckets.iter().flatten() {
            bucket.deny.evaluate(&mut evaluation, &mut found.deny);
        }
        // What nobody has declared, nothing allows.
        if found.deny.applies.is_none() && applicable.declared {
            if applicable.buckets.iter().flatten().any(|bucket| bucket.obliges) {
                self.find_obliging(applicable, &mut evaluation, &mut found);
            } else {
                for bucket in applicable.buckets.iter().flatten() {
                    bucket.permit.evaluate(&mut evaluation, &mut found.permit);
                }
            }
        }
        *steps = evaluation.left();
        found
    }

    /// Looks at all rules that allow. Those that there are no steps left for might oblige to something, and so might one
    /// that a value of no use keeps from being evaluated: then nothing is allowed, for else whoever chooses the value
    /// would get rid of the obligation by it.
    #[inline(never)]
    fn find_obliging<const N: usize>(
        &self,
        applicable: &Applicable<'_>,
        evaluation: &mut Evaluation<'_, N>,
        found: &mut Findings,
    ) {
        let mut permits = Outcomes::new(&self.rules);
        for bucket in applicable.buckets.iter().flatten() {
            bucket.permit.evaluate(evaluation, &mut permits);
        }
        found.permit = permits.outcome;
        if evaluation.left() == 0 || permits.evaded {
            found.permit.unknown = permits.outcome.applies.or(permits.outcome.unknown);
            found.permit.applies = None;
            return;
        }
        permits.apply.sort_unstable();
        let rules = permits.apply.iter().filter_map(|rule| self.rules.get(*rule as usize));
        for name in rules.flat_map(|rule| &rule.obligations) {
            if found.obligations.iter().all(|known| known.name != *name) {
                found.obligations.push(Obligation { name: name.clone() });
            }
        }
    }

    fn verdict(&self, found: &Findings) -> Verdict {
        let rule = |rule: u32| Some(Model::Conditions.rule(rule.into()));
        match (found.deny.applies, found.deny.unknown, found.permit.applies, found.permit.unknown) {
            (Some(deny), ..) => Verdict::deny(self.version, rule(deny)),
            (None, Some(deny), None, None) => {
                Verdict::indeterminate(self.version, rule(deny), Indeterminate::Deny)
            }
            (None, Some(deny), ..) => Verdict::indeterminate(self.version, rule(deny), Indeterminate::Either),
            (None, None, Some(permit), _) => {
                let verdict = Verdict::permit(self.version, rule(permit));
                if found.obligations.is_empty() {
                    verdict
                } else {
                    verdict.with_obligations(found.obligations.clone())
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

#[derive(Debug, Default)]
struct Findings {
    deny: Outcome,
    permit: Outcome,
    /// Those of all rules that allow, each once.
    obligations: Vec<Obligation>,
}

impl Findings {
    fn effect(&self) -> Effect {
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
