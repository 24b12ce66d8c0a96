//! Who decides, and how its answer is taken.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    access::{AccessRequest, Resource},
    decision::{Decision, Denial, DenialReason, Obligation, Permission, Permit},
    proof::Authenticated,
    refusal::{DecideError, Refusal},
    time::UnixTime,
};

/// Decides whether something may be done (the policy decision point). Pure and synchronous: the answer
/// depends on the request and one policy snapshot.
///
/// Callers use [`AuthorizerExt::require`], so that no `?` walks past a denial.
pub trait Authorizer: Send + Sync {
    /// Decides, and allows nothing beyond the [limits](AccessRequest::check_limits) of the authentication.
    ///
    /// # Errors
    /// [`DecideError`] only if infrastructure is missing, such as the policy itself. A rule that cannot be
    /// evaluated is a denial.
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError>;
}

impl<T: Authorizer + ?Sized> Authorizer for &T {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        (**self).decide(request)
    }
}

impl<T: Authorizer + ?Sized> Authorizer for Box<T> {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        (**self).decide(request)
    }
}

impl<T: Authorizer + ?Sized> Authorizer for Arc<T> {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        (**self).decide(request)
    }
}

/// What users call: implemented for every [`Authorizer`].
pub trait AuthorizerExt: Authorizer {
    /// A permit for the request, or the refusal to answer with.
    ///
    /// The limits of the authentication come first; then the authorizer is asked. A permit with
    /// obligations is refused: see [`require_with`](Self::require_with).
    ///
    /// # Errors
    /// [`Refusal::Denied`] (403), [`Refusal::Challenged`] (401) or [`Refusal::Unavailable`] (503).
    fn require(&self, request: &AccessRequest<'_>) -> Result<Permit, Refusal> {
        self.require_with(request, &mut |_| false)
    }

    /// As [`require`](Self::require), for who can discharge obligations: `discharge` answers whether it did.
    ///
    /// # Errors
    /// As [`require`](Self::require).
    fn require_with(
        &self,
        request: &AccessRequest<'_>,
        discharge: &mut dyn FnMut(&Obligation) -> bool,
    ) -> Result<Permit, Refusal> {
        request.check_limits()?;
        accept(self.decide(request), request, discharge)
    }

    /// Answers many requests, each as [`require`](Self::require) would, in their order: what a page shows and hides.
    /// Where the policy may change in between, ask one snapshot of it.
    fn require_each(&self, requests: &[AccessRequest<'_>]) -> Vec<Result<Permit, Refusal>> {
        requests.iter().map(|request| self.require(request)).collect()
    }

    /// A permit for the permission `P` on a resource of its kind, as a type that says so.
    ///
    /// # Errors
    /// As [`require`](Self::require).
    fn require_for<P: Permission>(
        &self,
        authenticated: &Authenticated,
        resource: &Resource,
        now: UnixTime,
    ) -> Result<Permit<P>, Refusal>
    where
        Self: Sized,
    {
        let action = P::ACTION;
        let permit = self.require(&AccessRequest::new(authenticated, &action, resource, now))?;
        // Fails only where the resource is of another kind than the permission.
        permit.typed().ok_or_else(|| Denial::new(DenialReason::NotPermitted).into())
    }
}

impl<T: Authorizer + ?Sized> AuthorizerExt for T {}

/// A decision point across a network. [`Local`] makes one of an [`Authorizer`].
#[async_trait]
pub trait AsyncAuthorizer: Send + Sync {
    /// Decides.
    ///
    /// # Errors
    /// [`DecideError`] if the decision point cannot be reached. Never read it as an answer.
    async fn decide_remote(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError>;
}

/// What users of a remote decision point call: implemented for every [`AsyncAuthorizer`].
#[async_trait]
pub trait AsyncAuthorizerExt: AsyncAuthorizer {
    /// A permit for the request, or the refusal to answer with; limits come first. A permit with obligations is refused:
    /// see [`require_remote_with`](Self::require_remote_with).
    ///
    /// # Errors
    /// As [`AuthorizerExt::require`].
    async fn require_remote(&self, request: &AccessRequest<'_>) -> Result<Permit, Refusal> {
        self.require_remote_with(request, &mut |_| false).await
    }

