//! What forbids beside roles.

use std::sync::Arc;

use auth_core::{AccessRequest, Action, Authorizer, DecideError, Decision, ResourceKind};

use crate::policy::Policy;

/// Whoever decides beside the roles of an administration.
pub(super) trait Guard: Send + Sync {
    /// What it says.
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError>;

    /// The kinds of resources on which it may forbid an action.
    fn kinds(&self, action: &Action) -> Vec<ResourceKind>;
}

/// An authorizer of the application's.
pub(super) struct Foreign {
    pub(super) authorizer: Arc<dyn Authorizer>,
    pub(super) kinds: Box<[ResourceKind]>,
}

impl Guard for Foreign {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        self.authorizer.decide(request)
    }

    fn kinds(&self, _: &Action) -> Vec<ResourceKind> {
        self.kinds.to_vec()
    }
}

/// Its lists and rules, as it combines them.
impl Guard for Policy {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        Authorizer::decide(self, request)
    }

    fn kinds(&self, action: &Action) -> Vec<ResourceKind> {
        let mut kinds = self.acl().map_or_else(Vec::new, |acl| acl.kinds_with(action));
        kinds.extend(self.rules().into_iter().flat_map(|rules| rules.kinds_denied(action)));
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}
