//! From rows to a policy.

use std::collections::BTreeMap;

use auth_core::{Action, GroupName, PolicyVersion, Realm, Resource, ResourceKind, RoleName, StoreError};
use auth_rbac::{
    GroupId, RoleKey, Rule, RuleEffect, Trustee,
    document::{
        Assignment, Constraint, Direct, Entry, Group, KindPermission, Lists, PolicyDocument, ResourceList,
        Role,
    },
};
use serde::de::DeserializeOwned;

use super::{
    Found, MAX_JSON, MAX_ROWS, Mark, table,
    write::{DENY, PERMIT, kind_of},
};
use crate::fields::{Columns, Fields};

/// Collects the rows of a policy. Every part that refers to another comes after it.
#[derive(Debug)]
pub(crate) struct Reading {
    mark: Mark,
    document: PolicyDocument,
    rows_left: usize,
    roles: BTreeMap<RoleKey, Role>,
    constraints: BTreeMap<String, Constraint>,
    groups: BTreeMap<GroupId, Group>,
    resources: BTreeMap<Key, ResourceList>,
}

/// Tenant, kind and id of a resource.
type Key = [String; 3];

/// There are more rows than a policy has.
#[derive(Debug)]
pub(crate) struct TooMany;

/// Takes one row.
pub(crate) type Read<R> = fn(&mut Reading, &Fields<R>) -> Result<(), StoreError>;

/// The tables in their order: what reads them, and what takes their rows.
pub(crate) fn steps<R: Columns>() -> [(String, Read<R>); 15] {
    [
        (table::PERMISSIONS.select(), Reading::permission),
        (table::ROLES.select(), Reading::role),
        (table::INHERITANCE.select(), Reading::inheritance),
        (table::ROLE_PERMISSIONS.select(), Reading::role_permission),
        (table::ASSIGNMENTS.select(), Reading::assignment),
        (table::PRINCIPAL_PERMISSIONS.select(), Reading::principal_permission),
        (table::CONSTRAINTS.select(), Reading::constraint),
        (table::CONSTRAINT_ROLES.select(), Reading::constraint_role),
        (table::ACL_PERMISSIONS.select(), Reading::acl_permission),
        (table::GROUPS.select(), Reading::group),
        (table::GROUP_MEMBERS.select(), Reading::group_member),
        (table::GROUP_GROUPS.select(), Reading::group_group),
        (table::RESOURCES.select(), Reading::resource),
        (table::ACL.select(), Reading::entry),
        (table::RULES.select(), Reading::rule),
    ]
}

impl Reading {
    /// Begins with the row of `auth_policy`: `None` if there is no policy yet.
    pub(crate) fn begin<R: Columns>(head: Option<R>) -> Result<Option<Self>, StoreError> {
        let row = Fields(head.ok_or(StoreError::corrupt("version"))?);
        let mark = mark(&row)?;
        if mark == Mark::nothing() {
            return Ok(None);
        }
        let mut document = PolicyDocument::new(mark.version);
        document.combining = row.parse("combining", word)?;
        if let Some(order) = row.maybe_text("acl_order")? {
            document.acl = Some(Lists::new(word(order).ok_or(StoreError::corrupt("acl_order"))?));
        }
        if let Some(text) = row.maybe_text("attributes")? {
            document.schema = Some(json(text).ok_or(StoreError::corrupt("attributes"))?);
        }
        Ok(Some(Self {
            mark,
            document,
            rows_left: MAX_ROWS,
            roles: BTreeMap::new(),
            constraints: BTreeMap::new(),
            groups: BTreeMap::new(),
            resources: BTreeMap::new(),
        }))
    }

    /// How many rows of the next table are of interest: one more than there may be.
    pub(crate) fn limit(&self) -> u32 {
        u32::try_from(self.rows_left.saturating_add(1)).unwrap_or(u32::MAX)
    }

