//! What one model says of a request.

use auth_core::{
    AccessRequest, Challenge, Decision, Denial, DenialReason, Effect, Indeterminate, Obligation, Permit,
    PolicyVersion, RuleId,
};

/// An [`Effect`], and what it came from: numbers, which
/// [`Snapshot::describe`](crate::Snapshot::describe) resolves.
///
/// A permit may come with obligations; anything else may come with the challenge that would change it. Most
/// have neither, and take no memory for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a verdict that nobody looks at is an open door"]
pub struct Verdict {
    effect: Effect,
    version: PolicyVersion,
    rule: Option<RuleId>,
    more: Option<Box<More>>,
}

/// What few verdicts have.
#[derive(Debug, Clone, PartialEq, Eq)]
enum More {
    Obligations(Vec<Obligation>),
    StepUp(StepUp),
}

/// Authentication that would help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepUp {
    pub(crate) challenge: Challenge,
    /// What the effect would be for who has satisfied it.
    pub(crate) then: Effect,
}

impl Verdict {
    /// A rule allows it.
    pub const fn permit(version: PolicyVersion, rule: Option<RuleId>) -> Self {
        Self { effect: Effect::Permit, version, rule, more: None }
    }

    /// A rule forbids it.
    pub const fn deny(version: PolicyVersion, rule: Option<RuleId>) -> Self {
        Self { effect: Effect::Deny, version, rule, more: None }
    }

    /// No rule speaks of it.
    pub const fn not_applicable(version: PolicyVersion) -> Self {
        Self { effect: Effect::NotApplicable, version, rule: None, more: None }
    }

    /// A rule could not be evaluated, which otherwise would have said `would_be`.
    pub const fn indeterminate(
        version: PolicyVersion,
        rule: Option<RuleId>,
        would_be: Indeterminate,
    ) -> Self {
        Self { effect: Effect::Indeterminate(would_be), version, rule, more: None }
    }

    /// The same, which holds only if these are done. They belong to a permit, and are left out of anything else.
    pub fn with_obligations(mut self, obligations: Vec<Obligation>) -> Self {
        if self.effect == Effect::Permit {
            self.more = (!obligations.is_empty()).then(|| Box::new(More::Obligations(obligations)));
        }
        self
    }

    /// The same, which would be `then` for the same request of the same principal, had it satisfied the
    /// challenge. A permit needs none and takes none.
    ///
    /// Where verdicts are combined, so is what they would be. The outermost engine answers with the challenge
    /// only if that comes to a permit.
    pub fn with_challenge(mut self, challenge: Challenge, then: Effect) -> Self {
        if self.effect != Effect::Permit && self.effect != then && !challenge.is_empty() {
            self.more = Some(Box::new(More::StepUp(StepUp { challenge, then })));
        }
        self
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

    /// What must be done for the permit to hold.
    #[must_use]
    pub fn obligations(&self) -> &[Obligation] {
        match self.more.as_deref() {
            Some(More::Obligations(obligations)) => obligations,
            _ => &[],
        }
    }

    /// What would make a permit of it.
    #[must_use]
    pub fn challenge(&self) -> Option<&Challenge> {
        self.step_up().filter(|step_up| step_up.then == Effect::Permit).map(|step_up| &step_up.challenge)
    }

    pub(crate) fn step_up(&self) -> Option<&StepUp> {
        match self.more.as_deref() {
            Some(More::StepUp(step_up)) => Some(step_up),
            _ => None,
        }
    }

    /// The same version and rule with another effect, and nothing beside it.
    pub(crate) fn with_effect(self, effect: Effect) -> Self {
        Self { effect, more: None, ..self }
    }

    /// The decision that the outermost engine makes of it: a permit for [`Effect::Permit`] alone, and a denial
    /// for everything else. `request` must be the one that was evaluated; what its limits exclude is denied, whatever
    /// the effect.
    #[inline]
    pub fn decide(self, request: &AccessRequest<'_>) -> Decision {
        // Most of what is allowed has neither limits nor obligations, and is built where it is wanted.
        let is_plain = self.more.is_none() && request.authentication().limits.is_unlimited();
        if is_plain && self.effect == Effect::Permit {
            return Decision::Allow(Permit::assertion(request, self.version, self.rule));
        }
        self.decide_with_limits(request)
    }

    #[inline(never)]
    fn decide_with_limits(self, request: &AccessRequest<'_>) -> Decision {
        if let Err(denial) = request.check_limits() {
            return Decision::Deny(denial);
        }
        let reason = match self.effect {
            Effect::Permit => {
                let permit = Permit::assertion(request, self.version, self.rule);
                return Decision::Allow(match self.more.map(|more| *more) {
                    Some(More::Obligations(obligations)) => permit.with_obligations(obligations),
                    Some(More::StepUp(_)) | None => permit,
                });
            }
            Effect::Deny => DenialReason::Forbidden,
            Effect::NotApplicable => DenialReason::NotPermitted,
            Effect::Indeterminate(_) => DenialReason::Indeterminate,
        };
        let denial = Denial::new(reason).by(self.version, self.rule);
        Decision::Deny(match self.challenge() {
            Some(challenge) => denial.with_challenge(challenge.clone()),
            None => denial,
        })
    }
}
