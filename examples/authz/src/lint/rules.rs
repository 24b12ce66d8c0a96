//! Rules with conditions.

use std::collections::{BTreeSet, HashMap};

use auth_core::{Action, ResourceKind};
use auth_rbac::{Actions, Combiner, Demand, Kinds, Predicate, Rule, RuleEffect, document::PolicyDocument};

use super::Patterns;

pub(super) fn look(document: &PolicyDocument, found: &mut Vec<String>) {
    repeated(&document.rules, found);
    beside_roles(document, found);
}

/// Rules about what roles allow, which is asked first, and which not every combiner lets a rule take away.
fn beside_roles(document: &PolicyDocument, found: &mut Vec<String>) {
    let of_roles = document.roles.iter().flat_map(|role| &role.allow);
    let allowed = Patterns::new(of_roles.chain(document.direct.iter().flat_map(|direct| &direct.allow)));
    let combiner = document.combining;
    // Of a combiner that this does not know, nothing is said.
    let only = match combiner {
        Combiner::DenyOverrides => "only a rule that denies restricts them",
        Combiner::PermitOverrides => "no rule restricts them under permit-overrides",
        Combiner::FirstApplicable => "no rule restricts them under first-applicable, where roles come first",
        _ => return,
    };
    let mut known: HashMap<&Action, bool> = HashMap::new();
    let named = document.rules.iter().filter_map(|rule| match &rule.actions {
        Actions::These(actions) => Some(actions),
        Actions::Any => None,
    });
    for action in named.flatten() {
        known.entry(action).or_insert_with(|| allowed.includes(action.as_str()));
    }
    for rule in &document.rules {
        let action = match &rule.actions {
            Actions::These(actions) => {
                let is_allowed = |action: &&Action| *known.get(*action).unwrap_or(&false);
                let Some(action) = actions.iter().find(is_allowed) else { continue };
                action.to_string()
            }
            // Whatever else roles allow, the schema need not declare it for a rule that denies.
            Actions::Any if rule.effect == RuleEffect::Deny && !allowed.is_empty() => {
                "every action".to_owned()
            }
            Actions::Any => continue,
        };
        let name = &rule.name;
        match rule.effect {
            RuleEffect::Permit => found.push(format!(
                "note: rule {name} permits {action}, which roles or principals are allowed whatever the rule says: {only}"
            )),
            RuleEffect::Deny if combiner != Combiner::DenyOverrides => found.push(format!(
                "unreachable: rule {name} denies {action} to nobody whom a role, or a permission of their own, allows \
                 it: {only}"
            )),
            RuleEffect::Deny => {}
        }
    }
}

/// A rule in numbers.
struct Sketch {
    /// Sorted; `None` for any.
    actions: Option<Vec<usize>>,
    kind: Option<usize>,
    condition: usize,
    /// Alike in effect, obligations and challenge.
    sort: usize,
}

/// Where a rule is found by another that it may cover: its condition, one of its actions, its kind, and what it says. A
/// rule that denies is there twice, since it covers what permits as well.
type Place = (usize, Option<usize>, Option<usize>, Says);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Says {
    Alike(usize),
    Denies,
}

type Sort<'d> = (RuleEffect, &'d [Action], Option<&'d Demand>);

#[derive(Default)]
struct Sketches<'d> {
    rules: Vec<Sketch>,
    actions: HashMap<&'d Action, usize>,
    kinds: HashMap<&'d ResourceKind, usize>,
    conditions: HashMap<String, usize>,
    sorts: HashMap<Sort<'d>, usize>,
    places: HashMap<Place, Vec<usize>>,
    /// The condition that is always true, if there is one.
    always: Option<usize>,
}

