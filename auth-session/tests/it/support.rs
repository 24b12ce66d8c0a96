//! An application with sessions, and a store that is watched.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use auth_core::{
    AuthEpoch, EndAll, Inserted, KeyName, KeyRing, MemoryAudit, MemorySessions, Page, PrincipalId, Rotated,
    Secret, SecretState, SessionBlob, SessionId, SessionLimit, SessionOwner, SessionRecord, SessionStore,
    SessionSummary, StoreError, UnixTime, Updated, Version,
    testing::{SeededEntropy, SteppedClock, block_on, login_as, login_at_epoch},
};
use auth_session::{
    CookiePolicy, EpochCheck, Incoming, Outgoing, Session, SessionData, SessionPolicy, Sessions,
};
use serde::{Deserialize, Serialize};

pub(crate) const START: UnixTime = UnixTime::from_secs(1_700_000_000);
pub(crate) const IDLE: Duration = Duration::from_secs(20 * 60);
pub(crate) const ABSOLUTE: Duration = Duration::from_secs(10 * 60 * 60);
pub(crate) const ROTATION: Duration = Duration::from_secs(10 * 60);
/// A twentieth of [`IDLE`].
pub(crate) const TOUCH: Duration = Duration::from_secs(60);

#[derive(Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Cart(pub(crate) Vec<u32>);

impl SessionData for Cart {
    const SLOT: &'static str = "cart";
    const VERSION: u16 = 1;
}

#[derive(Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Visits(pub(crate) u32);

impl SessionData for Visits {
    const SLOT: &'static str = "visits";
    const VERSION: u16 = 1;
}

