//! From a tree to a program, by the types of a schema.

use crate::{
    abac::program::{Node, Of, Slot, TermNode, Writer},
    attribute::{
        AttributePath,
        kind::{AttributeType, ScalarType},
        value::Value,
    },
    condition::{
        Condition,
        error::{ConditionError, ConditionProblem},
        tree::{Comparison, Nested, Operation, Predicate, Term, Variable},
    },
    schema::{Schema, builtin::BuiltIn, resolve::Source},
};

use AttributeType::{Scalar, Set};

/// Compiles a condition of a rule about a kind of resource, or about any.
pub(super) fn compile(
    condition: &Condition,
    schema: &Schema,
    of: Of<'_>,
    writer: &mut Writer,
) -> Result<u32, ConditionError> {
    let mut checker = Checker { schema, of, writer, variables: Vec::new(), next: 0 };
    checker.predicate(condition.tree()).map_err(|(problem, node)| condition.error(problem, node))
}

type Failure = (ConditionProblem, usize);

struct Checker<'c> {
    schema: &'c Schema,
    of: Of<'c>,
    writer: &'c mut Writer,
    variables: Vec<(Variable, AttributeType)>,
    /// The number of the next node, in the order of the tree.
    next: usize,
}

/// A term, its type, and the number of its node.
#[derive(Clone, Copy)]
struct Typed {
    term: u32,
    kind: AttributeType,
    node: usize,
}

