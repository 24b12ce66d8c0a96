//! Which rules can be true of a request at all.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{BuildHasher, Hash, Hasher},
};

use foldhash::fast::RandomState;

use super::{
    evaluate::Evaluation,
    operand::{Operand, Truth},
    program::{Node, Program, TermNode},
};
use crate::{attribute::value::Value, condition::tree::Comparison, slots::Slots};

/// Rules of one effect, about one action and kind: those that demand that an attribute is some constant are found by it.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    groups: Vec<Group>,
    /// Those that are always evaluated, in their order.
    rest: Vec<Listed>,
}

/// A rule, and its condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Listed {
    pub(super) rule: u32,
    pub(super) root: u32,
}

/// Rules that demand something of the same attribute.
#[derive(Debug, Clone)]
struct Group {
    slot: u32,
    hasher: RandomState,
    found: Slots,
    keys: Vec<(Key, Vec<Listed>)>,
    /// All of them, in their order.
    all: Vec<Listed>,
}

/// Sets with no more elements than this take little room on the stack.
const SMALL: usize = 16;

/// A constant that an attribute must be, or must have among its elements.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Key {
    Text(Box<str>),
    Integer(i64),
}

/// What was found among the rules of one effect.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outcome {
    /// The first rule whose condition is true.
    pub(super) applies: Option<u32>,
    /// If there is none, the first whose condition is neither true nor false.
    pub(super) unknown: Option<u32>,
}

impl Rules {
    /// Fewer rules than this are evaluated as fast as they are found.
    const WORTHWHILE: usize = 4;

    pub(super) fn new(program: &Program, mut rules: Vec<Listed>) -> Self {
        rules.sort_unstable();
        let demands: Vec<_> = rules.iter().map(|listed| (*listed, demands(program, listed.root))).collect();
        let mut distinct: BTreeMap<u32, BTreeSet<&Key>> = BTreeMap::new();
        for (slot, keys) in demands.iter().flat_map(|(_, demands)| demands) {
            distinct.entry(*slot).or_default().extend(keys);
        }
        // The attribute with the most values tells most rules apart.
        let chosen = |demands: &[(u32, Vec<Key>)]| {
            let values = |slot: &u32| distinct.get(slot).map_or(0, BTreeSet::len);
            demands.iter().max_by_key(|(slot, _)| values(slot)).cloned()
        };
        let mut by_slot: BTreeMap<u32, Vec<(Listed, Vec<Key>)>> = BTreeMap::new();
        let mut rest = Vec::new();
        for (listed, demands) in &demands {
            match chosen(demands) {
                Some((slot, keys)) => by_slot.entry(slot).or_default().push((*listed, keys)),
                None => rest.push(*listed),
            }
        }
        let mut groups = Vec::new();
        for (slot, members) in by_slot {
            if members.len() < Self::WORTHWHILE {
                rest.extend(members.into_iter().map(|(listed, _)| listed));
            } else {
                groups.push(Group::new(slot, members));
            }
        }
        rest.sort_unstable();
        Self { groups, rest }
    }

