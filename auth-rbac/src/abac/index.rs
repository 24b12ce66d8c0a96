//! Which rules can be true of a request at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher, Hash, Hasher},
    ops::Range,
};

use foldhash::fast::RandomState;

use super::{
    evaluate::Evaluation,
    operand::{Operand, Truth},
    program::{Node, Program, TermNode},
    rule::Rule,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// Each with where its rules are in `of_keys`.
    keys: Vec<(Key, Range<u32>)>,
    of_keys: Vec<Listed>,
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

/// The same, and all rules whose condition is true.
#[derive(Debug)]
pub(super) struct Outcomes<'a> {
    rules: &'a [Rule],
    pub(super) outcome: Outcome,
    pub(super) apply: Vec<u32>,
    /// Whether there is a rule with obligations that is not known for a value that is there and of no use.
    pub(super) evaded: bool,
}

/// What is made of rules that are found.
pub(super) trait Collect {
    /// Looks at rules that may be true.
    fn look<const N: usize>(&mut self, rules: &[Listed], evaluation: &mut Evaluation<'_, N>);

    /// Looks at rules that demand something of an attribute that is not known.
    fn look_in_doubt<const N: usize>(&mut self, rules: &[Listed], evaluation: &mut Evaluation<'_, N>);
}

impl Rules {
    /// Fewer rules than this are evaluated as fast as they are found.
    const WORTHWHILE: usize = 4;

    /// Takes the constants that they are found by out of `room`. Where there is no room, none is found by any.
    pub(super) fn new(program: &Program, mut rules: Vec<Listed>, room: &mut usize) -> Self {
        rules.sort_unstable();
        let mut constants = rules.iter().map(|listed| constants(program, listed.root));
        let Some(left) = constants.try_fold(*room, usize::checked_sub) else {
            return Self { groups: Vec::new(), rest: rules };
        };
        *room = left;
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
    pub(super) fn evaluate<const N: usize>(
        &self,
        evaluation: &mut Evaluation<'_, N>,
        found: &mut impl Collect,
    ) {
        found.look(&self.rest, evaluation);
        for group in &self.groups {
            group.evaluate(evaluation, found);
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = Listed> {
        self.rest.iter().chain(self.groups.iter().flat_map(|group| &group.all)).copied()
    }

    /// What it holds on the heap.
    pub(super) fn bytes(&self) -> usize {
        let groups = self.groups.iter().map(Group::bytes);
        groups.fold(size_of_val(self.rest.as_slice()), usize::saturating_add)
    }
}

impl Collect for Outcome {
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

    /// None of them can be true, and the first that is not false for another reason leaves it open.
    #[inline(never)]
    fn look_in_doubt<const N: usize>(&mut self, rules: &[Listed], evaluation: &mut Evaluation<'_, N>) {
        if self.applies.is_some() {
            return;
        }
        let before = self.unknown.unwrap_or(u32::MAX);
        for listed in rules.iter().take_while(|listed| listed.rule < before) {
            if evaluation.truth(listed.root) == Truth::Unknown {
                self.doubt(listed.rule);
                return;
            }
        }
    }
}

impl Outcome {
    fn doubt(&mut self, rule: u32) {
        self.unknown = Some(self.unknown.map_or(rule, |first| first.min(rule)));
    }
}

impl<'a> Outcomes<'a> {
    /// Of these rules, which are all those of the policy.
    pub(super) fn new(rules: &'a [Rule]) -> Self {
        Self { rules, outcome: Outcome::default(), apply: Vec::new(), evaded: false }
    }

    fn truth<const N: usize>(&mut self, listed: Listed, evaluation: &mut Evaluation<'_, N>) -> Truth {
        // What came before is of other rules.
        evaluation.met_unusable();
        let truth = evaluation.truth(listed.root);
        self.evaded |= truth == Truth::Unknown && evaluation.met_unusable() && self.obliges(listed);
        truth
    }

    fn obliges(&self, listed: Listed) -> bool {
        self.rules.get(listed.rule as usize).is_some_and(|rule| !rule.obligations.is_empty())
    }
}

impl Collect for Outcomes<'_> {
    fn look<const N: usize>(&mut self, rules: &[Listed], evaluation: &mut Evaluation<'_, N>) {
        for listed in rules.iter().copied() {
            let rule = listed.rule;
            match self.truth(listed, evaluation) {
                Truth::True => {
                    let first = self.outcome.applies.map_or(rule, |first| first.min(rule));
                    self.outcome.applies = Some(first);
                    self.apply.push(rule);
                }
                Truth::Unknown => self.outcome.doubt(rule),
                Truth::False => {}
            }
        }
    }

    fn look_in_doubt<const N: usize>(&mut self, rules: &[Listed], evaluation: &mut Evaluation<'_, N>) {
        self.outcome.look_in_doubt(rules, evaluation);
        for listed in rules.iter().copied() {
            // One is enough.
            if self.evaded {
                return;
            }
            if self.obliges(listed) {
                self.truth(listed, evaluation);
            }
        }
    }
}

impl Group {
    fn new(slot: u32, members: Vec<(Listed, Vec<Key>)>) -> Self {
        let all = members.iter().map(|(listed, _)| *listed).collect();
        let mut keys: Vec<(Key, Listed)> = Vec::new();
        for (listed, demanded) in members {
            keys.extend(demanded.into_iter().map(|key| (key, listed)));
        }
        keys.sort_unstable();
        // A set of constants may name one twice.
        keys.dedup();
        let mut group = Self {
            slot,
            hasher: RandomState::default(),
            found: Slots::new(),
            keys: Vec::new(),
            of_keys: Vec::with_capacity(keys.len()),
            all,
        };
        for (key, listed) in keys {
            group.of_keys.push(listed);
            // The room for constants is far below what does not fit.
            let end = u32::try_from(group.of_keys.len()).unwrap_or(u32::MAX);
            match group.keys.last_mut() {
                Some((last, rules)) if *last == key => rules.end = end,
                _ => group.push(key, end.saturating_sub(1)..end),
            }
        }
        group.keys.shrink_to_fit();
        group
    }

    fn push(&mut self, key: Key, rules: Range<u32>) {
        let index = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        let hash = match &key {
            Key::Text(text) => self.hash_text(text),
            Key::Integer(number) => self.hasher.hash_one(number),
        };
        self.found.insert(hash, index);
        self.keys.push((key, rules));
    }

    fn bytes(&self) -> usize {
        let texts = self.keys.iter().map(|(key, _)| match key {
            Key::Text(text) => text.len(),
            Key::Integer(_) => 0,
        });
        [
            size_of::<Self>(),
            self.found.bytes(),
            size_of_val(self.keys.as_slice()),
            size_of_val(self.of_keys.as_slice()),
            size_of_val(self.all.as_slice()),
        ]
        .into_iter()
        .chain(texts)
        .fold(0, usize::saturating_add)
    }

    #[inline]
    fn evaluate<const N: usize>(&self, evaluation: &mut Evaluation<'_, N>, found: &mut impl Collect) {
        match evaluation.slot(self.slot) {
            None => found.look_in_doubt(&self.all, evaluation),
            Some(Operand::Text(text)) => found.look(self.rules(self.key_of_text(text)), evaluation),
            Some(Operand::Integer(number)) => {
                found.look(self.rules(self.key_of_integer(number)), evaluation);
            }
            Some(set) => match set.len().unwrap_or_default() {
                0 => {}
                1..=SMALL => self.evaluate_set::<N, SMALL, _>(set, evaluation, found),
                _ => self.evaluate_set::<N, { Value::MAX_ELEMENTS }, _>(set, evaluation, found),
            },
        }
    }

    /// Looks at the rules of each element once, however often it is there. `M` elements are the most.
    #[inline(never)]
    fn evaluate_set<const N: usize, const M: usize, F: Collect>(
        &self,
        set: Operand<'_>,
        evaluation: &mut Evaluation<'_, N>,
        found: &mut F,
    ) {
        let len = set.len().unwrap_or_default();
        if len > M || evaluation.take(len).is_none() || evaluation.read_text(set.text_len()).is_none() {
            return found.look_in_doubt(&self.all, evaluation);
        }
        let known = (0..len).filter_map(|index| match set.element(index)? {
            Operand::Text(text) => self.key_of_text(text),
            Operand::Integer(number) => self.key_of_integer(number),
            _ => None,
        });
        let mut keys = [0; M];
        let mut count = 0_usize;
        for (place, key) in keys.iter_mut().zip(known) {
            *place = key;
            count = count.saturating_add(1);
        }
        let keys = keys.get_mut(..count).unwrap_or_default();
        keys.sort_unstable();
        let mut last = None;
        for key in keys.iter().copied().map(Some) {
            if key != last {
                found.look(self.rules(key), evaluation);
            }
            last = key;
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
        let rules = key.and_then(|key| self.keys.get(key as usize)).map(|(_, rules)| rules);
        rules.and_then(|rules| self.of_keys.get(rules.start as usize..rules.end as usize)).unwrap_or_default()
    }

    #[inline]
    fn hash_text(&self, text: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(text.as_bytes());
        hasher.finish()
    }
}

/// Constants that an attribute must be one of, or have one of.
#[derive(Clone, Copy)]
enum Demanded<'p> {
    One(i64),
    OneOf(&'p Value),
}

impl Demanded<'_> {
    fn len(self) -> usize {
        match self {
            Self::OneOf(Value::Texts(texts)) => texts.len(),
            Self::OneOf(Value::Integers(numbers)) => numbers.len(),
            Self::One(_) | Self::OneOf(_) => 1,
        }
    }

    fn keys(self) -> Option<Vec<Key>> {
        Some(match self {
            Self::One(number) => vec![Key::Integer(number)],
            Self::OneOf(Value::Text(text)) => vec![Key::Text(text.as_str().into())],
            Self::OneOf(Value::Integer(number)) => vec![Key::Integer(*number)],
            Self::OneOf(Value::Texts(texts)) => {
                texts.iter().map(|text| Key::Text(text.as_str().into())).collect()
            }
            Self::OneOf(Value::Integers(numbers)) => numbers.iter().copied().map(Key::Integer).collect(),
            Self::OneOf(_) => return None,
        })
    }
}

/// How many constants the demands of a condition have.
fn constants(program: &Program, root: u32) -> usize {
    let demanded = joined(program, root).into_iter().filter_map(|node| demand(program, node));
    demanded.map(|(_, demanded)| demanded.len()).fold(0, usize::saturating_add)
}

/// What a condition cannot be true without: attributes, and the constants of which each must be one or have one.
fn demands(program: &Program, root: u32) -> Vec<(u32, Vec<Key>)> {
    let demanded = joined(program, root).into_iter().filter_map(|node| demand(program, node));
    demanded.filter_map(|(slot, demanded)| Some((slot, demanded.keys()?))).collect()
}

/// The conditions that all must be true for a condition to be.
fn joined(program: &Program, root: u32) -> Vec<u32> {
    match program.nodes.get(root as usize) {
        Some(Node::All { first, end }) => {
            program.children.get(*first as usize..*end as usize).unwrap_or_default().to_vec()
        }
        _ => vec![root],
    }
}

fn demand(program: &Program, node: u32) -> Option<(u32, Demanded<'_>)> {
    let term = |term: u32| program.terms.get(term as usize).copied();
    let constant = |constant: u32| program.constants.get(constant as usize).map(Demanded::OneOf);
    match *program.nodes.get(node as usize)? {
        Node::TextIs { slot, constant: text, equal: true } => Some((slot, constant(text)?)),
        Node::IntegerIs { slot, by: Comparison::Equal, constant } => Some((slot, Demanded::One(constant))),
        Node::In { value, set } => match (term(value)?, term(set)?) {
            (TermNode::Constant(of), TermNode::Slot(slot))
            | (TermNode::Slot(slot), TermNode::Constant(of)) => Some((slot, constant(of)?)),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Condition, Schema, abac::check, abac::program::Writer};

    /// Rules over many actions and many constants took the product of both: a gigabyte for a document of 200 KB.
    #[test]
    fn rules_are_found_by_no_more_constants_than_there_is_room_for() {
        let schema = Schema::new();
        let mut writer = Writer::default();
        let mut rules = Vec::new();
        for rule in 0..4 {
            let condition = Condition::parse(&format!(
                "size(context.auth.methods) == 0 && principal.id in [\"a{rule}\", \"b\"]"
            ));
            let root = check::compile(&condition.unwrap(), &schema, None, &mut writer).unwrap();
            rules.push(Listed { rule, root });
        }
        let mut room = 15;
        let found = Rules::new(&writer.program, rules.clone(), &mut room);
        assert_eq!((found.groups.len(), found.rest.len(), room), (1, 0, 7));
        assert_eq!(found.groups[0].keys.len(), 5);
        let evaluated = Rules::new(&writer.program, rules.clone(), &mut room);
        assert_eq!((evaluated.groups.len(), evaluated.rest.len(), room), (0, 4, 7));
        assert!(evaluated.all().eq(rules));
        assert!(evaluated.bytes() < found.bytes());
    }
}
