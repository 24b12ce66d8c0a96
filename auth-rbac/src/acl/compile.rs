//! The steps from a builder to compiled lists: groups are closed, and inheritance is written out.

use std::collections::{HashMap, HashSet};

use auth_core::{GroupName, PolicyVersion, Realm, Resource};
use foldhash::fast::RandomState;

use super::{
    Acl, Entry, NO_PLACE, Value,
    builder::{AclBuilder, AclOrder, Node, OwnEntry, Subject, cap},
    error::{AclCounted, AclError},
    interned::Interned,
    kinds::Kinds,
    records::{At, Records},
    trustee::GroupId,
};
use crate::{graph, names::Names, rows::Rows};

/// The most items of the lists of one kind.
pub(super) const MAX_ITEMS: usize = 1 << 26;
/// The most steps that closing all groups may take.
const MAX_STEPS: usize = 1 << 28;

pub(super) fn compile(builder: AclBuilder, version: PolicyVersion) -> Result<Acl, AclError> {
    let AclBuilder {
        order,
        mut realms,
        kinds,
        mut principals,
        mut groups,
        group_places,
        nestings,
        members,
        mut resources,
        nodes,
        sets,
    } = builder;

    let outer = Rows::from_pairs(groups.len(), &nestings);
    graph::order(&outer).map_err(|path| AclError::GroupCycle {
        path: path
            .iter()
            .filter_map(|at| group(&groups, &realms, *group_places.get(*at as usize)?))
            .collect(),
    })?;
    let held = Rows::from_pairs(principals.len(), &members);
    let (profiles, closed) = close_groups(&held, &outer, &named_groups(groups.len(), &nodes))?;

    let parents: Vec<(u32, u32)> =
        (0..).zip(&nodes).filter_map(|(number, node)| Some((number, node.parent?))).collect();
    let tree = graph::order(&Rows::from_pairs(nodes.len(), &parents)).map_err(|path| {
        let name = |number: &u32| resource(&resources, &kinds, &realms, nodes.get(*number as usize)?.at);
        AclError::ResourceCycle { path: path.iter().filter_map(name).collect() }
    })?;

    let mut lists = Lists::new(order, groups.len(), &kinds, &sets);
    let mut own_lists = Interned::new(MAX_ITEMS);
    let mut effective = vec![0; nodes.len()];
    let mut reset = vec![false; nodes.len()];
    for number in tree {
        let Some(node) = nodes.get(number as usize) else { continue };
        let above = node.parent.and_then(|parent| {
            Some((
                *effective.get(parent as usize)?,
                *reset.get(parent as usize)?,
                nodes.get(parent as usize)?,
            ))
        });
        let is_reset = above.is_some_and(|(_, reset, parent)| reset || parent.resets_below);
        let inherits = above.filter(|_| is_reset || !node.breaks);
        let own = if is_reset { &[][..] } else { &node.entries };
        let own = own_lists.intern(&canonical(order, own)).ok_or_else(too_large)?;
        let all = lists.join(own_lists.get(own), own, inherits.map_or(0, |(above, ..)| above))?;
        let value = Value {
            list: lists.compiled(all, node.kind)?,
            owner: node.owner.map_or(0, |owner| owner.saturating_add(1)),
            parent: inherits.map_or(NO_PLACE, |(_, _, parent)| parent.at.0),
            own,
        };
        resources.set_values(node.at, value.into());
        for (place, all) in effective.get_mut(number as usize).into_iter().zip([all]) {
            *place = all;
        }
        for (place, is) in reset.get_mut(number as usize).into_iter().zip([is_reset]) {
            *place = is;
        }
    }
    let mut entries = lists.entries;
    entries.shrink();
    own_lists.shrink();
    let mut sets = sets;
    sets.shrink();
    realms.shrink();
    principals.shrink();
    groups.shrink();
    resources.shrink();
    Ok(Acl {
        version,
        order,
        realms,
        kinds,
        principals,
        profiles,
        closed,
        held,
        groups,
        group_places,
        outer,
        resources,
        entries,
        own_lists,
        sets,
    })
}

