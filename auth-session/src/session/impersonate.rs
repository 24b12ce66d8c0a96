//! Acting as somebody else.

use std::sync::Arc;

use auth_core::{
    AuditEvent, AuthEpoch, Authenticated, Authentication, DecideError, Denial, DenialReason, Permission,
    Permit, PrincipalId, PrincipalKind, Privileges, Refusal, SessionBlob, SessionId, SessionOwner,
    SessionTerms, StoreError, Unavailable,
};

use crate::session::{
    Session,
    new::{Beginning, New},
};

/// A permission to act as somebody else. The application says which of its permissions that is, once, so that no other
/// that somebody holds about an account is enough: its resource is the account.
///
/// ```
/// # use auth_core::{Action, Permission, ResourceKind};
/// # struct UsersImpersonate;
/// # impl Permission for UsersImpersonate {
/// #     const ACTION: Action = Action::from_static("users.impersonate");
/// #     const RESOURCE: ResourceKind = ResourceKind::from_static("user");
/// # }
/// impl auth_session::Impersonation for UsersImpersonate {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no permission to act as somebody else",
    note = "implement `Impersonation` for the one permission of the application that is"
)]
pub trait Impersonation: Permission {
    /// What the accounts are that it is about. Ids are unique within a kind: user 7 is not service 7.
    const PRINCIPAL: PrincipalKind = PrincipalKind::User;
}

/// Whom somebody wants to act as.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Who it is.
    pub principal: &'a PrincipalId,
    /// The epoch of that account, read when it was looked up.
    pub epoch: AuthEpoch,
}

