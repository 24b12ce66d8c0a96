//! The sessions that are asked for, and how rows are run.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use auth_benches::Numbers;
use auth_core::{
    Clock, DiscardAudit, KeyName, KeyRing, MemorySessions, PrincipalId, SessionId, SessionRecord,
    SessionStore, SystemClock, SystemEntropy, UnixTime, testing::login_as,
};
use auth_session::{CookiePolicy, EpochCheck, Incoming, Session, SessionData, SessionPolicy, Sessions};
use serde::{Deserialize, Serialize};

/// One thing to do.
pub(crate) struct Row {
    /// Case and implementation.
    pub(crate) name: String,
    /// Does it once, and asserts the answer.
    pub(crate) run: Box<dyn FnMut()>,
}

impl Row {
    pub(crate) fn new(name: &str, run: impl FnMut() + 'static) -> Self {
        Self { name: format!("session/{name}"), run: Box::new(run) }
    }
}

/// The application's data, so that a record is not emptier than it would be.
#[derive(Serialize, Deserialize)]
pub(crate) struct Visits(pub(crate) u32);

impl SessionData for Visits {
    const SLOT: &'static str = "visits";
    const VERSION: u16 = 1;
}

/// The memory stores are ready at once, so no runtime takes part. A lock that another thread holds is waited for.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
        std::thread::yield_now();
    }
}

pub(crate) fn open(sessions: &Sessions, cookie: &[u8]) -> Session {
    let incoming = sessions.read([cookie]).unwrap();
    now(sessions.open(&incoming)).unwrap()
}

pub(crate) struct World {
    pub(crate) store: Arc<MemorySessions>,
    pub(crate) sessions: Sessions,
    /// In random order.
    pub(crate) cookies: Vec<String>,
    pub(crate) ids: Vec<SessionId>,
    pub(crate) now: UnixTime,
}

impl World {
    /// This many live sessions.
    pub(crate) fn new(count: usize) -> Self {
        let store = Arc::new(MemorySessions::new(2 * count));
        let sessions = sessions_in(Arc::clone(&store) as _);
        let mut cookies: Vec<_> = (0..count).map(|user| now(log_in(&sessions, user))).collect();
        let mut numbers = Numbers::new(1);
        for last in (1..cookies.len()).rev() {
            cookies.swap(last, numbers.below(last as u64 + 1) as usize);
        }
        let ids = cookies.iter().map(|cookie| id_of(cookie)).collect();
        Self { store, sessions, cookies, ids, now: SystemClock.now() }
    }

    pub(crate) fn record(&self, id: &SessionId) -> Option<SessionRecord> {
        // Of the store itself, not of the pointer to it, which is a store too.
        now(MemorySessions::load(&self.store, id, self.now)).unwrap()
    }
}

pub(crate) fn sessions_in(store: Arc<dyn SessionStore>) -> Sessions {
    let keys = Arc::new(KeyRing::generate(KeyName::from_static("bench"), &SystemEntropy).unwrap());
    let policy = SessionPolicy::aal1(CookiePolicy::default());
    Sessions::new(store, keys, EpochCheck::by_session_store_only(), Arc::new(DiscardAudit), policy)
}

/// Logs somebody in and yields the `Cookie` line of the next request.
pub(crate) async fn log_in(sessions: &Sessions, user: usize) -> String {
    let principal = PrincipalId::local_user(&format!("user{user}")).unwrap();
    let mut session = sessions.open(&Incoming::nothing()).await.unwrap();
    session.start(login_as(&principal, SystemClock.now())).await.unwrap();
    session.set(&Visits(1)).unwrap();
    let outgoing = session.commit().await;
    outgoing.saved().unwrap();
    let cookie = outgoing.cookie().unwrap().expose().split(';').next().unwrap().to_owned();
    // The first use of a secret may be written down; the rows are about those after it.
    let incoming = sessions.read([cookie.as_bytes()]).unwrap();
    assert!(sessions.open(&incoming).await.unwrap().authenticated().is_some());
    cookie
}

pub(crate) fn id_of(cookie: &str) -> SessionId {
    let (_, value) = cookie.split_once('=').unwrap();
    SessionId::parse(value.split_once('.').unwrap().0.as_bytes()).unwrap()
}
