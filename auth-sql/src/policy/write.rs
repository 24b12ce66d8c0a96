//! From a policy to rows.

use std::collections::BTreeMap;

use auth_core::{Action, PrincipalId, Realm, Resource, StoreError};
use auth_rbac::{
    RoleKey, Trustee,
    document::{Lists, PolicyDocument, ResourceList},
};
use serde::Serialize;

use super::{
    MAX_JSON,
    table::{
        ACL, ACL_PERMISSIONS, ASSIGNMENTS, CONSTRAINT_ROLES, CONSTRAINTS, Cell, GROUP_GROUPS, GROUP_MEMBERS,
        GROUPS, INHERITANCE, PERMISSIONS, PRINCIPAL_PERMISSIONS, RESOURCES, ROLE_PERMISSIONS, ROLES, RULES,
        Rows,
    },
};

pub(crate) const PERMIT: &str = "permit";
pub(crate) const DENY: &str = "deny";

/// A policy as rows: those of the tables in their order, and what the one row of `auth_policy` says.
#[derive(Debug)]
pub(crate) struct Written<'a> {
    pub(crate) combining: String,
    pub(crate) acl_order: Option<String>,
    pub(crate) attributes: Option<String>,
    pub(crate) tables: Vec<Rows<'a>>,
}

impl<'a> Written<'a> {
    pub(crate) fn new(document: &'a PolicyDocument) -> Result<Self, StoreError> {
        let lists = document.acl.as_ref();
        let mut tables = roles(document)?;
        tables.append(&mut holders(document)?);
        tables.append(&mut acl(lists)?);
        let rules = (0..).zip(&document.rules);
        let rules =
            rules.map(|(place, rule)| Ok([number(place), rule.name.as_str().into(), json(rule)?.into()]));
        tables.push(Rows::new(&RULES, rules.collect::<Result<_, StoreError>>()?));
        Ok(Self {
            combining: word(&document.combining)?,
            acl_order: lists.map(|lists| word(&lists.order)).transpose()?,
            attributes: document.schema.as_ref().map(json).transpose()?,
            tables,
        })
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.tables.iter().fold(0, |sum, rows| sum.saturating_add(rows.len()))
    }
}

fn roles(document: &PolicyDocument) -> Result<Vec<Rows<'_>>, StoreError> {
    let permissions = document.permissions.iter().map(|permission| [permission.as_str().into()]).collect();
    let (mut roles, mut inherited, mut rules) = (Vec::new(), Vec::new(), Vec::new());
    for role in &document.roles {
        let [tenant, name] = [tenant(role.tenant.as_ref()), role.name.as_str()];
        roles.push([tenant.into(), name.into()]);
        for parent in &role.inherits {
            let [parent_tenant, parent] = key(parent);
            inherited.push([tenant.into(), name.into(), parent_tenant.into(), parent.into()]);
        }
        let both = [(PERMIT, &role.allow), (DENY, &role.deny)];
        for (effect, permission) in
            both.into_iter().flat_map(|(effect, all)| all.iter().map(move |one| (effect, one)))
        {
            rules.push([tenant.into(), name.into(), permission.as_str().into(), effect.into()]);
        }
    }
    Ok(vec![
        Rows::new(&PERMISSIONS, permissions),
        Rows::new(&ROLES, roles),
        Rows::new(&INHERITANCE, inherited),
        Rows::new(&ROLE_PERMISSIONS, rules),
    ])
}

