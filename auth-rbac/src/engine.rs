//! What a model of authorization answers, before it is a decision.

use std::sync::Arc;

use auth_core::{
    AccessRequest, DecideError, Decision, Denial, DenialReason, Effect, Indeterminate, Permit, PolicyVersion,
    RuleId,
};

/// One model of authorization, answering with an [`Effect`] so that several can be combined (XACML 3.0,
/// section 7.12 and appendix C).
///
/// Pure and synchronous: the answer depends on the request and one policy. Only the outermost engine turns
/// its effect into a [`Decision`]; users ask that one, through
/// [`AuthorizerExt::require`](auth_core::AuthorizerExt::require).
pub trait Engine: Send + Sync {
    /// Evaluates the request.
    ///
    /// # Errors
    /// [`DecideError`] only if infrastructure is missing, such as the policy itself. A rule that cannot be
    /// evaluated is [`Effect::Indeterminate`].
    fn evaluate(&self, request: &AccessRequest<'_>) -> Result<Verdict, DecideError>;
}

impl<T: Engine + ?Sized> Engine for &T {
    fn evaluate(&self, request: &AccessRequest<'_>) -> Result<Verdict, DecideError> {
        (**self).evaluate(request)
    }
}

impl<T: Engine + ?Sized> Engine for Box<T> {
    fn evaluate(&self, request: &AccessRequest<'_>) -> Result<Verdict, DecideError> {
        (**self).evaluate(request)
    }
}

impl<T: Engine + ?Sized> Engine for Arc<T> {
    fn evaluate(&self, request: &AccessRequest<'_>) -> Result<Verdict, DecideError> {
        (**self).evaluate(request)
    }
}

/// An [`Effect`], and what it came from: numbers, which
/// [`Snapshot::describe`](crate::Snapshot::describe) resolves.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a verdict that nobody looks at is an open door"]
pub struct Verdict {
    effect: Effect,
    version: PolicyVersion,
    rule: Option<RuleId>,
}

impl Verdict {
    /// A rule allows it.
    pub const fn permit(version: PolicyVersion, rule: Option<RuleId>) -> Self {
        Self { effect: Effect::Permit, version, rule }
    }

    /// A rule forbids it.
    pub const fn deny(version: PolicyVersion, rule: Option<RuleId>) -> Self {
        Self { effect: Effect::Deny, version, rule }
    }

    /// No rule speaks of it.
    pub const fn not_applicable(version: PolicyVersion) -> Self {
        Self { effect: Effect::NotApplicable, version, rule: None }
    }

    /// A rule could not be evaluated, which otherwise would have said `would_be`.
    pub const fn indeterminate(
        version: PolicyVersion,
        rule: Option<RuleId>,
        would_be: Indeterminate,
    ) -> Self {
        Self { effect: Effect::Indeterminate(would_be), version, rule }
    }

    /// The effect.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.effect
    }

    /// The version of the policy that it came from.
    #[must_use]
    pub const fn version(&self) -> PolicyVersion {
        self.version
    }

    /// The rule that it came from.
    #[must_use]
    pub const fn rule(&self) -> Option<RuleId> {
        self.rule
    }

    /// The decision that the outermost engine makes of it: a permit for [`Effect::Permit`] alone, and a denial
    /// for everything else. `request` must be the one that was evaluated.
    pub fn decide(&self, request: &AccessRequest<'_>) -> Decision {
        let reason = match self.effect {
            Effect::Permit => return Decision::Allow(Permit::assertion(request, self.version, self.rule)),
            Effect::Deny => DenialReason::Forbidden,
            Effect::NotApplicable => DenialReason::NotPermitted,
            Effect::Indeterminate(_) => DenialReason::Indeterminate,
        };
        Decision::Deny(Denial::new(reason).by(self.version, self.rule))
    }
}
