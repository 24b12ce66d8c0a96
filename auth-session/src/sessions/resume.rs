//! From a cookie to a live session.
//!
//! A secret goes through these states; `present` of the record tells which one a request has found:
//!
//! ```text
//!                   age reached                       presented
//!   current, seen  ------------->  current, unseen  ------------>  current, seen
//!        |                          and previous                    and previous
//!        | login, privilege change        |                              |
//!        v                                | previous after 10 s          | previous after 30 s
//!   new current, no previous              v                              v
//!                                  another current                  session ends
//! ```

use auth_core::{
    AuditEvent, AuthEpoch, Authenticated, Authentication, ClientSignals, Presented, Rotated, SecretHash,
    SessionKind, SessionOwner, SessionRecord, StoreError, Unavailable, UnixTime, Written,
};

use crate::{
    client_check::WhenClientChanges, incoming::SessionCookie, policy::SessionPolicy, sessions::Engine,
};

/// A session that was found alive, as it was then. Boxed wherever it is kept: it is moved more often than
/// allocating it costs.
pub(crate) struct Live {
    pub(crate) record: SessionRecord,
    /// The hash of the secret by which the request holds it.
    pub(crate) hash: SecretHash,
    pub(crate) authenticated: Option<Authenticated>,
    /// What its secret needed then.
    pub(crate) due: Due,
    /// Whether the client looks unlike the one that began it, and must log in again.
    pub(crate) challenged: bool,
}

/// What the secret of a session in use needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    /// It is old enough to be replaced.
    Rotation,
    /// It was replaced, and the answer with the new one seems to have been lost.
    Reissue,
}

/// Why it is not known who is there.
pub(crate) enum NotResumed {
    /// The row cannot be read, whoever asks.
    Damaged(&'static str),
    Unavailable(Unavailable),
}

impl From<StoreError> for NotResumed {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<Unavailable> for NotResumed {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

impl From<NotResumed> for Unavailable {
    fn from(why: NotResumed) -> Self {
        match why {
            NotResumed::Damaged(what) => StoreError::corrupt(what).into(),
            NotResumed::Unavailable(error) => error,
        }
    }
}

impl Live {
    pub(crate) fn new(record: SessionRecord, hash: SecretHash) -> Box<Self> {
        let authenticated = record.authentication.clone().map(Authenticated::shared_assertion);
        Box::new(Self { record, hash, authenticated, due: Due::Nothing, challenged: false })
    }
}

impl Engine {
    /// How often a write that only follows another one is tried again when a third was faster.
    pub(crate) const TRIES: u32 = 8;

    /// The live session that the cookie opens.
    ///
    /// The order: what the row is, the secret, the epoch, the client; only then writes.
    pub(crate) async fn resume(
        &self,
        cookie: &SessionCookie,
        signals: ClientSignals,
    ) -> Result<Option<Box<Live>>, NotResumed> {
        let now = self.clock.now();
        let mut tries = Self::TRIES;
        loop {
            let loaded = match self.store.load(&cookie.id, now).await {
                Err(StoreError::Corrupt(what)) => return Err(NotResumed::Damaged(what)),
                loaded => loaded?,
            };
            // Straight into its box: a record is large enough for copies of it to show in what a request costs.
            let found = loaded.map(|record| Live::new(record, cookie.hash));
            let Some(mut live) = found.filter(|live| is_usable(&live.record, now)) else { return Ok(None) };
            let record = &mut live.record;
            let presented = record.present(&cookie.hash, now);
            match presented {
                Presented::Current | Presented::InGrace | Presented::LostAnswer => {}
                Presented::Unknown => return Ok(None),
                Presented::Replayed => {
                    self.end_replayed(record, now).await?;
                    return Ok(None);
                }
            }
            if let Some(authentication) = &record.authentication
                && self.epochs.asks()
            {
                // Not removed: between an account's change and the call that moves the spared session up, that
                // session looks outdated too.
                if !self.admits(authentication, record, now).await? {
                    return Ok(None);
                }
            }
            let unwritten = now.since(record.last_used_at);
            let touch_is_due = unwritten >= SessionPolicy::touch_after_of(self.policy.idle_of(record));
            match self.client_of(record, signals, touch_is_due, now) {
                None | Some(WhenClientChanges::Observe) => {}
                Some(WhenClientChanges::Challenge) => {
                    live.challenged = true;
                    // Not a use, and no proof that the secret arrived where it should.
                    return Ok(Some(live));
                }
                Some(WhenClientChanges::End) => {
                    self.end(&record.id, "client-changed", now).await?;
                    return Ok(None);
                }
            }
            if presented == Presented::Current && is_first_seen(record) {
                match self.store.rotate(&record.id, record.version, &record.secret.confirmed()).await? {
                    Rotated::Rotated => {
                        record.secret = record.secret.confirmed();
                        record.version = record.version.next();
                    }
                    Rotated::Gone => return Ok(None),
                    // Somebody else may have written it down already.
                    Rotated::Conflict if tries > 0 => {
                        tries = tries.saturating_sub(1);
                        continue;
                    }
                    // So much is going on in this session that the next request will do.
                    Rotated::Conflict => {}
                }
            }
            if touch_is_due && !self.touch(record, now).await? {
                return Ok(None);
            }
            live.due = self.due(record, presented, now);
            return Ok(Some(live));
        }
    }

