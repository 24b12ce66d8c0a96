//! The session of one request.

mod commit;
mod devices;
mod impersonate;
mod new;
mod options;
mod start;
mod supersede;
mod transitions;

use std::{fmt, sync::Arc, time::Duration};

use auth_core::{
    Authenticated, Challenge, ClientSignals, LiveSession, SessionBlob, SessionId, SessionSecret, StoreError,
    Unavailable, UnixTime,
};

pub(crate) use new::New;
#[cfg(feature = "cookie-store")]
pub(crate) use start::goes_along;
pub use {
    devices::Device,
    impersonate::{ImpersonateError, Impersonation, Target},
    options::StartOptions,
    start::{StartError, Started},
    transitions::RotateError,
};

use crate::{
    data::{self, DataError, MergeSlot, SessionData},
    incoming::Incoming,
    sessions::{Engine, Live},
};

/// The session of one request: who is logged in, and the application's data.
///
/// Logging in, changing privilege and logging out happen when they are called. Data is changed here and
/// written by [`commit`](Self::commit), once, and only if it differs from what was there; a session that is
/// dropped has written none. [`commit`](Self::commit) also makes the cookie, so a request that called
/// [`start`](Self::start) and is not committed has logged nobody in.
///
/// ```
/// # use auth_session::{DataError, Session, SessionData};
/// # use serde::{Deserialize, Serialize};
/// #[derive(Default, Serialize, Deserialize)]
/// struct Visits(u32);
///
/// impl SessionData for Visits {
///     const SLOT: &'static str = "visits";
///     const VERSION: u16 = 1;
/// }
///
/// fn count(session: &mut Session) -> Result<u32, DataError> {
///     let Visits(before) = session.get()?.unwrap_or_default();
///     let now = before.saturating_add(1);
///     session.set(&Visits(now))?;
///     Ok(now)
/// }
/// ```
pub struct Session {
    engine: Arc<Engine>,
    live: Option<Box<Live>>,
    /// A session that the request carried and that opens nothing before somebody logs in over it.
    challenged: Option<Box<Live>>,
    /// A session that the request carried and that the store cannot read.
    damaged: Option<Damaged>,
    /// What the client that sent the request can be recognised by.
    signals: ClientSignals,
    /// The data as the application was shown it: what its changes are relative to.
    seen: SessionBlob,
    /// The data as the application wants it, once it wants another.
    wanted: Option<SessionBlob>,
    /// How the slots that were set go together with what another request set meanwhile.
    set: Vec<MergeSlot>,
    /// A secret that was made in this request and has to reach the browser.
    issued: Option<SessionSecret>,
    /// Whether the request carried a cookie of our name.
    carried: bool,
    /// Whether that cookie is cleared if there is no session in the end. One that once opened a session is not, unless
    /// this request logs out: its answer may arrive after that of a newer login, whose cookie it would clear.
    clears: bool,
    /// Whether the session ended elsewhere while this request was handled.
    lost: bool,
}

/// A row that a store cannot read.
#[derive(Clone, Copy)]
pub(crate) struct Damaged {
    pub(crate) id: SessionId,
    /// What of it.
    pub(crate) what: &'static str,
}

impl Session {
    pub(crate) fn opened(
        engine: Arc<Engine>,
        found: Option<Box<Live>>,
        damaged: Option<Damaged>,
        incoming: &Incoming,
    ) -> Self {
        let (challenged, live) = match found {
            Some(found) if found.challenged => (Some(found), None),
            found => (None, found),
        };
        let seen = live.as_ref().map_or_else(SessionBlob::empty, |live| live.record.data.clone());
        let (carried, clears) = (incoming.is_something(), incoming.is_unreadable());
        let signals = incoming.signals;
        let (wanted, set, issued, lost) = (None, Vec::new(), None, false);
        Self { engine, live, challenged, damaged, signals, seen, wanted, set, issued, carried, clears, lost }
    }

    /// Proof that the request acts for a principal, or `None` while nobody is logged in.
    ///
    /// ```compile_fail
    /// # async fn escalate(session: &mut auth_session::Session) {
    /// let proof = session.authenticated().cloned().unwrap();
    /// session.start(proof).await; // a session starts with a `Login` and nothing less
    /// # }
    /// ```
    #[must_use]
    pub fn authenticated(&self) -> Option<&Authenticated> {
        self.live.as_ref()?.authenticated.as_ref()
    }

