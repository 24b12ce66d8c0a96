//! Changes of a policy as statements.

use auth_core::StoreError;
use auth_rbac::PolicyChange;

use super::{
    table::{ASSIGNMENTS, Cell, INHERITANCE, PRINCIPAL_PERMISSIONS, ROLE_PERMISSIONS, ROLES, Table},
    write::{DENY, PERMIT, assigned, key, may},
};

/// One statement with its values. An addition changes nothing where the row is there already.
#[derive(Debug)]
pub(crate) struct Made<'a> {
    pub(crate) text: String,
    pub(crate) adds: bool,
    pub(crate) cells: Vec<Cell<'a>>,
}

/// What makes a change.
pub(crate) fn made(change: &PolicyChange) -> Result<Made<'_>, StoreError> {
    Ok(match change {
        PolicyChange::CreateRole(role) => add(&ROLES, key(role).map(Cell::from)),
        // What refers to it goes with it, by its foreign keys.
        PolicyChange::DeleteRole(role) => remove(&ROLES, key(role).map(Cell::from)),
        PolicyChange::Inherit { role, parent } => {
            let ([tenant, role], [parent_tenant, parent]) = (key(role), key(parent));
            add(&INHERITANCE, [tenant, role, parent_tenant, parent].map(Cell::from))
        }
        PolicyChange::Disinherit { role, parent } => {
            let ([tenant, role], [parent_tenant, parent]) = (key(role), key(parent));
            remove(&INHERITANCE, [tenant, role, parent_tenant, parent].map(Cell::from))
        }
        PolicyChange::AddRule { role, permission, denies } => {
            let [tenant, role] = key(role);
            add(&ROLE_PERMISSIONS, [tenant, role, permission, effect(*denies)].map(Cell::from))
        }
        PolicyChange::RemoveRule { role, permission, denies } => {
            let [tenant, role] = key(role);
            remove(&ROLE_PERMISSIONS, [tenant, role, permission, effect(*denies)].map(Cell::from))
        }
        PolicyChange::Assign { principal, role, tenant } => {
            add(&ASSIGNMENTS, assigned(principal, role, tenant.as_ref()))
        }
        PolicyChange::Revoke { principal, role, tenant } => {
            let row = assigned(principal, role, tenant.as_ref());
            if role.tenant.is_none() {
                remove(&ASSIGNMENTS, row)
            } else {
                // A row of somebody else's may name the tenant twice.
                let [realm, kind, id, _, role_tenant, name] = row;
                let columns = ["realm", "principal_kind", "principal_id", "role_tenant", "role"];
                let cells = vec![realm, kind, id, role_tenant, name];
                Made { text: ASSIGNMENTS.delete(&columns), adds: false, cells }
            }
        }
        PolicyChange::AddDirect { principal, permission, denies, tenant } => {
            add(&PRINCIPAL_PERMISSIONS, may(principal, permission, effect(*denies), tenant.as_ref()))
        }
        PolicyChange::RemoveDirect { principal, permission, denies, tenant } => {
            remove(&PRINCIPAL_PERMISSIONS, may(principal, permission, effect(*denies), tenant.as_ref()))
        }
        // A change that this version does not know must not be answered as made.
        _ => return Err(StoreError::not_written("unknown change of a policy")),
    })
}

const fn effect(denies: bool) -> &'static str {
    if denies { DENY } else { PERMIT }
}

fn add<'a, const N: usize>(table: &Table<N>, row: [Cell<'a>; N]) -> Made<'a> {
    Made { text: table.insert(1), adds: true, cells: row.into() }
}

fn remove<'a, const N: usize>(table: &Table<N>, row: [Cell<'a>; N]) -> Made<'a> {
    Made { text: table.delete(&table.columns), adds: false, cells: row.into() }
}
