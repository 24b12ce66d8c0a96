//! What a policy says without effect, or twice. A policy that does not compile has one finding, the error. Notes are about
//! what may be meant, and is often taken for something else.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
};

use auth_rbac::{
    AclOrder, Actions, Kinds, Predicate, RoleKey, Rule, RuleEffect, Trustee,
    document::{ConstraintKind, Entry, Lists, PolicyDocument},
};

/// Every finding, as a line.
pub(crate) fn findings(document: &PolicyDocument) -> Vec<String> {
    let mut found = Vec::new();
    if let Err(error) = document.compile() {
        let mut line = format!("error: {error}");
        let mut source = error.source();
        while let Some(error) = source {
            line.push_str(&format!(": {error}"));
            source = error.source();
        }
        found.push(line);
        return found;
    }
    roles(document, &mut found);
    permissions(document, &mut found);
    if let Some(lists) = &document.acl {
        groups(lists, &mut found);
        lists_of_resources(lists, &mut found);
    }
    rules(&document.rules, &mut found);
    notes(document, &mut found);
    found
}

/// Whether a finding is nothing but a note.
pub(crate) fn is_note(finding: &str) -> bool {
    finding.starts_with("note: ")
}

/// What restricts nobody, and what counts in more places than one may think.
fn notes(document: &PolicyDocument, found: &mut Vec<String>) {
    let of_roles = document.roles.iter().flat_map(|role| &role.allow);
    let allowed: Vec<&String> =
        of_roles.chain(document.direct.iter().flat_map(|direct| &direct.allow)).collect();
    for rule in document.rules.iter().filter(|rule| rule.effect == RuleEffect::Permit) {
        let Actions::These(actions) = &rule.actions else { continue };
        let is_allowed =
            |action: &&auth_core::Action| allowed.iter().any(|pattern| includes(pattern, action.as_str()));
        if let Some(action) = actions.iter().find(is_allowed) {
            found.push(format!(
                "note: rule {} permits {action}, which roles or principals are allowed whatever the rule says: only a \
                 rule that denies restricts them",
                rule.name
            ));
        }
    }
    let of_tenants = document.assignments.iter().filter_map(|assignment| assignment.tenant.as_ref());
    let mut tenants = of_tenants.chain(document.roles.iter().filter_map(|role| role.tenant.as_ref()));
    if tenants.next().is_none() {
        return;
    }
    for assignment in document.assignments.iter().filter(|assignment| assignment.tenant.is_none()) {
        for role in assignment.roles.iter().filter(|role| role.tenant.is_none()) {
            let who = assignment.principal.id();
            found.push(format!("note: {who:?} holds role {role} in every tenant"));
        }
    }
}

