//! What a model of authorization answers, before it is a decision.

use std::sync::Arc;

use auth_core::{AccessRequest, DecideError, RuleId};

use crate::{
    explain::{Because, Explanation},
    verdict::Verdict,
};

/// One model of authorization, answering with an [`Effect`](auth_core::Effect) so that several can be combined (XACML 3.0,
/// section 7.12 and appendix C).
///
/// Pure and synchronous: the answer depends on the request and one policy. A [`Stack`](crate::Stack) of engines
/// is an engine. Only the outermost one turns its effect into a [`Decision`](auth_core::Decision); users ask
/// that one, through [`AuthorizerExt::require`](auth_core::AuthorizerExt::require).
pub trait Engine: Send + Sync {
    /// Evaluates the request.
    ///
    /// # Errors
    /// [`DecideError`] only if infrastructure is missing, such as the policy itself. A rule that cannot be
    /// evaluated is [`Effect::Indeterminate`](auth_core::Effect::Indeterminate).
    fn evaluate(&self, request: &AccessRequest<'_>) -> Result<Verdict, DecideError>;

    /// Evaluates the request and tells why it says so. Not for the eyes of whoever is refused.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    fn explain(&self, request: &AccessRequest<'_>) -> Result<Explanation, DecideError> {
        Ok(Explanation::new(self.evaluate(request)?, Because::Unexplained))
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => { $(
        impl<T: Engine + ?Sized> Engine for $pointer {
            fn evaluate(&self, request: &AccessRequest<'_>) -> Result<Verdict, DecideError> {
                (**self).evaluate(request)
            }

            fn explain(&self, request: &AccessRequest<'_>) -> Result<Explanation, DecideError> {
                (**self).explain(request)
            }
        }
    )* };
}
forward!(&T, Box<T>, Arc<T>);

/// The models of this crate. The upper eight bits of a [`RuleId`] say whose rule it is, so that in a policy of
/// several models a number is described by the one that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model {
    Roles,
    Direct,
    Acl,
    Conditions,
    Separation,
}

impl Model {
    const ALL: [Self; 5] = [Self::Roles, Self::Direct, Self::Acl, Self::Conditions, Self::Separation];
    const SHIFT: u32 = 56;

    /// A rule of this model. Of `number`, the lower 56 bits count.
    #[inline]
    pub(crate) const fn rule(self, number: u64) -> RuleId {
        RuleId::new(((self as u64) << Self::SHIFT) | (number & !(u64::MAX << Self::SHIFT)))
    }

    /// Whose rule it is, and its number there.
    pub(crate) fn of(rule: RuleId) -> Option<(Self, u64)> {
        let model = Self::ALL.into_iter().find(|model| *model as u64 == rule.get() >> Self::SHIFT)?;
        Some((model, rule.get() & !(u64::MAX << Self::SHIFT)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_tells_its_model_and_its_number() {
        for model in Model::ALL {
            for number in [0, 7, (1 << 56) - 1] {
                assert_eq!(Model::of(model.rule(number)), Some((model, number)));
            }
        }
        assert_eq!(Model::of(RuleId::new(u64::MAX)), None);
    }
}
