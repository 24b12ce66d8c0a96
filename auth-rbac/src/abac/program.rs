//! Conditions, compiled: nodes in one list that name each other by number.

use std::collections::HashMap;

use auth_core::ResourceKind;

use super::operand::Operand;
use crate::{
    attribute::{Root, value::Value},
    condition::{
        pattern::Pattern,
        tree::{Comparison, Operation, Part},
        zone::Zone,
    },
    schema::{builtin::BuiltIn, resolve::Source},
};

/// All conditions of a policy.
#[derive(Debug, Clone, Default)]
pub(super) struct Program {
    pub(super) nodes: Vec<Node>,
    pub(super) terms: Vec<TermNode>,
    /// The nodes that conjunctions and disjunctions join, those of each next to each other.
    pub(super) children: Vec<u32>,
    pub(super) constants: Vec<Value>,
    pub(super) patterns: Vec<Pattern>,
    pub(super) zones: Vec<Zone>,
    pub(super) slots: Vec<Slot>,
}

/// What is true, false or neither.
#[derive(Debug, Clone, Copy)]
pub(super) enum Node {
    Constant(bool),
    Is(u32),
    All {
        first: u32,
        end: u32,
    },
    Any {
        first: u32,
        end: u32,
    },
    Not(u32),
    /// An attribute is, or is not, a constant text. The most frequent comparison, without a detour over terms.
    TextIs {
        slot: u32,
        constant: u32,
        equal: bool,
    },
    /// The same of whole numbers.
    IntegerIs {
        slot: u32,
        by: Comparison,
        constant: i64,
    },
    Compare {
        left: u32,
        by: Comparison,
        right: u32,
    },
    In {
        value: u32,
        set: u32,
    },
    Within {
        value: u32,
        from: u32,
        to: u32,
        inclusive: bool,
    },
    Like {
        text: u32,
        pattern: u32,
    },
    Has(u32),
    AnyOf {
        set: u32,
        holds: u32,
    },
    AllOf {
        set: u32,
        holds: u32,
    },
}

/// What has a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum TermNode {
    Slot(u32),
    Constant(u32),
    /// The element of a quantifier, by how many quantifiers are between.
    Variable(u32),
    Size(u32),
    Part {
        time: u32,
        part: Part,
        zone: Option<u32>,
    },
    Arithmetic {
        left: u32,
        by: Operation,
        right: u32,
    },
}

/// Where an attribute comes from, and its type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Slot {
    pub(super) source: Source,
    pub(super) kind: crate::attribute::kind::AttributeType,
}

impl Slot {
    /// What it is called in a condition.
    pub(super) fn path(&self) -> String {
        match &self.source {
            Source::Named(root, name) => format!("{}.{name}", root.as_str()),
            Source::BuiltIn(BuiltIn::Principal) => Root::Principal.as_str().to_owned(),
            Source::BuiltIn(built_in) => crate::schema::builtin::path(*built_in),
        }
    }
}

impl Program {
    pub(super) fn constant(&self, constant: u32) -> Option<Operand<'_>> {
        self.constants.get(constant as usize).and_then(|value| Operand::new(value.lend()))
    }

    /// What it holds on the heap, but for what patterns and zones hold there.
    pub(super) fn bytes(&self) -> usize {
        let constants = self.constants.iter().map(Value::heap_bytes);
        [
            size_of_val(self.nodes.as_slice()),
            size_of_val(self.terms.as_slice()),
            size_of_val(self.children.as_slice()),
            size_of_val(self.constants.as_slice()),
            size_of_val(self.patterns.as_slice()),
            size_of_val(self.zones.as_slice()),
            size_of_val(self.slots.as_slice()),
        ]
        .into_iter()
        .chain(constants)
        .fold(0, usize::saturating_add)
    }
}

/// A program being written: remembers what it has already.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) program: Program,
    constants: HashMap<Value, u32>,
    slots: HashMap<Slot, u32>,
}

impl Writer {
    pub(super) fn node(&mut self, node: Node) -> u32 {
        push(&mut self.program.nodes, node)
    }

    pub(super) fn term(&mut self, term: TermNode) -> u32 {
        push(&mut self.program.terms, term)
    }

    /// Notes what a conjunction or disjunction joins.
    pub(super) fn children(&mut self, children: &[u32]) -> (u32, u32) {
        let first = number(self.program.children.len());
        self.program.children.extend_from_slice(children);
        (first, number(self.program.children.len()))
    }

    pub(super) fn constant(&mut self, value: &Value) -> u32 {
        if let Some(known) = self.constants.get(value) {
            return *known;
        }
        let index = push(&mut self.program.constants, value.clone());
        self.constants.insert(value.clone(), index);
        index
    }

    pub(super) fn slot(&mut self, slot: Slot) -> u32 {
        if let Some(known) = self.slots.get(&slot) {
            return *known;
        }
        let index = push(&mut self.program.slots, slot.clone());
        self.slots.insert(slot, index);
        index
    }

    pub(super) fn pattern(&mut self, pattern: &Pattern) -> u32 {
        push(&mut self.program.patterns, pattern.clone())
    }

    pub(super) fn zone(&mut self, zone: Zone) -> u32 {
        push(&mut self.program.zones, zone)
    }
}

fn push<T>(list: &mut Vec<T>, item: T) -> u32 {
    let index = number(list.len());
    list.push(item);
    index
}

/// Rules and their parts are capped far below what does not fit.
fn number(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// The kind of resource that a condition is compiled for.
pub(super) type Of<'s> = Option<&'s ResourceKind>;
