//! Access control lists in the plainest words, to compare with: no closure, no sharing, no masks.

use auth_core::{Action, Effect, PolicyVersion, PrincipalId, Resource, ResourceKind};
use auth_rbac::{Acl, AclBuilder, AclDescription, AclOrder, GroupId, Trustee};
use proptest::prelude::*;

use crate::support::{action, evaluate_on, user};

const PRINCIPALS: usize = 4;
const GROUPS: usize = 5;
const VERBS: [&str; 3] = ["read", "write", "own"];
const KINDS: [ResourceKind; 2] = [ResourceKind::from_static("folder"), ResourceKind::from_static("doc")];

#[derive(Debug, Clone)]
struct Model {
    order: AclOrder,
    /// A group, and one with a larger number around it.
    nestings: Vec<(usize, usize)>,
    members: Vec<(usize, usize)>,
    resources: Vec<Node>,
    owner_keeps: bool,
}

#[derive(Debug, Clone)]
struct Node {
    kind: usize,
    /// One with a smaller number.
    parent: Option<usize>,
    breaks: bool,
    reapplies: bool,
    owner: Option<usize>,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    who: Who,
    denies: bool,
    /// Kind and verb.
    permissions: Vec<(usize, usize)>,
}

#[derive(Debug, Clone, Copy)]
enum Who {
    Everyone,
    Owner,
    Group(usize),
    Principal(usize),
}

fn node() -> impl Strategy<Value = (Node, usize)> {
    let who = prop_oneof![
        Just(Who::Everyone),
        Just(Who::Owner),
        (0..GROUPS).prop_map(Who::Group),
        (0..GROUPS).prop_map(Who::Group),
        (0..PRINCIPALS).prop_map(Who::Principal),
    ];
    let permissions = prop::collection::vec((0..KINDS.len(), 0..VERBS.len()), 1..4);
    let entry = (who, prop::bool::weighted(0.35), permissions).prop_map(|(who, denies, permissions)| Entry {
        who,
        denies,
        permissions,
    });
    // Long lists are searched and short ones are read: both must be met.
    let entries = prop_oneof![
        4 => prop::collection::vec(entry.clone(), 0..3),
        1 => prop::collection::vec(entry, 20..40),
    ];
    let owner = prop::option::of(0..PRINCIPALS);
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.15));
    (0..KINDS.len(), any::<prop::sample::Index>(), any::<bool>(), flags, owner, entries).prop_map(
        |(kind, parent, has_parent, (breaks, reapplies), owner, entries)| {
            let parent = if has_parent { parent.index(1 << 20) } else { usize::MAX };
            (Node { kind, parent: None, breaks, reapplies, owner, entries }, parent)
        },
    )
}

impl Model {
    fn any() -> impl Strategy<Value = Self> {
        (
            prop_oneof![Just(AclOrder::DenyOverrides), Just(AclOrder::FirstMatch)],
            prop::collection::vec((0..GROUPS, 0..GROUPS), 0..6),
            prop::collection::vec((0..PRINCIPALS, 0..GROUPS), 0..6),
            prop::collection::vec(node(), 1..12),
            any::<bool>(),
        )
            .prop_map(|(order, nestings, members, nodes, owner_keeps)| {
                let nestings =
                    nestings.into_iter().filter(|(a, b)| a != b).map(|(a, b)| (a.min(b), a.max(b))).collect();
                let resources = nodes
                    .into_iter()
                    .enumerate()
                    .map(|(number, (mut node, parent))| {
                        node.parent = (number > 0 && parent != usize::MAX).then(|| parent % number.max(1));
                        node
                    })
                    .collect();
                Self { order, nestings, members, resources, owner_keeps }
            })
    }

    fn compile(&self) -> Acl {
        let mut acl = AclBuilder::new(self.order);
        for (kind, name) in KINDS.iter().enumerate() {
            for verb in 0..VERBS.len() {
                acl.permission(permission(kind, verb)).unwrap();
            }
            if self.owner_keeps {
                acl.owner_keeps(name, permission(kind, 2)).unwrap();
            }
        }
        for n in 0..GROUPS {
            acl.group(&group(n)).unwrap();
        }
        for (inner, outer) in &self.nestings {
            acl.nest(&group(*outer), &group(*inner)).unwrap();
        }
        for (who, what) in &self.members {
            acl.member(&group(*what), &principal(*who)).unwrap();
        }
        // Backwards, so that the order of declaration is not that of the tree.
        for n in (0..self.resources.len()).rev() {
            let mut resource = acl.resource(&self.resource(n)).unwrap();
            let node = &self.resources[n];
            if node.breaks {
                resource.breaks_inheritance();
            }
            if node.reapplies {
                resource.reapplies_below();
            }
            if let Some(owner) = node.owner {
                resource.owned_by(&principal(owner)).unwrap();
            }
            for Entry { who, denies, permissions } in &node.entries {
                let names = permissions.iter().map(|(kind, verb)| permission(*kind, *verb));
                if *denies {
                    resource.deny(trustee(*who), names)
                } else {
                    resource.allow(trustee(*who), names)
                }
                .unwrap();
            }
        }
        for (n, node) in self.resources.iter().enumerate() {
            if let Some(parent) = node.parent {
                acl.edit(&self.resource(n)).unwrap().inside(&self.resource(parent)).unwrap();
            }
        }
        acl.build(PolicyVersion::new(1)).unwrap()
    }

    fn resource(&self, n: usize) -> Resource {
        Resource::one(KINDS[self.resources[n].kind].clone(), &n.to_string()).unwrap()
    }

    fn is_in(&self, who: usize, group: usize) -> bool {
        self.members.contains(&(who, group))
            || self.nestings.iter().any(|(inner, outer)| *outer == group && self.is_in(who, *inner))
    }