    /// Takes the rows of a table.
    pub(crate) fn take<R: Columns>(
        &mut self,
        rows: Vec<R>,
        read: Read<R>,
    ) -> Result<Result<(), TooMany>, StoreError> {
        let Some(left) = self.rows_left.checked_sub(rows.len()) else { return Ok(Err(TooMany)) };
        self.rows_left = left;
        for row in rows {
            read(self, &Fields(row))?;
        }
        Ok(Ok(()))
    }

    pub(crate) fn end(mut self) -> Found {
        self.document.roles = self.roles.into_values().collect();
        self.document.constraints = self.constraints.into_values().collect();
        if let Some(lists) = &mut self.document.acl {
            lists.groups = self.groups.into_values().collect();
            lists.resources = self.resources.into_values().collect();
        }
        let rows = MAX_ROWS.saturating_sub(self.rows_left);
        Found::Policy { document: Box::new(self.document), rows, mark: self.mark }
    }

    fn permission<R: Columns>(&mut self, row: &Fields<R>) -> Result<(), StoreError> {
        self.document.permissions.push(action(row)?);
        Ok(())
    }

    fn role<R: Columns>(&mut self, row: &Fields<R>) -> Result<(), StoreError> {
        let key = role(row, "tenant", "role")?;
        self.roles.insert(key.clone(), Role::new(key));
        Ok(())
    }

    fn inheritance<R: Columns>(&mut self, row: &Fields<R>) -> Result<(), StoreError> {
        let parent = role(row, "parent_tenant", "parent")?;
        of(&mut self.roles, &role(row, "tenant", "role")?, "role")?.inherits.push(parent);
        Ok(())
    }

    fn role_permission<R: Columns>(&mut self, row: &Fields<R>) -> Result<(), StoreError> {
        let known = of(&mut self.roles, &role(row, "tenant", "role")?, "role")?;
        let list = if denies(row)? { &mut known.deny } else { &mut known.allow };
        list.push(wildcard(row)?);
        Ok(())
    }

    fn assignment<R: Columns>(&mut self, row: &Fields<R>) -> Result<(), StoreError> {
        let who = row.principal("realm", "principal_kind", "principal_id")?;
        let (tenant, role) = (tenant(row, "tenant")?, role(row, "role_tenant", "role")?);
        match self.document.assignments.last_mut() {
            Some(last) if last.principal == who && last.tenant == tenant => last.roles.push(role),
            _ => {
                let mut new = Assignment::new(who, [role]);
                new.tenant = tenant;
                self.document.assignments.push(new);
            }
        }
        Ok(())
    }

    fn principal_permission<R: Columns>(&mut self, row: &Fields<R>) -> Result<(), StoreError> {
        let who = row.principal("realm", "principal_kind", "principal_id")?;
        let tenant = tenant(row, "tenant")?;
        let (denies, permission) = (denies(row)?, wildcard(row)?);
        let all = &mut self.document.direct;
        if !all.last().is_some_and(|last| last.principal == who && last.tenant == tenant) {
            let mut new = Direct::new(who);
            new.tenant = tenant;
            all.push(new);
        }
        if let Some(last) = all.last_mut() {
            if denies { &mut last.deny } else { &mut last.allow }.push(permission);
        }
        Ok(())
    }

    fn constraint<R: Columns>(&mut self, row: &Fields<R>) -> Result<(), StoreError> {
        let name = row.parse("name", |text| Some(text.to_owned()))?;
        let kind = row.parse("kind", word)?;
        let limit = usize::try_from(row.number("too_many")?).map_err(|_| StoreError::corrupt("too_many"))?;
        let none: [RoleKey; 0] = [];
        self.constraints.insert(name.clone(), Constraint::new(name, kind, none, limit));
        Ok(())
    }

    fn constraint_role<R: Columns>(&mut self, row: &Fields<R>) -> Result<(), StoreError> {
        let name = row.parse("name", |text| Some(text.to_owned()))?;
        of(&mut self.constraints, &name, "name")?.roles.push(role(row, "tenant", "role")?);
        Ok(())
    }

    fn rule<R: Columns>(&mut self, row: &Fields<R>) -> Result<(), StoreError> {
        let rule: Rule = row.parse("body", json)?;
        row.parse("name", |name| (name == rule.name.as_str()).then_some(()))?;
        self.document.rules.push(rule);
        Ok(())
    }