/// Where groups and principals begin among the numbers of subjects.
pub(super) const EVERYONE: u32 = 0;
pub(super) const OWNER: u32 = 1;
pub(super) const FIRST_GROUP: u32 = 2;

/// The number that compiled entries have for a subject. Groups come first, then principals.
pub(super) fn subject_number(subject: Subject, groups: usize) -> u32 {
    match subject {
        Subject::Everyone => EVERYONE,
        Subject::Owner => OWNER,
        Subject::Group(group) => group.saturating_add(FIRST_GROUP),
        Subject::Principal(principal) => first_principal(groups).saturating_add(principal),
    }
}

pub(super) fn first_principal(groups: usize) -> u32 {
    u32::try_from(groups).unwrap_or(u32::MAX).saturating_add(FIRST_GROUP)
}

pub(super) fn group(groups: &Records<1>, realms: &Names, at: At) -> Option<GroupId> {
    let key = groups.key(at)?;
    let realm = Realm::parse(realms.get(key.space.checked_sub(1)?)?).ok()?;
    Some(GroupId::new(realm, GroupName::parse(key.id).ok()?))
}

pub(super) fn resource(resources: &Records<4>, kinds: &Kinds, realms: &Names, at: At) -> Option<Resource> {
    let key = resources.key(at)?;
    let kind = kinds.kind(key.kind)?;
    let resource = if key.id.is_empty() { Resource::any(kind) } else { Resource::one(kind, key.id).ok()? };
    match key.space.checked_sub(1) {
        None => Some(resource),
        Some(tenant) => Some(resource.of_tenant(Realm::parse(realms.get(tenant)?).ok()?)),
    }
}

fn too_large() -> AclError {
    AclError::TooLarge { max_bytes: MAX_ITEMS.saturating_mul(size_of::<Entry>()) }
}

/// Which groups any entry names: the others need not be looked for.
fn named_groups(groups: usize, nodes: &[Node]) -> Vec<bool> {
    let mut named = vec![false; groups];
    for entry in nodes.iter().flat_map(|node| &node.entries) {
        if let Subject::Group(group) = entry.subject
            && let Some(is) = named.get_mut(group as usize)
        {
            *is = true;
        }
    }
    named
}

/// For every principal its list of groups, those around them included; each list stored once.
fn close_groups(held: &Rows, outer: &Rows, named: &[bool]) -> Result<(Vec<u32>, Interned<u32>), AclError> {
    let mut direct = Interned::<u32>::new(MAX_ITEMS);
    let mut closed = Interned::new(MAX_ITEMS);
    let mut closed_of = vec![0];
    let mut met = vec![0_u32; outer.len()];
    let mut steps = MAX_STEPS;
    let mut profiles = Vec::with_capacity(held.len());
    for (principal, _) in (0..).zip(0..held.len()) {
        let known = direct.len();
        let number = direct.intern(held.row(principal)).ok_or_else(too_large)?;
        if direct.len() > known {
            let mut found = Vec::new();
            let mut waiting = held.row(principal).to_vec();
            while let Some(group) = waiting.pop() {
                steps = steps.checked_sub(1).ok_or_else(too_large)?;
                match met.get_mut(group as usize) {
                    Some(last) if *last != number => *last = number,
                    _ => continue,
                }
                if named.get(group as usize).is_some_and(|named| *named) {
                    found.push(group.saturating_add(FIRST_GROUP));
                }
                waiting.extend_from_slice(outer.row(group));
            }
            found.sort_unstable();
            closed_of.push(closed.intern(&found).ok_or_else(too_large)?);
        }
        profiles.push(closed_of.get(number as usize).copied().unwrap_or_default());
    }
    closed.shrink();
    Ok((profiles, closed))
}

/// The same list in its one form: the order of entries has a meaning for the first match only.
fn canonical(order: AclOrder, entries: &[OwnEntry]) -> Vec<OwnEntry> {
    let mut entries = entries.to_vec();
    if order == AclOrder::DenyOverrides {
        entries.sort_unstable();
    }
    entries.dedup();
    entries
}