    /// As [`require_remote`](Self::require_remote), for who can discharge obligations: `discharge` answers whether it
    /// did.
    ///
    /// # Errors
    /// As [`AuthorizerExt::require_with`].
    async fn require_remote_with(
        &self,
        request: &AccessRequest<'_>,
        discharge: &mut (dyn for<'o> FnMut(&'o Obligation) -> bool + Send),
    ) -> Result<Permit, Refusal> {
        request.check_limits()?;
        accept(self.decide_remote(request).await, request, discharge)
    }
}

impl<T: AsyncAuthorizer + ?Sized> AsyncAuthorizerExt for T {}

macro_rules! forward {
    ($pointer:ty) => {
        #[async_trait]
        impl<T: AsyncAuthorizer + ?Sized> AsyncAuthorizer for $pointer {
            async fn decide_remote(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
                (**self).decide_remote(request).await
            }
        }
    };
}

forward!(&T);
forward!(Box<T>);
forward!(Arc<T>);

/// An authorizer in this process, where one across a network is expected.
#[derive(Debug, Clone, Copy)]
pub struct Local<A>(pub A);

#[async_trait]
impl<A: Authorizer> AsyncAuthorizer for Local<A> {
    async fn decide_remote(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        self.0.decide(request)
    }
}

/// Looks at a permit where it lies: it is large enough for each move of it to be noticed.
#[inline]
fn accept(
    mut answer: Result<Decision, DecideError>,
    request: &AccessRequest<'_>,
    discharge: &mut dyn FnMut(&Obligation) -> bool,
) -> Result<Permit, Refusal> {
    if let Ok(Decision::Allow(permit)) = &mut answer {
        // An authorizer that mixes up principals, actions or resources, or a cache in front of one, must not open a door.
        if !permit.covers(request) {
            return Err(Denial::new(DenialReason::Indeterminate).into());
        }
        let must_be_done = !permit.obligations().is_empty();
        if must_be_done && !permit.take_obligations().iter().all(discharge) {
            return Err(Denial::new(DenialReason::Obligation).by(permit.version(), permit.rule()).into());
        }
    }
    match answer {
        Ok(Decision::Allow(permit)) => Ok(permit),
        Ok(Decision::Deny(denial)) => Err(denial.into()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AuthEpoch, Authentication, Limits, Method, PolicyVersion, PrincipalId, Realm, Scopes,
        access::{Action, ResourceKind},
    };

    /// Allows everything, with the obligations it was given.
    struct Generous(Vec<Obligation>);

    impl Authorizer for Generous {
        fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
            let permit = Permit::assertion(request, PolicyVersion::new(1), None);
            Ok(Decision::Allow(permit.with_obligations(self.0.clone())))
        }
    }

    /// Answers every request with a permit for another action.
    struct Confused;

    impl Authorizer for Confused {
        fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
            let other = Action::from_static("users.read");
            let who = who(Limits::unlimited());
            let swapped = AccessRequest::new(&who, &other, request.resource(), NOW);
            Ok(Decision::Allow(Permit::assertion(&swapped, PolicyVersion::new(1), None)))
        }
    }

    const NOW: UnixTime = UnixTime::from_secs(1_000);
    static DELETE: Action = Action::from_static("users.delete");
    static USER: Resource = Resource::any(ResourceKind::from_static("user"));

    fn who(limits: Limits) -> Authenticated {
        let id = PrincipalId::local_user("ann").unwrap();
        let event = Authentication::new(id, Method::PASSWORD, NOW, AuthEpoch::ZERO).with_limits(limits);
        Authenticated::assertion(event)
    }

    fn reason(result: Result<Permit, Refusal>) -> DenialReason {
        match result.unwrap_err() {
            Refusal::Denied(denial) => denial.reason(),
            other => panic!("{other:?}"),
        }
    }

