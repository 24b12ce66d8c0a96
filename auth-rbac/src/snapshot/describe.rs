//! From the numbers that a decision carries back to names.

use std::fmt;

use auth_core::{Action, Decision, Denial, Permit, PolicyVersion, Realm, RoleName, RuleId};

use super::{Snapshot, decide::Decided};
use crate::{engine::Model, error::Path, graph, sets::Rule, verdict::Verdict};

impl Snapshot {
    /// Names the rule that decided, and the way from the principal's role to it.
    ///
    /// Takes a [`Permit`], a [`Denial`], a [`Decision`] or a [`Verdict`]. For logs, audit and
    /// administrators: it tells how the policy is made, which is not for whoever was refused.
    ///
    /// # Errors
    /// [`DescribeError`] if the decision is not one of this snapshot.
    pub fn describe(&self, decided: impl Into<DecidedBy>) -> Result<Description, DescribeError> {
        let DecidedBy { version, rule } = decided.into();
        let version = version.ok_or(DescribeError::NotByPolicy)?;
        if version != self.version {
            return Err(DescribeError::OtherVersion { decided: version, snapshot: self.version });
        }
        let Some(rule) = rule else { return Ok(Description::NoRule) };
        self.describe_rule(rule).ok_or(DescribeError::UnknownRule)
    }

    /// What allows a permission through a role that is held.
    pub(super) fn describe_permit(&self, role: u32, permission: u32) -> Option<Description> {
        self.describe_rule(self.rule_id(Decided { role, rule: Rule { permission, denies: false } }))
    }

    fn describe_rule(&self, id: RuleId) -> Option<Description> {
        let (model, number) = Model::of(id)?;
        let Decided { role, rule } = Decided::from_number(number);
        let has_rule = |role| self.rules.row(role).binary_search(&rule.pack()).is_ok();
        match model {
            Model::Roles if !self.is_nameless(role) => {
                let path = graph::path(&self.parents, role, has_rule)?;
                Some(Description::Rule(DescribedRule {
                    denies: rule.denies,
                    permission: self.permission_name(rule.permission)?,
                    tenant: self.role_key(role)?.tenant,
                    path: path.iter().map(|role| self.role_name(*role)).collect::<Option<_>>()?,
                }))
            }
            Model::Direct if self.is_nameless(role) && has_rule(role) => {
                let permission = self.permission_name(rule.permission)?;
                Some(Description::Direct { denies: rule.denies, permission })
            }
            Model::Separation => {
                let separation = self.separation(u32::try_from(number).ok()?)?;
                Some(Description::Separated { separation: separation.name.to_string() })
            }
            _ => None,
        }
    }
}

/// What a decision was made by, in numbers: taken from whatever carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecidedBy {
    pub(crate) version: Option<PolicyVersion>,
    pub(crate) rule: Option<RuleId>,
}

impl<P> From<&Permit<P>> for DecidedBy {
    fn from(permit: &Permit<P>) -> Self {
        Self { version: Some(permit.version()), rule: permit.rule() }
    }
}

impl From<&Denial> for DecidedBy {
    fn from(denial: &Denial) -> Self {
        Self { version: denial.version(), rule: denial.rule() }
    }
}

impl From<&Decision> for DecidedBy {
    fn from(decision: &Decision) -> Self {
        match decision {
            Decision::Allow(permit) => permit.into(),
            Decision::Deny(denial) => denial.into(),
        }
    }
}

impl From<&Verdict> for DecidedBy {
    fn from(verdict: &Verdict) -> Self {
        Self { version: Some(verdict.version()), rule: verdict.rule() }
    }
}

/// Why a decision was made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Description {
    /// No rule of the principal's roles speaks of it, so it is denied.
    NoRule,
    /// A rule of a role decided.
    Rule(DescribedRule),
    /// What the principal may or may not do by itself, without a role.
    Direct {
        /// Whether that forbids; otherwise it allows.
        denies: bool,
        /// The permission that it is about.
        permission: Action,
    },
    /// More of some roles were active than a separation of duty lets be active together, so everything is denied.
    Separated {
        /// The name of the separation.
        separation: String,
    },
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRule => f.write_str("no rule allows it"),
            Self::Rule(rule) => rule.fmt(f),
            Self::Direct { denies, permission } => write!(f, "{permission} {} directly", verb(*denies)),
            Self::Separated { separation } => {
                write!(f, "denied by separation of duty {separation}")
            }
        }
    }
}

/// The rule that decided, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedRule {
    denies: bool,
    permission: Action,
    tenant: Option<Realm>,
    path: Vec<RoleName>,
}

impl DescribedRule {
    /// Whether the rule forbids; otherwise it allows.
    #[must_use]
    pub fn denies(&self) -> bool {
        self.denies
    }

    /// The permission that the rule is about. A wildcard is written out when the policy is compiled, so this is the permission
    /// that was asked for, and not the wildcard that the policy has in its place.
    #[must_use]
    pub fn permission(&self) -> &Action {
        &self.permission
    }

    /// The tenant that has the assigned role for itself. Further roles of the path are its own too, or the
    /// policy's.
    #[must_use]
    pub fn tenant(&self) -> Option<&Realm> {
        self.tenant.as_ref()
    }

    /// From the role assigned to the principal to the role that has the rule, each inheriting from the next.
    /// One role if the assigned one has it; never empty.
    #[must_use]
    pub fn path(&self) -> &[RoleName] {
        &self.path
    }
}

impl fmt::Display for DescribedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} by role {}", self.permission, verb(self.denies), Path(&self.path))?;
        match &self.tenant {
            Some(tenant) => write!(f, " of {tenant}"),
            None => Ok(()),
        }
    }
}

const fn verb(denies: bool) -> &'static str {
    if denies { "denied" } else { "allowed" }
}

/// Why a decision cannot be described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescribeError {
    /// No policy was asked: the limits of the authentication decided.
    #[error("the decision was not made by a policy")]
    NotByPolicy,
    /// Another version of the policy decided; ask that one.
    #[error("decided by policy version {decided}, this is version {snapshot}")]
    OtherVersion {
        /// The version that decided.
        decided: PolicyVersion,
        /// The version that was asked to describe.
        snapshot: PolicyVersion,
    },
    /// The rule is not one of this policy: another engine decided.
    #[error("this policy has no such rule")]
    UnknownRule,
}
