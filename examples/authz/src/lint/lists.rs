//! Access control lists.

use std::collections::{HashMap, HashSet};

use auth_core::Resource;
use auth_rbac::{
    AclOrder, GroupId, RuleEffect, Trustee,
    document::{Entry, Lists, ResourceList},
};

use super::name;

pub(super) fn look(lists: &Lists, found: &mut Vec<String>) {
    groups(lists, found);
    let above = Above::new(lists);
    for (number, list) in lists.resources.iter().enumerate() {
        let name = name(&list.resource);
        if list.breaks_inheritance && list.inside.is_none() {
            found.push(format!("redundant: {name} breaks inheritance and is inside nothing"));
        }
        let says_something = !list.entries.is_empty() || list.breaks_inheritance;
        if let Some(by) = above.reapplying(number).filter(|_| says_something) {
            let by = self::name(&by.resource);
            found.push(format!("unreachable: the list of {name} does not count below {by}"));
        }
        entries(lists.order, list, found);
    }
}

fn groups(lists: &Lists, found: &mut Vec<String>) {
    let inside: HashMap<&GroupId, &Vec<GroupId>> =
        lists.groups.iter().map(|group| (&group.name, &group.groups)).collect();
    let entries = lists.resources.iter().flat_map(|list| &list.entries);
    let named = entries.filter_map(|entry| match &entry.to {
        Trustee::Group(group) => Some(group),
        _ => None,
    });
    let mut used: HashSet<&GroupId> = named.collect();
    let mut waiting: Vec<&GroupId> = used.iter().copied().collect();
    while let Some(group) = waiting.pop() {
        for inner in inside.get(group).into_iter().copied().flatten() {
            if used.insert(inner) {
                waiting.push(inner);
            }
        }
    }
    for group in lists.groups.iter().filter(|group| !used.contains(&group.name)) {
        found.push(format!("unused: no entry is for group {}, or for one around it", group.name));
    }
}

/// For each resource, the nearest one around it that re-applies its list to what is inside.
struct Above<'d> {
    resources: &'d [ResourceList],
    nearest: Vec<Option<usize>>,
}

impl<'d> Above<'d> {
    fn new(lists: &'d Lists) -> Self {
        let resources = lists.resources.as_slice();
        let numbers: HashMap<&Resource, usize> =
            resources.iter().enumerate().map(|(number, list)| (&list.resource, number)).collect();
        let parent = |number: usize| {
            let inside = resources.get(number).and_then(|list| list.inside.as_ref())?;
            numbers.get(inside).copied()
        };
        let mut known: Vec<Option<Option<usize>>> = vec![None; resources.len()];
        for number in 0..resources.len() {
            // Upwards to one of which it is known, and back. There are no circles: the policy has been compiled.
            let mut way = vec![number];
            let mut nearest = None;
            while let Some(outer) = way.last().and_then(|last| parent(*last)) {
                if resources.get(outer).is_some_and(|list| list.reapplies_below) {
                    nearest = Some(outer);
                    break;
                }
                if let Some(known) = known.get(outer).copied().flatten() {
                    nearest = known;
                    break;
                }
                way.push(outer);
            }
            for number in way {
                if let Some(place) = known.get_mut(number) {
                    *place = Some(nearest);
                }
            }
        }
        Self { resources, nearest: known.into_iter().map(Option::flatten).collect() }
    }

    fn reapplying(&self, number: usize) -> Option<&'d ResourceList> {
        self.resources.get(self.nearest.get(number).copied().flatten()?)
    }
}

fn entries(order: AclOrder, list: &ResourceList, found: &mut Vec<String>) {
    let mut of: HashMap<&Trustee, Vec<(usize, &Entry)>> = HashMap::new();
    for (place, entry) in list.entries.iter().enumerate() {
        of.entry(&entry.to).or_default().push((place, entry));
    }
    let entries_for = |to: &Trustee| of.get(to).into_iter().flatten();
    for (place, entry) in list.entries.iter().enumerate() {
        let wide = (entry.to != Trustee::Everyone).then(|| entries_for(&Trustee::Everyone));
        let by = entries_for(&entry.to)
            .chain(wide.into_iter().flatten())
            .filter(|(other, by)| *other != place && overrules(order, by, *other < place, entry))
            .min_by_key(|(other, _)| *other);
        if let Some((other, by)) = by {
            let kind = if by.effect == entry.effect { "redundant" } else { "unreachable" };
            found
                .push(format!("{kind}: entry {place} of {}, because of entry {other}", name(&list.resource)));
        }
    }
}

/// Whether an entry decides all that another one speaks of.
fn overrules(order: AclOrder, by: &Entry, comes_first: bool, entry: &Entry) -> bool {
    let same = by.to == entry.to && by.permissions == entry.permissions && by.effect == entry.effect;
    let is_wide = (by.to == entry.to || by.to == Trustee::Everyone)
        && entry.permissions.iter().all(|permission| by.permissions.contains(permission));
    is_wide
        && match order {
            AclOrder::FirstMatch => comes_first,
            AclOrder::DenyOverrides if same => comes_first,
            AclOrder::DenyOverrides => by.effect == RuleEffect::Deny || entry.effect == RuleEffect::Permit,
        }
}