    /// Rows of lists where there are none: what they forbid must not be passed over.
    fn lists(&mut self) -> Result<&mut Lists, StoreError> {
        self.document.acl.as_mut().ok_or(StoreError::corrupt("acl_order"))
    }

    fn acl_permission<R: Columns>(&mut self, row: &Fields<R>) -> Result<(), StoreError> {
        let (kind, permission) = (kind(row, "kind")?, action(row)?);
        let keeps = row.flag("owner_keeps")?;
        let lists = self.lists()?;
        if keeps {
            lists.owner_keeps.push(KindPermission { kind: kind.clone(), permission: permission.clone() });
        }
        if kind_of(&permission) == Some(kind.as_str()) {
            lists.permissions.push(permission);
        } else {
            lists.permissions_on.push(KindPermission { kind, permission });
        }
        Ok(())
    }

    fn group<R: Columns>(&mut self, row: &Fields<R>) -> Result<(), StoreError> {
        self.lists()?;
        let id = group(row, "realm", "name")?;
        self.groups.insert(id.clone(), Group::new(id));
        Ok(())
    }

    fn group_member<R: Columns>(&mut self, row: &Fields<R>) -> Result<(), StoreError> {
        let member = row.principal("member_realm", "member_kind", "member_id")?;
        of(&mut self.groups, &group(row, "realm", "name")?, "name")?.members.push(member);
        Ok(())
    }

    fn group_group<R: Columns>(&mut self, row: &Fields<R>) -> Result<(), StoreError> {
        let inner = group(row, "inner_realm", "inner_name")?;
        of(&mut self.groups, &group(row, "realm", "name")?, "name")?.groups.push(inner);
        Ok(())
    }

    fn resource<R: Columns>(&mut self, row: &Fields<R>) -> Result<(), StoreError> {
        self.lists()?;
        let mut list = ResourceList::new(resource(row, ["tenant", "kind", "id"])?);
        let parent = ["parent_tenant", "parent_kind", "parent_id"];
        if has(row, parent)? {
            list.inside = Some(resource(row, parent)?);
        }
        let owner @ [realm, kind, id] = ["owner_realm", "owner_kind", "owner_id"];
        if has(row, owner)? {
            list.owner = Some(row.principal(realm, kind, id)?);
        }
        list.breaks_inheritance = row.flag("breaks_inheritance")?;
        list.reapplies_below = row.flag("reapplies_below")?;
        self.resources.insert(resource_key(row)?, list);
        Ok(())
    }

    /// Entries that follow each other and say the same to the same become one again.
    fn entry<R: Columns>(&mut self, row: &Fields<R>) -> Result<(), StoreError> {
        let effect = if denies(row)? { RuleEffect::Deny } else { RuleEffect::Permit };
        let [realm, kind, id] = ["trustee_realm", "trustee_kind", "trustee_id"];
        let (to, unused): (_, &[_]) = match row.parse("trustee", |text| Some(text.to_owned()))?.as_str() {
            "everyone" => (Trustee::Everyone, &[realm, kind, id]),
            "owner" => (Trustee::Owner, &[realm, kind, id]),
            "group" => (Trustee::Group(group(row, realm, id)?), &[kind]),
            "principal" => (Trustee::Principal(row.principal(realm, kind, id)?), &[]),
            _ => return Err(StoreError::corrupt("trustee")),
        };
        for column in unused {
            if row.maybe_text(column)?.is_some() {
                return Err(StoreError::corrupt(column));
            }
        }
        let permission = action(row)?;
        let entries = &mut of(&mut self.resources, &resource_key(row)?, "id")?.entries;
        match entries.last_mut() {
            Some(last) if last.effect == effect && last.to == to => last.permissions.push(permission),
            _ if effect == RuleEffect::Deny => entries.push(Entry::deny(to, [permission])),
            _ => entries.push(Entry::allow(to, [permission])),
        }
        Ok(())
    }
}