    /// The row again, for a writer that was too slow, if the secret by which the request holds the session
    /// still opens it.
    pub(crate) async fn reload(&self, live: &Live) -> Result<Option<Box<Live>>, Unavailable> {
        let now = self.clock.now();
        let record = self.store.load(&live.record.id, now).await?.filter(|record| is_usable(record, now));
        let record = record.filter(|record| match record.present(&live.hash, now) {
            Presented::Current | Presented::InGrace | Presented::LostAnswer => true,
            // It may have been replaced by a privilege change, which whoever held the old one has no part in.
            Presented::Replayed | Presented::Unknown => false,
        });
        Ok(record.map(|record| Live::new(record, live.hash)))
    }

    /// What the secret of this session needs, by what the presented one means.
    pub(crate) fn due(&self, record: &SessionRecord, presented: Presented, now: UnixTime) -> Due {
        match (presented, self.policy.rotation()) {
            (Presented::LostAnswer, _) => Due::Reissue,
            (Presented::Current, Some(interval))
                if record.authentication.is_some()
                    && record.secret.age(now).is_none_or(|age| age >= interval) =>
            {
                Due::Rotation
            }
            _ => Due::Nothing,
        }
    }

    /// Whether the accounts of whoever the session is of, and of whoever really acts, are what they were.
    pub(crate) async fn admits(
        &self,
        authentication: &Authentication,
        record: &SessionRecord,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        if !self.epochs.admits(&authentication.principal, authentication.epoch, record.id.tag(), now).await? {
            return Ok(false);
        }
        let Some(actor) = &authentication.actor else { return Ok(true) };
        let epoch = record.terms.as_ref().and_then(|terms| terms.actor_epoch).unwrap_or(AuthEpoch::ZERO);
        self.epochs.admits(actor, epoch, SessionOwner::new(actor.clone(), &self.keys).tag(), now).await
    }

    /// What is to be done about the client of a request, written to the audit log if it is anything.
    fn client_of(
        &self,
        record: &SessionRecord,
        signals: ClientSignals,
        touch_is_due: bool,
        now: UnixTime,
    ) -> Option<WhenClientChanges> {
        let (principal, terms) = record.principal().zip(record.terms.as_ref())?;
        let change = signals.changed_from(&terms.signals);
        let when = self.policy.client_check().judge(change)?;
        let is_told = match when {
            // As often as its uses are; in a full store they cannot be written down, and each would be the first.
            WhenClientChanges::Observe => touch_is_due && self.alarms.challenged(&record.id, now),
            // What is challenged can come again and again; what ended, once.
            WhenClientChanges::Challenge => self.alarms.challenged(&record.id, now),
            WhenClientChanges::End => true,
        };
        if is_told {
            let (session, principal) = (record.id, principal.clone());
            let outcome = when.outcome();
            self.audit.record(now, &AuditEvent::ClientChanged { session, principal, change, outcome });
        }
        Some(when)
    }

    /// Writes down that the session is in use. A full store may refuse even that: then the session ends when it would have
    /// ended without this request, and whoever filled the store keeps nobody from theirs until then. (But who was given a
    /// new secret and has not used it: the first use must be written, or a stolen old one would go on to pass for it.)
    async fn touch(&self, record: &mut SessionRecord, now: UnixTime) -> Result<bool, Unavailable> {
        let idle_until = now.saturating_add(self.policy.idle_of(record)).min(record.absolute_until);
        match self.store.touch(&record.id, idle_until, now).await {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(StoreError::Full) => {
                self.store_is_full();
                return Ok(true);
            }
            Err(error) => return Err(error.into()),
        }
        record.last_used_at = now;
        record.idle_until = record.idle_until.max(idle_until);
        Ok(true)
    }

    /// Ends a session whose replaced secret came back, and says so.
    pub(crate) async fn end_replayed(
        &self,
        record: &SessionRecord,
        now: UnixTime,
    ) -> Result<(), Unavailable> {
        let removed = self.store.remove(&record.id).await;
        // If nothing was written, whoever tries again finds it again.
        if !removed.as_ref().is_err_and(|error| error.written() == Written::No) {
            let (session, principal) = (record.id, record.principal().cloned());
            self.audit.record(now, &AuditEvent::SessionReplayed { session, principal });
        }
        removed?;
        Ok(())
    }
}

/// A store keeps the deadlines by contract, and is not taken at its word; a refresh token's row is no
/// browser's session.
fn is_usable(record: &SessionRecord, now: UnixTime) -> bool {
    // One that a newer version has bound to a key opens by that key's proof, which nobody here can check.
    let is_bound = record.terms.as_ref().is_some_and(|terms| terms.bound_key.is_some());
    record.kind == SessionKind::Cookie && record.is_live(now) && !is_bound
}

/// Whether seeing the current secret tells something: without a previous one there is nothing to tell apart,
/// and the first request after a login writes nothing.
fn is_first_seen(record: &SessionRecord) -> bool {
    record.secret.previous.is_some() && !record.secret.seen
}
