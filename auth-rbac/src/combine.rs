//! One effect of several: the combining algorithms of XACML 3.0, appendix C.

use std::{
    fmt,
    ops::{ControlFlow, RangeInclusive},
};

use auth_core::{Challenge, DecideError, Effect, Indeterminate, Obligation, PolicyVersion};
use serde::{Deserialize, Serialize};

use crate::{
    challenge::asks_for,
    explain::{Because, Explanation},
    verdict::{StepUp, Verdict},
};

/// How the effects of several rules or engines become one (XACML 3.0, appendix C).
///
/// What cannot be evaluated is never skipped: a rule that might have forbidden keeps others from allowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Combiner {
    /// One denial denies, whatever allows (C.2).
    #[default]
    DenyOverrides,
    /// One permit permits, whatever forbids (C.4).
    PermitOverrides,
    /// The first that applies decides; if that one cannot be evaluated, nothing after it is asked (C.8).
    FirstApplicable,
}

impl Combiner {
    /// Combines verdicts, in their order, and asks for no more of them than can change the outcome. Version and
    /// rule are those of the first one that led to it; a permit has the obligations of all that permitted, and
    /// anything else the challenge that would make it a permit.
    ///
    /// Of no verdicts it is [`Effect::NotApplicable`], of version 0.
    pub fn combine(self, verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
        let mut combined = Combination::new(self);
        for verdict in verdicts {
            if combined.add(verdict).is_break() {
                break;
            }
        }
        combined.finish()
    }

    /// As [`combine`](Self::combine), of engines that may have no answer.
    pub(crate) fn evaluate(
        self,
        verdicts: impl Iterator<Item = Result<Verdict, DecideError>>,
    ) -> Result<Verdict, DecideError> {
        let mut combined = Combination::new(self);
        for verdict in verdicts {
            let flow = match verdict {
                Ok(verdict) => combined.add(verdict),
                Err(error) => combined.add_none(error)?,
            };
            if flow.is_break() {
                break;
            }
        }
        Ok(combined.finish())
    }

    /// As [`evaluate`](Self::evaluate), with what each of those that were asked says.
    pub(crate) fn explain(
        self,
        explanations: impl Iterator<Item = Result<Explanation, DecideError>>,
    ) -> Result<Explanation, DecideError> {
        let mut combined = Combination::new(self);
        let mut parts = Vec::new();
        for part in explanations {
            let flow = match part {
                Ok(part) => {
                    let flow = combined.add(part.verdict().clone());
                    parts.push(part);
                    flow
                }
                Err(error) => combined.add_none(error)?,
            };
            if flow.is_break() {
                break;
            }
        }
        Ok(Explanation::new(combined.finish(), Because::Combined { combiner: self, parts }))
    }

    /// What an effect outranks. [`SHADOWED`] ones hide behind a rank of [`DOUBTFUL`], and make it uncertain.
    const fn rank(self, effect: Effect) -> u8 {
        match (self, effect) {
            (_, Effect::NotApplicable) => 0,
            (Self::FirstApplicable, _) => 5,
            (Self::DenyOverrides, Effect::Deny) | (Self::PermitOverrides, Effect::Permit) => 5,
            (_, Effect::Indeterminate(Indeterminate::Either)) => 4,
            (Self::DenyOverrides, Effect::Indeterminate(Indeterminate::Deny))
            | (Self::PermitOverrides, Effect::Indeterminate(Indeterminate::Permit)) => DOUBTFUL,
            (Self::DenyOverrides, Effect::Permit) | (Self::PermitOverrides, Effect::Deny) => 2,
            (Self::DenyOverrides, Effect::Indeterminate(Indeterminate::Permit))
            | (Self::PermitOverrides, Effect::Indeterminate(Indeterminate::Deny)) => 1,
        }
    }
}

impl fmt::Display for Combiner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DenyOverrides => "deny-overrides",
            Self::PermitOverrides => "permit-overrides",
            Self::FirstApplicable => "first-applicable",
        })
    }
}

/// The rank of a rule that might have overridden.
const DOUBTFUL: u8 = 3;
/// The ranks of what it might have overridden.
const SHADOWED: RangeInclusive<u8> = 1..=2;

/// The effects so far.
#[derive(Debug, Clone, Copy)]
struct Tally {
    combiner: Combiner,
    leading: Effect,
    shadows: bool,
}

impl Tally {
    const fn new(combiner: Combiner) -> Self {
        Self { combiner, leading: Effect::NotApplicable, shadows: false }
    }