    fn is_reset(&self, resource: usize) -> bool {
        self.resources[resource]
            .parent
            .is_some_and(|parent| self.resources[parent].reapplies || self.is_reset(parent))
    }

    /// The entries of a resource and all around it that counts, each with where it stands.
    fn entries(&self, resource: usize) -> Vec<(usize, &Entry)> {
        let node = &self.resources[resource];
        let reset = self.is_reset(resource);
        let mut entries = Vec::new();
        if !reset {
            entries.extend(node.entries.iter().map(|entry| (resource, entry)));
        }
        if let Some(parent) = node.parent.filter(|_| reset || !node.breaks) {
            entries.extend(self.entries(parent));
        }
        entries
    }

    fn check(&self, who: usize, resource: usize, kind: usize, verb: usize) -> (Effect, Vec<usize>) {
        let node = &self.resources[resource];
        if node.kind != kind {
            return (Effect::NotApplicable, Vec::new());
        }
        let owns = node.owner == Some(who);
        if owns && self.owner_keeps && verb == 2 {
            return (Effect::Permit, vec![resource]);
        }
        let is_for = |entry: &Entry| match entry.who {
            Who::Everyone => true,
            Who::Owner => owns,
            Who::Group(group) => self.is_in(who, group),
            Who::Principal(principal) => principal == who,
        };
        let mut entries = self.entries(resource);
        entries.retain(|(_, entry)| is_for(entry) && entry.permissions.contains(&(kind, verb)));
        if self.order == AclOrder::DenyOverrides && entries.iter().any(|(_, entry)| entry.denies) {
            entries.retain(|(_, entry)| entry.denies);
        }
        let places = entries.iter().map(|(place, _)| *place).collect();
        match entries.first() {
            Some((_, entry)) if entry.denies => (Effect::Deny, places),
            Some(_) => (Effect::Permit, places),
            None => (Effect::NotApplicable, places),
        }
    }
}

fn permission(kind: usize, verb: usize) -> String {
    format!("{}.{}", KINDS[kind], VERBS[verb])
}

fn principal(n: usize) -> PrincipalId {
    user(&format!("g{n}"))
}

/// Named like the principals: names of one kind must not be met among the other's.
fn group(n: usize) -> GroupId {
    GroupId::local(&format!("g{n}")).unwrap()
}

fn trustee(who: Who) -> Trustee {
    match who {
        Who::Everyone => Trustee::Everyone,
        Who::Owner => Trustee::Owner,
        Who::Group(n) => group(n).into(),
        Who::Principal(n) => principal(n).into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn compiled_lists_decide_as_the_model(model in Model::any()) {
        let acl = model.compile();
        for who in 0..PRINCIPALS {
            for resource in 0..model.resources.len() {
                let mut permitted = Vec::new();
                for (kind, verb) in (0..KINDS.len()).flat_map(|kind| (0..VERBS.len()).map(move |verb| (kind, verb))) {
                    let (expected, places) = model.check(who, resource, kind, verb);
                    let named = action(&permission(kind, verb));
                    let verdict = evaluate_on(&acl, &principal(who), &named, &model.resource(resource));
                    prop_assert_eq!(verdict.effect(), expected, "{} {} {}", who, resource, &named);
                    // What is told is one of the entries that could decide, where it stands.
                    match acl.describe(&verdict).unwrap() {
                        AclDescription::NoEntry => prop_assert_eq!(expected, Effect::NotApplicable),
                        AclDescription::Entry(entry) => {
                            prop_assert_eq!(entry.denies(), expected == Effect::Deny);
                            prop_assert_eq!(entry.permission(), &named);
                            let at: Vec<Resource> = places.iter().map(|n| model.resource(*n)).collect();
                            prop_assert!(at.contains(entry.declared_on()), "{:?} not in {:?}", entry, at);
                            if model.order == AclOrder::FirstMatch {
                                prop_assert_eq!(Some(entry.declared_on()), at.first());
                            }
                        }
                        AclDescription::OwnerKeeps { permission, .. } => {
                            prop_assert_eq!((expected, &permission), (Effect::Permit, &named));
                        }
                        other => panic!("{other:?}"),
                    }
                    if expected == Effect::Permit {
                        permitted.push(named);
                    }
                }
                permitted.sort_unstable();
                let listed: Vec<Action> = acl.permissions_on(&principal(who), &model.resource(resource));
                prop_assert_eq!(listed, permitted);
            }
        }
    }

    /// Equal lists are stored once, however they came about.
    #[test]
    fn no_more_lists_are_kept_than_resources_need(model in Model::any()) {
        let acl = model.compile();
        prop_assert!(acl.counts().lists <= model.resources.len() + 1);
        prop_assert_eq!(acl.counts().resources, model.resources.len());
    }

    #[test]
    fn the_way_into_a_group_is_told_for_its_members_alone(model in Model::any()) {
        let acl = model.compile();
        for (who, what) in (0..PRINCIPALS).flat_map(|who| (0..GROUPS).map(move |what| (who, what))) {
            let way = acl.membership(&principal(who), &group(what));
            let named = |at: &GroupId| (0..GROUPS).find(|n| group(*n) == *at).unwrap();
            match way {
                None => prop_assert!(!model.is_in(who, what), "{} in {}", who, what),
                Some(way) => {
                    let way: Vec<usize> = way.iter().map(named).collect();
                    prop_assert!(model.members.contains(&(who, way[0])));
                    prop_assert_eq!(way.last(), Some(&what));
                    prop_assert!(way.windows(2).all(|step| model.nestings.contains(&(step[0], step[1]))));
                }
            }
        }
    }
}
