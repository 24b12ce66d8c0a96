//! The policy in force.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;
use auth_core::{
    AccessRequest, AuditEvent, AuditSink, Authorizer, Clock, DecideError, Decision, PolicyVersion,
    PrincipalId, Privileges,
};

use crate::{engine::Engine, snapshot::Snapshot, verdict::Verdict};

/// Role-based access control: asks the [`Snapshot`] in force, which is replaced while requests go on.
///
/// Cheap to clone; all clones share the policy. Every decision is made by one snapshot as a whole, and no
/// reader waits for a writer.
#[derive(Clone)]
pub struct Rbac {
    policy: Arc<ArcSwapOption<Snapshot>>,
    audit: Option<Audit>,
}

#[derive(Clone)]
struct Audit {
    sink: Arc<dyn AuditSink>,
    clock: Arc<dyn Clock>,
}

impl Rbac {
    /// Puts a policy in force.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self { policy: Arc::new(ArcSwapOption::from_pointee(snapshot)), audit: None }
    }

    /// Has no policy yet: until one is put in force, every request is answered
    /// [`DecideError::NoPolicy`], HTTP 503.
    #[must_use]
    pub fn without_policy() -> Self {
        Self { policy: Arc::new(ArcSwapOption::empty()), audit: None }
    }

    /// Writes down which policy is in force: the present one, if there is one, and each that this one or a clone
    /// of it [puts](Self::replace) in its place.
    #[must_use]
    pub fn with_audit(mut self, sink: Arc<dyn AuditSink>, clock: Arc<dyn Clock>) -> Self {
        self.audit = Some(Audit { sink, clock });
        if let Some(snapshot) = self.snapshot() {
            self.write_down(snapshot.version());
        }
        self
    }

    fn write_down(&self, version: PolicyVersion) {
        if let Some(Audit { sink, clock }) = &self.audit {
            sink.record(clock.now(), &AuditEvent::PolicyLoaded { version });
        }
    }

    /// Puts another policy in force. Decisions that begin after this returned are made by it, or by one that
    /// is newer still.
    ///
    /// # Errors
    /// [`Outdated`] if the policy in force has a larger version: two reloads may overtake each other, and
    /// the older one must not bring back what the newer one revoked. It stays in force.
    pub fn replace(&self, snapshot: Snapshot) -> Result<(), Outdated> {
        let offered = snapshot.version();
        let snapshot = Arc::new(snapshot);
        let mut outcome = Ok(());
        self.policy.rcu(|current| match current {
            Some(current) if current.version() > offered => {
                outcome = Err(Outdated { offered, in_force: current.version() });
                Some(Arc::clone(current))
            }
            _ => {
                outcome = Ok(());
                Some(Arc::clone(&snapshot))
            }
        });
        if outcome.is_ok() {
            self.write_down(offered);
        }
        outcome
    }

    /// The policy in force, to look up numbers, list holders or describe decisions.
    #[must_use]
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.policy.load_full()
    }
}

impl Engine for Rbac {
    fn evaluate(&self, request: &AccessRequest<'_>) -> Result<Verdict, DecideError> {
        self.policy.load().as_ref().ok_or(DecideError::NoPolicy)?.evaluate(request)
    }
}

impl Authorizer for Rbac {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        Ok(self.evaluate(request)?.decide(request))
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

/// A policy was not put in force because a newer one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("policy version {offered} is older than version {in_force}, which stays in force")]
pub struct Outdated {
    /// The version of the policy that was refused.
    pub offered: PolicyVersion,
    /// The version of the policy that stays.
    pub in_force: PolicyVersion,
}