    /// Evaluates what may be true.
    #[inline]
    pub(super) fn evaluate<const N: usize>(&self, evaluation: &mut Evaluation<'_, N>, outcome: &mut Outcome) {
        outcome.look(&self.rest, evaluation);
        for group in &self.groups {
            group.evaluate(evaluation, outcome);
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = Listed> {
        self.rest.iter().chain(self.groups.iter().flat_map(|group| &group.all)).copied()
    }
}

impl Outcome {
    #[inline]
    fn look<const N: usize>(&mut self, rules: &[Listed], evaluation: &mut Evaluation<'_, N>) {
        for listed in rules {
            if self.applies.is_some_and(|first| first < listed.rule) {
                return;
            }
            match evaluation.truth(listed.root) {
                Truth::True => self.applies = Some(listed.rule),
                Truth::Unknown => self.doubt(listed.rule),
                Truth::False => {}
            }
        }
    }

    fn doubt(&mut self, rule: u32) {
        self.unknown = Some(self.unknown.map_or(rule, |first| first.min(rule)));
    }
}

impl Group {
    fn new(slot: u32, members: Vec<(Listed, Vec<Key>)>) -> Self {
        let all = members.iter().map(|(listed, _)| *listed).collect();
        let mut keys: HashMap<Key, Vec<Listed>> = HashMap::new();
        for (listed, demanded) in members {
            // A set of constants may name one twice.
            for key in demanded.into_iter().collect::<BTreeSet<_>>() {
                keys.entry(key).or_default().push(listed);
            }
        }
        let mut group = Self {
            slot,
            hasher: RandomState::default(),
            found: Slots::new(),
            keys: Vec::with_capacity(keys.len()),
            all,
        };
        for (key, rules) in keys {
            let index = u32::try_from(group.keys.len()).unwrap_or(u32::MAX);
            let hash = match &key {
                Key::Text(text) => group.hash_text(text),
                Key::Integer(number) => group.hasher.hash_one(number),
            };
            group.found.insert(hash, index);
            group.keys.push((key, rules));
        }
        group
    }

    #[inline]
    fn evaluate<const N: usize>(&self, evaluation: &mut Evaluation<'_, N>, outcome: &mut Outcome) {
        match evaluation.slot(self.slot) {
            None => self.evaluate_unknown(evaluation, outcome),
            Some(Operand::Text(text)) => outcome.look(self.rules(self.key_of_text(text)), evaluation),
            Some(Operand::Integer(number)) => {
                outcome.look(self.rules(self.key_of_integer(number)), evaluation);
            }
            Some(set) => match set.len().unwrap_or_default() {
                0 => {}
                1..=SMALL => self.evaluate_set::<N, SMALL>(set, evaluation, outcome),
                _ => self.evaluate_set::<N, { Value::MAX_ELEMENTS }>(set, evaluation, outcome),
            },
        }
    }

    /// Looks at the rules of each element once, however often it is there. `M` elements are the most.
    #[inline(never)]
    fn evaluate_set<const N: usize, const M: usize>(
        &self,
        set: Operand<'_>,
        evaluation: &mut Evaluation<'_, N>,
        outcome: &mut Outcome,
    ) {
        let len = set.len().unwrap_or_default();
        if len > M || evaluation.take(len).is_none() || evaluation.read_text(set.text_len()).is_none() {
            return self.evaluate_unknown(evaluation, outcome);
        }
        let found = (0..len).filter_map(|index| match set.element(index)? {
            Operand::Text(text) => self.key_of_text(text),
            Operand::Integer(number) => self.key_of_integer(number),
            _ => None,
        });
        let mut keys = [0; M];
        let mut count = 0_usize;
        for (place, key) in keys.iter_mut().zip(found) {
            *place = key;
            count = count.saturating_add(1);
        }
        let keys = keys.get_mut(..count).unwrap_or_default();
        keys.sort_unstable();
        let mut last = None;
        for key in keys.iter().copied().map(Some) {
            if key != last {
                outcome.look(self.rules(key), evaluation);
            }
            last = key;
        }
    }

    /// What they demand is not known of the attribute: none of them can be true, and the first that is not false for
    /// another reason leaves it open.
    #[inline(never)]
    fn evaluate_unknown<const N: usize>(&self, evaluation: &mut Evaluation<'_, N>, outcome: &mut Outcome) {
        if outcome.applies.is_some() {
            return;
        }
        let before = outcome.unknown.unwrap_or(u32::MAX);
        let earlier = self.all.iter().take_while(|listed| listed.rule < before);
        for listed in earlier {
            if evaluation.truth(listed.root) == Truth::Unknown {
                outcome.doubt(listed.rule);
                return;
            }
        }
    }

    #[inline]
    fn key_of_text(&self, text: &str) -> Option<u32> {
        let is =
            |index: u32| matches!(self.keys.get(index as usize), Some((Key::Text(key), _)) if **key == *text);
        self.found.find(self.hash_text(text), is)
    }

    #[inline]
    fn key_of_integer(&self, number: i64) -> Option<u32> {
        let is = |index: u32| matches!(self.keys.get(index as usize), Some((Key::Integer(key), _)) if *key == number);
        self.found.find(self.hasher.hash_one(number), is)
    }

    #[inline]
    fn rules(&self, key: Option<u32>) -> &[Listed] {
        key.and_then(|key| self.keys.get(key as usize)).map_or(&[], |(_, rules)| rules)
    }

    #[inline]
    fn hash_text(&self, text: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(text.as_bytes());
        hasher.finish()
    }
}

/// What a condition cannot be true without: attributes, and the constants of which each must be one or have one.
fn demands(program: &Program, root: u32) -> Vec<(u32, Vec<Key>)> {
    match program.nodes.get(root as usize) {
        Some(Node::All { first, end }) => {
            let children = program.children.get(*first as usize..*end as usize).unwrap_or_default();
            children.iter().filter_map(|child| demand(program, *child)).collect()
        }
        Some(_) => demand(program, root).into_iter().collect(),
        None => Vec::new(),
    }
}

fn demand(program: &Program, node: u32) -> Option<(u32, Vec<Key>)> {
    let term = |term: u32| program.terms.get(term as usize).copied();
    match *program.nodes.get(node as usize)? {
        Node::TextIs { slot, constant, equal: true } => {
            Some((slot, keys(program.constants.get(constant as usize)?)?))
        }
        Node::IntegerIs { slot, by: Comparison::Equal, constant } => {
            Some((slot, vec![Key::Integer(constant)]))
        }
        Node::In { value, set } => match (term(value)?, term(set)?) {
            (TermNode::Constant(constant), TermNode::Slot(slot))
            | (TermNode::Slot(slot), TermNode::Constant(constant)) => {
                Some((slot, keys(program.constants.get(constant as usize)?)?))
            }
            _ => None,
        },
        _ => None,
    }
}

fn keys(constant: &Value) -> Option<Vec<Key>> {
    Some(match constant {
        Value::Text(text) => vec![Key::Text(text.as_str().into())],
        Value::Integer(number) => vec![Key::Integer(*number)],
        Value::Texts(texts) => texts.iter().map(|text| Key::Text(text.as_str().into())).collect(),
        Value::Integers(numbers) => numbers.iter().copied().map(Key::Integer).collect(),
        _ => return None,
    })
}
