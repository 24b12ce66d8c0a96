//! Writing down what is denied.

use std::{fmt, sync::Arc};

use auth_core::{AccessRequest, AuditEvent, AuditSink, Authorizer, DecideError, Decision};

/// An authorizer that writes down what it denies, what could not be evaluated included, as
/// [`AuditEvent::AccessDenied`].
///
/// For programs that ask it themselves: `auth-web` writes down what it refuses, by the limits of an authentication as
/// well, and would say it twice.
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
}

impl<A: Authorizer> Authorizer for Audited<A> {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        let decision = self.authorizer.decide(request)?;
        if let Decision::Deny(denial) = &decision {
            let event = AuditEvent::AccessDenied {
                principal: request.principal().clone(),
                action: request.action().clone(),
                reason: denial.reason(),
                version: denial.version(),
                rule: denial.rule(),
            };
            self.audit.record(request.now(), &event);
        }
        Ok(decision)
    }
}

impl<A: fmt::Debug> fmt::Debug for Audited<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audited").field("authorizer", &self.authorizer).finish_non_exhaustive()
    }
}
