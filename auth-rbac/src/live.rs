//! The policy of all models that is in force.

use std::{fmt, sync::Arc};

use auth_core::{
    AccessRequest, AuditSink, Authorizer, Clock, DecideError, Decision, PolicyVersion, PrincipalId,
    Privileges,
};

use crate::{
    at_least::AtLeast, engine::Engine, explain::Explanation, in_force::InForce, policy::Policy,
    rbac::Outdated, verdict::Verdict,
};

/// Asks the [`Policy`] in force, which is replaced while requests go on. What [`Rbac`](crate::Rbac) is for roles alone.
///
/// Cheap to clone; all clones share the policy. Every decision is made by one policy as a whole, and no reader waits for
/// a writer.
#[derive(Clone)]
pub struct LivePolicy {
    policy: InForce<Policy>,
}

impl LivePolicy {
    /// Puts a policy in force.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { policy: InForce::new(Some(Arc::new(policy))) }
    }

    /// Has no policy yet: until one is put in force, every request is answered [`DecideError::NoPolicy`], HTTP 503.
    #[must_use]
    pub fn without_policy() -> Self {
        Self { policy: InForce::new(None) }
    }

    /// Writes down which policy is in force: the present one, if there is one, and each that takes its place through
    /// this one or a clone of it. A clone that was made before this call writes nothing.
    #[must_use]
    pub fn with_audit(self, sink: Arc<dyn AuditSink>, clock: Arc<dyn Clock>) -> Self {
        Self { policy: self.policy.with_audit(sink, clock) }
    }

    /// Puts another policy in force. Decisions that begin after this returned are made by it, or by one that is newer
    /// still.
    ///
    /// # Errors
    /// [`Outdated`] if the policy in force has this version or a larger one: every change has a version of its own, and
    /// of two reloads that overtake each other, the older one must not bring back what the newer one revoked.
    pub fn replace(&self, policy: Policy) -> Result<(), Outdated> {
        self.policy.replace(policy)
    }

    /// Frees policies that were replaced while somebody was reading them, and are read no more.
    pub(crate) fn free_replaced(&self) {
        self.policy.free_replaced();
    }

    /// The policy in force, to list, describe and explain.
    #[must_use]
    pub fn policy(&self) -> Option<Arc<Policy>> {
        self.policy.get()
    }

    /// Decides by a policy of this version or a newer one: whoever made a change finds it made (read your writes). The
    /// version that a change answered with, kept in their session perhaps, is the one to ask for.
    ///
    /// While the policy in force is older, as where a reload has not come round yet, every request is answered
    /// [`DecideError::Behind`], HTTP 503.
    #[must_use]
    pub fn check_at_least(&self, version: PolicyVersion) -> AtLeast<'_, Policy> {
        AtLeast::new(&self.policy, version)
    }

    /// The policy in force if it has this version or a larger one, to list, describe and explain. Deciding takes
    /// [`check_at_least`](Self::check_at_least): this counts a reference, which threads that do so at once wait for.
    ///
    /// # Errors
    /// [`DecideError::Behind`], HTTP 503, while the policy in force is older; [`DecideError::NoPolicy`].
    pub fn at_least(&self, version: PolicyVersion) -> Result<Arc<Policy>, DecideError> {
        let policy = self.policy().ok_or(DecideError::NoPolicy)?;
        if policy.version() < version {
            return Err(DecideError::Behind { wanted: version, in_force: policy.version() });
        }
        Ok(policy)
    }
}

impl Engine for LivePolicy {
    fn evaluate(&self, request: &AccessRequest<'_>) -> Result<Verdict, DecideError> {
        self.policy.load().as_ref().ok_or(DecideError::NoPolicy)?.evaluate(request)
    }

    fn explain(&self, request: &AccessRequest<'_>) -> Result<Explanation, DecideError> {
        self.policy.load().as_ref().ok_or(DecideError::NoPolicy)?.explain(request)
    }
}

impl Authorizer for LivePolicy {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        self.policy.load().as_ref().ok_or(DecideError::NoPolicy)?.decide(request)
    }
}

/// As [`Policy`] does: with lists or rules, nobody covers anybody.
impl Privileges for LivePolicy {
    fn covers(&self, holder: &PrincipalId, other: &PrincipalId) -> Result<bool, DecideError> {
        self.policy.load().as_ref().ok_or(DecideError::NoPolicy)?.covers(holder, other)
    }
}

impl fmt::Debug for LivePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LivePolicy").field(&self.policy.load().as_deref()).finish()
    }
}
