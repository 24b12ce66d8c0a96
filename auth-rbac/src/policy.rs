//! All models of one policy as one engine.

use std::fmt;

use auth_core::{AccessRequest, Authorizer, DecideError, Decision, PolicyVersion, PrincipalId, Privileges};

use crate::{
    abac::{
        Abac,
        rule::{Rule, RuleEffect},
    },
    acl::{Acl, AclDescription, Denials},
    combine::Combiner,
    engine::{Engine, Model},
    explain::Explanation,
    snapshot::{DecidedBy, DescribeError, Description, Snapshot},
    verdict::Verdict,
};

/// A compiled policy of one version: roles and direct permissions, and access control lists and rules if it
/// has any. An [`Engine`] that asks them in this order and combines their effects, and an [`Authorizer`].
///
/// A separation of duty stands above all combining: while roles are active together that are separated, no list and no
/// rule allows anything.
///
/// [`PolicyDocument::compile`](crate::document::PolicyDocument::compile) makes it; [`LivePolicy`](crate::LivePolicy)
/// puts it in force.
pub struct Policy {
    combiner: Combiner,
    roles: Snapshot,
    acl: Option<Acl>,
    rules: Option<Abac>,
}

impl Policy {
    pub(crate) const fn new(
        combiner: Combiner,
        roles: Snapshot,
        acl: Option<Acl>,
        rules: Option<Abac>,
    ) -> Self {
        Self { combiner, roles, acl, rules }
    }

    /// Its version, which all its decisions carry.
    #[must_use]
    pub fn version(&self) -> PolicyVersion {
        self.roles.version()
    }

    /// How the models' effects become one.
    #[must_use]
    pub fn combiner(&self) -> Combiner {
        self.combiner
    }

    /// Roles and direct permissions.
    #[must_use]
    pub fn roles(&self) -> &Snapshot {
        &self.roles
    }

    /// Access control lists.
    #[must_use]
    pub fn acl(&self) -> Option<&Acl> {
        self.acl.as_ref()
    }

    /// Rules with conditions.
    #[must_use]
    pub fn rules(&self) -> Option<&Abac> {
        self.rules.as_ref()
    }

    /// The memory that it holds, in bytes, but for rules [as they were written](Abac::size_in_bytes).
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        let acl = self.acl.as_ref().map_or(0, Acl::size_in_bytes);
        let rules = self.rules.as_ref().map_or(0, Abac::size_in_bytes);
        self.roles.size_in_bytes().saturating_add(acl).saturating_add(rules)
    }

    /// Names what decided, whichever model it was. Not for whoever was refused.
    ///
    /// # Errors
    /// [`DescribeError`] if the decision is not one of this policy.
    pub fn describe(&self, decided: impl Into<DecidedBy>) -> Result<PolicyDescription, DescribeError> {
        let decided = decided.into();
        match (decided.rule.and_then(Model::of), &self.acl, &self.rules) {
            (Some((Model::Acl, _)), Some(acl), _) => acl.describe(decided).map(PolicyDescription::Acl),
            (Some((Model::Conditions, _)), _, Some(rules)) if decided.version == Some(self.version()) => {
                let rule =
                    decided.rule.and_then(|rule| rules.rule(rule)).ok_or(DescribeError::UnknownRule)?;
                Ok(PolicyDescription::Rule(rule.clone()))
            }
            _ => self.roles.describe(decided).map(PolicyDescription::Roles),
        }
    }

    /// What it says of what is asked for, if a list denies it on some resource, or a rule might: of any kind and of the
    /// tenant that is named, or of any. `denials` is what lists deny whoever asks.
    pub(crate) fn decide_somewhere(
        &self,
        request: &AccessRequest<'_>,
        denials: &Denials,
    ) -> Result<Decision, DecideError> {
        let denied = |acl: &Acl| {
            if acl.is_denied(denials, request.action(), request.resource().tenant()) {
                Verdict::deny(acl.version(), None)
            } else {
                Verdict::not_applicable(acl.version())
            }
        };
        let verdicts = [
            Some(self.roles.evaluate(request)?),
            self.acl.as_ref().map(denied),
            self.rules.as_ref().map(|rules| rules.forbidden_somewhere(request)),
        ];
        Ok(self.combiner.combine(verdicts.into_iter().flatten()).decide(request))
    }

    /// All models but the roles.
    fn others(&self) -> impl Iterator<Item = &dyn Engine> {
        let acl = self.acl.as_ref().map(|acl| acl as &dyn Engine);
        let rules = self.rules.as_ref().map(|rules| rules as &dyn Engine);
        acl.into_iter().chain(rules)
    }
}

/// Whether roles came together that are separated, which no other model allows, whatever the combiner.
fn is_final(roles: &Verdict) -> bool {
    matches!(roles.rule().and_then(Model::of), Some((Model::Separation, _)))
}

impl Engine for Policy {
    fn evaluate(&self, request: &AccessRequest<'_>) -> Result<Verdict, DecideError> {
        let roles = self.roles.evaluate(request)?;
        if self.acl.is_none() && self.rules.is_none() || is_final(&roles) {
            return Ok(roles);
        }
        let others = self.others().map(|engine| engine.evaluate(request));
        self.combiner.evaluate(std::iter::once(Ok(roles)).chain(others))
    }

    fn explain(&self, request: &AccessRequest<'_>) -> Result<Explanation, DecideError> {
        let roles = self.roles.explain(request)?;
        if is_final(roles.verdict()) {
            return Ok(roles);
        }
        let others = self.others().map(|engine| engine.explain(request));
        self.combiner.explain(std::iter::once(Ok(roles)).chain(others))
    }
}

impl Authorizer for Policy {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        if self.acl.is_none() && self.rules.is_none() {
            return self.roles.decide(request);
        }
        Ok(self.evaluate(request)?.decide(request))
    }
}

/// What lists and rules allow depends on the request and is not compared: with either of them, nobody covers anybody.
/// Where roles and direct permissions alone are to count, use [`Policy::roles`].
impl Privileges for Policy {
    fn covers(&self, holder: &PrincipalId, other: &PrincipalId) -> Result<bool, DecideError> {
        Ok(self.acl.is_none() && self.rules.is_none() && self.roles.covers(holder, other))
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("combiner", &self.combiner)
            .field("roles", &self.roles)
            .field("acl", &self.acl)
            .field("rules", &self.rules)
            .finish()
    }
}

/// Why a [`Policy`] decided as it did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyDescription {
    /// By roles or direct permissions, or by no rule at all.
    Roles(Description),
    /// By an access control list.
    Acl(AclDescription),
    /// By a rule with a condition.
    Rule(Rule),
}

impl fmt::Display for PolicyDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Roles(description) => description.fmt(f),
            Self::Acl(description) => description.fmt(f),
            Self::Rule(rule) => {
                let verb = if rule.effect == RuleEffect::Deny { "denied" } else { "permitted" };
                write!(f, "{verb} by rule {}: {}", rule.name, rule.condition)
            }
        }
    }
}
