//! The engine: what every session of an application has in common.

mod cookie_authenticator;
mod resume;

use std::{fmt, sync::Arc};

use auth_core::{
    AuditEvent, AuditSink, AuthEpoch, Clock, DurableAudit, EndAll, Entropy, KeyRing, Malformed, Page,
    PrincipalId, SessionId, SessionOwner, SessionStore, SessionSummary, StoreError, SystemClock,
    SystemEntropy, Unavailable, UnixTime,
};

use resume::NotResumed;
pub(crate) use resume::{Due, Live};

use crate::{
    alarms::Alarms,
    epochs::EpochCheck,
    incoming::{Carried, Incoming},
    policy::SessionPolicy,
    session::{Damaged, Session},
};

/// The sessions of an application. Cheap to clone.
///
/// A request goes through three steps: [`read`](Self::read) its cookie, [`open`](Self::open) the session if
/// the handler asks for it, [`commit`](Session::commit) it and send the cookie that comes out. Nothing here
/// knows a framework, and no future has to be finished: what was dropped half way has either happened or not.
#[derive(Clone)]
pub struct Sessions(Arc<Engine>);

#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) store: Arc<dyn SessionStore>,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) epochs: EpochCheck,
    pub(crate) audit: Arc<dyn AuditSink>,
    pub(crate) durable_audit: Option<Arc<dyn DurableAudit>>,
    pub(crate) policy: SessionPolicy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) alarms: Arc<Alarms>,
}

impl Sessions {
    /// Sessions kept in `store`, with the system's clock and randomness.
    ///
    /// `keys` make the tags in session ids, by which a principal's sessions are found together: servers that
    /// share a store share the ring, and [keep its keys](Self::end_all) as long as sessions live. There is an audit sink in any case;
    /// [`DiscardAudit`](auth_core::DiscardAudit) says that nothing is written down.
    #[must_use]
    pub fn new(
        store: Arc<dyn SessionStore>,
        keys: Arc<KeyRing>,
        epochs: EpochCheck,
        audit: Arc<dyn AuditSink>,
        policy: SessionPolicy,
    ) -> Self {
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let (durable_audit, alarms) = (None, Arc::new(Alarms::new()));
        Self(Arc::new(Engine { store, keys, epochs, audit, durable_audit, policy, clock, entropy, alarms }))
    }