impl<'d> Sketches<'d> {
    fn add(&mut self, rule: &'d Rule) {
        let actions = match &rule.actions {
            Actions::Any => None,
            Actions::These(actions) => {
                let numbers: BTreeSet<usize> =
                    actions.iter().map(|action| number(&mut self.actions, action)).collect();
                Some(numbers.into_iter().collect::<Vec<_>>())
            }
        };
        let kind = match &rule.resource {
            Kinds::Any => None,
            Kinds::One(kind) => Some(number(&mut self.kinds, kind)),
        };
        let condition = number(&mut self.conditions, rule.condition.to_string());
        if *rule.condition.tree() == Predicate::Constant(true) {
            self.always = Some(condition);
        }
        let sort = (rule.effect, rule.obligations.as_slice(), rule.challenge.as_ref());
        let sort = number(&mut self.sorts, sort);
        let place = self.rules.len();
        let denies = (rule.effect == RuleEffect::Deny).then_some(Says::Denies);
        for says in denies.into_iter().chain([Says::Alike(sort)]) {
            for action in each(actions.as_deref()) {
                self.places.entry((condition, action, kind, says)).or_default().push(place);
            }
        }
        self.rules.push(Sketch { actions, kind, condition, sort });
    }

    /// The first other rule that covers one, and of two that are the same the one before it.
    fn covering(&self, place: usize, effect: RuleEffect) -> Option<usize> {
        let rule = self.rules.get(place)?;
        let always = self.always.filter(|always| *always != rule.condition);
        let denies = (effect == RuleEffect::Permit).then_some(Says::Denies);
        let mut first: Option<usize> = None;
        for condition in always.into_iter().chain([rule.condition]) {
            for kind in rule.kind.map(|_| None).into_iter().chain([rule.kind]) {
                for says in denies.into_iter().chain([Says::Alike(rule.sort)]) {
                    let list = |action| {
                        self.places.get(&(condition, action, kind, says)).map_or(&[][..], Vec::as_slice)
                    };
                    // Whatever covers all of its actions covers the one that the fewest are about.
                    let own = rule.actions.iter().flatten().map(|action| list(Some(*action)));
                    let lists = own.min_by_key(|list| list.len()).into_iter().chain([list(None)]);
                    for list in lists {
                        let by =
                            list.iter().copied().find(|by| *by != place && self.covers(*by, place, says));
                        first = [first, by].into_iter().flatten().min();
                    }
                }
            }
        }
        first
    }

    /// Whether a rule with a condition and a kind that cover another's covers it.
    fn covers(&self, by: usize, place: usize, says: Says) -> bool {
        let (Some(one), Some(other)) = (self.rules.get(by), self.rules.get(place)) else { return false };
        let all = match (&one.actions, &other.actions) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(by), Some(of)) => of.iter().all(|action| by.binary_search(action).is_ok()),
        };
        let is_same =
            one.actions == other.actions && one.kind == other.kind && one.condition == other.condition;
        all && (says == Says::Denies || !is_same || by < place)
    }
}

fn number<K: std::hash::Hash + Eq>(known: &mut HashMap<K, usize>, key: K) -> usize {
    let next = known.len();
    *known.entry(key).or_insert(next)
}

/// Each of some actions, or any.
fn each(actions: Option<&[usize]>) -> impl Iterator<Item = Option<usize>> {
    let any = actions.is_none().then_some(None);
    any.into_iter().chain(actions.into_iter().flatten().copied().map(Some))
}

fn repeated(rules: &[Rule], found: &mut Vec<String>) {
    let mut sketches = Sketches::default();
    rules.iter().for_each(|rule| sketches.add(rule));
    for (place, rule) in rules.iter().enumerate() {
        if *rule.condition.tree() == Predicate::Constant(false) {
            found.push(format!("unreachable: the condition of rule {} is never true", rule.name));
            continue;
        }
        if let Some(by) = sketches.covering(place, rule.effect).and_then(|by| rules.get(by)) {
            let kind = if by.effect == rule.effect { "redundant" } else { "unreachable" };
            found.push(format!("{kind}: rule {}, because of rule {}", rule.name, by.name));
        }
    }
}