fn holders(document: &PolicyDocument) -> Result<Vec<Rows<'_>>, StoreError> {
    let (mut assignments, mut direct) = (Vec::new(), Vec::new());
    for assignment in &document.assignments {
        for role in &assignment.roles {
            assignments.push(assigned(&assignment.principal, role, assignment.tenant.as_ref()));
        }
    }
    for held in &document.direct {
        for (effect, all) in [(PERMIT, &held.allow), (DENY, &held.deny)] {
            for permission in all {
                direct.push(may(&held.principal, permission, effect, held.tenant.as_ref()));
            }
        }
    }
    let (mut constraints, mut of_constraints) = (Vec::new(), Vec::new());
    for constraint in &document.constraints {
        let name = constraint.name.as_str();
        let kind = word(&constraint.kind)?;
        // More than there are numbers would never be too many, which is refused before.
        let too_many = i64::try_from(constraint.limit).unwrap_or(i64::MAX);
        constraints.push([name.into(), kind.into(), Cell::Number(too_many)]);
        for role in &constraint.roles {
            let [tenant, role] = key(role);
            of_constraints.push([name.into(), tenant.into(), role.into()]);
        }
    }
    Ok(vec![
        Rows::new(&ASSIGNMENTS, assignments),
        Rows::new(&PRINCIPAL_PERMISSIONS, direct),
        Rows::new(&CONSTRAINTS, constraints),
        Rows::new(&CONSTRAINT_ROLES, of_constraints),
    ])
}

fn acl(lists: Option<&Lists>) -> Result<Vec<Rows<'_>>, StoreError> {
    let (mut groups, mut members, mut inner_groups) = (Vec::new(), Vec::new(), Vec::new());
    for group in lists.iter().flat_map(|lists| &lists.groups) {
        let [realm, name] = [group.name.realm().as_str(), group.name.name().as_str()];
        groups.push([realm.into(), name.into()]);
        for member in &group.members {
            let [member_realm, kind, id] = principal(member);
            members.push([realm.into(), name.into(), member_realm.into(), kind.into(), id.into()]);
        }
        for inner in &group.groups {
            let [inner_realm, inner] = [inner.realm().as_str(), inner.name().as_str()];
            inner_groups.push([realm.into(), name.into(), inner_realm.into(), inner.into()]);
        }
    }
    let (mut resources, mut entries) = (Vec::new(), Vec::new());
    for list in lists.iter().flat_map(|lists| &lists.resources) {
        let [tenant, kind, id] = named(&list.resource);
        let inside = list.inside.as_ref().map(named);
        let owner = list.owner.as_ref().map(principal);
        let [parent_tenant, parent_kind, parent_id] = optional(inside);
        let [owner_realm, owner_kind, owner_id] = optional(owner);
        resources.push([
            tenant.into(),
            kind.into(),
            id.into(),
            parent_tenant,
            parent_kind,
            parent_id,
            list.breaks_inheritance.into(),
            list.reapplies_below.into(),
            owner_realm,
            owner_kind,
            owner_id,
        ]);
        entries_of(list, &mut entries)?;
    }
    Ok(vec![
        Rows::new(&ACL_PERMISSIONS, acl_permissions(lists)),
        Rows::new(&GROUPS, groups),
        Rows::new(&GROUP_MEMBERS, members),
        Rows::new(&GROUP_GROUPS, inner_groups),
        Rows::new(&RESOURCES, resources),
        Rows::new(&ACL, entries),
    ])
}

fn acl_permissions(lists: Option<&Lists>) -> Vec<[Cell<'_>; 3]> {
    let mut permissions = BTreeMap::new();
    if let Some(lists) = lists {
        for permission in &lists.permissions {
            permissions.insert((kind_of(permission).unwrap_or_default(), permission.as_str()), false);
        }
        for on in &lists.permissions_on {
            permissions.insert((on.kind.as_str(), on.permission.as_str()), false);
        }
        for kept in &lists.owner_keeps {
            permissions.insert((kept.kind.as_str(), kept.permission.as_str()), true);
        }
    }
    permissions
        .into_iter()
        .map(|((kind, permission), keeps)| [kind.into(), permission.into(), keeps.into()])
        .collect()
}

