//! Why an engine says what it says.

use std::fmt;

use auth_core::{Effect, Indeterminate};

use crate::{
    abac::explain::ExplainedRules, acl::AclDescription, combine::Combiner, snapshot::RolesExplanation,
    verdict::Verdict,
};

/// A [`Verdict`], and why: made anew for a request by [`Engine::explain`](crate::Engine::explain), which takes
/// its time.
///
/// For logs, audit and administrators: it tells how the policy is made, which is not for whoever was refused
/// (OpenID AuthZEN, "Policy Confidentiality"). No refusal carries one.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "it does nothing but tell"]
pub struct Explanation {
    verdict: Verdict,
    because: Because,
}

/// What an [`Explanation`] is made of.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Because {
    /// The engine tells no more than its verdict.
    Unexplained,
    /// Access control lists were asked.
    Acl(AclDescription),
    /// Roles, direct permissions and separations of duty.
    Roles(RolesExplanation),
    /// In words of an engine that is not of this crate.
    Words(String),
    /// Rules with conditions were evaluated.
    Rules(ExplainedRules),
    /// Several engines were asked, in this order. Those after the last one could not change the outcome.
    Combined {
        /// How their effects became one.
        combiner: Combiner,
        /// What each of them says.
        parts: Vec<Explanation>,
    },
}

impl Explanation {
    /// The explanation of a verdict.
    pub const fn new(verdict: Verdict, because: Because) -> Self {
        Self { verdict, because }
    }

    /// What is explained.
    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Why.
    #[must_use]
    pub const fn because(&self) -> &Because {
        &self.because
    }

    /// Writes it on lines of their own, those of parts further in. Stacks are written as deep as they were made by
    /// code, so this recurses no deeper than evaluating them did.
    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        write!(f, "{:1$}{2}", "", depth.saturating_mul(2), word(self.verdict.effect()))?;
        match &self.because {
            Because::Unexplained => Ok(()),
            Because::Acl(description) => write!(f, ": {description}"),
            Because::Roles(roles) => write!(f, ": {roles}"),
            Because::Words(words) => write!(f, ": {words}"),
            Because::Rules(rules) => write!(f, ": {rules}"),
            Because::Combined { combiner, parts } => {
                write!(f, ": {combiner} of")?;
                parts.iter().try_for_each(|part| {
                    f.write_str("\n")?;
                    part.write(f, depth.saturating_add(1))
                })
            }
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

const fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Permit => "permit",
        Effect::Deny => "deny",
        Effect::NotApplicable => "not applicable",
        Effect::Indeterminate(Indeterminate::Permit) => "indeterminate, might permit",
        Effect::Indeterminate(Indeterminate::Deny) => "indeterminate, might deny",
        Effect::Indeterminate(Indeterminate::Either) => "indeterminate",
    }
}
