//! What a policy says without effect, or twice. A policy that does not compile has one finding, the error. Notes are about
//! what may be meant, and is often taken for something else.

use std::{
    collections::{BTreeSet, HashSet},
    error::Error,
};

use auth_rbac::document::PolicyDocument;

mod lists;
mod roles;
mod rules;

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
    roles::look(document, &mut found);
    permissions(document, &mut found);
    if let Some(lists) = &document.acl {
        lists::look(lists, &mut found);
    }
    rules::look(document, &mut found);
    everywhere(document, &mut found);
    found
}

/// Whether a finding is nothing but a note.
pub(crate) fn is_note(finding: &str) -> bool {
    finding.starts_with("note: ")
}

/// Roles that are held in every tenant, where there are tenants.
fn everywhere(document: &PolicyDocument, found: &mut Vec<String>) {
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

fn permissions(document: &PolicyDocument, found: &mut Vec<String>) {
    let of_roles = document.roles.iter().flat_map(|role| role.allow.iter().chain(&role.deny));
    let direct = document.direct.iter().flat_map(|direct| direct.allow.iter().chain(&direct.deny));
    let named = Patterns::new(of_roles.chain(direct));
    for permission in &document.permissions {
        if !named.includes(permission.as_str()) {
            found.push(format!("unused: no role and no principal is allowed or denied {permission}"));
        }
    }
}

/// Permissions and wildcards.
struct Patterns<'d> {
    names: HashSet<&'d str>,
    wildcards: BTreeSet<&'d str>,
}

impl<'d> Patterns<'d> {
    fn new(patterns: impl Iterator<Item = &'d String>) -> Self {
        let (mut names, mut wildcards) = (HashSet::new(), BTreeSet::new());
        for pattern in patterns {
            if is_wildcard(pattern) {
                wildcards.insert(pattern.as_str());
            } else {
                names.insert(pattern.as_str());
            }
        }
        Self { names, wildcards }
    }

    /// Whether one of them includes a permission.
    fn includes(&self, name: &str) -> bool {
        self.names.contains(name) || self.wildcards.iter().any(|wildcard| includes(wildcard, name))
    }

    fn is_empty(&self) -> bool {
        self.names.is_empty() && self.wildcards.is_empty()
    }
}

fn is_wildcard(pattern: &str) -> bool {
    pattern.contains('*')
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
