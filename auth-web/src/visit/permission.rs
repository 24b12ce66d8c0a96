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
    /// one that stronger or fresher authentication might turn. The limits of a token come first: nothing is looked up
    /// for a question beyond them.
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
        let asked = Asked { authorizer: &**authorizer, denial: OnceLock::new() };
        let refusal = match self.decide(request, &asked).await {
            Ok(permit) => return Ok(permit),
            Err(refusal) => refusal,
        };
        let told = match refusal.kind() {
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
        Err(refusal)
    }

    /// A permit, and nothing is written down.
    async fn decide<P: Permission>(
        &self,
        request: AccessRequest<'_>,
        asked: &Asked<'_>,
    ) -> Result<Permit<P>, Refusal> {
        // What is looked up, and whether it can be, is no business of who may not ask.
        request.check_limits()?;
        let auth = &self.0.auth.0;
        let circumstances = match &auth.information_point {
            Some(point) => point.circumstances(self, &request).await?,
            None => crate::Circumstances::new(),
        };
        let request = circumstances.add_to(request);
        let mut owed = Vec::new();
        let permit = asked.require_with(&request, &mut |obligation| {
            owed.push(obligation.clone());
            auth.obligation_handler.is_some()
        })?;
        // The resource may be of another kind than the permission.
        let permit = permit.typed::<P>().ok_or_else(|| Denial::new(DenialReason::NotPermitted))?;
        if !self.discharged(&request, &owed).await? {
            return Err(Denial::new(DenialReason::Obligation).by(permit.version(), permit.rule()).into());
        }
        Ok(permit)
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
