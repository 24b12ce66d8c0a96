//! Tests of a policy, and which of its rules they have exercised.
//!
//! ```toml
//! [[tests]]
//! name = "clerks read"
//! expect = "allow"
//! request = { principal = "ann", action = "invoices.read", resource = { kind = "invoices" } }
//! ```
//!
//! `reason` is a part of the reason that is expected. An error must name it: a mistake in the request is one too, and would
//! pass for the error that is meant.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use auth_core::{PrincipalId, Realm};
use auth_rbac::{
    AclDescription, DescribedRule, Description, Policy, PolicyDescription, RoleKey, RuleEffect,
    document::{Entry, PolicyDocument, Role},
};
use serde::Deserialize;

use crate::{
    commands::Failure,
    lint::{includes, name},
    request::{Form, Question},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tests {
    tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    name: String,
    expect: Expected,
    reason: Option<String>,
    request: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Expected {
    Allow,
    Deny,
    Error,
}

/// What came of all tests.
pub(crate) struct Report {
    lines: Vec<String>,
    failed: usize,
    tests: usize,
    exercised: usize,
    missed: Vec<String>,
}

/// One thing that a policy says.
struct Statement<'a> {
    label: String,
    what: What<'a>,
    exercised: bool,
}

type Roles<'a> = HashMap<RoleKey, &'a Role>;

enum What<'a> {
    Role { key: RoleKey, permission: &'a str, denies: bool },
    Direct { principal: &'a PrincipalId, tenant: Option<&'a Realm>, permission: &'a str, denies: bool },
    Entry { on: &'a auth_core::Resource, entry: &'a Entry },
    Rule { name: &'a str },
}

/// Runs the tests of a file.
///
/// # Errors
/// If the file is none of tests.
pub(crate) fn run(document: &PolicyDocument, policy: &Policy, tests: &str) -> Result<Report, Failure> {
    let Tests { tests } = toml::from_str(tests)?;
    let mut statements = statements(document);
    let roles = document.roles.iter().map(|role| (role.key(), role)).collect();
    let mut report =
        Report { lines: Vec::new(), failed: 0, tests: tests.len(), exercised: 0, missed: Vec::new() };
    for Test { name, expect, reason: expected, request } in tests {
        let question = request.question(policy);
        let answer = question.as_ref().map_err(Clone::clone).and_then(|question| question.ask(policy));
        let (decision, reason) = match answer {
            Ok(answer) if answer.decision == "allow" => (Expected::Allow, answer.reason),
            Ok(answer) => (Expected::Deny, answer.reason),
            Err(reason) => (Expected::Error, reason),
        };
        let complaint = match expected {
            _ if decision != expect => Some(format!("{decision:?}, not {expect:?}: {reason}")),
            Some(expected) if !reason.contains(&expected) => Some(format!("{reason}, not {expected}")),
            None if expect == Expected::Error => Some(format!("an error that no `reason` names: {reason}")),
            _ => None,
        };
        match complaint {
            None => report.lines.push(format!("ok      {name}")),
            Some(complaint) => {
                report.failed = report.failed.saturating_add(1);
                report.lines.push(format!("FAILED  {name}: {complaint}"));
            }
        }
        if let Ok(question) = &question {
            mark(&roles, &mut statements, policy, question);
        }
    }
    report.exercised = statements.iter().filter(|statement| statement.exercised).count();
    let missed = statements.into_iter().filter(|statement| !statement.exercised);
    report.missed = missed.map(|statement| statement.label).collect();
    Ok(report)
}

impl Report {
    pub(crate) fn passed(&self) -> bool {
        self.failed == 0
    }

    /// The share of statements that were exercised; of none, all were.
    pub(crate) fn percent(&self) -> u8 {
        let all = self.exercised.saturating_add(self.missed.len());
        let percent = self.exercised.saturating_mul(100).checked_div(all).unwrap_or(100);
        u8::try_from(percent).unwrap_or(100)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        writeln!(f, "{} tests, {} failed", self.tests, self.failed)?;
        let all = self.exercised.saturating_add(self.missed.len());
        writeln!(f, "coverage: {} of {all} rules, {} %", self.exercised, self.percent())?;
        self.missed.iter().try_for_each(|missed| writeln!(f, "never exercised: {missed}"))
    }
}

fn statements(document: &PolicyDocument) -> Vec<Statement<'_>> {
    let mut all = Vec::new();
    let mut add = |label: String, what| all.push(Statement { label, what, exercised: false });
    let verb = |denies: bool| if denies { "denies" } else { "allows" };
    for role in &document.roles {
        for (list, denies) in [(&role.allow, false), (&role.deny, true)] {
            for permission in list {
                let key = role.key();
                let label = format!("role {key} {} {permission}", verb(denies));
                add(label, What::Role { key, permission, denies });
            }
        }
    }
    for direct in &document.direct {
        let (principal, tenant) = (&direct.principal, direct.tenant.as_ref());
        for (list, denies) in [(&direct.allow, false), (&direct.deny, true)] {
            for permission in list {
                let label = format!("{permission} {} to {:?} directly", verb(denies), principal.id());
                add(label, What::Direct { principal, tenant, permission, denies });
            }
        }
    }
    for list in document.acl.iter().flat_map(|lists| &lists.resources) {
        for (place, entry) in list.entries.iter().enumerate() {
            let label = format!("entry {place} of {}", name(&list.resource));
            add(label, What::Entry { on: &list.resource, entry });
        }
    }
    for rule in &document.rules {
        add(format!("rule {}", rule.name), What::Rule { name: rule.name.as_str() });
    }
    all
}

/// Marks the statement that decided. Where limits did, the policy was not asked.
fn mark(roles: &Roles<'_>, statements: &mut [Statement<'_>], policy: &Policy, question: &Question) {
    let Some(description) = question.decided_by(policy) else { return };
    let declaring = match &description {
        PolicyDescription::Roles(Description::Rule(rule)) => declaring(roles, rule),
        _ => BTreeSet::new(),
    };
    let (asker, place) = question.with(|request| {
        let place = request.resource().tenant().cloned();
        (request.principal().clone(), place)
    });
    for statement in statements {
        let decided = match (&statement.what, &description) {
            (What::Role { key, permission, denies }, PolicyDescription::Roles(Description::Rule(rule))) => {
                declaring.contains(key)
                    && rule.denies() == *denies
                    && includes(permission, rule.permission().as_str())
            }
            (
                What::Direct { principal, tenant, permission, denies },
                PolicyDescription::Roles(Description::Direct { denies: denied, permission: decided }),
            ) => {
                asker == **principal
                    && tenant.is_none_or(|tenant| Some(tenant) == place.as_ref())
                    && denies == denied
                    && includes(permission, decided.as_str())
            }
            (What::Entry { on, entry }, PolicyDescription::Acl(AclDescription::Entry(decided))) => {
                *on == decided.declared_on()
                    && entry.to == *decided.trustee()
                    && (entry.effect == RuleEffect::Deny) == decided.denies()
                    && entry.permissions.contains(decided.permission())
            }
            (What::Rule { name }, PolicyDescription::Rule(rule)) => rule.name.as_str() == *name,
            _ => false,
        };
        statement.exercised |= decided;
    }
}

/// The role that has the rule, at the end of the path. Names alone do not tell a tenant's role from the policy's, so the
/// path is walked from the role that is held.
fn declaring(roles: &Roles<'_>, rule: &DescribedRule) -> BTreeSet<RoleKey> {
    let mut names = rule.path().iter();
    let held = names.next().map(|name| RoleKey { tenant: rule.tenant().cloned(), name: name.clone() });
    names.fold(held.into_iter().collect(), |heirs: BTreeSet<RoleKey>, name| {
        let heirs = heirs.iter().filter_map(|heir| roles.get(heir));
        heirs.flat_map(|role| &role.inherits).filter(|parent| parent.name == *name).cloned().collect()
    })
}
