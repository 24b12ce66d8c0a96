//! What an authorizer answers.

use std::{fmt, marker::PhantomData};

use serde::{Deserialize, Serialize};

use crate::{
    access::{AccessRequest, Action, Resource, ResourceKind},
    limits::Scope,
    principal::PrincipalId,
    refusal::Challenge,
};

/// What an engine answers a combiner, by XACML 3.0 section 7.12 and appendix C.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// A rule allows it.
    Permit,
    /// A rule forbids it.
    Deny,
    /// No rule speaks of it.
    NotApplicable,
    /// A rule could not be evaluated.
    Indeterminate(Indeterminate),
}

/// What a rule that could not be evaluated would have said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Indeterminate {
    /// It could only have permitted: `Indeterminate{P}`.
    Permit,
    /// It could only have denied: `Indeterminate{D}`.
    Deny,
    /// It could have done either: `Indeterminate{DP}`.
    Either,
}

/// The version of a policy. Larger is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PolicyVersion(u64);

impl PolicyVersion {
    /// The version with this number.
    #[must_use]
    pub const fn new(version: u64) -> Self {
        Self(version)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The version after this one. The last one has none, and stays what it is: compare the two where that matters.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for PolicyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The rule that decided, as a number that only its policy version can resolve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RuleId(u64);

impl RuleId {
    /// The rule with this number.
    #[must_use]
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Something that must be done for a permit to hold, such as writing a line to a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obligation {
    /// What is to be done.
    pub name: Action,
}

/// A permission as a type, so that a permit for one cannot be used for another.
///
/// `auth-rbac`'s `permissions!` writes these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a permission",
    note = "declare it with `permissions!`, or implement `Permission` for a marker type"
)]
pub trait Permission: Send + Sync + 'static {
    /// The action that it allows.
    const ACTION: Action;
    /// The kind of resource that it is about.
    const RESOURCE: ResourceKind;
}

/// Stands in a [`Permit`] whose action is known only at run time.
#[derive(Debug, Clone, Copy)]
pub enum AnyPermission {}

/// Proof that a principal may do one action to one resource, under one policy version.
///
/// It is not `Clone`, and a function that takes a `Permit<perm::UsersDelete>` cannot be called with a
/// permit for anything else. Obligations must be discharged:
/// [`AuthorizerExt::require`](crate::AuthorizerExt::require) denies where any is left.
#[must_use = "a permit proves nothing unless something asks for it"]
pub struct Permit<P = AnyPermission> {
    principal: PrincipalId,
    action: Action,
    resource: Resource,
    version: PolicyVersion,
    rule: Option<RuleId>,
    obligations: Vec<Obligation>,
    permission: PhantomData<fn() -> P>,
}

impl<P> fmt::Debug for Permit<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("principal", &self.principal)
            .field("action", &self.action)
            .field("resource", &self.resource)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl Permit {
    /// States that `request` was allowed by a policy. Call it only at the end of a decision, where its
    /// [limits](AccessRequest::check_limits) are known to leave room for it.
    #[inline]
    pub fn assertion(request: &AccessRequest<'_>, version: PolicyVersion, rule: Option<RuleId>) -> Self {
        Self {
            principal: request.principal().clone(),
            action: request.action().clone(),
            resource: request.resource().clone(),
            version,
            rule,
            obligations: Vec::new(),
            permission: PhantomData,
        }
    }

    /// The same permit, which holds only if these are done.
    #[inline]
    pub fn with_obligations(mut self, obligations: Vec<Obligation>) -> Self {
        self.obligations = obligations;
        self
    }

    /// This permit as one for `P`, or `None` if it is for another action or another kind of resource, or if something
    /// must still be done for it to hold.
    #[must_use]
    pub fn typed<P: Permission>(self) -> Option<Permit<P>> {
        let other = self.action != P::ACTION || *self.resource.kind() != P::RESOURCE;
        if other || !self.obligations.is_empty() {
            return None;
        }
        Some(Permit {
            principal: self.principal,
            action: self.action,
            resource: self.resource,
            version: self.version,
            rule: self.rule,
            obligations: self.obligations,
            permission: PhantomData,
        })
    }
}

