//! The keys of an issuer who publishes them.

use std::{
    fmt,
    ops::RangeInclusive,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use auth_core::{Clock, SystemClock, UnixTime};

use self::{
    flight::{Flight, Landed},
    read::Accepted,
    state::{State, Turn},
};
use crate::{Algorithm, Backend};

mod cached;
mod error;
mod fetch;
mod flight;
mod freshness;
#[cfg(feature = "reqwest")]
mod https;
mod keys;
mod lookup;
mod read;
mod state;
mod unknown;
mod verifier;

#[cfg(feature = "reqwest")]
pub use self::https::{HttpsFetcher, HttpsFetcherError, http_on_loopback};
pub(crate) use self::verifier::VerifierSource;
pub use self::{
    cached::CachedRemoteVerifier,
    error::{KeysUnavailable, RefreshError, RemoteKeySetError, RemoteVerifyError},
    fetch::{FetchError, FetchKeySet, FetchedKeySet},
    freshness::Freshness,
    keys::RemoteKeys,
    verifier::RemoteVerifier,
};

/// Told of every fetch that has ended.
type Observer = Arc<dyn Fn(Result<&RemoteKeys, &RefreshError>) + Send + Sync>;

/// The key set of an issuer, kept as fresh as its server says, within bounds.
///
/// It runs on whatever polls it: no runtime, no thread, no timer. A caller who finds the keys too old fetches
/// them and waits; others meanwhile use what is there, if that got old only just now. Timeouts are the
/// fetcher's.
///
/// | what happens | what it does |
/// |---|---|
/// | several callers need a fetch | there is one, which all of them drive; it does not matter which of them goes away |
/// | a fetch began less than the [cooldown](Self::with_cooldown) ago | there is no other, whatever became of it |
/// | a server says how long its answer is fresh | that counts, [within bounds](Self::with_ages) |
/// | a fetch fails, or its answer is no key set | the keys stay, for [some time](Self::with_stale_for) after they were to be replaced |
/// | a well-formed answer has no key that can be used | the issuer has withdrawn its keys: they end when they were to be replaced |
/// | a fetch that was given up answers after a later one | its answer is dropped |
/// | a token names a key that is not there | one fetch, if the cooldown allows; then the name is remembered as unknown for two minutes, 64 names at most |
/// | a token names no key, or the only key has no name, and the signature is wrong | no fetch: a new key that is not named is seen when the old ones are to be replaced |
/// | a [`Clock`](auth_core::Clock) goes back | time stands still, and the keys with it, until the clock is where it was; [`SystemClock`](auth_core::SystemClock) never does |
///
/// Keys of other algorithms than those that it was made for are not taken, and secrets never (RFC 8725
/// section 2.1). One key that is malformed or unknown does not spoil the set; [`RemoteKeys::report`] tells of it.
///
/// ```
/// use std::sync::Arc;
/// use auth_jwt::{Algorithm, Audience, FetchKeySet, Issuer, RemoteKeySet, RemoteVerifier, TokenPolicy};
///
/// fn verifier<F: FetchKeySet + 'static>(fetcher: F) -> Result<RemoteVerifier<F>, Box<dyn std::error::Error>> {
///     let keys = RemoteKeySet::new(fetcher, [Algorithm::Es256, Algorithm::EdDsa])?;
///     let issuer = Issuer::new("https://id.example")?;
///     let policy = TokenPolicy::access_token(issuer, Audience::new("https://api.example")?);
///     Ok(RemoteVerifier::new(Arc::new(keys), policy))
/// }
/// ```
pub struct RemoteKeySet<F> {
    fetcher: Arc<F>,
    accepted: Accepted,
    rules: Rules,
    clock: Arc<dyn Clock>,
    observer: Option<Observer>,
    /// The latest second that the clock has told.
    latest: AtomicU64,
    present: ArcSwapOption<RemoteKeys>,
    state: Mutex<State>,
}

/// Every time that can be set.
#[derive(Debug, Clone, Copy)]
struct Rules {
    cooldown: Duration,
    min_age: Duration,
    max_age: Duration,
    stale_for: Duration,
}

impl<F: FetchKeySet + 'static> RemoteKeySet<F> {
    /// The least time between the beginnings of two fetches: 30 seconds.
    pub const COOLDOWN: Duration = Duration::from_secs(30);
    /// The bounds within which that can be set.
    pub const COOLDOWN_BOUNDS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);
    /// How long keys are fresh at the least, whatever the server says: one minute.
    pub const MIN_AGE: Duration = Duration::from_secs(60);
    /// How long keys are fresh at the most, and if the server says nothing: ten minutes.
    pub const MAX_AGE: Duration = Duration::from_secs(600);
    /// The bounds within which those two can be set.
    pub const AGE_BOUNDS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(24 * 3600);
    /// How long keys are used beyond that while they cannot be fetched: one day.
    ///
    /// As long as the longest token of our own issuer lives: an outage of the server that publishes the keys
    /// need not become one of all who verify. A key that was withdrawn counts no longer than that if somebody
    /// can keep us from learning of it.
    pub const STALE_FOR: Duration = Duration::from_secs(24 * 3600);
    /// The most that can be set: a week.
    pub const MAX_STALE_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

    /// A key set that `fetcher` fetches when it is first needed, of keys for these algorithms.
    ///
    /// Name the algorithms that the issuer uses, and no others. An RSA key that does not say what it is for
    /// serves for each RSA algorithm among them.
    ///
    /// # Errors
    /// [`RemoteKeySetError::NoAlgorithm`], or [`RemoteKeySetError::Symmetric`] if one is an HMAC.
    pub fn new(
        fetcher: F,
        algorithms: impl IntoIterator<Item = Algorithm>,
    ) -> Result<Self, RemoteKeySetError> {
        let (cooldown, min_age, max_age) = (Self::COOLDOWN, Self::MIN_AGE, Self::MAX_AGE);
        Ok(Self {
            fetcher: Arc::new(fetcher),
            accepted: Accepted::new(algorithms)?,
            rules: Rules { cooldown, min_age, max_age, stale_for: Self::STALE_FOR },
            clock: Arc::new(SystemClock),
            observer: None,
            latest: AtomicU64::new(0),
            present: ArcSwapOption::empty(),
            state: Mutex::default(),
        })
    }

    /// The same with another cooldown, in whole seconds.
    ///
    /// # Errors
    /// [`RemoteKeySetError::OutOfBounds`] outside of [`COOLDOWN_BOUNDS`](Self::COOLDOWN_BOUNDS).
    pub fn with_cooldown(mut self, cooldown: Duration) -> Result<Self, RemoteKeySetError> {
        self.rules.cooldown = within(cooldown, Self::COOLDOWN_BOUNDS)?;
        Ok(self)
    }

    /// The same with other bounds for how long keys are fresh, in whole seconds.
    ///
    /// # Errors
    /// [`RemoteKeySetError::OutOfBounds`] outside of [`AGE_BOUNDS`](Self::AGE_BOUNDS), or if the least is more
    /// than the most.
    pub fn with_ages(mut self, ages: RangeInclusive<Duration>) -> Result<Self, RemoteKeySetError> {
        let (min, max) = (within(*ages.start(), Self::AGE_BOUNDS)?, within(*ages.end(), Self::AGE_BOUNDS)?);
        self.rules.max_age = within(max, min..=max)?;
        self.rules.min_age = min;
        Ok(self)
    }

    /// The same with another time for which keys are used that could not be replaced, in whole seconds. Zero
    /// is never.
    ///
    /// # Errors
    /// [`RemoteKeySetError::OutOfBounds`] beyond [`MAX_STALE_FOR`](Self::MAX_STALE_FOR).
    pub fn with_stale_for(mut self, stale_for: Duration) -> Result<Self, RemoteKeySetError> {
        self.rules.stale_for = within(stale_for, Duration::ZERO..=Self::MAX_STALE_FOR)?;
        Ok(self)
    }

    /// The same with keys of another backend.
    #[must_use]
    pub fn with_backend(mut self, backend: Backend) -> Self {
        self.accepted = self.accepted.with_backend(backend);
        self
    }

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same, telling `observer` of every fetch that has ended, for logs and metrics. It is called while
    /// requests wait, so it returns at once.
    #[must_use]
    pub fn with_observer(
        mut self,
        observer: impl Fn(Result<&RemoteKeys, &RefreshError>) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// The keys to verify with: those that are there, fetched first if there are none or if they are too old.
    ///
    /// Called at start-up, it saves the first request the wait.
    ///
    /// # Errors
    /// [`KeysUnavailable`] if there are none that may be used.
    pub async fn current(&self) -> Result<Arc<RemoteKeys>, KeysUnavailable> {
        if let Some(keys) = self.fresh() {
            return Ok(keys);
        }
        let usable = || self.present().filter(|keys| self.now() < keys.usable_until());
        if let Some(keys) = usable()
            && self.state().is_left_to_another(self.now(), self.rules.cooldown, keys.fresh_until())
        {
            return Ok(keys);
        }
        let failed = self.fetch_once().await.err();
        usable().ok_or(KeysUnavailable(failed.flatten()))
    }

    /// Fetches the keys, unless a fetch began within the cooldown. Called by a timer of yours, a little more
    /// often than the keys get old, it saves requests the wait.
    ///
    /// # Errors
    /// [`KeysUnavailable`] if there are no keys that may be used. That a fetch failed is no error while there
    /// are; [`last_error`](Self::last_error) tells.
    pub async fn refresh(&self) -> Result<Arc<RemoteKeys>, KeysUnavailable> {
        let failed = self.fetch_once().await.err();
        let present = self.present().filter(|keys| self.now() < keys.usable_until());
        present.ok_or(KeysUnavailable(failed.flatten()))
    }

    /// The keys, if they need not be fetched. Takes no lock.
    pub(crate) fn fresh(&self) -> Option<Arc<RemoteKeys>> {
        self.present().filter(|keys| self.now() < keys.fresh_until())
    }

    /// Waits for the fetch that is under way, or for a new one. An error holds the reason of the last fetch's
    /// failure; if the cooldown is not over, so does it.
    async fn fetch_once(&self) -> Result<(), Option<Arc<RefreshError>>> {
        loop {
            let flight = match self.turn() {
                Turn::Wait(flight) => flight,
                Turn::Cooling(None) => return Ok(()),
                Turn::Cooling(failed) => return Err(failed),
            };
            Arc::clone(&flight).wait(|flight: &Flight, landed| self.land(flight, landed)).await;
            let state = self.state();
            if state.landed >= flight.number {
                return state.last_error.clone().map_or(Ok(()), |error| Err(Some(error)));
            }
            // It was given up for another, which this caller now waits for. A cooldown has passed since.
        }
    }

    /// What a caller who wants a fetch does now.
    fn turn(&self) -> Turn {
        let now = self.now();
        let mut state = self.state();
        if let Some(turn) = state.turn(now, self.rules.cooldown) {
            return turn;
        }
        let fetcher = Arc::clone(&self.fetcher);
        let (flight, given_up) = state.begin(now, Box::pin(async move { fetcher.fetch().await }));
        drop(state);
        if let Some(given_up) = given_up {
            given_up.give_up();
        }
        Turn::Wait(flight)
    }

    /// Takes in what a fetch has brought.
    fn land(&self, flight: &Flight, landed: Landed) {
        let read = match landed {
            Some(Ok(fetched)) => self.accepted.read(&fetched).map_err(RefreshError::from),
            Some(Err(error)) => Err(error.into()),
            None => Err(RefreshError::Panicked),
        };
        let mut state = self.state();
        if !state.land(flight) {
            return;
        }
        let present = self.present();
        let told = match read {
            Ok(read) => {
                let keys = Arc::new(RemoteKeys::new(read, flight, present.as_deref(), &self.rules));
                if present.is_none_or(|present| present.keys().generation() != keys.keys().generation()) {
                    state.unknown.clear();
                }
                self.present.store(Some(Arc::clone(&keys)));
                state.last_error = None;
                Ok(keys)
            }
            Err(error) => {
                if error.is_withdrawal() {
                    self.present.store(present.map(|present| Arc::new(present.withdrawn())));
                }
                let error = Arc::new(error);
                state.fail(flight, Arc::clone(&error));
                Err(error)
            }
        };
        drop(state);
        if let Some(observer) = &self.observer {
            observer(told.as_deref().map_err(|error| &**error));
        }
    }
}