/// What the row of `auth_policy` says of which policy it is.
pub(crate) fn mark<R: Columns>(row: &Fields<R>) -> Result<Mark, StoreError> {
    let version = row.number("version").map(PolicyVersion::new)?;
    if version == PolicyVersion::new(0) {
        return Ok(Mark::nothing());
    }
    let stamp = row.parse("stamp", |text| (text.len() <= Mark::MAX_STAMP).then(|| text.to_owned()))?;
    Ok(Mark { version, stamp })
}

/// What a row belongs to.
fn of<'a, K: Ord, V>(
    all: &'a mut BTreeMap<K, V>,
    key: &K,
    column: &'static str,
) -> Result<&'a mut V, StoreError> {
    all.get_mut(key).ok_or(StoreError::corrupt(column))
}

/// Whether columns that belong together say something. Half of it is not nothing: what is inherited may forbid.
fn has<R: Columns, const N: usize>(row: &Fields<R>, columns: [&'static str; N]) -> Result<bool, StoreError> {
    let (mut found, mut missing) = (false, None);
    for column in columns {
        if row.maybe_text(column)?.is_some() {
            found = true;
        } else {
            missing = missing.or(Some(column));
        }
    }
    match missing {
        Some(column) if found => Err(StoreError::corrupt(column)),
        _ => Ok(found),
    }
}

/// An empty tenant is none.
fn tenant<R: Columns>(row: &Fields<R>, column: &'static str) -> Result<Option<Realm>, StoreError> {
    row.parse(column, |text| if text.is_empty() { Some(None) } else { Realm::parse(text).ok().map(Some) })
}

fn role<R: Columns>(row: &Fields<R>, owner: &'static str, name: &'static str) -> Result<RoleKey, StoreError> {
    Ok(RoleKey { tenant: tenant(row, owner)?, name: row.parse(name, |text| RoleName::parse(text).ok())? })
}

fn group<R: Columns>(
    row: &Fields<R>,
    realm: &'static str,
    name: &'static str,
) -> Result<GroupId, StoreError> {
    let realm = row.parse(realm, |text| Realm::parse(text).ok())?;
    Ok(GroupId::new(realm, row.parse(name, |text| GroupName::parse(text).ok())?))
}

fn kind<R: Columns>(row: &Fields<R>, column: &'static str) -> Result<ResourceKind, StoreError> {
    row.parse(column, |text| ResourceKind::parse(text).ok())
}

/// An empty id is any of the kind.
fn resource<R: Columns>(
    row: &Fields<R>,
    [owner, of_kind, id]: [&'static str; 3],
) -> Result<Resource, StoreError> {
    let kind = kind(row, of_kind)?;
    let named = row.parse(id, |text| {
        if text.is_empty() { Some(Resource::any(kind)) } else { Resource::one(kind, text).ok() }
    })?;
    Ok(match tenant(row, owner)? {
        Some(tenant) => named.of_tenant(tenant),
        None => named,
    })
}

fn resource_key<R: Columns>(row: &Fields<R>) -> Result<Key, StoreError> {
    let part = |column| row.parse(column, |text| Some(text.to_owned()));
    Ok([part("tenant")?, part("kind")?, part("id")?])
}

fn action<R: Columns>(row: &Fields<R>) -> Result<Action, StoreError> {
    row.parse("permission", |text| Action::parse(text).ok())
}

/// A permission, or a wildcard for some. Compiling tells whether it is one.
fn wildcard<R: Columns>(row: &Fields<R>) -> Result<String, StoreError> {
    row.parse("permission", |text| Some(text.to_owned()))
}

/// Anything but the two words is no effect: a denial that is misspelt must not be an allowance.
fn denies<R: Columns>(row: &Fields<R>) -> Result<bool, StoreError> {
    row.parse("effect", |effect| match effect {
        PERMIT => Some(false),
        DENY => Some(true),
        _ => None,
    })
}

/// What is written as one word.
fn word<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
}

fn json<T: DeserializeOwned>(text: &str) -> Option<T> {
    if text.len() > MAX_JSON { None } else { serde_json::from_str(text).ok() }
}
