//! The policy in force.

use std::{fmt, sync::Arc};

use auth_core::{
    AccessRequest, AuditSink, Authorizer, Clock, DecideError, Decision, PolicyVersion, PrincipalId,
    Privileges,
};

use crate::{
    at_least::AtLeast, engine::Engine, explain::Explanation, in_force::InForce, snapshot::Snapshot,
    verdict::Verdict,
};

/// Role-based access control: asks the [`Snapshot`] in force, which is replaced while requests go on.
///
/// Cheap to clone; all clones share the policy. Every decision is made by one snapshot as a whole, and no
/// reader waits for a writer.
#[derive(Clone)]
pub struct Rbac {
    policy: InForce<Snapshot>,
}

impl Rbac {
    /// Puts a policy in force.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self::shared(Arc::new(snapshot))
    }

    pub(crate) fn shared(snapshot: Arc<Snapshot>) -> Self {
        Self { policy: InForce::new(Some(snapshot)) }
    }

    /// Has no policy yet: until one is put in force, every request is answered
    /// [`DecideError::NoPolicy`], HTTP 503.
    #[must_use]
    pub fn without_policy() -> Self {
        Self { policy: InForce::new(None) }
    }

    /// Writes down which policy is in force: the present one, if there is one, and each that this one or a clone
    /// of it [puts](Self::replace) in its place. A clone that was made before this call writes nothing.
    #[must_use]
    pub fn with_audit(self, sink: Arc<dyn AuditSink>, clock: Arc<dyn Clock>) -> Self {
        Self { policy: self.policy.with_audit(sink, clock) }
    }

    /// Puts another policy in force. Decisions that begin after this returned are made by it, or by one that
    /// is newer still.
    ///
    /// # Errors
    /// [`Outdated`] if the policy in force has this version or a larger one; it stays in force. Every change has a
    /// version of its own, and of two that overtake each other, a reload and a change by
    /// [`Administration`](crate::Administration) perhaps, the older one must not bring back what the newer one revoked.
    pub fn replace(&self, snapshot: Snapshot) -> Result<(), Outdated> {
        self.policy.replace(snapshot)
    }

    /// Puts `next` in force if `present` still is.
    pub(crate) fn replace_exactly(&self, present: &Arc<Snapshot>, next: &Arc<Snapshot>) -> bool {
        self.policy.replace_exactly(present, next)
    }

    /// Decides by a policy of this version or a newer one, so that whoever made a change finds it made: the
    /// version that a change answered with, kept in their session perhaps, is the one to ask for.
    ///
    /// While the policy in force is older, as where a reload has not come round yet, every request is answered
    /// [`DecideError::Behind`], HTTP 503.
    #[must_use]
    pub fn check_at_least(&self, version: PolicyVersion) -> AtLeast<'_> {
        AtLeast::new(&self.policy, version)
    }

    /// The policy in force, to look up numbers, list holders or describe decisions.
    #[must_use]
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.policy.get()
    }
}

impl Engine for Rbac {
    fn evaluate(&self, request: &AccessRequest<'_>) -> Result<Verdict, DecideError> {
        self.policy.load().as_ref().ok_or(DecideError::NoPolicy)?.evaluate(request)
    }

    fn explain(&self, request: &AccessRequest<'_>) -> Result<Explanation, DecideError> {
        self.policy.load().as_ref().ok_or(DecideError::NoPolicy)?.explain(request)
    }
}

impl Authorizer for Rbac {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        self.policy.load().as_ref().ok_or(DecideError::NoPolicy)?.decide(request)
    }
}

impl Privileges for Rbac {
    fn covers(&self, holder: &PrincipalId, other: &PrincipalId) -> Result<bool, DecideError> {
        Ok(Snapshot::covers(self.policy.load().as_ref().ok_or(DecideError::NoPolicy)?, holder, other))
    }
}

impl fmt::Debug for Rbac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rbac").field(&self.policy.load().as_deref()).finish()
    }
}

/// A policy was not put in force because one is that is newer, or of the same version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("policy version {offered} is not newer than version {in_force}, which stays in force")]
pub struct Outdated {
    /// The version of the policy that was refused.
    pub offered: PolicyVersion,
    /// The version of the policy that stays.
    pub in_force: PolicyVersion,
}