/// Lists of a resource and all around it, and what becomes of them for each kind.
struct Lists<'a> {
    order: AclOrder,
    groups: usize,
    kinds: &'a Kinds,
    sets: &'a Interned<u32>,
    joined: Interned<OwnEntry>,
    /// By own list and the list from above.
    joins: HashMap<(u32, u32), u32, RandomState>,
    entries: Interned<Entry>,
    /// By joined list and kind.
    compiled: HashMap<(u32, u16), u32, RandomState>,
    masks: HashMap<(u32, u16), u64, RandomState>,
}

impl<'a> Lists<'a> {
    fn new(order: AclOrder, groups: usize, kinds: &'a Kinds, sets: &'a Interned<u32>) -> Self {
        Self {
            order,
            groups,
            kinds,
            sets,
            joined: Interned::new(MAX_ITEMS),
            joins: HashMap::default(),
            entries: Interned::new(MAX_ITEMS),
            compiled: HashMap::default(),
            masks: HashMap::default(),
        }
    }

    /// The own list `entries`, whose number is `own`, before the one from above.
    fn join(&mut self, entries: &[OwnEntry], own: u32, above: u32) -> Result<u32, AclError> {
        if entries.is_empty() {
            return Ok(above);
        }
        if let Some(known) = self.joins.get(&(own, above)) {
            return Ok(*known);
        }
        let mut all = entries.to_vec();
        all.extend_from_slice(self.joined.get(above));
        let all = match self.order {
            AclOrder::DenyOverrides => canonical(self.order, &all),
            AclOrder::FirstMatch => {
                // What was said before says nothing again.
                let mut said = HashSet::<_, RandomState>::default();
                all.into_iter().filter(|entry| said.insert(*entry)).collect()
            }
        };
        cap(all.len().saturating_sub(1), AclCounted::EffectiveEntries, AclBuilder::MAX_EFFECTIVE_ENTRIES)?;
        let joined = self.joined.intern(&all).ok_or_else(too_large)?;
        self.joins.insert((own, above), joined);
        Ok(joined)
    }

    fn compiled(&mut self, list: u32, kind: u16) -> Result<u32, AclError> {
        if let Some(known) = self.compiled.get(&(list, kind)) {
            return Ok(*known);
        }
        let mut entries = Vec::new();
        for (place, entry) in (0_u32..).zip(self.joined.get(list)) {
            let of_set = || self.kinds.mask(kind, self.sets.get(entry.set));
            let mask = *self.masks.entry((entry.set, kind)).or_insert_with(of_set);
            let rank = match self.order {
                AclOrder::DenyOverrides => u32::from(!entry.denies),
                AclOrder::FirstMatch => (place << 1) | u32::from(!entry.denies),
            };
            let subject = subject_number(entry.subject, self.groups);
            entries.push(Entry { subject, rank, mask });
        }
        entries.sort_unstable_by_key(|entry| (entry.subject, entry.rank));
        let entries = merged(self.order, &entries);
        let number = self.entries.intern(&entries).ok_or_else(too_large)?;
        self.compiled.insert((list, kind), number);
        Ok(number)
    }
}

/// Sorted entries without the bits on which an earlier one of the same subject has the last word.
fn merged(order: AclOrder, entries: &[Entry]) -> Vec<Entry> {
    let mut merged: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut said = (EVERYONE, 0_u64);
    for entry in entries {
        if said.0 != entry.subject {
            said = (entry.subject, 0);
        }
        let mask = entry.mask & !said.1;
        if mask == 0 {
            continue;
        }
        said.1 |= mask;
        match merged.last_mut() {
            Some(last)
                if order == AclOrder::DenyOverrides
                    && (last.subject, last.rank) == (entry.subject, entry.rank) =>
            {
                last.mask |= mask
            }
            _ => merged.push(Entry { mask, ..*entry }),
        }
    }
    merged
}