/// An entry that speaks of several permissions means the same as one for each of them, at its place.
fn entries_of<'a>(list: &'a ResourceList, rows: &mut Vec<[Cell<'a>; 10]>) -> Result<(), StoreError> {
    let entries = list.entries.iter().flat_map(|entry| entry.permissions.iter().map(move |one| (entry, one)));
    for (place, (entry, permission)) in (0..).zip(entries) {
        let [tenant, kind, id] = named(&list.resource);
        let (trustee, who) = match &entry.to {
            Trustee::Everyone => ("everyone", [None, None, None]),
            Trustee::Owner => ("owner", [None, None, None]),
            Trustee::Group(group) => {
                ("group", [Some(group.realm().as_str()), None, Some(group.name().as_str())])
            }
            Trustee::Principal(one) => ("principal", principal(one).map(Some)),
            // What this version does not know must not be stored as something else.
            _ => return Err(StoreError::not_written("unknown trustee")),
        };
        let [realm, trustee_kind, trustee_id] = who.map(Cell::from);
        rows.push([
            tenant.into(),
            kind.into(),
            id.into(),
            number(place),
            word(&entry.effect)?.into(),
            trustee.into(),
            realm,
            trustee_kind,
            trustee_id,
            permission.as_str().into(),
        ]);
    }
    Ok(())
}

/// The row of an assignment.
pub(super) fn assigned<'a>(
    who: &'a PrincipalId,
    role: &'a RoleKey,
    held_in: Option<&'a Realm>,
) -> [Cell<'a>; 6] {
    let ([realm, kind, id], [role_tenant, name]) = (principal(who), key(role));
    // A tenant's role is held there, whether that is said or not.
    let held_in = if role.tenant.is_some() { "" } else { tenant(held_in) };
    [realm.into(), kind.into(), id.into(), held_in.into(), role_tenant.into(), name.into()]
}

/// The row of what a principal may or may not do without a role.
pub(super) fn may<'a>(
    who: &'a PrincipalId,
    permission: &'a str,
    effect: &'static str,
    held_in: Option<&'a Realm>,
) -> [Cell<'a>; 6] {
    let [realm, kind, id] = principal(who);
    [realm.into(), kind.into(), id.into(), tenant(held_in).into(), permission.into(), effect.into()]
}

/// Tenant and name of a role.
pub(super) fn key(role: &RoleKey) -> [&str; 2] {
    [tenant(role.tenant.as_ref()), role.name.as_str()]
}

fn principal(id: &PrincipalId) -> [&str; 3] {
    [id.realm().as_str(), id.kind().as_str(), id.id()]
}

fn named(resource: &Resource) -> [&str; 3] {
    [tenant(resource.tenant()), resource.kind().as_str(), resource.id().unwrap_or_default()]
}

fn tenant(tenant: Option<&Realm>) -> &str {
    tenant.map_or("", Realm::as_str)
}

fn optional(parts: Option<[&str; 3]>) -> [Cell<'_>; 3] {
    parts.map_or([None, None, None], |parts| parts.map(Some)).map(Cell::from)
}

/// The kind of resource that the name of a permission has.
pub(super) fn kind_of(permission: &Action) -> Option<&str> {
    let (kind, verb) = permission.as_str().rsplit_once('.')?;
    (!verb.is_empty()).then_some(kind)
}

fn number(place: i64) -> Cell<'static> {
    Cell::Number(place)
}

/// The one word that something is written as.
fn word(value: &impl Serialize) -> Result<String, StoreError> {
    match serde_json::to_value(value).map_err(StoreError::not_written)? {
        serde_json::Value::String(word) => Ok(word),
        _ => Err(StoreError::not_written("no word")),
    }
}

fn json(value: &impl Serialize) -> Result<String, StoreError> {
    let text = serde_json::to_string(value).map_err(StoreError::not_written)?;
    // It would not be read again.
    if text.len() > MAX_JSON { Err(StoreError::not_written("rule or schema is too long")) } else { Ok(text) }
}
