//! From a document to a policy, through the builders of the models.

use super::{ConstraintKind, DocumentError, Lists, PolicyDocument};
use crate::{
    abac::{Abac, error::AbacError, rule::RuleEffect},
    acl::{Acl, AclBuilder, AclError},
    builder::PolicyBuilder,
    error::PolicyError,
    policy::Policy,
    snapshot::Snapshot,
};

impl PolicyDocument {
    /// Checks the document and compiles it.
    ///
    /// # Errors
    /// [`DocumentError`] of the first item that does not fit the others.
    pub fn compile(&self) -> Result<Policy, DocumentError> {
        let roles = self.compile_roles()?;
        let acl = self.acl.as_ref().map(|lists| self.compile_lists(lists)).transpose()?;
        if let Some(schema) = &self.schema {
            schema.check().map_err(|error| DocumentError::Rules {
                place: "schema".to_owned(),
                error: AbacError::Schema(error),
            })?;
        }
        let rules = if self.rules.is_empty() { None } else { Some(self.compile_rules()?) };
        Ok(Policy::new(self.combining, roles, acl, rules))
    }

    fn compile_rules(&self) -> Result<Abac, DocumentError> {
        let schema = self.schema.clone().unwrap_or_default();
        Abac::compile(self.version, &schema, &self.rules).map_err(|error| {
            let at = match &error {
                AbacError::Rule { name, .. } => self.rules.iter().rposition(|rule| rule.name == *name),
                _ => None,
            };
            let place = at.map_or_else(|| "rules".to_owned(), |n| format!("rules[{n}]"));
            DocumentError::Rules { place, error }
        })
    }

    /// Its roles and direct permissions, and who holds them: without its lists and rules, which may forbid what these
    /// allow.
    pub(crate) fn builder(&self) -> Result<PolicyBuilder, DocumentError> {
        let mut policy = PolicyBuilder::new();
        for permission in &self.permissions {
            policy.permission(permission).map_err(in_roles(|| "permissions".to_owned()))?;
        }
        for (n, role) in self.roles.iter().enumerate() {
            policy.role(&role.key()).map_err(in_roles(|| format!("roles[{n}] ({})", role.key())))?;
        }
        for (n, role) in self.roles.iter().enumerate() {
            let key = role.key();
            let fill = |policy: &mut PolicyBuilder| {
                for parent in &role.inherits {
                    policy.inherit(&key, parent)?;
                }
                for permission in &role.allow {
                    policy.allow(&key, permission)?;
                }
                for permission in &role.deny {
                    policy.deny(&key, permission)?;
                }
                Ok(())
            };
            fill(&mut policy).map_err(in_roles(|| format!("roles[{n}] ({key})")))?;
        }
        for (n, constraint) in self.constraints.iter().enumerate() {
            let (name, roles) = (&constraint.name, &constraint.roles);
            match constraint.kind {
                ConstraintKind::Static => policy.static_separation(name, roles, constraint.limit),
                ConstraintKind::Dynamic => policy.dynamic_separation(name, roles, constraint.limit),
            }
            .map_err(in_roles(|| format!("constraints[{n}] ({name:?})")))?;
        }
        for (n, assignment) in self.assignments.iter().enumerate() {
            for role in &assignment.roles {
                match &assignment.tenant {
                    Some(tenant) => policy.assign_in(tenant, &assignment.principal, role),
                    None => policy.assign(&assignment.principal, role),
                }
                .map_err(in_roles(|| format!("assignments[{n}] ({:?})", assignment.principal)))?;
            }
        }
        for (n, direct) in self.direct.iter().enumerate() {
            let who = &direct.principal;
            let fill = |policy: &mut PolicyBuilder| {
                for permission in &direct.allow {
                    match &direct.tenant {
                        Some(tenant) => policy.allow_principal_in(tenant, who, permission)?,
                        None => policy.allow_principal(who, permission)?,
                    };
                }
                for permission in &direct.deny {
                    match &direct.tenant {
                        Some(tenant) => policy.deny_principal_in(tenant, who, permission)?,
                        None => policy.deny_principal(who, permission)?,
                    };
                }
                Ok(())
            };
            fill(&mut policy).map_err(in_roles(|| format!("direct[{n}] ({who:?})")))?;
        }
        Ok(policy)
    }

    fn compile_roles(&self) -> Result<Snapshot, DocumentError> {
        self.builder()?.build(self.version).map_err(in_roles(|| "roles".to_owned()))
    }

    fn compile_lists(&self, lists: &Lists) -> Result<Acl, DocumentError> {
        let mut acl = AclBuilder::new(lists.order);
        for permission in &lists.permissions {
            acl.permission(permission).map_err(in_acl(|| "acl.permissions".to_owned()))?;
        }
        for on in &lists.permissions_on {
            acl.permission_on(&on.kind, &on.permission)
                .map_err(in_acl(|| "acl.permissions_on".to_owned()))?;
        }
        for kept in &lists.owner_keeps {
            acl.owner_keeps(&kept.kind, &kept.permission).map_err(in_acl(|| "acl.owner_keeps".to_owned()))?;
        }
        let of_group = |n: usize| move || format!("acl.groups[{n}]");
        for (n, group) in lists.groups.iter().enumerate() {
            acl.group(&group.name).map_err(in_acl(of_group(n)))?;
        }
        for (n, group) in lists.groups.iter().enumerate() {
            for member in &group.members {
                acl.member(&group.name, member).map_err(in_acl(of_group(n)))?;
            }
            for inner in &group.groups {
                acl.nest(&group.name, inner).map_err(in_acl(of_group(n)))?;
            }
        }
        let of_resource = |n: usize| move || format!("acl.resources[{n}]");
        for (n, list) in lists.resources.iter().enumerate() {
            acl.resource(&list.resource).map_err(in_acl(of_resource(n)))?;
        }
        for (n, list) in lists.resources.iter().enumerate() {
            let fill = |acl: &mut AclBuilder| {
                let mut resource = acl.edit(&list.resource)?;
                if let Some(parent) = &list.inside {
                    resource.inside(parent)?;
                }
                if list.breaks_inheritance {
                    resource.breaks_inheritance();
                }
                if list.reapplies_below {
                    resource.reapplies_below();
                }
                if let Some(owner) = &list.owner {
                    resource.owned_by(owner)?;
                }
                for entry in &list.entries {
                    match entry.effect {
                        RuleEffect::Permit => resource.allow(entry.to.clone(), &entry.permissions)?,
                        RuleEffect::Deny => resource.deny(entry.to.clone(), &entry.permissions)?,
                    };
                }
                Ok(())
            };
            fill(&mut acl).map_err(in_acl(of_resource(n)))?;
        }
        acl.build(self.version).map_err(in_acl(|| "acl".to_owned()))
    }
}

fn in_roles(place: impl Fn() -> String) -> impl Fn(PolicyError) -> DocumentError {
    move |error| DocumentError::Roles { place: place(), error }
}

fn in_acl(place: impl Fn() -> String) -> impl Fn(AclError) -> DocumentError {
    move |error| DocumentError::Acl { place: place(), error }
}
