//! What every tree fulfils, whoever made it.

use super::{
    Condition,
    error::ConditionProblem,
    print,
    tree::{Nested, Predicate, Term},
};
use crate::attribute::value::Value;

/// A node of a tree.
#[derive(Clone, Copy)]
pub(crate) enum Node<'t> {
    Predicate(&'t Predicate),
    Term(&'t Term),
}

impl<'t> Node<'t> {
    /// Visits what is directly below, in the order in which nodes are numbered.
    pub(crate) fn below<E>(self, visit: &mut dyn FnMut(Node<'t>) -> Result<(), E>) -> Result<(), E> {
        match self {
            Self::Predicate(Predicate::Constant(_) | Predicate::Has(_)) => Ok(()),
            Self::Predicate(Predicate::All(list) | Predicate::Any(list)) => {
                list.iter().try_for_each(|inner| visit(Self::Predicate(inner)))
            }
            Self::Predicate(Predicate::Not(inner)) => visit(Self::Predicate(inner)),
            Self::Predicate(Predicate::Is(term) | Predicate::Like { text: term, .. }) => {
                visit(Self::Term(term))
            }
            Self::Predicate(
                Predicate::Compare { left: first, right: second, .. }
                | Predicate::In { value: first, set: second },
            ) => {
                visit(Self::Term(first))?;
                visit(Self::Term(second))
            }
            Self::Predicate(Predicate::Within { value, from, to, .. }) => {
                [value, from, to].into_iter().try_for_each(|term| visit(Self::Term(term)))
            }
            Self::Predicate(Predicate::AnyOf { set, holds, .. } | Predicate::AllOf { set, holds, .. }) => {
                visit(Self::Term(set))?;
                visit(Self::Predicate(&holds.0))
            }
            Self::Term(Term::Constant(_) | Term::Attribute(_) | Term::Principal | Term::Variable(_)) => {
                Ok(())
            }
            Self::Term(Term::Size(inner) | Term::Part { time: inner, .. }) => visit(Self::Term(inner)),
            Self::Term(Term::Arithmetic { left, right, .. }) => {
                visit(Self::Term(left))?;
                visit(Self::Term(right))
            }
        }
    }
}

/// Looks at depth, size, constants and length.
pub(super) fn check(tree: &Predicate) -> Result<(), ConditionProblem> {
    look(Node::Predicate(tree), 1, &mut 0)?;
    if print::print(tree).0.len() > Condition::MAX_LEN {
        return Err(ConditionProblem::TooLong);
    }
    Ok(())
}

/// Looks at a tree that somebody built, and brings it into the form that its text is read as.
pub(super) fn canonical(tree: Predicate) -> Result<Predicate, ConditionProblem> {
    // First, so that what follows does not go deeper than the stack.
    look(Node::Predicate(&tree), 1, &mut 0)?;
    let tree = predicate(tree)?;
    check(&tree)?;
    Ok(tree)
}

fn look(node: Node<'_>, depth: usize, count: &mut usize) -> Result<(), ConditionProblem> {
    *count = count.saturating_add(1);
    if depth > Condition::MAX_DEPTH {
        return Err(ConditionProblem::TooDeep);
    }
    if *count > Condition::MAX_NODES {
        return Err(ConditionProblem::TooLarge);
    }
    match node {
        Node::Predicate(Predicate::All(list) | Predicate::Any(list)) if list.len() < 2 => {
            return Err(ConditionProblem::Few);
        }
        Node::Term(Term::Constant(value)) => constant(value)?,
        _ => {}
    }
    node.below(&mut |inner| look(inner, depth.saturating_add(1), count))
}

fn constant(value: &Value) -> Result<(), ConditionProblem> {
    let of_size = value.elements().is_none_or(|elements| (1..=Value::MAX_ELEMENTS).contains(&elements));
    if !of_size {
        return Err(ConditionProblem::Constant("a set of constants has 1 to 4096 elements"));
    }
    let fits = |seconds: u64| i64::try_from(seconds).is_ok();
    let written = match value {
        Value::Duration(duration) => fits(duration.as_secs()),
        Value::Durations(durations) => durations.iter().all(|duration| fits(duration.as_secs())),
        _ => true,
    };
    if written { Ok(()) } else { Err(ConditionProblem::Constant("a duration that is too long")) }
}

fn predicate(tree: Predicate) -> Result<Predicate, ConditionProblem> {
    let nested = |holds: Nested| predicate(*holds.0).map(|inner| Nested(Box::new(inner)));
    Ok(match tree {
        Predicate::Is(Term::Constant(Value::Bool(constant))) => Predicate::Constant(constant),
        Predicate::Is(inner) => match term(inner)? {
            inner @ (Term::Attribute(_) | Term::Variable(_)) => Predicate::Is(inner),
            _ => return Err(ConditionProblem::Constant("only an attribute is a condition by itself")),
        },
        Predicate::All(list) => Predicate::All(list.into_iter().map(predicate).collect::<Result<_, _>>()?),
        Predicate::Any(list) => Predicate::Any(list.into_iter().map(predicate).collect::<Result<_, _>>()?),
        Predicate::Not(inner) => Predicate::Not(Box::new(predicate(*inner)?)),
        Predicate::Compare { left, by, right } => {
            Predicate::Compare { left: term(left)?, by, right: term(right)? }
        }
        Predicate::In { value, set } => Predicate::In { value: term(value)?, set: term(set)? },
        Predicate::Within { value, from, to, inclusive } => {
            Predicate::Within { value: term(value)?, from: term(from)?, to: term(to)?, inclusive }
        }
        Predicate::Like { text, pattern } => Predicate::Like { text: term(text)?, pattern },
        Predicate::AnyOf { variable, set, holds } => {
            Predicate::AnyOf { variable, set: term(set)?, holds: nested(holds)? }
        }
        Predicate::AllOf { variable, set, holds } => {
            Predicate::AllOf { variable, set: term(set)?, holds: nested(holds)? }
        }
        done @ (Predicate::Constant(_) | Predicate::Has(_)) => done,
    })
}

fn term(tree: Term) -> Result<Term, ConditionProblem> {
    Ok(match tree {
        Term::Size(inner) => Term::Size(Box::new(term(*inner)?)),
        Term::Part { time, part, zone } => {
            match (term(*time)?, zone) {
                // `context.time.hour` is read as one path; what it means, the schema knows.
                (Term::Attribute(path), None) => Term::Attribute(path.join(part.as_str()).map_err(|_| {
                    ConditionProblem::Constant("the name of an attribute has at most 128 bytes")
                })?),
                (time, zone) => Term::Part { time: Box::new(time), part, zone },
            }
        }
        Term::Arithmetic { left, by, right } => {
            Term::Arithmetic { left: Box::new(term(*left)?), by, right: Box::new(term(*right)?) }
        }
        done => done,
    })
}