    /// The same with a log that has to have it before somebody [acts as somebody else](Session::impersonate); if it cannot
    /// be written, nobody does. It is asked for nothing else, since it may keep the thread waiting until the event is
    /// safe.
    #[must_use]
    pub fn with_durable_audit(mut self, log: Arc<dyn DurableAudit>) -> Self {
        Arc::make_mut(&mut self.0).durable_audit = Some(log);
        self
    }

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        Arc::make_mut(&mut self.0).clock = clock;
        self
    }

    /// The same with another source of randomness.
    #[must_use]
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        Arc::make_mut(&mut self.0).entropy = entropy;
        self
    }

    pub(crate) const fn engine(&self) -> &Arc<Engine> {
        &self.0
    }

    /// What was decided for all sessions.
    #[must_use]
    pub fn policy(&self) -> &SessionPolicy {
        &self.0.policy
    }

    /// Reads the session cookie from the values of all `Cookie` lines of a request. Touches no store.
    ///
    /// # Errors
    /// [`Malformed`] if our cookie comes twice or the lines are too long: 400, before any work.
    pub fn read<'a>(
        &self,
        cookie_lines: impl IntoIterator<Item = &'a [u8], IntoIter: Clone>,
    ) -> Result<Incoming, Malformed> {
        Incoming::read(self.0.policy.cookie().name(), cookie_lines)
    }

    /// The session that a request belongs to.
    ///
    /// Only an id that the store knows, with the secret that goes with it, opens a session; whatever else is
    /// carried is nobody's. If the client looks unlike the one that began the
    /// session, what the policy's [`ClientCheck`](crate::ClientCheck) says is done. A use is written down if the last one
    /// that was is old enough ([`SessionPolicy::touch_after`]); so is the first use of a new secret. An old
    /// secret that comes back after its successor was used ends the session.
    ///
    /// # Errors
    /// [`Unavailable`] if a store failed: 503. It is then not known whether somebody is logged in, and the
    /// browser's cookie must be left alone. A session whose row is damaged is such an error each time: routes that log in
    /// or out use [`open_to_replace`](Self::open_to_replace), or that browser is locked out until the cookie is gone.
    pub async fn open(&self, incoming: &Incoming) -> Result<Session, Unavailable> {
        let session = self.open_to_replace(incoming).await?;
        session.damage().map_or(Ok(session), Err)
    }

    /// As [`open`](Self::open), for routes that log in or out: a session whose row the store cannot read is no error. It
    /// opens nothing and nothing is written to it, but a login may [take its place](Session::start) and a logout
    /// [end it](Session::end). Whether nobody is logged in is not known before [`Session::damage`] is `None`.
    ///
    /// Its secret cannot be compared, so whoever knows its id can have such a row removed.
    ///
    /// # Errors
    /// As [`open`](Self::open), if a store failed in any other way.
    pub async fn open_to_replace(&self, incoming: &Incoming) -> Result<Session, Unavailable> {
        let (live, damaged) = match &incoming.carried {
            Carried::Cookie(cookie) => match self.0.resume(cookie, incoming.signals).await {
                Ok(live) => (live, None),
                Err(NotResumed::Damaged(what)) => (None, Some(Damaged { id: cookie.id, what })),
                Err(NotResumed::Unavailable(error)) => return Err(error),
            },
            Carried::Nothing | Carried::Unreadable => (None, None),
        };
        Ok(Session::opened(Arc::clone(&self.0), live, damaged, incoming))
    }

    /// The live sessions of a principal, newest first: what a page of devices shows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self, principal: &PrincipalId, page: Page) -> Result<Vec<SessionSummary>, StoreError> {
        self.0.list(principal, page).await
    }

    /// Ends one session of a principal by its public id. Answers whether it was theirs and alive; an id of
    /// somebody else's session is as unknown as one that never was. One whose row is damaged is theirs if its id was
    /// made for them under a key that the ring has.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_one(&self, principal: &PrincipalId, id: &SessionId) -> Result<bool, StoreError> {
        let now = self.0.clock.now();
        let is_theirs = match self.0.store.load(id, now).await {
            Ok(found) => found.is_some_and(|record| record.principal() == Some(principal)),
            Err(error @ StoreError::Corrupt(_)) => {
                let owner = SessionOwner::new(principal.clone(), &self.0.keys);
                if !owner.tags().any(|tag| tag == id.tag()) {
                    return Err(error);
                }
                true
            }
            Err(error) => return Err(error),
        };
        if is_theirs { self.0.end(id, "revoked", now).await } else { Ok(false) }
    }

    /// Ends all sessions of a principal that are older than `epoch`, logins that are under way included.
    /// Answers how many.
    ///
    /// `epoch` is the account's new one: raise it by one in the account store first, in one transaction with what
    /// changed. To spare the session that asks for it, use [`Session::end_all_others`].
    ///
    /// Stores may find sessions by the tags in their ids, which are made under the keys of the ring: keep a key in it for
    /// the longest absolute timeout after it was current last, remembered logins and refresh tokens included. A session
    /// whose key was dropped earlier lives on, unless an [`EpochCheck`] with a source refuses it.
    ///
    /// # Errors
    /// [`StoreError`]. The call may be repeated.
    pub async fn end_all(&self, principal: &PrincipalId, epoch: AuthEpoch) -> Result<u64, StoreError> {
        self.0.end_all(principal, None, epoch).await
    }

    /// Forgets up to `limit` sessions that are past a deadline. Answers how many: call it again if that is
    /// `limit`. Nothing depends on it but the size of the store.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn purge(&self, limit: u32) -> Result<u64, StoreError> {
        self.0.store.purge(self.0.clock.now(), limit).await
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("keys", &self.0.keys)
            .field("epochs", &self.0.epochs)
            .field("policy", &self.0.policy)
            .finish_non_exhaustive()
    }
}

impl Engine {
    pub(crate) async fn list(
        &self,
        principal: &PrincipalId,
        page: Page,
    ) -> Result<Vec<SessionSummary>, StoreError> {
        let owner = SessionOwner::new(principal.clone(), &self.keys);
        self.store.list(&owner, page, self.clock.now()).await
    }

    /// Ends a session, and says so if there was one.
    pub(crate) async fn end(
        &self,
        id: &SessionId,
        why: &'static str,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let ended = self.store.remove(id).await?;
        if ended {
            self.audit.record(now, &AuditEvent::SessionEnded { session: *id, why });
        }
        Ok(ended)
    }

    /// Logs a session of nobody out, or one that cannot be read. Visitors can begin another and end that too, as often as
    /// they like.
    pub(crate) async fn end_nobodys(&self, id: &SessionId, now: UnixTime) -> Result<bool, StoreError> {
        let ended = self.store.remove(id).await?;
        if ended {
            let event = AuditEvent::SessionEnded { session: *id, why: "logout" };
            self.alarms.nobodys_ended.record(&*self.audit, now, &event);
        }
        Ok(ended)
    }

    /// Says that the store is full.
    pub(crate) fn store_is_full(&self) {
        let now = self.clock.now();
        if self.alarms.store_full(now) {
            self.audit.record(now, &AuditEvent::StoreFull { store: "sessions" });
        }
    }

    pub(crate) async fn end_all(
        &self,
        principal: &PrincipalId,
        except: Option<&SessionId>,
        epoch: AuthEpoch,
    ) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let owner = SessionOwner::new(principal.clone(), &self.keys);
        let count = self.store.end_all(EndAll { owner: &owner, except, epoch }, now).await?;
        self.audit.record(now, &AuditEvent::SessionsEnded { principal: principal.clone(), count, epoch });
        Ok(count)
    }
}
