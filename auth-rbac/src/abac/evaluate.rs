//! Evaluation of compiled conditions.

use auth_core::{AccessRequest, Assurance, Challenge, PrincipalKind, UnixTime};

use super::{
    operand::{Operand, Truth},
    program::{Node, Program, TermNode},
};
use crate::{
    attribute::{Root, value::Value},
    condition::{tree::Comparison, zone},
    schema::{Home, builtin::BuiltIn, resolve::Source},
};

/// The evaluation of one request, which remembers the first `N` of its attributes.
pub(super) struct Evaluation<'a, const N: usize> {
    program: &'a Program,
    facts: Facts<'a>,
    seen: [Seen<'a>; N],
    /// How many elements may still be looked at.
    steps: u32,
    /// Whether a value was there and of no use: too large, of another type, or beyond what can be computed.
    unusable: bool,
}

/// Elements that one evaluation looks at, all conditions together. Sets within sets within sets would keep a thread busy
/// for ever; beyond this, conditions are indeterminate.
pub(super) const MAX_STEPS: u32 = 100_000;

/// What is known of the request.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) request: &'a AccessRequest<'a>,
    pub(super) home: &'a Home,
    /// Attributes of the action, sorted by name.
    pub(super) action: &'a [(crate::attribute::AttributeName, Value)],
    authenticated: UnixTime,
    assurance: Assurance,
    /// Whether it is about some resource, and which one is not known.
    is_somewhere: bool,
}

#[derive(Clone, Copy)]
enum Seen<'a> {
    Not,
    Missing,
    /// There, and of another type than the schema says, or too large.
    Bad,
    There(Operand<'a>),
}

/// What an attribute is in a request.
pub(super) enum Found<'a> {
    Missing,
    Bad,
    There(Operand<'a>),
}

/// Elements that quantifiers look at, the innermost first.
struct Scope<'s, 'a> {
    element: Operand<'a>,
    outer: Option<&'s Scope<'s, 'a>>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(
        request: &'a AccessRequest<'a>,
        home: &'a Home,
        action: &'a [(crate::attribute::AttributeName, Value)],
    ) -> Self {
        let authentication = request.authentication();
        let (authenticated, assurance) = (authentication.at, authentication.assurance);
        Self { request, home, action, authenticated, assurance, is_somewhere: false }
    }

    /// The same request for some resource, of which no more is known than its tenant, if it names one.
    pub(super) fn somewhere(self) -> Self {
        Self { is_somewhere: true, ..self }
    }

    /// Whether it depends on which resource it is.
    fn is_open(&self, source: &Source) -> bool {
        self.is_somewhere
            && match source {
                Source::BuiltIn(BuiltIn::ResourceTenant) => self.request.resource().tenant().is_none(),
                Source::BuiltIn(BuiltIn::ResourceKind | BuiltIn::ResourceId)
                | Source::Named(Root::Resource, _) => true,
                Source::BuiltIn(_) | Source::Named(..) => false,
            }
    }

    /// The same request, had it satisfied a challenge just now. What methods that took is not known, so the methods are
    /// those that were used already. Whoever is not asked for an age may answer by a login of long ago, so its time is
    /// that of the login there is; and who is, by a new one that is no surer than was asked for.
    pub(super) fn after(self, challenge: &Challenge) -> Self {
        let (authenticated, before) = match challenge.max_age {
            Some(_) => (self.request.now(), Assurance::Aal1),
            None => (self.authenticated, self.assurance),
        };
        let assurance = challenge.assurance.map_or(before, |wanted| wanted.max(before));
        Self { authenticated, assurance, ..self }
    }

    /// The same challenge, for a new login that is no less sure than the present one.
    pub(super) fn as_sure(&self, challenge: &Challenge) -> Challenge {
        Challenge { assurance: challenge.assurance.max(Some(self.assurance)), ..challenge.clone() }
    }

    /// Whether the authentication satisfies a challenge already.
    pub(super) fn satisfies(&self, challenge: &Challenge) -> bool {
        let fresh = challenge.max_age.is_none_or(|max| self.request.now().since(self.authenticated) <= max);
        fresh && challenge.assurance.is_none_or(|wanted| self.assurance >= wanted)
    }

    #[inline]
    fn built_in(&self, built_in: BuiltIn) -> Option<Operand<'a>> {
        let request = self.request;
        let authentication = request.authentication();
        let of_kind = |kind| {
            let principal = request.principal();
            let home = match self.home {
                Home::Realm(realm) => principal.realm() == realm,
                Home::Any => true,
            };
            (home && principal.kind() == kind).then(|| Operand::Text(principal.id()))
        };
        match built_in {
            BuiltIn::Principal => Some(Operand::Principal(request.principal())),
            BuiltIn::PrincipalId => of_kind(PrincipalKind::User),
            BuiltIn::ServiceId => of_kind(PrincipalKind::Service),
            BuiltIn::DeviceId => of_kind(PrincipalKind::Device),
            BuiltIn::PrincipalKind => Some(Operand::Text(request.principal().kind().as_str())),
            BuiltIn::PrincipalRealm => Some(Operand::Text(request.principal().realm().as_str())),
            BuiltIn::AssertedRoles => Some(Operand::Roles(request.asserted_roles())),
            BuiltIn::ActionName => Some(Operand::Text(request.action().as_str())),
            BuiltIn::ResourceKind => Some(Operand::Text(request.resource().kind().as_str())),
            BuiltIn::ResourceId => request.resource().id().map(Operand::Text),
            BuiltIn::ResourceTenant => {
                request.resource().tenant().map(|tenant| Operand::Text(tenant.as_str()))
            }
            BuiltIn::Time => Some(Operand::Time(request.now())),
            BuiltIn::Address => request.source().map(|source| Operand::Address(source.to_canonical())),
            BuiltIn::AuthenticationTime => Some(Operand::Time(self.authenticated)),
            BuiltIn::AuthenticationAge => {
                let age = request.now().since(self.authenticated).as_secs();
                i64::try_from(age).ok().map(Operand::Duration)
            }
            BuiltIn::Assurance => level(self.assurance).map(Operand::Integer),
            BuiltIn::Methods => Some(Operand::Methods(&authentication.methods)),
            BuiltIn::Impersonated => Some(Operand::Bool(authentication.actor.is_some())),
        }
    }
}

