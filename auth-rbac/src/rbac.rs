//! The policy in force.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;
use auth_core::{
    AccessRequest, AuditEvent, AuditSink, Authorizer, Clock, DecideError, Decision, PolicyVersion,
    PrincipalId, Privileges,
};

use crate::{engine::Engine, explain::Explanation, snapshot::Snapshot, verdict::Verdict};

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
        Self::shared(Arc::new(snapshot))
    }

    pub(crate) fn shared(snapshot: Arc<Snapshot>) -> Self {
        Self { policy: Arc::new(ArcSwapOption::new(Some(snapshot))), audit: None }
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

    /// Puts `next` in force if `present` still is.
    pub(crate) fn replace_exactly(&self, present: &Arc<Snapshot>, next: &Arc<Snapshot>) -> bool {
        let before = self.policy.compare_and_swap(present, Some(Arc::clone(next)));
        let replaced = before.as_ref().is_some_and(|before| Arc::ptr_eq(before, present));
        if replaced {
            self.write_down(next.version());
        }
        replaced
    }

    /// Decides by a policy of this version or a newer one, so that whoever made a change finds it made: the
    /// version that a change answered with, kept in their session perhaps, is the one to ask for.
    ///
    /// While the policy in force is older, as where a reload has not come round yet, every request is answered
    /// [`DecideError::Behind`], HTTP 503.
    #[must_use]
    pub fn check_at_least(&self, version: PolicyVersion) -> AtLeast<'_> {
        AtLeast { rbac: self, version }
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

    fn explain(&self, request: &AccessRequest<'_>) -> Result<Explanation, DecideError> {
        self.policy.load().as_ref().ok_or(DecideError::NoPolicy)?.explain(request)
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

/// An [`Rbac`] that decides by a policy of some version or a newer one: [`Rbac::check_at_least`].
#[derive(Debug, Clone, Copy)]
pub struct AtLeast<'a> {
    rbac: &'a Rbac,
    version: PolicyVersion,
}

impl AtLeast<'_> {
    /// Of one snapshot, so that no older one slips in between looking and asking.
    fn with<T>(self, ask: impl FnOnce(&Snapshot) -> Result<T, DecideError>) -> Result<T, DecideError> {
        let policy = self.rbac.policy.load();
        let snapshot = policy.as_ref().ok_or(DecideError::NoPolicy)?;
        if snapshot.version() < self.version {
            return Err(DecideError::Behind { wanted: self.version, in_force: snapshot.version() });
        }
        ask(snapshot)
    }
}

impl Engine for AtLeast<'_> {
    fn evaluate(&self, request: &AccessRequest<'_>) -> Result<Verdict, DecideError> {
        self.with(|snapshot| snapshot.evaluate(request))
    }

    fn explain(&self, request: &AccessRequest<'_>) -> Result<Explanation, DecideError> {
        self.with(|snapshot| snapshot.explain(request))
    }
}

impl Authorizer for AtLeast<'_> {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        Ok(self.evaluate(request)?.decide(request))
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