/// Whether a permission, or a wildcard, includes another.
pub(crate) fn includes(pattern: &str, name: &str) -> bool {
    let mut segments = name.split('.');
    for wanted in pattern.split('.') {
        match (wanted, segments.next()) {
            ("**", Some(_)) => return true,
            ("*", Some(segment)) if segment != "**" => {}
            (wanted, Some(segment)) if wanted == segment => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

/// All that each role inherits, itself left out. There are no circles: the policy has been compiled.
fn inherited(document: &PolicyDocument) -> BTreeMap<RoleKey, BTreeSet<RoleKey>> {
    let parents: BTreeMap<RoleKey, &Vec<RoleKey>> =
        document.roles.iter().map(|role| (role.key(), &role.inherits)).collect();
    let all = |role: &RoleKey| {
        let mut met = BTreeSet::new();
        let mut waiting: Vec<&RoleKey> = parents.get(role).into_iter().flat_map(|list| list.iter()).collect();
        while let Some(next) = waiting.pop() {
            if met.insert(next.clone()) {
                waiting.extend(parents.get(next).into_iter().flat_map(|list| list.iter()));
            }
        }
        met
    };
    parents.keys().map(|role| (role.clone(), all(role))).collect()
}

fn roles(document: &PolicyDocument, found: &mut Vec<String>) {
    let inherited = inherited(document);
    let none = BTreeSet::new();
    let of = |role: &RoleKey| inherited.get(role).unwrap_or(&none);
    let assigned: BTreeSet<&RoleKey> =
        document.assignments.iter().flat_map(|assignment| &assignment.roles).collect();
    let held: BTreeSet<&RoleKey> =
        assigned.iter().flat_map(|role| std::iter::once(*role).chain(of(role))).collect();
    for role in &document.roles {
        let key = role.key();
        if !held.contains(&key) {
            found.push(format!("unused: nobody holds role {key}, unless a credential asserts it"));
        }
        for constraint in &document.constraints {
            let separated: BTreeSet<&RoleKey> = constraint.roles.iter().collect();
            let own = separated.iter().filter(|role| ***role == key || of(&key).contains(role)).count();
            if own >= constraint.limit {
                let what = if constraint.kind == ConstraintKind::Dynamic { "active" } else { "held" };
                let name = &constraint.name;
                found.push(format!("unreachable: role {key} alone is against {name}, so it is never {what}"));
            }
        }
        for parent in &role.inherits {
            let others = role.inherits.iter().filter(|other| *other != parent);
            if let Some(by) = others.into_iter().find(|other| of(other).contains(parent)) {
                found.push(format!("redundant: role {key} inherits {parent} through {by} already"));
            }
        }
        let above = || document.roles.iter().filter(|other| of(&key).contains(&other.key()));
        let denied = |permission: &str| {
            let own = std::iter::once(role).chain(above());
            own.into_iter().find(|role| role.deny.iter().any(|deny| includes(deny, permission)))
        };
        for (place, permission) in role.allow.iter().enumerate() {
            if let Some(by) = denied(permission) {
                found.push(format!(
                    "unreachable: role {key} allows {permission}, which role {} denies",
                    by.key()
                ));
            } else if let Some(by) =
                above().find(|above| above.allow.iter().any(|allow| includes(allow, permission)))
            {
                found.push(format!(
                    "redundant: role {key} allows {permission}, which it inherits from {}",
                    by.key()
                ));
            } else if role.allow.iter().enumerate().any(|(other, allow)| {
                other != place && includes(allow, permission) && (allow != permission || other < place)
            }) {
                found.push(format!("redundant: role {key} allows {permission} twice"));
            }
        }
    }
}

fn permissions(document: &PolicyDocument, found: &mut Vec<String>) {
    let of_roles = document.roles.iter().flat_map(|role| role.allow.iter().chain(&role.deny));
    let direct = document.direct.iter().flat_map(|direct| direct.allow.iter().chain(&direct.deny));
    let named: Vec<&String> = of_roles.chain(direct).collect();
    for permission in &document.permissions {
        if !named.iter().any(|pattern| includes(pattern, permission.as_str())) {
            found.push(format!("unused: no role and no principal is allowed or denied {permission}"));
        }
    }
}

fn groups(lists: &Lists, found: &mut Vec<String>) {
    let entries = lists.resources.iter().flat_map(|list| &list.entries);
    let named: BTreeSet<_> = entries
        .filter_map(|entry| match &entry.to {
            Trustee::Group(group) => Some(group),
            _ => None,
        })
        .collect();
    let mut used = named.clone();
    let mut waiting: Vec<_> = named.into_iter().collect();
    while let Some(group) = waiting.pop() {
        for inner in lists.groups.iter().filter(|of| of.name == *group).flat_map(|of| &of.groups) {
            if used.insert(inner) {
                waiting.push(inner);
            }
        }
    }
    for group in lists.groups.iter().filter(|group| !used.contains(&group.name)) {
        found.push(format!("unused: no entry is for group {}, or for one around it", group.name));
    }
}

fn lists_of_resources(lists: &Lists, found: &mut Vec<String>) {
    let parents: BTreeMap<String, &auth_rbac::document::ResourceList> =
        lists.resources.iter().map(|list| (format!("{:?}", list.resource), list)).collect();
    for list in &lists.resources {
        let name = name(&list.resource);
        if list.breaks_inheritance && list.inside.is_none() {
            found.push(format!("redundant: {name} breaks inheritance and is inside nothing"));
        }
        let mut above = list.inside.as_ref();
        while let Some(parent) = above.and_then(|parent| parents.get(&format!("{parent:?}"))) {
            if parent.reapplies_below && (!list.entries.is_empty() || list.breaks_inheritance) {
                let by = self::name(&parent.resource);
                found.push(format!("unreachable: the list of {name} does not count below {by}"));
                break;
            }
            above = parent.inside.as_ref();
        }
        for (place, entry) in list.entries.iter().enumerate() {
            let others = list.entries.iter().enumerate().filter(|(other, _)| *other != place);
            let by = others.into_iter().find(|(other, by)| overrules(lists.order, by, *other < place, entry));
            if let Some((other, by)) = by {
                let kind = if by.effect == entry.effect { "redundant" } else { "unreachable" };
                found.push(format!("{kind}: entry {place} of {name}, because of entry {other}"));
            }
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

fn rules(rules: &[Rule], found: &mut Vec<String>) {
    for (place, rule) in rules.iter().enumerate() {
        if *rule.condition.tree() == Predicate::Constant(false) {
            found.push(format!("unreachable: the condition of rule {} is never true", rule.name));
            continue;
        }
        let others = rules.iter().enumerate().filter(|(other, _)| *other != place);
        let by = others.into_iter().find(|(other, by)| {
            let is_plain = by.effect == rule.effect
                && by.obligations == rule.obligations
                && by.challenge == rule.challenge;
            let is_same =
                by.actions == rule.actions && by.resource == rule.resource && by.condition == rule.condition;
            covers(by, rule)
                && (by.effect == RuleEffect::Deny && rule.effect == RuleEffect::Permit
                    || is_plain && (!is_same || *other < place))
        });
        if let Some((_, by)) = by {
            let kind = if by.effect == rule.effect { "redundant" } else { "unreachable" };
            found.push(format!("{kind}: rule {}, because of rule {}", rule.name, by.name));
        }
    }
}

/// Whether a rule applies wherever another one does.
fn covers(by: &Rule, rule: &Rule) -> bool {
    let actions = match (&by.actions, &rule.actions) {
        (Actions::Any, _) => true,
        (Actions::These(_), Actions::Any) => false,
        (Actions::These(by), Actions::These(of)) => of.iter().all(|action| by.contains(action)),
    };
    let kinds = by.resource == Kinds::Any || by.resource == rule.resource;
    let condition = by.condition == rule.condition || *by.condition.tree() == Predicate::Constant(true);
    actions && kinds && condition
}

pub(crate) fn name(resource: &auth_core::Resource) -> String {
    let name = match resource.id() {
        Some(id) => format!("{} {id:?}", resource.kind()),
        None => format!("any {}", resource.kind()),
    };
    match resource.tenant() {
        Some(tenant) => format!("{name} of {tenant}"),
        None => name,
    }
}