    /// A read-only token of an administrator only reads.
    #[test]
    fn limits_come_before_the_engine() {
        let generous = Generous(Vec::new());
        let scopes = Scopes::parse("users.read").unwrap();
        let cases = [
            (Limits::unlimited().with_scopes(scopes), DenialReason::Scope),
            (Limits::unlimited().with_scopes(Scopes::none()), DenialReason::Scope),
            (Limits::unlimited().with_tenant(Realm::local("a").unwrap()), DenialReason::Tenant),
            (Limits::unlimited().with_networks(Vec::new()), DenialReason::Network),
            (Limits::unlimited().with_networks(vec!["10.0.0.0/8".parse().unwrap()]), DenialReason::Network),
        ];
        for (limits, expected) in cases {
            let who = who(limits);
            let request = AccessRequest::new(&who, &DELETE, &USER, NOW);
            assert_eq!(reason(generous.require(&request)), expected);
        }
        let who = who(Limits::unlimited());
        assert!(generous.require(&AccessRequest::new(&who, &DELETE, &USER, NOW)).is_ok());
    }

    /// It would open a door that asks for a type, and for nothing else.
    #[test]
    fn a_permit_with_obligations_is_no_permit_for_a_permission() {
        enum Delete {}
        impl Permission for Delete {
            const ACTION: Action = Action::from_static("users.delete");
            const RESOURCE: ResourceKind = ResourceKind::from_static("user");
        }
        let who = who(Limits::unlimited());
        let request = AccessRequest::new(&who, &DELETE, &USER, NOW);
        let permit = || Permit::assertion(&request, PolicyVersion::new(1), None);
        assert!(permit().typed::<Delete>().is_some());
        let obligations = vec![Obligation { name: Action::from_static("log") }];
        assert!(permit().with_obligations(obligations).typed::<Delete>().is_none());
    }

    #[test]
    fn an_obligation_that_nobody_discharges_denies() {
        let generous = Generous(vec![Obligation { name: Action::from_static("log") }]);
        let who = who(Limits::unlimited());
        let request = AccessRequest::new(&who, &DELETE, &USER, NOW);
        assert_eq!(reason(generous.require(&request)), DenialReason::Obligation);
        let permit = generous.require_with(&request, &mut |o| o.name.as_str() == "log").unwrap();
        assert!(permit.obligations().is_empty());
    }

    /// An answer to another question is no answer.
    #[test]
    fn a_permit_for_another_request_is_refused() {
        let who = who(Limits::unlimited());
        let request = AccessRequest::new(&who, &DELETE, &USER, NOW);
        assert_eq!(reason(Confused.require(&request)), DenialReason::Indeterminate);
    }

    /// The circumstances are not in a permit, so it must not be kept for others.
    #[test]
    fn a_permit_says_who_what_and_to_what_and_not_when() {
        let (ann, other) =
            (who(Limits::unlimited()), Resource::one(ResourceKind::from_static("user"), "7").unwrap());
        let bob = PrincipalId::local_user("bob").unwrap();
        let bob = Authenticated::assertion(Authentication::new(bob, Method::PASSWORD, NOW, AuthEpoch::ZERO));
        let read = Action::from_static("users.read");
        let request = AccessRequest::new(&ann, &DELETE, &USER, NOW);
        let permit = Permit::assertion(&request, PolicyVersion::new(1), None);
        assert!(permit.covers(&request));
        for differs in [
            AccessRequest::new(&bob, &DELETE, &USER, NOW),
            AccessRequest::new(&ann, &read, &USER, NOW),
            AccessRequest::new(&ann, &DELETE, &other, NOW),
        ] {
            assert!(!permit.covers(&differs), "{differs:?}");
        }
        let later = AccessRequest::new(&ann, &DELETE, &USER, UnixTime::from_secs(2_000));
        assert!(permit.covers(&later.with_active_roles(&[])), "which is why nobody keeps it");
    }
}
