//! Authentication that would help.

use auth_core::{Challenge, Effect};

use super::{
    Abac, Applicable, RuleProblem,
    evaluate::Facts,
    rule::{Demand, Rule},
};
use crate::{challenge::asks_for, verdict::Verdict};

/// What the rules of a policy demand, each once.
#[derive(Debug, Clone, Default)]
pub(super) struct Challenges(Vec<Challenge>);

/// Some of them: a bit each, the first one lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Demanded(u8);

const _: () = assert!(Abac::MAX_CHALLENGES <= u8::BITS as usize);

impl Challenges {
    /// Adds what a rule demands, if it does.
    pub(super) fn add(&mut self, rule: &Rule) -> Result<Demanded, RuleProblem> {
        let Some(challenge) = rule.challenge.as_ref().map(Demand::challenge) else {
            return Ok(Demanded::default());
        };
        if challenge.is_empty() {
            return Err(RuleProblem::Demand);
        }
        let known = self.0.iter().position(|known| *known == challenge);
        let place = known.unwrap_or(self.0.len());
        if known.is_none() {
            if place >= Abac::MAX_CHALLENGES {
                return Err(RuleProblem::Demands);
            }
            self.0.push(challenge);
        }
        Ok(Demanded(1 << place))
    }

    fn of(&self, demanded: Demanded) -> impl Iterator<Item = &Challenge> + Clone {
        self.0.iter().enumerate().filter(move |(place, _)| demanded.0 >> place & 1 == 1).map(|(_, of)| of)
    }
}

impl Demanded {
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Abac {
    /// Adds the challenge that would help most, if one would, and of those the one that asks for least. Each that a rule
    /// about the request demands is tried by asking again, as if it had been satisfied, and so are any two together:
    /// more than two together ask for what some two of them do. One that asks for an age alone leads to a new login, of
    /// one factor perhaps, so it is tried together with the assurance that is there as well. All of them take the steps
    /// that the verdict has left, so that no request costs many times what it may.
    #[inline(never)]
    pub(super) fn challenged<'a, const N: usize>(
        &'a self,
        verdict: Verdict,
        demanded: Demanded,
        applicable: &Applicable<'a>,
        facts: Facts<'a>,
        mut steps: u32,
    ) -> Verdict {
        let mut best: Option<(Challenge, Effect)> = None;
        let mut challenges = self.challenges.of(demanded);
        while let Some(one) = challenges.next() {
            let together = std::iter::once(one.clone()).chain(challenges.clone().map(|other| one.and(other)));
            for challenge in together.flat_map(|one| {
                let sure = facts.as_sure(&one);
                let other = (one.max_age.is_some() && sure != one).then_some(sure);
                std::iter::once(one).chain(other)
            }) {
                if facts.satisfies(&challenge) {
                    continue;
                }
                let asks_less = best.as_ref().is_none_or(|(best, _)| asks_for(&challenge) < asks_for(best));
                let most = best.as_ref().map_or_else(|| helps(verdict.effect()), |(_, then)| helps(*then));
                if most == helps(Effect::Permit) && !asks_less {
                    continue;
                }
                if steps == 0 {
                    break;
                }
                let found = self.find::<N>(applicable, facts.after(&challenge), &mut steps);
                let then = found.effect();
                if helps(then) > most || (helps(then) == most && best.is_some() && asks_less) {
                    best = Some((challenge, then));
                }
            }
        }
        match best {
            Some((challenge, then)) => verdict.with_challenge(challenge, then),
            None => verdict,
        }
    }
}

/// How near an effect is to a permit: where nothing forbids any more, another engine may allow.
const fn helps(effect: Effect) -> u8 {
    match effect {
        Effect::Permit => 2,
        Effect::NotApplicable => 1,
        Effect::Deny | Effect::Indeterminate(_) => 0,
    }
}