/// The number of a level; a level that this version does not know has none.
const fn level(assurance: Assurance) -> Option<i64> {
    match assurance {
        Assurance::Aal1 => Some(1),
        Assurance::Aal2 => Some(2),
        Assurance::Aal3 => Some(3),
        _ => None,
    }
}

impl<'a, const N: usize> Evaluation<'a, N> {
    /// Elements that are compared in the time that a quantifier takes for one.
    const COMPARED_AT_ONCE: usize = 16;
    /// Bytes of a text that are read in about that time. Shorter texts cost nothing of their own.
    const READ_AT_ONCE: usize = 256;

    /// One that may take so many steps.
    #[inline]
    pub(super) fn new(program: &'a Program, facts: Facts<'a>, steps: u32) -> Self {
        Self { program, facts, seen: [Seen::Not; N], steps, unusable: false }
    }

    /// Gives it so many steps anew.
    pub(super) fn give(&mut self, steps: u32) {
        self.steps = steps;
    }

    /// The steps that are left. Without any, what was not known may have been for want of them.
    #[inline]
    pub(super) fn left(&self) -> u32 {
        self.steps
    }

    /// Whether there was a value of no use since this was asked last. What is not known for that reason, whoever sent the
    /// value may have wanted not to be.
    pub(super) fn met_unusable(&mut self) -> bool {
        std::mem::take(&mut self.unusable)
    }

    /// Takes steps. If there are not enough there are none from then on.
    #[inline]
    pub(super) fn take(&mut self, steps: usize) -> Option<()> {
        let left = u32::try_from(steps).ok().and_then(|steps| self.steps.checked_sub(steps));
        self.steps = left.unwrap_or(0);
        left.map(drop)
    }

    /// Takes the steps for reading that many bytes of text.
    #[inline]
    pub(super) fn read_text(&mut self, bytes: usize) -> Option<()> {
        if bytes < Self::READ_AT_ONCE {
            return Some(());
        }
        self.take(bytes.div_ceil(Self::READ_AT_ONCE))
    }

    fn compare(&mut self, left: Operand<'a>, by: Comparison, right: Operand<'a>) -> Option<bool> {
        self.read_text(left.compared_with(right))?;
        left.compare(by, right)
    }

    /// Looks for a value in a set. As many bytes are read of each element, at most, as the value has.
    fn search(&mut self, value: Operand<'a>, set: Operand<'a>) -> Option<bool> {
        let len = set.len().unwrap_or(0);
        self.take(len.div_ceil(Self::COMPARED_AT_ONCE))?;
        match value {
            Operand::Text(text) if text.len() >= Self::READ_AT_ONCE => {
                self.take(len.saturating_mul(text.len().div_ceil(Self::READ_AT_ONCE)))?;
            }
            _ => {}
        }
        value.is_in(set)
    }

    /// Evaluates a condition.
    #[inline]
    pub(super) fn truth(&mut self, node: u32) -> Truth {
        match self.program.nodes.get(node as usize) {
            Some(Node::All { first, end }) => self.join(*first, *end, Truth::False, None),
            _ => self.predicate(node, None),
        }
    }

