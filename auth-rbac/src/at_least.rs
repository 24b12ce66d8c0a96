//! Read your writes.

use std::fmt;

use auth_core::{AccessRequest, Authorizer, DecideError, Decision, PolicyVersion};

use crate::{
    engine::Engine,
    explain::Explanation,
    in_force::{InForce, Versioned},
    snapshot::Snapshot,
    verdict::Verdict,
};

/// Decides by the policy in force if that has some version or a larger one:
/// [`Rbac::check_at_least`](crate::Rbac::check_at_least), [`LivePolicy::check_at_least`](crate::LivePolicy::check_at_least).
pub struct AtLeast<'a, P = Snapshot> {
    policy: &'a InForce<P>,
    version: PolicyVersion,
}

impl<'a, P> AtLeast<'a, P> {
    pub(crate) const fn new(policy: &'a InForce<P>, version: PolicyVersion) -> Self {
        Self { policy, version }
    }
}

impl<P> Clone for AtLeast<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for AtLeast<'_, P> {}

impl<P: Engine + Versioned> Engine for AtLeast<'_, P> {
    fn evaluate(&self, request: &AccessRequest<'_>) -> Result<Verdict, DecideError> {
        ask(*self, |policy| policy.evaluate(request))
    }

    fn explain(&self, request: &AccessRequest<'_>) -> Result<Explanation, DecideError> {
        ask(*self, |policy| policy.explain(request))
    }
}

impl<P: Engine + Versioned> Authorizer for AtLeast<'_, P> {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        Ok(self.evaluate(request)?.decide(request))
    }
}

impl<P> fmt::Debug for AtLeast<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtLeast").field("version", &self.version).finish_non_exhaustive()
    }
}

/// Of one policy, so that no older one slips in between looking and asking.
fn ask<P: Versioned, T>(
    AtLeast { policy, version: wanted }: AtLeast<'_, P>,
    ask: impl FnOnce(&P) -> Result<T, DecideError>,
) -> Result<T, DecideError> {
    let policy = policy.load();
    let policy = policy.as_ref().ok_or(DecideError::NoPolicy)?;
    if policy.version() < wanted {
        return Err(DecideError::Behind { wanted, in_force: policy.version() });
    }
    ask(policy)
}