    /// What is wanted of the client before the session that it carries opens anything, because it looks unlike the
    /// one that began it ([`ClientCheck`](crate::ClientCheck)): that somebody logs in over it. Until then, nobody is
    /// logged in and there is no data.
    #[must_use]
    pub fn challenge(&self) -> Option<Challenge> {
        let challenge = || Challenge { assurance: None, max_age: Some(Duration::ZERO) };
        self.challenged.as_ref().map(|_| challenge())
    }

    /// Why it is not known who sends the request, or `None` if it is: the store cannot read the row of the session that
    /// it carries. Only a session of [`open_to_replace`](crate::Sessions::open_to_replace) has any.
    #[must_use]
    pub fn damage(&self) -> Option<Unavailable> {
        self.damaged.map(|damaged| StoreError::corrupt(damaged.what).into())
    }

    /// Proof that a live session stands behind the request, or `None` while nobody is logged in: what an access
    /// token is issued for.
    #[must_use]
    pub fn live(&self) -> Option<LiveSession> {
        let record = &self.live.as_ref()?.record;
        let authentication = Arc::clone(record.authentication.as_ref()?);
        Some(LiveSession::assertion(record.id, authentication, record.absolute_until))
    }

    /// The session's public id, or `None` while there is no session. It may be shown and logged.
    ///
    /// A visitor whose first data was set in this request has no session before [`commit`](Self::commit).
    #[must_use]
    pub fn id(&self) -> Option<SessionId> {
        self.live.as_ref().map(|live| live.record.id)
    }

    /// When the session began, or `None` while there is none.
    #[must_use]
    pub fn created_at(&self) -> Option<UnixTime> {
        self.live.as_ref().map(|live| live.record.created_at)
    }

    /// When the session ends if it is not used any more, or `None` while there is none.
    #[must_use]
    pub fn ends_at(&self) -> Option<UnixTime> {
        self.live.as_ref().map(|live| live.record.ends_at())
    }

    /// The value of a slot, with what this request has changed. Decoded when it is asked for.
    ///
    /// # Errors
    /// [`DataError::Version`] and [`DataError::Decode`] if what is stored is not a `T`.
    pub fn get<T: SessionData>(&self) -> Result<Option<T>, DataError> {
        data::decode(self.data())
    }

    /// Sets a slot. Setting what is there already changes nothing and writes nothing.
    ///
    /// # Errors
    /// [`DataError::Encode`], and [`DataError::Full`] beyond 64 KiB or 32 slots.
    pub fn set<T: SessionData>(&mut self, value: &T) -> Result<(), DataError> {
        self.wanted = Some(data::encode(self.data(), value)?);
        let by = MergeSlot::of::<T>();
        if self.set.iter().all(|known| known.slot() != by.slot()) {
            self.set.push(by);
        }
        Ok(())
    }

    /// Removes a slot, whatever it holds.
    pub fn remove<T: SessionData>(&mut self) {
        self.wanted = Some(self.data().without_slot(data::name::<T>()));
    }

    /// Whether there is something that [`commit`](Self::commit) will write.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.wanted.as_ref().is_some_and(|wanted| *wanted != self.seen)
    }

    /// The session that a login takes the place of and a logout ends, whether it opens anything or not.
    fn held(&self) -> Option<&Live> {
        self.challenged.as_deref().or(self.live.as_deref())
    }

    /// The data, with what this request has changed.
    fn data(&self) -> &SessionBlob {
        self.wanted.as_ref().unwrap_or(&self.seen)
    }

    /// From now on this request belongs to this session, by this secret.
    fn adopt(&mut self, live: Box<Live>, secret: SessionSecret) {
        self.show(live.record.data.clone());
        (self.live, self.challenged, self.damaged) = (Some(live), None, None);
        self.issued = Some(secret);
        self.lost = false;
    }

    /// The session ended elsewhere while this request was handled. No data is kept for it from now on: the cookie of
    /// an anonymous session would take the place of a newer session's in the browser.
    fn lose(&mut self) {
        self.forget();
        self.lost = true;
    }

    /// From now on this request belongs to no session.
    fn forget(&mut self) {
        (self.live, self.challenged, self.damaged) = (None, None, None);
        self.issued = None;
        self.show(SessionBlob::empty());
    }

    /// From now on, this is what the application's changes are relative to.
    fn show(&mut self, data: SessionBlob) {
        self.seen = data;
        self.wanted = None;
        self.set.clear();
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id())
            .field("principal", &self.authenticated().map(Authenticated::principal))
            .field("data", self.data())
            .field("changed", &self.is_changed())
            .finish_non_exhaustive()
    }
}
