//! What forbids beside roles.

use std::sync::Arc;

use auth_core::{AccessRequest, Authorizer, DecideError, Decision, PrincipalId, ResourceKind};

use crate::{acl::Denials, policy::Policy};

/// Whoever decides beside the roles of an administration.
pub(super) trait Guard: Send + Sync {
    /// What it says.
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError>;

    /// The kinds of resources that it has to be asked about one by one.
    fn kinds(&self) -> &[ResourceKind];

    /// What it is asked once about somebody for all that they hand out.
    fn denials(&self, who: &PrincipalId) -> Denials;

    /// What it says of some resource of the tenant that is named, or of any tenant, if it knows.
    fn decide_somewhere(
        &self,
        request: &AccessRequest<'_>,
        denials: &Denials,
    ) -> Result<Option<Decision>, DecideError>;
}

/// An authorizer of the application's. It can be asked about a kind as a whole and not about all resources of one.
pub(super) struct Foreign {
    pub(super) authorizer: Arc<dyn Authorizer>,
    pub(super) kinds: Box<[ResourceKind]>,
}

impl Guard for Foreign {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        self.authorizer.decide(request)
    }

    fn kinds(&self) -> &[ResourceKind] {
        &self.kinds
    }

    fn denials(&self, _: &PrincipalId) -> Denials {
        Denials::default()
    }

    fn decide_somewhere(&self, _: &AccessRequest<'_>, _: &Denials) -> Result<Option<Decision>, DecideError> {
        Ok(None)
    }
}

/// Its lists and rules, as it combines them.
impl Guard for Policy {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        Authorizer::decide(self, request)
    }

    fn kinds(&self) -> &[ResourceKind] {
        &[]
    }

    fn denials(&self, who: &PrincipalId) -> Denials {
        self.acl().map_or_else(Denials::default, |acl| acl.denials(who))
    }

    fn decide_somewhere(
        &self,
        request: &AccessRequest<'_>,
        denials: &Denials,
    ) -> Result<Option<Decision>, DecideError> {
        self.decide_somewhere(request, denials).map(Some)
    }
}