impl Checker<'_> {
    fn enter(&mut self) -> usize {
        let node = self.next;
        self.next = self.next.saturating_add(1);
        node
    }

    fn predicate(&mut self, predicate: &Predicate) -> Result<u32, Failure> {
        let at = self.enter();
        let node = match predicate {
            Predicate::Constant(constant) => Node::Constant(*constant),
            Predicate::Is(term) => {
                let term = self.term(term)?;
                expect(term, term.kind == Scalar(ScalarType::Bool), "a condition")?;
                Node::Is(term.term)
            }
            Predicate::All(list) => {
                let (first, end) = self.list(list)?;
                Node::All { first, end }
            }
            Predicate::Any(list) => {
                let (first, end) = self.list(list)?;
                Node::Any { first, end }
            }
            Predicate::Not(inner) => Node::Not(self.predicate(inner)?),
            Predicate::Compare { left, by, right } => {
                let (left, right) = (self.term(left)?, self.term(right)?);
                self.compare(at, left, *by, right)?
            }
            Predicate::In { value, set } => {
                let (value, set) = (self.term(value)?, self.term(set)?);
                self.membership(at, value, set)?
            }
            Predicate::Within { value, from, to, inclusive } => {
                let (value, from, to) = (self.term(value)?, self.term(from)?, self.term(to)?);
                self.range(at, value, from, to, *inclusive)?
            }
            Predicate::Like { text, pattern } => {
                let text = self.term(text)?;
                expect(text, text.kind == Scalar(ScalarType::Text), "a text")?;
                Node::Like { text: text.term, pattern: self.writer.pattern(pattern) }
            }
            Predicate::Has(path) => match self.attribute(path, at)?.0 {
                TermNode::Slot(slot) => Node::Has(slot),
                _ => return Err((self.unknown(path), at)),
            },
            Predicate::AnyOf { variable, set, holds } => {
                let (set, holds) = self.quantifier(at, variable, set, holds)?;
                Node::AnyOf { set, holds }
            }
            Predicate::AllOf { variable, set, holds } => {
                let (set, holds) = self.quantifier(at, variable, set, holds)?;
                Node::AllOf { set, holds }
            }
        };
        Ok(self.writer.node(node))
    }

    fn list(&mut self, list: &[Predicate]) -> Result<(u32, u32), Failure> {
        let children = list.iter().map(|inner| self.predicate(inner)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.writer.children(&children))
    }

    fn compare(&mut self, at: usize, left: Typed, by: Comparison, right: Typed) -> Result<Node, Failure> {
        let (left, right) = self.alike(left, right);
        if left.kind != right.kind {
            return Err((ConditionProblem::Compare { left: left.kind, by, right: right.kind }, at));
        }
        let equality = matches!(by, Comparison::Equal | Comparison::NotEqual);
        let allowed = match left.kind {
            Set(_) => false,
            Scalar(scalar) => equality || scalar.is_ordered(),
        };
        if !allowed {
            return Err((ConditionProblem::NoOrder { of: left.kind, by }, at));
        }
        Ok(self.short(left, by, right).unwrap_or(Node::Compare { left: left.term, by, right: right.term }))
    }

    /// The short form of a comparison of an attribute with a constant.
    fn short(&self, left: Typed, by: Comparison, right: Typed) -> Option<Node> {
        let (slot, constant, by) = match (self.code(left)?, self.code(right)?) {
            (TermNode::Slot(slot), TermNode::Constant(constant)) => (slot, constant, by),
            (TermNode::Constant(constant), TermNode::Slot(slot)) => (slot, constant, mirrored(by)),
            _ => return None,
        };
        match self.writer.program.constants.get(constant as usize)? {
            Value::Text(_) => Some(Node::TextIs { slot, constant, equal: by == Comparison::Equal }),
            Value::Integer(number) => Some(Node::IntegerIs { slot, by, constant: *number }),
            _ => None,
        }
    }

    fn membership(&mut self, at: usize, value: Typed, set: Typed) -> Result<Node, Failure> {
        let (Scalar(scalar), place) = (value.kind, set.kind) else {
            return Err((ConditionProblem::In { value: value.kind, set: set.kind }, at));
        };
        let (value, set) = match (scalar, place) {
            (ScalarType::Decimal, Set(ScalarType::Integer))
            | (ScalarType::Integer, Set(ScalarType::Decimal)) => self.alike(value, set),
            _ => (value, set),
        };
        let fits = match (value.kind, set.kind) {
            (Scalar(value), Set(of)) if value == of => true,
            (Scalar(ScalarType::Address), Scalar(ScalarType::Network) | Set(ScalarType::Network)) => true,
            _ => false,
        };
        if !fits {
            return Err((ConditionProblem::In { value: value.kind, set: set.kind }, at));
        }
        Ok(Node::In { value: value.term, set: set.term })
    }

    fn range(
        &mut self,
        at: usize,
        value: Typed,
        from: Typed,
        to: Typed,
        inclusive: bool,
    ) -> Result<Node, Failure> {
        let (value, from) = self.alike(value, from);
        let (value, to) = self.alike(value, to);
        let (value, from) = self.alike(value, from);
        for end in [from, to] {
            if end.kind != value.kind {
                let by = Comparison::AtLeast;
                return Err((ConditionProblem::Compare { left: value.kind, by, right: end.kind }, at));
            }
        }
        if !matches!(value.kind, Scalar(scalar) if scalar.is_ordered()) {
            return Err((ConditionProblem::NoOrder { of: value.kind, by: Comparison::AtLeast }, at));
        }
        let program = &self.writer.program;
        let constant = |typed: Typed| match program.terms.get(typed.term as usize) {
            Some(TermNode::Constant(constant)) => program.constant(*constant),
            _ => None,
        };
        if let (Some(from), Some(to)) = (constant(from), constant(to)) {
            let by = if inclusive { Comparison::AtMost } else { Comparison::Less };
            if from.compare(by, to) != Some(true) {
                return Err((ConditionProblem::EmptyRange, at));
            }
        }
        Ok(Node::Within { value: value.term, from: from.term, to: to.term, inclusive })
    }

    fn quantifier(
        &mut self,
        at: usize,
        variable: &Variable,
        set: &Term,
        holds: &Nested,
    ) -> Result<(u32, u32), Failure> {
        let set = self.term(set)?;
        let Set(of) = set.kind else {
            return Err((ConditionProblem::Type { expected: "a set", found: set.kind }, set.node));
        };
        if self.variables.iter().any(|(known, _)| known == variable) {
            return Err((ConditionProblem::DuplicateVariable(variable.as_str().into()), at));
        }
        self.variables.push((variable.clone(), Scalar(of)));
        let holds = self.predicate(&holds.0);
        self.variables.pop();
        Ok((set.term, holds?))
    }

    fn term(&mut self, term: &Term) -> Result<Typed, Failure> {
        let node = self.enter();
        let (code, kind) = match term {
            Term::Constant(value) => {
                (TermNode::Constant(self.writer.constant(value)), value.attribute_type())
            }
            Term::Attribute(path) => self.attribute(path, node)?,
            Term::Principal => {
                let kind = Scalar(ScalarType::Principal);
                let slot = Slot { source: Source::BuiltIn(BuiltIn::Principal), kind };
                (TermNode::Slot(self.writer.slot(slot)), kind)
            }
            Term::Variable(variable) => {
                let mut between = self.variables.iter().rev().zip(0_u32..);
                let found = between.find(|((known, _), _)| known == variable);
                let Some(((_, kind), between)) = found else {
                    return Err((ConditionProblem::UnknownVariable(variable.as_str().into()), node));
                };
                (TermNode::Variable(between), *kind)
            }
            Term::Size(set) => {
                let set = self.term(set)?;
                expect(set, matches!(set.kind, Set(_)), "a set")?;
                (TermNode::Size(set.term), Scalar(ScalarType::Integer))
            }
            Term::Part { time, part, zone } => {
                let time = self.term(time)?;
                expect(time, time.kind == Scalar(ScalarType::Time), "a time")?;
                let zone = match zone {
                    None => None,
                    Some(name) => {
                        let why = "not a time zone that is known";
                        let zone = name.zone().ok_or((ConditionProblem::Constant(why), node))?;
                        Some(self.writer.zone(zone))
                    }
                };
                (TermNode::Part { time: time.term, part: *part, zone }, part.attribute_type())
            }
            Term::Arithmetic { left, by, right } => {
                let (left, right) = (self.term(left)?, self.term(right)?);
                self.arithmetic(node, left, *by, right)?
            }
        };
        Ok(Typed { term: self.writer.term(code), kind, node })
    }

    fn attribute(&mut self, path: &AttributePath, node: usize) -> Result<(TermNode, AttributeType), Failure> {
        let Some(resolved) = self.schema.resolve(path, self.of) else {
            return Err((self.unknown(path), node));
        };
        let Some(part) = resolved.part else {
            let slot = Slot { source: resolved.source, kind: resolved.kind };
            return Ok((TermNode::Slot(self.writer.slot(slot)), resolved.kind));
        };
        let slot = Slot { source: resolved.source, kind: Scalar(ScalarType::Time) };
        let slot = self.writer.slot(slot);
        let time = self.writer.term(TermNode::Slot(slot));
        Ok((TermNode::Part { time, part, zone: None }, resolved.kind))
    }

    fn unknown(&self, path: &AttributePath) -> ConditionProblem {
        ConditionProblem::UnknownAttribute { path: path.clone(), similar: self.schema.similar(path, self.of) }
    }

    fn arithmetic(
        &mut self,
        node: usize,
        left: Typed,
        by: Operation,
        right: Typed,
    ) -> Result<(TermNode, AttributeType), Failure> {
        use Operation::{Add, Multiply, Subtract};
        use ScalarType::{Decimal, Duration, Integer, Time};
        // A product is of a whole number and a decimal one, so nothing is made a decimal there.
        let (left, right) = if by == Multiply { (left, right) } else { self.alike(left, right) };
        let (Scalar(a), Scalar(b)) = (left.kind, right.kind) else {
            return Err((ConditionProblem::Compute { left: left.kind, by, right: right.kind }, node));
        };
        let kind = match (a, by, b) {
            (Integer, _, Integer) => Integer,
            (Decimal, Add | Subtract, Decimal)
            | (Decimal, Multiply, Integer)
            | (Integer, Multiply, Decimal) => Decimal,
            (Duration, Add | Subtract, Duration) | (Time, Subtract, Time) => Duration,
            (Duration, Multiply, Integer) | (Integer, Multiply, Duration) => Duration,
            (Time, Add | Subtract, Duration) | (Duration, Add, Time) => Time,
            _ => return Err((ConditionProblem::Compute { left: left.kind, by, right: right.kind }, node)),
        };
        Ok((TermNode::Arithmetic { left: left.term, by, right: right.term }, Scalar(kind)))
    }

    /// Makes constants that are whole numbers decimals where they meet decimals. Attributes are never converted.
    fn alike(&mut self, left: Typed, right: Typed) -> (Typed, Typed) {
        let decimal = |kind| matches!(kind, Scalar(ScalarType::Decimal) | Set(ScalarType::Decimal));
        if decimal(left.kind) {
            (left, self.as_decimal(right))
        } else if decimal(right.kind) {
            (self.as_decimal(left), right)
        } else {
            (left, right)
        }
    }

    fn as_decimal(&mut self, typed: Typed) -> Typed {
        let Some(TermNode::Constant(constant)) = self.code(typed) else { return typed };
        let convert = auth_core::Decimal::from_integer;
        let decimal = match self.writer.program.constants.get(constant as usize) {
            Some(Value::Integer(number)) => convert(*number).map(Value::Decimal),
            Some(Value::Integers(numbers)) => {
                numbers.iter().copied().map(convert).collect::<Option<_>>().map(Value::Decimals)
            }
            _ => None,
        };
        let Some(decimal) = decimal else { return typed };
        let code = TermNode::Constant(self.writer.constant(&decimal));
        Typed { term: self.writer.term(code), kind: decimal.attribute_type(), node: typed.node }
    }

    fn code(&self, typed: Typed) -> Option<TermNode> {
        self.writer.program.terms.get(typed.term as usize).copied()
    }
}

fn expect(typed: Typed, is: bool, expected: &'static str) -> Result<(), Failure> {
    if is { Ok(()) } else { Err((ConditionProblem::Type { expected, found: typed.kind }, typed.node)) }
}

const fn mirrored(by: Comparison) -> Comparison {
    match by {
        Comparison::Less => Comparison::More,
        Comparison::AtMost => Comparison::AtLeast,
        Comparison::More => Comparison::Less,
        Comparison::AtLeast => Comparison::AtMost,
        same => same,
    }
}
