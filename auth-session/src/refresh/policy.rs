//! How long the login behind a refresh token lives.

use std::time::Duration;

use auth_core::SessionTerms;

use crate::policy::{PolicyError, SessionPolicy, check_lifetime};

/// How long the login behind a refresh token lives. Valid by construction.
///
/// [`RefreshPolicy::default`] is 30 days without a refresh, and 90 days in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshPolicy {
    idle: Duration,
    absolute: Duration,
}

impl RefreshPolicy {
    /// Without a refresh, unless another time is chosen: 30 days.
    pub const IDLE: Duration = Duration::from_secs(30 * DAY);
    /// In any case, unless another time is chosen: 90 days.
    pub const ABSOLUTE: Duration = Duration::from_secs(90 * DAY);
    /// How long a replaced token is answered with its successor as if nothing had happened: 30 s. Several requests
    /// of one client refresh at once, and all of them get the same token.
    pub const GRACE: Duration = Duration::from_secs(30);
    /// How long after its replacement a token is still answered, if its successor was never presented: 10 min. The
    /// answer was lost, or a thief is one step behind, which nobody can tell apart; hence the end.
    pub const REISSUE_FOR: Duration = Duration::from_secs(600);
    /// How often that is done for one token: twice. Each opens [`GRACE`](Self::GRACE) anew, so that several
    /// requests at once count as one.
    pub const MAX_REISSUES: u32 = 2;

    /// Logins that end after `idle` without a refresh, and after `absolute` in any case; both in whole seconds.
    ///
    /// # Errors
    /// [`PolicyError`] unless 60 s <= `idle` <= `absolute` <= 400 days, as for [`SessionPolicy::new`].
    pub fn new(idle: Duration, absolute: Duration) -> Result<Self, PolicyError> {
        check_lifetime(idle, absolute)?;
        Ok(Self { idle, absolute })
    }

    /// How long a login lives without a refresh.
    #[must_use]
    pub const fn idle(&self) -> Duration {
        self.idle
    }

    /// How long a login lives in any case.
    #[must_use]
    pub const fn absolute(&self) -> Duration {
        self.absolute
    }

    /// How long a login of these terms lives without a refresh. What was settled for it counts within the policy's
    /// bounds.
    pub(super) fn idle_of(&self, terms: Option<&SessionTerms>) -> Duration {
        let settled = terms.and_then(|terms| terms.idle).unwrap_or(self.idle);
        settled.max(SessionPolicy::MIN_IDLE).min(self.absolute)
    }
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        Self { idle: Self::IDLE, absolute: Self::ABSOLUTE }
    }
}

const DAY: u64 = 24 * 3_600;

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(idle: u64, absolute: u64) -> Result<RefreshPolicy, PolicyError> {
        RefreshPolicy::new(Duration::from_secs(idle), Duration::from_secs(absolute))
    }

    #[test]
    fn weak_and_contradictory_policies_are_refused() {
        assert_eq!(policy(59, 100), Err(PolicyError::IdleTooShort));
        assert_eq!(policy(101, 100), Err(PolicyError::IdleBeyondAbsolute));
        assert_eq!(policy(60, 400 * DAY + 1), Err(PolicyError::AbsoluteTooLong));
        assert_eq!(policy(30 * DAY, 90 * DAY), Ok(RefreshPolicy::default()));
    }

    #[test]
    fn what_is_settled_for_a_login_stays_within_the_bounds() {
        let policy = policy(600, 6_000).unwrap();
        let idle = |secs| {
            let mut terms = SessionTerms::new();
            terms.idle = Some(Duration::from_secs(secs));
            policy.idle_of(Some(&terms)).as_secs()
        };
        assert_eq!([idle(0), idle(300), idle(6_000), idle(u64::MAX)], [60, 300, 6_000, 6_000]);
        assert_eq!(policy.idle_of(None), policy.idle());
    }
}