impl<F> RemoteKeySet<F> {
    /// The keys that are there, however old they are.
    #[must_use]
    pub fn present(&self) -> Option<Arc<RemoteKeys>> {
        self.present.load_full()
    }

    /// Why the last fetch failed; `None` if it did not.
    #[must_use]
    pub fn last_error(&self) -> Option<Arc<RefreshError>> {
        self.state().last_error.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never goes backwards, even if the clock does.
    fn now(&self) -> UnixTime {
        let now = self.clock.now().as_secs();
        let latest = self.latest.load(Ordering::Relaxed);
        if now <= latest {
            return UnixTime::from_secs(latest);
        }
        UnixTime::from_secs(self.latest.fetch_max(now, Ordering::Relaxed).max(now))
    }
}

impl<F> fmt::Debug for RemoteKeySet<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeySet")
            .field("accepted", &self.accepted)
            .field("rules", &self.rules)
            .field("present", &self.present())
            .finish_non_exhaustive()
    }
}

fn within(found: Duration, bounds: RangeInclusive<Duration>) -> Result<Duration, RemoteKeySetError> {
    let whole = Duration::from_secs(found.as_secs());
    if bounds.contains(&whole) && found <= *bounds.end() {
        return Ok(whole);
    }
    let (min, max) = bounds.into_inner();
    Err(RemoteKeySetError::OutOfBounds { min, max })
}