/// What somebody else does just before a call of this name.
type Meanwhile = (&'static str, Box<dyn FnOnce() + Send>);

/// A store that counts its calls, and fails at one if it is told to.
pub(crate) struct Watched {
    pub(crate) inner: MemorySessions,
    calls: Mutex<BTreeMap<&'static str, u32>>,
    failing: Mutex<Option<(&'static str, Failing)>>,
    slow: AtomicBool,
    /// A session that somebody else always writes to first.
    contended: Mutex<Option<SessionId>>,
    meanwhile: Mutex<Option<Meanwhile>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failing {
    /// Before it did anything.
    Before,
    /// After it did what it was asked.
    After,
    /// The row cannot be read.
    Corrupt,
    /// There is no room for what it writes.
    Full,
}

impl Watched {
    pub(crate) fn new() -> Self {
        Self {
            inner: MemorySessions::new(10_000),
            calls: Mutex::default(),
            failing: Mutex::default(),
            slow: AtomicBool::new(false),
            contended: Mutex::default(),
            meanwhile: Mutex::default(),
        }
    }

    /// The calls since the last time, `load` left out: what was written.
    pub(crate) fn writes(&self) -> BTreeMap<&'static str, u32> {
        let mut calls = std::mem::take(&mut *self.calls.lock().unwrap());
        calls.remove("load");
        calls
    }

    /// All calls since the last time.
    pub(crate) fn calls(&self) -> u32 {
        std::mem::take(&mut *self.calls.lock().unwrap()).values().sum()
    }

    pub(crate) fn fail(&self, what: Option<(&'static str, Failing)>) {
        *self.failing.lock().unwrap() = what;
    }

    /// Makes each call wait once before it does anything and once after.
    pub(crate) fn be_slow(&self, slow: bool) {
        self.slow.store(slow, Ordering::SeqCst);
    }

    /// From now on, somebody else writes to this session before each update and each rotation of it.
    pub(crate) fn contend(&self, id: Option<SessionId>) {
        *self.contended.lock().unwrap() = id;
    }

    /// Does `what` before the next call of this name, once.
    pub(crate) fn before(&self, name: &'static str, what: impl FnOnce() + Send + 'static) {
        *self.meanwhile.lock().unwrap() = Some((name, Box::new(what)));
    }

    fn meanwhile(&self, name: &'static str) {
        let due = self.meanwhile.lock().unwrap().take_if(|(at, _)| *at == name);
        if let Some((_, what)) = due {
            what();
        }
    }

    fn write_first(&self) {
        let Some(id) = *self.contended.lock().unwrap() else { return };
        let row = block_on(self.inner.load(&id, START)).unwrap().unwrap();
        let written = block_on(self.inner.update(&id, row.version, &row.data)).unwrap();
        assert_eq!(written, Updated::Updated);
    }

    async fn pause(&self) {
        let mut pauses = u32::from(self.slow.load(Ordering::SeqCst));
        poll_fn(|context| {
            if pauses == 0 {
                return Poll::Ready(());
            }
            pauses -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    fn enter(&self, name: &'static str) -> Result<(), StoreError> {
        self.meanwhile(name);
        *self.calls.lock().unwrap().entry(name).or_default() += 1;
        if matches!(name, "update" | "rotate") {
            self.write_first();
        }
        match *self.failing.lock().unwrap() {
            Some((at, Failing::Before)) if at == name => Err(StoreError::not_written("told to")),
            Some((at, Failing::Corrupt)) if at == name => Err(StoreError::corrupt("told to")),
            Some((at, Failing::Full)) if at == name => Err(StoreError::full()),
            _ => Ok(()),
        }
    }

    fn leave<T>(&self, name: &'static str, done: T) -> Result<T, StoreError> {
        match *self.failing.lock().unwrap() {
            Some((at, Failing::After)) if at == name => Err(StoreError::unknown("told to")),
            _ => Ok(done),
        }
    }
}

macro_rules! watched {
    ($(async fn $name:ident(&self $(, $arg:ident: $ty:ty)*) -> $out:ty;)*) => {
        #[async_trait]
        impl SessionStore for Watched {
            $(
                async fn $name(&self $(, $arg: $ty)*) -> Result<$out, StoreError> {
                    self.enter(stringify!($name))?;
                    self.pause().await;
                    let done = self.inner.$name($($arg),*).await?;
                    self.pause().await;
                    self.leave(stringify!($name), done)
                }
            )*
        }
    };
}

watched! {
    async fn insert(&self, record: &SessionRecord, limit: Option<&SessionLimit>, now: UnixTime) -> Inserted;
    async fn load(&self, id: &SessionId, now: UnixTime) -> Option<SessionRecord>;
    async fn update(&self, id: &SessionId, expected: Version, data: &SessionBlob) -> Updated;
    async fn touch(&self, id: &SessionId, idle_until: UnixTime, now: UnixTime) -> bool;
    async fn rotate(&self, id: &SessionId, expected: Version, next: &SecretState) -> Rotated;
    async fn remove(&self, id: &SessionId) -> bool;
    async fn list(&self, owner: &SessionOwner, page: Page, now: UnixTime) -> Vec<SessionSummary>;
    async fn end_all(&self, what: EndAll<'_>, now: UnixTime) -> u64;
    async fn purge(&self, now: UnixTime, limit: u32) -> u64;
}

/// An application: one store, one clock, one log.
pub(crate) struct App {
    pub(crate) sessions: Sessions,
    pub(crate) store: Arc<Watched>,
    pub(crate) clock: SteppedClock,
    pub(crate) audit: Arc<MemoryAudit>,
}

pub(crate) fn keys() -> Arc<KeyRing> {
    Arc::new(KeyRing::new(KeyName::from_static("test"), Secret::new((7..).take(32).collect())).unwrap())
}

pub(crate) fn policy() -> SessionPolicy {
    SessionPolicy::new(IDLE, ABSOLUTE, CookiePolicy::default()).unwrap().rotate_every(ROTATION).unwrap()
}

impl App {
    pub(crate) fn new() -> Self {
        Self::with(policy(), EpochCheck::by_session_store_only())
    }

    pub(crate) fn with(policy: SessionPolicy, epochs: EpochCheck) -> Self {
        let store = Arc::new(Watched::new());
        let clock = SteppedClock::new(START);
        let audit = Arc::new(MemoryAudit::new(1_000));
        let sessions = Sessions::new(store.clone(), keys(), epochs, audit.clone(), policy)
            .with_clock(Arc::new(clock.clone()))
            .with_entropy(Arc::new(SeededEntropy::new(1)));
        Self { sessions, store, clock, audit }
    }

    /// The session of a request of this browser.
    pub(crate) fn open(&self, browser: &Browser) -> Session {
        self.try_open(browser).unwrap()
    }

    pub(crate) fn try_open(&self, browser: &Browser) -> Result<Session, auth_core::Unavailable> {
        block_on(self.sessions.open(&self.incoming(browser)))
    }

    /// The session of a request to log in or out.
    pub(crate) fn open_to_replace(&self, browser: &Browser) -> Session {
        block_on(self.sessions.open_to_replace(&self.incoming(browser))).unwrap()
    }

    fn incoming(&self, browser: &Browser) -> Incoming {
        let header = browser.header();
        self.sessions.read(header.as_deref().map(str::as_bytes)).unwrap()
    }

    /// Handles a request of this browser, answer included. It must succeed.
    pub(crate) fn request<T>(&self, browser: &mut Browser, handler: impl FnOnce(&mut Session) -> T) -> T {
        let mut session = self.open(browser);
        let answer = handler(&mut session);
        browser.take(block_on(session.commit())).unwrap();
        answer
    }

    pub(crate) fn log_in(&self, browser: &mut Browser, name: &str) -> SessionId {
        self.log_in_at(browser, name, 0)
    }

    pub(crate) fn log_in_at(&self, browser: &mut Browser, name: &str, epoch: u64) -> SessionId {
        let login = login_at_epoch(&user(name), START, AuthEpoch::new(epoch));
        self.request(browser, |session| block_on(session.start(login)).unwrap().id)
    }

    pub(crate) fn log_out(&self, browser: &mut Browser) {
        self.request(browser, |session| block_on(session.end()).unwrap());
    }

    /// Who a request of this browser acts for.
    pub(crate) fn who(&self, browser: &mut Browser) -> Option<String> {
        self.request(browser, |session| name_of(session))
    }

    pub(crate) fn rows(&self) -> usize {
        self.store.inner.len()
    }

    pub(crate) fn sessions_of(&self, name: &str) -> Vec<SessionId> {
        let listed = block_on(self.sessions.list(&user(name), Page::first())).unwrap();
        self.store.writes();
        listed.into_iter().map(|summary| summary.id).collect()
    }

    pub(crate) fn step(&self, by: Duration) {
        self.clock.step(by);
    }

    pub(crate) fn has_audit(&self, name: &str) -> bool {
        self.audit.has(name)
    }
}

pub(crate) fn user(name: &str) -> PrincipalId {
    PrincipalId::local_user(name).unwrap()
}

pub(crate) fn login(name: &str) -> auth_core::Login {
    login_as(&user(name), START)
}

pub(crate) fn name_of(session: &Session) -> Option<String> {
    session.authenticated().map(|who| who.principal().id().to_owned())
}

/// A browser: keeps the one cookie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Browser(pub(crate) Option<String>);

impl Browser {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn header(&self) -> Option<String> {
        self.0.as_ref().map(|value| format!("__Host-sid={value}"))
    }

    /// Takes an answer. Says what the application would be told.
    pub(crate) fn take(&mut self, outgoing: Outgoing) -> Result<(), auth_session::CommitError> {
        let (cookie, saved) = outgoing.into_parts();
        if let Some(cookie) = cookie {
            let pair = cookie.expose().split(';').next().unwrap();
            let value = pair.strip_prefix("__Host-sid=").unwrap();
            assert_eq!(cookie.clears(), value.is_empty());
            self.0 = (!cookie.clears()).then(|| value.to_owned());
        }
        saved
    }

    pub(crate) fn id_text(&self) -> &str {
        &self.0.as_ref().unwrap()[..32]
    }

    pub(crate) fn secret_text(&self) -> &str {
        &self.0.as_ref().unwrap()[33..]
    }
}