/// Nobody acts as somebody else.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImpersonateError {
    /// Nobody is logged in, or the session ended meanwhile.
    #[error("there is no session")]
    Ended,
    /// The permit is another person's, or for another than the target.
    #[error("the permit is not for this")]
    Permit,
    /// Who acts as somebody else already, and who would act as themselves. End the session first.
    #[error("the session acts as somebody else already, or would act as its owner")]
    Nested,
    /// The target may do what the one who asks may not.
    #[error("the target has privileges of its own")]
    Rank,
    /// The session's login is limited. What is limited cannot act as somebody else.
    #[error("the login is limited")]
    Limited,
    /// The target's account changed, or it has as many sessions as it may have.
    #[error("the target cannot be acted as now")]
    Target,
    /// A store failed, or it cannot be told what the two may do. Nothing was begun.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<StoreError> for ImpersonateError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<DecideError> for ImpersonateError {
    fn from(error: DecideError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<ImpersonateError> for Refusal {
    fn from(error: ImpersonateError) -> Self {
        match error {
            ImpersonateError::Ended => Self::Unauthenticated,
            ImpersonateError::Unavailable(unavailable) => unavailable.into(),
            ImpersonateError::Permit
            | ImpersonateError::Nested
            | ImpersonateError::Rank
            | ImpersonateError::Limited
            | ImpersonateError::Target => Denial::new(DenialReason::Forbidden).into(),
        }
    }
}

impl Session {
    /// Acts as somebody else: begins a session of the target in which whoever is logged in is the actor, under a new
    /// id and secret, and ends the one that the request came with. Answers the new one's id.
    ///
    /// It takes a permit of the [permission](Impersonation) for it whose resource is the target, by its id and, where that
    /// is another than the actor's realm, its tenant, and asks whether all that the target may do may be done by the one
    /// who asks anyway. The new session has none of the old one's data, keeps how and when its actor authenticated, lives
    /// for [`SessionPolicy::impersonation`](crate::SessionPolicy::impersonation) and no longer than the old one would have.
    /// It ends with the target's sessions, and, as an [`EpochCheck`](crate::EpochCheck) by the account store notices, with
    /// its actor's. It takes no place of the target's sessions under a limit. Who stops acting as somebody else ends the
    /// session and logs in again: a cookie that was stolen from an impersonation leads no way back up.
    ///
    /// An access token that was issued on the session lives until it expires. [`AuditEvent::Impersonated`] is written
    /// before the cookie is made, and to the [durable log](crate::Sessions::with_durable_audit) before anybody acts. In the
    /// target's list of devices, the session has an actor.
    ///
    /// # Errors
    /// [`ImpersonateError`]; the session that the request carried may have ended by then.
    pub async fn impersonate<P: Impersonation>(
        &mut self,
        permit: Permit<P>,
        target: Target<'_>,
        privileges: &dyn Privileges,
    ) -> Result<SessionId, ImpersonateError> {
        let (before, actor) = self.id().zip(self.authenticated().cloned()).ok_or(ImpersonateError::Ended)?;
        may(&actor, &permit, target, privileges)?;
        let own = actor.authentication();
        let authentication =
            Authentication::new(target.principal.clone(), auth_core::Method::PASSWORD, own.at, target.epoch)
                .with_methods(own.methods.clone())
                .with_assurance(own.assurance)
                .with_actor(actor.principal().clone());
        let mut terms = SessionTerms::new();
        terms.actor_epoch = Some(own.epoch);
        if !self.engine.policy.client_check().is_off() {
            terms.signals = self.signals;
        }
        let now = self.engine.clock.now();
        let left = self.live.as_ref().map(|live| live.record.absolute_until.since(now)).unwrap_or_default();
        let owner = SessionOwner::new(target.principal.clone(), &self.engine.keys);
        let beginning = Beginning {
            login: Some((Arc::new(authentication), &owner)),
            terms: Some(Arc::new(terms)),
            absolute: self.engine.policy.impersonation().min(left),
            limit: None,
            data: SessionBlob::empty(),
        };
        let (live, secret) = match self.engine.create(beginning).await? {
            New::Stored { live, secret, .. } => (live, secret),
            New::LimitReached | New::Outdated => return Err(ImpersonateError::Target),
        };
        let session = live.record.id;
        let (principal, actor) = (target.principal.clone(), actor.principal().clone());
        let event = AuditEvent::Impersonated { principal, actor, session };
        let told = match &self.engine.durable_audit {
            Some(log) => log.append(now, std::slice::from_ref(&event)).map_err(ImpersonateError::from),
            None => Ok(()),
        };
        let began = match told {
            Ok(()) => {
                self.engine.audit.record(now, &event);
                self.end_before_impersonation(&before).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = began {
            // Its secret has reached nobody.
            let _ = self.engine.end(&session, "impersonation", now).await;
            if matches!(error, ImpersonateError::Ended) {
                self.lose();
            }
            return Err(error);
        }
        self.adopt(live, secret);
        Ok(session)
    }

    /// An administrator's session that ended meanwhile, by logout elsewhere, must not turn into another.
    async fn end_before_impersonation(&self, before: &SessionId) -> Result<(), ImpersonateError> {
        let ended = self.engine.end(before, "impersonation", self.engine.clock.now()).await?;
        if ended { Ok(()) } else { Err(ImpersonateError::Ended) }
    }
}

fn may<P: Impersonation>(
    actor: &Authenticated,
    permit: &Permit<P>,
    target: Target<'_>,
    privileges: &dyn Privileges,
) -> Result<(), ImpersonateError> {
    let own = actor.authentication();
    if own.actor.is_some() || own.principal == *target.principal {
        return Err(ImpersonateError::Nested);
    }
    let resource = permit.resource();
    // Ids are unique within a realm: one that is the target's elsewhere takes a permit for there.
    let is_there = own.principal.realm() == target.principal.realm()
        || resource.tenant() == Some(target.principal.realm());
    let is_target = target.principal.kind() == P::PRINCIPAL
        && *resource.kind() == P::RESOURCE
        && resource.id() == Some(target.principal.id())
        && is_there;
    if permit.principal() != &own.principal || !is_target {
        return Err(ImpersonateError::Permit);
    }
    if own.limits != auth_core::Limits::unlimited() {
        return Err(ImpersonateError::Limited);
    }
    if privileges.covers(&own.principal, target.principal)? { Ok(()) } else { Err(ImpersonateError::Rank) }
}
