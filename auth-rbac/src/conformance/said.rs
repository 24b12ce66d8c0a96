//! What a document says, whatever the order in which it may say it.

use std::{collections::BTreeSet, fmt::Debug};

use crate::document::{Lists, PolicyDocument};

/// All that a document says, one sentence for each thing.
pub(super) fn said(document: &PolicyDocument) -> BTreeSet<String> {
    let mut said = BTreeSet::from([
        format!("version {}", document.version),
        format!("combining {:?}", document.combining),
        format!("schema {:?}", document.schema),
    ]);
    said.extend(document.permissions.iter().map(|permission| format!("permission {permission}")));
    for role in &document.roles {
        let key = role.key();
        said.insert(format!("role {key}"));
        said.extend(role.inherits.iter().map(|parent| format!("{key} inherits {parent}")));
        said.extend(role.allow.iter().map(|permission| format!("{key} allows {permission}")));
        said.extend(role.deny.iter().map(|permission| format!("{key} denies {permission}")));
    }
    for assignment in &document.assignments {
        for role in &assignment.roles {
            // A tenant's role is held there, whether that is said or not.
            let place = role.tenant.as_ref().or(assignment.tenant.as_ref());
            said.insert(format!("{:?} is {role} in {place:?}", assignment.principal));
        }
    }
    for direct in &document.direct {
        let (who, place) = (&direct.principal, &direct.tenant);
        said.extend(direct.allow.iter().map(|permission| format!("{who:?} may {permission} in {place:?}")));
        said.extend(
            direct.deny.iter().map(|permission| format!("{who:?} may not {permission} in {place:?}")),
        );
    }
    for constraint in &document.constraints {
        let name = &constraint.name;
        said.insert(format!("constraint {name} {:?} {}", constraint.kind, constraint.limit));
        said.extend(constraint.roles.iter().map(|role| format!("constraint {name} of {role}")));
    }
    if let Some(lists) = &document.acl {
        said_by_lists(lists, &mut said);
    }
    said.extend(document.rules.iter().enumerate().map(|(place, rule)| format!("rule {place} {rule:?}")));
    said
}

fn said_by_lists(lists: &Lists, said: &mut BTreeSet<String>) {
    said.insert(format!("lists {:?}", lists.order));
    said.extend(lists.permissions.iter().map(|permission| format!("lists permission {permission}")));
    said.extend(lists.permissions_on.iter().map(|on| format!("lists permission {on:?}")));
    said.extend(lists.owner_keeps.iter().map(|kept| format!("owner keeps {kept:?}")));
    for group in &lists.groups {
        let name = &group.name;
        said.insert(format!("group {name:?}"));
        said.extend(group.members.iter().map(|member| format!("group {name:?} has {member:?}")));
        said.extend(group.groups.iter().map(|inner| format!("group {name:?} has {inner:?}")));
    }
    for list in &lists.resources {
        let (name, inside, owner) = (&list.resource, &list.inside, &list.owner);
        let (breaks, reapplies) = (list.breaks_inheritance, list.reapplies_below);
        said.insert(format!("{name:?} inside {inside:?} of {owner:?} {breaks} {reapplies}"));
        for (place, entry) in list.entries.iter().enumerate() {
            let permissions = sorted(&entry.permissions);
            said.insert(format!("{name:?} {place} {:?} {:?} {permissions:?}", entry.effect, entry.to));
        }
    }
}

fn sorted<T: Debug>(list: &[T]) -> BTreeSet<String> {
    list.iter().map(|item| format!("{item:?}")).collect()
}