    fn predicate(&mut self, node: u32, scope: Option<&Scope<'_, 'a>>) -> Truth {
        let program = self.program;
        let Some(node) = program.nodes.get(node as usize) else { return Truth::Unknown };
        match *node {
            Node::Constant(constant) => constant.into(),
            Node::TextIs { slot, constant, equal } => self.text_is(slot, constant, equal),
            Node::IntegerIs { slot, by, constant } => self.integer_is(slot, by, constant),
            Node::All { first, end } => self.join(first, end, Truth::False, scope),
            Node::Any { first, end } => self.join(first, end, Truth::True, scope),
            Node::Not(inner) => self.predicate(inner, scope).not(),
            Node::Is(term) => match self.term(term, scope) {
                Some(Operand::Bool(is)) => is.into(),
                _ => Truth::Unknown,
            },
            Node::Compare { left, by, right } => {
                let (left, right) = (self.term(left, scope), self.term(right, scope));
                known(left.zip(right).and_then(|(left, right)| self.compare(left, by, right)))
            }
            Node::In { value, set } => {
                let (value, set) = (self.term(value, scope), self.term(set, scope));
                known(value.zip(set).and_then(|(value, set)| self.search(value, set)))
            }
            Node::Within { value, from, to, inclusive } => self.within([value, from, to], inclusive, scope),
            Node::Like { text, pattern } => {
                match (self.term(text, scope), program.patterns.get(pattern as usize)) {
                    (Some(Operand::Text(text)), Some(pattern)) => {
                        known(self.read_text(text.len()).map(|()| pattern.matches(text)))
                    }
                    _ => Truth::Unknown,
                }
            }
            Node::Has(slot) => match self.find(slot) {
                Found::There(_) => Truth::True,
                Found::Missing => Truth::False,
                Found::Bad => Truth::Unknown,
            },
            Node::AnyOf { set, holds } => self.quantified(set, holds, Truth::True, scope),
            Node::AllOf { set, holds } => self.quantified(set, holds, Truth::False, scope),
        }
    }

    #[inline]
    fn text_is(&mut self, slot: u32, constant: u32, equal: bool) -> Truth {
        match (self.slot(slot), self.program.constants.get(constant as usize)) {
            (Some(value @ Operand::Text(text)), Some(Value::Text(constant))) => {
                match self.read_text(value.compared_with(Operand::Text(constant))) {
                    Some(()) => ((text == constant) == equal).into(),
                    None => Truth::Unknown,
                }
            }
            _ => Truth::Unknown,
        }
    }

    #[inline]
    fn integer_is(&mut self, slot: u32, by: Comparison, constant: i64) -> Truth {
        let Some(Operand::Integer(value)) = self.slot(slot) else { return Truth::Unknown };
        let is = match by {
            Comparison::Equal => value == constant,
            Comparison::NotEqual => value != constant,
            Comparison::Less => value < constant,
            Comparison::AtMost => value <= constant,
            Comparison::More => value > constant,
            Comparison::AtLeast => value >= constant,
        };
        is.into()
    }

    /// Conjunction, which ends at the first that is false, and disjunction, which ends at the first that is true. What
    /// is neither leaves it open (Kleene; XACML 3.0, section 7.3.5 of `and` and `or`).
    #[inline]
    fn join(&mut self, first: u32, end: u32, ends: Truth, scope: Option<&Scope<'_, 'a>>) -> Truth {
        let program = self.program;
        let mut result = ends.not();
        for child in program.children.get(first as usize..end as usize).unwrap_or_default() {
            // What most rules consist of, without the way down and up again.
            let truth = match program.nodes.get(*child as usize) {
                Some(Node::IntegerIs { slot, by, constant }) => self.integer_is(*slot, *by, *constant),
                Some(Node::TextIs { slot, constant, equal }) => self.text_is(*slot, *constant, *equal),
                _ => self.predicate(*child, scope),
            };
            match truth {
                truth if truth == ends => return ends,
                Truth::Unknown => result = Truth::Unknown,
                _ => {}
            }
        }
        result
    }

    /// One after the other, as [`join`](Self::join). "All" of no elements is neither true nor false.
    fn quantified(&mut self, set: u32, holds: u32, ends: Truth, scope: Option<&Scope<'_, 'a>>) -> Truth {
        let Some((set, len)) = self.term(set, scope).and_then(|set| Some((set, set.len()?))) else {
            return Truth::Unknown;
        };
        if len == 0 {
            return if ends == Truth::True { Truth::False } else { Truth::Unknown };
        }
        let mut result = ends.not();
        for index in 0..len {
            if self.take(1).is_none() {
                return Truth::Unknown;
            }
            let Some(element) = set.element(index) else {
                result = Truth::Unknown;
                continue;
            };
            match self.predicate(holds, Some(&Scope { element, outer: scope })) {
                truth if truth == ends => return ends,
                Truth::Unknown => result = Truth::Unknown,
                _ => {}
            }
        }
        result
    }

