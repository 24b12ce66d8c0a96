//! Whether whoever asks may do it.

use std::sync::OnceLock;

use auth_core::{
    AccessRequest, AuditEvent, Authorizer, AuthorizerExt, DecideError, Decision, Denial, DenialReason,
    Obligation, Permission, Permit, Refusal as Core, Resource,
};

use super::Visit;
use crate::Refusal;

impl Visit {
    /// A permit for `P` on `resource`, in the [circumstances](crate::AuthBuilder::information_point) of the request, with
    /// its [obligations](crate::AuthBuilder::obligation_handler) discharged. A denial is written to the audit log, also
    /// one that stronger or fresher authentication might turn.
    ///
    /// # Errors
    /// 401 if nobody is logged in, or better authentication would help; 403 if they may not; 503 if no decision can be
    /// made.
    pub async fn require<P: Permission>(&self, resource: &Resource) -> Result<Permit<P>, Refusal> {
        let user = self.require_user().await?;
        let auth = &self.0.auth.0;
        let authorizer = auth.authorizer.as_ref().ok_or(DecideError::NoPolicy)?;
        let (action, now) = (P::ACTION, auth.clock.now());
        let mut request = AccessRequest::new(&user, &action, resource, now);
        if let Some(source) = self.0.source {
            request = request.from_address(source);
        }
        let circumstances = match &auth.information_point {
            Some(point) => point.circumstances(self, &request).await?,
            None => crate::Circumstances::new(),
        };
        let request = circumstances.add_to(request);

        let asked = Asked { authorizer: &**authorizer, denial: OnceLock::new() };
        let mut owed = Vec::new();
        let outcome = asked.require_with(&request, &mut |obligation| {
            owed.push(obligation.clone());
            auth.obligation_handler.is_some()
        });
        let refusal: Core = match outcome.map(Permit::typed::<P>) {
            Err(refusal) => refusal,
            // The resource is of another kind than the permission.
            Ok(None) => Denial::new(DenialReason::NotPermitted).into(),
            Ok(Some(permit)) => {
                if self.discharged(&request, &owed).await? {
                    return Ok(permit);
                }
                Denial::new(DenialReason::Obligation).by(permit.version(), permit.rule()).into()
            }
        };
        let told = match &refusal {
            Core::Denied(denial) => Some(denial),
            // Of the denial, the challenge has neither version nor rule.
            _ => asked.denial.get(),
        };
        if let Some(denial) = told {
            self.0.auth.record(&AuditEvent::AccessDenied {
                principal: user.principal().clone(),
                action,
                reason: denial.reason(),
                version: denial.version(),
                rule: denial.rule(),
            });
        }
        Err(refusal.into())
    }

    /// Whether all that is owed is done.
    async fn discharged(&self, request: &AccessRequest<'_>, owed: &[Obligation]) -> Result<bool, Refusal> {
        let Some(handler) = &self.0.auth.0.obligation_handler else { return Ok(owed.is_empty()) };
        for obligation in owed {
            if !handler.discharge(self, request, obligation).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// An authorizer, and what it denied, before a challenge takes the place of that.
struct Asked<'a> {
    authorizer: &'a dyn Authorizer,
    denial: OnceLock<Denial>,
}

impl Authorizer for Asked<'_> {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        let decision = self.authorizer.decide(request)?;
        if let Decision::Deny(denial) = &decision {
            // Asked once; a second denial would be of the same question.
            let _ = self.denial.set(denial.clone());
        }
        Ok(decision)
    }
}
