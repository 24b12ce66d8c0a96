//! Writing down what is denied.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use auth_core::{
    AccessRequest, AuditEvent, AuditSink, Authenticated, Authorizer, AuthorizerExt, DecideError, Decision,
    Denial, DenialReason, Obligation, Permission, Permit, Refusal, Resource, UnixTime,
};

/// An authorizer that writes down what it denies, what could not be evaluated included, as
/// [`AuditEvent::AccessDenied`].
///
/// Its own [`require`](Self::require) and the like write down as well what never reaches the authorizer, or comes after
/// it: the limits of an authentication, and obligations that nobody discharged. Asked as a `dyn Authorizer`, or by a
/// function that is generic over authorizers, it only knows of what it denies itself.
///
/// For programs that ask it themselves: `auth-web` writes down what it refuses, and would say it twice.
#[derive(Clone)]
pub struct Audited<A> {
    authorizer: A,
    audit: Arc<dyn AuditSink>,
}

impl<A> Audited<A> {
    /// Writes to `audit` what `authorizer` denies.
    #[must_use]
    pub fn new(authorizer: A, audit: Arc<dyn AuditSink>) -> Self {
        Self { authorizer, audit }
    }

    fn write_down(&self, request: &AccessRequest<'_>, denial: &Denial) {
        let event = AuditEvent::AccessDenied {
            principal: request.principal().clone(),
            action: request.action().clone(),
            reason: denial.reason(),
            version: denial.version(),
            rule: denial.rule(),
        };
        self.audit.record(request.now(), &event);
    }
}

impl<A: Authorizer> Audited<A> {
    /// As [`AuthorizerExt::require`].
    ///
    /// # Errors
    /// As there.
    pub fn require(&self, request: &AccessRequest<'_>) -> Result<Permit, Refusal> {
        self.require_with(request, &mut |_| false)
    }

    /// As [`AuthorizerExt::require_with`].
    ///
    /// # Errors
    /// As there.
    pub fn require_with(
        &self,
        request: &AccessRequest<'_>,
        discharge: &mut dyn FnMut(&Obligation) -> bool,
    ) -> Result<Permit, Refusal> {
        let once = Once { audited: self, told: AtomicBool::new(false) };
        let outcome = once.require_with(request, discharge);
        if let Err(Refusal::Denied(denial)) = &outcome
            && !once.told.load(Ordering::Relaxed)
        {
            self.write_down(request, denial);
        }
        outcome
    }

    /// As [`AuthorizerExt::require_each`].
    pub fn require_each(&self, requests: &[AccessRequest<'_>]) -> Vec<Result<Permit, Refusal>> {
        requests.iter().map(|request| self.require(request)).collect()
    }

    /// As [`AuthorizerExt::require_for`].
    ///
    /// # Errors
    /// As there.
    pub fn require_for<P: Permission>(
        &self,
        authenticated: &Authenticated,
        resource: &Resource,
        now: UnixTime,
    ) -> Result<Permit<P>, Refusal> {
        let action = P::ACTION;
        let request = AccessRequest::new(authenticated, &action, resource, now);
        self.require(&request)?.typed().ok_or_else(|| {
            let denial = Denial::new(DenialReason::NotPermitted);
            self.write_down(&request, &denial);
            denial.into()
        })
    }
}

impl<A: Authorizer> Authorizer for Audited<A> {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        let decision = self.authorizer.decide(request)?;
        if let Decision::Deny(denial) = &decision {
            self.write_down(request, denial);
        }
        Ok(decision)
    }
}

/// Knows whether the authorizer itself has denied, which then is written down already.
struct Once<'a, A> {
    audited: &'a Audited<A>,
    told: AtomicBool,
}

impl<A: Authorizer> Authorizer for Once<'_, A> {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        let decision = self.audited.decide(request)?;
        self.told.store(matches!(decision, Decision::Deny(_)), Ordering::Relaxed);
        Ok(decision)
    }
}

impl<A: fmt::Debug> fmt::Debug for Audited<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audited").field("authorizer", &self.authorizer).finish_non_exhaustive()
    }
}