    fn within(&mut self, terms: [u32; 3], inclusive: bool, scope: Option<&Scope<'_, 'a>>) -> Truth {
        use Comparison::{AtLeast, AtMost, Less};
        let [value, from, to] = terms.map(|term| self.term(term, scope));
        let (Some(value), Some(from), Some(to)) = (value, from, to) else { return Truth::Unknown };
        let last = if inclusive { AtMost } else { Less };
        known(value.compare(AtLeast, from).zip(value.compare(last, to)).map(|(from, to)| from && to))
    }

    #[inline]
    fn term(&mut self, term: u32, scope: Option<&Scope<'_, 'a>>) -> Option<Operand<'a>> {
        let program = self.program;
        match *program.terms.get(term as usize)? {
            TermNode::Slot(slot) => self.slot(slot),
            TermNode::Constant(constant) => program.constant(constant),
            other => self.computed(other, scope),
        }
    }

    fn computed(&mut self, term: TermNode, scope: Option<&Scope<'_, 'a>>) -> Option<Operand<'a>> {
        let program = self.program;
        match term {
            TermNode::Slot(slot) => self.slot(slot),
            TermNode::Constant(constant) => program.constant(constant),
            TermNode::Variable(between) => {
                let mut scope = scope?;
                for _ in 0..between {
                    scope = scope.outer?;
                }
                Some(scope.element)
            }
            TermNode::Size(set) => i64::try_from(self.term(set, scope)?.len()?).ok().map(Operand::Integer),
            TermNode::Part { time, part, zone } => {
                let Operand::Time(time) = self.term(time, scope)? else { return None };
                let zone = match zone {
                    Some(zone) => Some(program.zones.get(zone as usize)?),
                    None => None,
                };
                let value = zone::part(time, part, zone);
                self.unusable |= value.is_none();
                let value = value?;
                Some(match part {
                    crate::condition::tree::Part::TimeOfDay => Operand::Duration(value),
                    _ => Operand::Integer(value),
                })
            }
            TermNode::Arithmetic { left, by, right } => {
                let (left, right) = (self.term(left, scope)?, self.term(right, scope)?);
                let value = left.compute(by, right);
                self.unusable |= value.is_none();
                value
            }
        }
    }

    /// The value of an attribute, if it is there and of its type.
    #[inline]
    pub(super) fn slot(&mut self, slot: u32) -> Option<Operand<'a>> {
        match self.seen.get(slot as usize) {
            Some(Seen::There(operand)) => Some(*operand),
            Some(Seen::Missing) => None,
            _ => match self.find(slot) {
                Found::There(operand) => Some(operand),
                _ => None,
            },
        }
    }

    pub(super) fn find(&mut self, slot: u32) -> Found<'a> {
        let seen = match self.seen.get(slot as usize) {
            Some(Seen::Not) | None => self.read(slot),
            Some(seen) => *seen,
        };
        if let Some(place) = self.seen.get_mut(slot as usize) {
            *place = seen;
        }
        match seen {
            Seen::There(operand) => Found::There(operand),
            Seen::Missing => Found::Missing,
            Seen::Not | Seen::Bad => {
                self.unusable = true;
                Found::Bad
            }
        }
    }

    fn read(&self, slot: u32) -> Seen<'a> {
        let program = self.program;
        let Some(slot) = program.slots.get(slot as usize) else { return Seen::Bad };
        let facts = &self.facts;
        if facts.is_open(&slot.source) {
            return Seen::Bad;
        }
        let value = match &slot.source {
            Source::BuiltIn(built_in) => {
                return match facts.built_in(*built_in) {
                    Some(operand) if operand.is_small() => Seen::There(operand),
                    Some(_) => Seen::Bad,
                    None => Seen::Missing,
                };
            }
            Source::Named(Root::Principal, name) => facts.request.principal_attribute(name.as_str()),
            Source::Named(Root::Resource, name) => facts.request.resource_attribute(name.as_str()),
            Source::Named(Root::Context, name) => facts.request.context_attribute(name.as_str()),
            Source::Named(Root::Action, name) => {
                let found = facts.action.binary_search_by(|(known, _)| known.cmp(name)).ok();
                found.and_then(|found| facts.action.get(found)).map(|(_, value)| value.lend())
            }
        };
        match value.map(Operand::new) {
            None => Seen::Missing,
            Some(Some(operand)) if operand.attribute_type() == slot.kind && operand.is_small() => {
                Seen::There(operand)
            }
            Some(_) => Seen::Bad,
        }
    }
}

#[inline]
fn known(truth: Option<bool>) -> Truth {
    truth.map_or(Truth::Unknown, Truth::from)
}