impl<P> Permit<P> {
    /// Whether the permit is for this principal, this action and this resource: what an authorizer, or a cache in front
    /// of one, must not mix up.
    ///
    /// It does not hold the circumstances: time, address, attributes, active and asserted roles, limits. A permit answers
    /// the request that it was given for, and is not kept for another one, which may be denied by then. Whoever keeps
    /// decisions keeps them apart by all of these, and by the [version](Self::version) of the policy.
    #[must_use]
    #[inline]
    pub fn covers(&self, request: &AccessRequest<'_>) -> bool {
        self.principal == *request.principal()
            && self.action == *request.action()
            && self.resource == *request.resource()
    }

    /// Who may.
    #[must_use]
    pub fn principal(&self) -> &PrincipalId {
        &self.principal
    }

    /// Do what.
    #[must_use]
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// To what.
    #[must_use]
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// Under which policy.
    #[must_use]
    pub fn version(&self) -> PolicyVersion {
        self.version
    }

    /// By which rule.
    #[must_use]
    pub fn rule(&self) -> Option<RuleId> {
        self.rule
    }

    /// What must still be done for it to hold.
    #[must_use]
    pub fn obligations(&self) -> &[Obligation] {
        &self.obligations
    }

    pub(crate) fn take_obligations(&mut self) -> Vec<Obligation> {
        std::mem::take(&mut self.obligations)
    }
}

/// That something may not be done, and why. Not for the client's eyes; see
/// [`Refusal`](crate::Refusal) for what it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a denial that nobody looks at is an open door"]
pub struct Denial {
    reason: DenialReason,
    version: Option<PolicyVersion>,
    rule: Option<RuleId>,
    challenge: Option<Challenge>,
    missing_scope: Option<Scope>,
}

/// Why something may not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DenialReason {
    /// No rule allows it.
    NotPermitted,
    /// A rule forbids it.
    Forbidden,
    /// A rule that might forbid it, or the only ones that might allow it, could not be evaluated.
    Indeterminate,
    /// The authentication is limited to other scopes.
    Scope,
    /// The authentication is limited to another tenant.
    Tenant,
    /// The authentication is limited to other networks.
    Network,
    /// The permit carries an obligation that nobody discharged.
    Obligation,
}

impl DenialReason {
    /// One word for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotPermitted => "not-permitted",
            Self::Forbidden => "forbidden",
            Self::Indeterminate => "indeterminate",
            Self::Scope => "scope",
            Self::Tenant => "tenant",
            Self::Network => "network",
            Self::Obligation => "obligation",
        }
    }
}

impl Denial {
    /// A denial for `reason`.
    pub const fn new(reason: DenialReason) -> Self {
        Self { reason, version: None, rule: None, challenge: None, missing_scope: None }
    }

    /// The same, by a rule of a policy.
    pub const fn by(mut self, version: PolicyVersion, rule: Option<RuleId>) -> Self {
        self.version = Some(version);
        self.rule = rule;
        self
    }

    /// The same, with a challenge. Add one only if satisfying it would lead to a permit.
    pub fn with_challenge(mut self, challenge: Challenge) -> Self {
        self.challenge = Some(challenge);
        self
    }

    /// The same, for want of a scope.
    pub fn with_missing_scope(mut self, scope: Scope) -> Self {
        self.missing_scope = Some(scope);
        self
    }

    /// Why.
    #[must_use]
    pub const fn reason(&self) -> DenialReason {
        self.reason
    }

    /// Under which policy, if one was asked.
    #[must_use]
    pub const fn version(&self) -> Option<PolicyVersion> {
        self.version
    }

    /// By which rule.
    #[must_use]
    pub const fn rule(&self) -> Option<RuleId> {
        self.rule
    }

    /// What would help.
    #[must_use]
    pub const fn challenge(&self) -> Option<&Challenge> {
        self.challenge.as_ref()
    }

    /// The scope that was lacking.
    #[must_use]
    pub const fn missing_scope(&self) -> Option<&Scope> {
        self.missing_scope.as_ref()
    }
}

/// The answer of the outermost authorizer.
#[derive(Debug)]
#[must_use = "a decision that nobody looks at is an open door"]
pub enum Decision {
    /// It may be done.
    Allow(Permit),
    /// It may not.
    Deny(Denial),
}