    /// Whether this effect leads from now on.
    fn add(&mut self, effect: Effect) -> bool {
        let effect = match (self.combiner, effect) {
            // What comes after it was not asked and might say anything.
            (Combiner::FirstApplicable, Effect::Indeterminate(_)) => {
                Effect::Indeterminate(Indeterminate::Either)
            }
            (_, effect) => effect,
        };
        let rank = self.combiner.rank(effect);
        self.shadows |= SHADOWED.contains(&rank);
        let leads = rank > self.combiner.rank(self.leading);
        if leads {
            self.leading = effect;
        }
        leads
    }

    fn effect(self) -> Effect {
        if self.shadows && self.combiner.rank(self.leading) == DOUBTFUL {
            Effect::Indeterminate(Indeterminate::Either)
        } else {
            self.leading
        }
    }

    /// Whether nothing that could be added would change the effect.
    fn is_settled(self) -> bool {
        self.combiner.rank(self.leading) == 5
    }
}

/// Verdicts being combined, one after the other.
#[derive(Debug)]
struct Combination {
    tally: Tally,
    leading: Option<Verdict>,
    obligations: Vec<Obligation>,
    /// What it would be with every challenge satisfied.
    satisfied: Tally,
    /// The effects before the first verdict that has a challenge.
    before: Tally,
    /// From that one on: the effects, and what they would be.
    stepping: Vec<(Effect, Option<StepUp>)>,
}

impl Combination {
    /// The most challenges that are tried one by one, before all of them are asked for together.
    const MAX_TRIED: usize = 16;

    const fn new(combiner: Combiner) -> Self {
        let tally = Tally::new(combiner);
        Self {
            tally,
            leading: None,
            obligations: Vec::new(),
            satisfied: tally,
            before: tally,
            stepping: Vec::new(),
        }
    }

    /// Adds one. [`ControlFlow::Break`] if whatever came after it would change nothing.
    fn add(&mut self, verdict: Verdict) -> ControlFlow<()> {
        let effect = verdict.effect();
        let step_up = verdict.step_up();
        self.satisfied.add(step_up.map_or(effect, |step_up| step_up.then));
        if self.stepping.is_empty() && step_up.is_none() {
            self.before.add(effect);
        } else {
            self.stepping.push((effect, step_up.cloned()));
        }
        let leads = self.tally.add(effect);
        if effect == Effect::Permit && (leads || self.tally.combiner != Combiner::FirstApplicable) {
            for obligation in verdict.obligations() {
                if !self.obligations.contains(obligation) {
                    self.obligations.push(obligation.clone());
                }
            }
        }
        if leads || self.leading.is_none() {
            self.leading = Some(verdict);
        }
        // A permit asks for nothing. Anything else may yet turn out to be one that a challenge leads to.
        let settled =
            self.tally.is_settled() && (self.tally.leading == Effect::Permit || self.satisfied.is_settled());
        if settled { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Where one has no answer. If the effect is settled, it was asked for a challenge alone: then there is none.
    fn add_none(&mut self, error: DecideError) -> Result<ControlFlow<()>, DecideError> {
        if !self.tally.is_settled() {
            return Err(error);
        }
        self.stepping.clear();
        Ok(ControlFlow::Break(()))
    }

    fn finish(self) -> Verdict {
        let effect = self.tally.effect();
        let leading = self.leading.unwrap_or_else(|| Verdict::not_applicable(PolicyVersion::default()));
        if effect == Effect::Permit {
            return leading.with_obligations(self.obligations);
        }
        let verdict = leading.with_effect(effect);
        match step_up(self.before, &self.stepping) {
            Some(StepUp { challenge, then }) => verdict.with_challenge(challenge, then),
            None => verdict,
        }
    }
}

/// The challenge that leads to a permit: of those that were given, the one that asks for least, or all of them together.
/// If none does, all of them, and what that leads to.
fn step_up(before: Tally, stepping: &[(Effect, Option<StepUp>)]) -> Option<StepUp> {
    let satisfied = |challenge: &Challenge| {
        let mut tally = before;
        for (effect, step_up) in stepping {
            let then = step_up.as_ref().filter(|step_up| challenge.includes(&step_up.challenge));
            tally.add(then.map_or(*effect, |step_up| step_up.then));
        }
        tally.effect()
    };
    let mut tried: Vec<&Challenge> = Vec::new();
    let mut all = Challenge::default();
    for challenge in stepping.iter().filter_map(|(_, step_up)| Some(&step_up.as_ref()?.challenge)) {
        all = all.and(challenge);
        if tried.len() < Combination::MAX_TRIED && !tried.contains(&challenge) {
            tried.push(challenge);
        }
    }
    tried.sort_by_key(|challenge| asks_for(challenge));
    if let Some(challenge) = tried.into_iter().find(|challenge| satisfied(challenge) == Effect::Permit) {
        return Some(StepUp { challenge: challenge.clone(), then: Effect::Permit });
    }
    (!all.is_empty()).then(|| StepUp { then: satisfied(&all), challenge: all })
}
