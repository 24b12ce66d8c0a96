//! The backstop: asking the account store now and then whether a session is still of its account's epoch.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use auth_core::{AuthEpoch, EpochSource, PrincipalId, PrincipalTag, StoreError, UnixTime};

use crate::policy::PolicyError;

/// How often the account's epoch is compared with that of a session in use.
///
/// The session store refuses what [`end_all`](crate::Sessions::end_all) ended at once. This is the backstop for
/// when that call never came: the process died between changing the account and ending its sessions. A
/// principal whose account is gone or disabled is noticed by it too.
#[derive(Clone)]
pub struct EpochCheck(Option<Arc<Asked>>);

struct Asked {
    source: Arc<dyn EpochSource>,
    interval: Duration,
    known: Box<[Mutex<Option<Known>>]>,
}

/// An answer that let somebody in. Refusals are not kept: an account that was enabled again must not wait.
struct Known {
    principal: PrincipalId,
    epoch: AuthEpoch,
    asked_at: UnixTime,
}

impl EpochCheck {
    /// How long an answer is good for, unless another interval is chosen: 60 s.
    pub const INTERVAL: Duration = Duration::from_secs(60);
    /// The longest interval: 1 h.
    pub const MAX_INTERVAL: Duration = Duration::from_secs(3_600);
    /// How many answers are kept, about 40 bytes each. Beyond it, answers push out others.
    pub const MAX_KNOWN: usize = 8_192;

    /// Asks `source` for a principal that is in use, at most every 60 s.
    #[must_use]
    pub fn by(source: Arc<dyn EpochSource>) -> Self {
        Self::new(source, Self::INTERVAL)
    }

    /// Asks at most every `interval`; zero asks at each use.
    ///
    /// # Errors
    /// [`PolicyError::EpochCheckTooSeldom`] beyond [`MAX_INTERVAL`](Self::MAX_INTERVAL).
    pub fn every(source: Arc<dyn EpochSource>, interval: Duration) -> Result<Self, PolicyError> {
        if interval > Self::MAX_INTERVAL {
            return Err(PolicyError::EpochCheckTooSeldom);
        }
        Ok(Self::new(source, interval))
    }

    /// Never asks. For applications without accounts of their own; otherwise a crash at the wrong moment
    /// leaves sessions of a changed account alive until somebody ends them.
    #[must_use]
    pub const fn by_session_store_only() -> Self {
        Self(None)
    }

    /// Whether anything is asked at all.
    pub(crate) const fn asks(&self) -> bool {
        self.0.is_some()
    }

    fn new(source: Arc<dyn EpochSource>, interval: Duration) -> Self {
        let slots = if interval.is_zero() { 0 } else { Self::MAX_KNOWN };
        let known = (0..slots).map(|_| Mutex::new(None)).collect();
        Self(Some(Arc::new(Asked { source, interval, known })))
    }

    /// Whether what was begun by this principal at the epoch `of` may live on. `tag` is the keyed hash in the session's id, so nobody
    /// outside chooses which answers push out which.
    pub(crate) async fn admits(
        &self,
        principal: &PrincipalId,
        of: AuthEpoch,
        tag: PrincipalTag,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let Some(asked) = &self.0 else { return Ok(true) };
        if let Some(epoch) = asked.recall(principal, tag, now) {
            // Epochs only go up, so an older login is dead whatever a fresh answer would say.
            return Ok(of >= epoch);
        }
        match asked.source.epoch_of(principal).await? {
            Some(epoch) => {
                let epoch = asked.remember(Known { principal: principal.clone(), epoch, asked_at: now }, tag);
                // A login may be newer than what a replica of the account store knows.
                Ok(of >= epoch)
            }
            None => Ok(false),
        }
    }
}

impl Asked {
    fn recall(&self, principal: &PrincipalId, tag: PrincipalTag, now: UnixTime) -> Option<AuthEpoch> {
        let slot = self.slot(tag)?.lock().unwrap_or_else(PoisonError::into_inner);
        let known = slot.as_ref().filter(|known| known.principal == *principal)?;
        (now.since(known.asked_at) < self.interval).then_some(known.epoch)
    }

    /// Answers the epoch that counts.
    fn remember(&self, answer: Known, tag: PrincipalTag) -> AuthEpoch {
        let Some(slot) = self.slot(tag) else { return answer.epoch };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        // Of two questions that overlapped, the later answer counts; and a replica that lags does not make
        // this process forget what it knows.
        if let Some(known) =
            slot.as_ref().filter(|k| k.principal == answer.principal && k.epoch > answer.epoch)
        {
            return known.epoch;
        }
        slot.insert(answer).epoch
    }

    fn slot(&self, tag: PrincipalTag) -> Option<&Mutex<Option<Known>>> {
        let hash = usize::try_from(u64::from_be_bytes(*tag.as_bytes()) >> 32).ok()?;
        self.known.get(hash.checked_rem(self.known.len())?)
    }
}

impl fmt::Debug for EpochCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(asked) => {
                f.debug_struct("EpochCheck").field("interval", &asked.interval).finish_non_exhaustive()
            }
            None => f.write_str("EpochCheck(by the session store only)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use async_trait::async_trait;
    use auth_core::Clock as _;
    use auth_core::{
        Entropy as _, SessionId, SystemEntropy,
        testing::{SteppedClock, block_on},
    };

    /// `u64::MAX` stands for an account that is gone.
    struct Source {
        epoch: AtomicU64,
        asked: AtomicU64,
    }

    #[async_trait]
    impl EpochSource for Source {
        async fn epoch_of(&self, _: &PrincipalId) -> Result<Option<AuthEpoch>, StoreError> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let epoch = self.epoch.load(Ordering::SeqCst);
            Ok((epoch != u64::MAX).then_some(AuthEpoch::new(epoch)))
        }
    }

    fn source(epoch: u64) -> Arc<Source> {
        Arc::new(Source { epoch: AtomicU64::new(epoch), asked: AtomicU64::new(0) })
    }

    fn user(name: &str) -> PrincipalId {
        PrincipalId::local_user(name).unwrap()
    }

    fn tag() -> PrincipalTag {
        SessionId::from_bytes([7; 24]).tag()
    }

    #[test]
    fn an_answer_is_good_for_the_interval_and_no_longer() {
        let (source, clock) = (source(1), SteppedClock::new(UnixTime::from_secs(1_000)));
        let check = EpochCheck::by(Arc::clone(&source) as Arc<dyn EpochSource>);
        let admits = || block_on(check.admits(&user("ann"), AuthEpoch::new(1), tag(), clock.now())).unwrap();
        assert!(admits());
        source.epoch.store(2, Ordering::SeqCst);
        clock.step(Duration::from_secs(59));
        assert!(admits());
        assert_eq!(source.asked.load(Ordering::SeqCst), 1);
        clock.step(Duration::from_secs(1));
        assert!(!admits());
        assert!(!admits());
        assert_eq!(source.asked.load(Ordering::SeqCst), 2);
        assert!(block_on(check.admits(&user("ann"), AuthEpoch::new(2), tag(), clock.now())).unwrap());
    }

    #[test]
    fn zero_asks_each_time() {
        let source = source(1);
        let check = EpochCheck::every(Arc::clone(&source) as Arc<dyn EpochSource>, Duration::ZERO).unwrap();
        for _ in 0..3 {
            assert!(block_on(check.admits(&user("ann"), AuthEpoch::new(1), tag(), UnixTime::EPOCH)).unwrap());
        }
        assert_eq!(source.asked.load(Ordering::SeqCst), 3);
        let too_seldom = EpochCheck::every(source, EpochCheck::MAX_INTERVAL + Duration::from_secs(1));
        assert_eq!(too_seldom.unwrap_err(), PolicyError::EpochCheckTooSeldom);
    }

    /// The account store may be a replica that is behind: what it says late must not bring back what this process
    /// has seen end, nor count as a fresh answer.
    #[test]
    fn an_answer_that_lags_does_not_lower_what_is_known() {
        let (source, clock) = (source(2), SteppedClock::new(UnixTime::from_secs(1_000)));
        let check = EpochCheck::by(Arc::clone(&source) as Arc<dyn EpochSource>);
        let admits =
            |epoch| block_on(check.admits(&user("ann"), AuthEpoch::new(epoch), tag(), clock.now())).unwrap();
        assert!(admits(2));
        source.epoch.store(1, Ordering::SeqCst);
        clock.step(Duration::from_secs(60));
        for _ in 0..2 {
            assert!(!admits(1));
            assert!(admits(2));
        }
        assert_eq!(source.asked.load(Ordering::SeqCst), 5, "asked until the answer is not behind");
        source.epoch.store(3, Ordering::SeqCst);
        assert!(!admits(2));
        assert!(admits(3));
        assert_eq!(source.asked.load(Ordering::SeqCst), 6);
    }

    /// An account that is enabled again must let its owner in at once.
    #[test]
    fn an_account_that_is_gone_is_refused_and_asked_for_again() {
        let source = source(u64::MAX);
        let check = EpochCheck::by(Arc::clone(&source) as Arc<dyn EpochSource>);
        let admits =
            || block_on(check.admits(&user("ann"), AuthEpoch::new(1), tag(), UnixTime::EPOCH)).unwrap();
        assert!(!admits());
        source.epoch.store(1, Ordering::SeqCst);
        assert!(admits());
    }

    /// Two principals in one slot push each other out and are never mistaken for each other.
    #[test]
    fn a_shared_slot_costs_a_question_and_nothing_else() {
        let source = source(1);
        let check = EpochCheck::by(Arc::clone(&source) as Arc<dyn EpochSource>);
        for _ in 0..2 {
            assert!(block_on(check.admits(&user("ann"), AuthEpoch::new(1), tag(), UnixTime::EPOCH)).unwrap());
            assert!(
                !block_on(check.admits(&user("bob"), AuthEpoch::new(0), tag(), UnixTime::EPOCH)).unwrap()
            );
        }
        assert_eq!(source.asked.load(Ordering::SeqCst), 4);
    }

    #[test]
    fn tags_spread_over_all_slots() {
        let check = EpochCheck::by(source(1));
        let asked = check.0.as_ref().unwrap();
        let mut used = std::collections::BTreeSet::new();
        for _ in 0..20_000 {
            let mut bytes = [0; 24];
            SystemEntropy.fill(&mut bytes).unwrap();
            used.insert(std::ptr::from_ref(asked.slot(SessionId::from_bytes(bytes).tag()).unwrap()).addr());
        }
        assert!(used.len() > EpochCheck::MAX_KNOWN * 8 / 10, "{}", used.len());
    }
}
