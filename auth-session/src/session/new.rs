//! Rows of new sessions.

use std::{sync::Arc, time::Duration};

use auth_core::{
    AuditEvent, Authentication, EntropyError, Inserted, SecretState, SessionBlob, SessionId, SessionKind,
    SessionLimit, SessionOwner, SessionRecord, SessionSecret, SessionTerms, StoreError, Unavailable,
    UnixTime, Version, Written,
};

use crate::sessions::{Engine, Live};

/// What became of a new session.
pub(crate) enum New<L = Box<Live>, S = SessionSecret> {
    Stored { live: L, secret: S, ended: u32 },
    LimitReached,
    Outdated,
}

/// What a new session begins with.
#[derive(Default)]
pub(crate) struct Beginning<'a> {
    /// Who logged in, and the owner that the id is made for.
    pub(crate) login: Option<(Arc<Authentication>, &'a SessionOwner)>,
    pub(crate) terms: Option<Arc<SessionTerms>>,
    /// How long it lives in any case.
    pub(crate) absolute: Duration,
    pub(crate) limit: Option<&'a SessionLimit>,
    pub(crate) data: SessionBlob,
}

/// How often another id is tried. Ids have 128 random bits: more collisions mean that there is no randomness.
const TRIES: u32 = 3;

impl Engine {
    /// Stores a new session of a browser under an id and a secret that nobody has seen.
    pub(crate) async fn create(&self, beginning: Beginning<'_>) -> Result<New, Unavailable> {
        let now = self.clock.now();
        let Beginning { login, terms, absolute, limit, data } = beginning;
        let absolute_until = now.saturating_add(absolute);
        let of_all = if login.is_some() { self.policy.idle() } else { self.policy.anonymous().0 };
        let idle = terms.as_ref().and_then(|terms| terms.idle).unwrap_or(of_all);
        let (authentication, owner) = login.unzip();
        let make = |id: SessionId| -> Result<_, Unavailable> {
            let secret = SessionSecret::generate(&self.entropy)?;
            let record = SessionRecord {
                id,
                kind: SessionKind::Cookie,
                authentication: authentication.clone(),
                terms: terms.clone(),
                secret: SecretState::first(secret.hash(), now),
                version: Version::FIRST,
                created_at: now,
                last_used_at: now,
                idle_until: now.saturating_add(idle).min(absolute_until),
                absolute_until,
                data: data.clone(),
            };
            Ok((record, secret))
        };
        Ok(match self.insert(owner, limit, now, make).await? {
            New::Stored { live: record, secret, ended } => {
                let hash = record.secret.current;
                New::Stored { live: Live::new(record, hash), secret, ended }
            }
            New::LimitReached => New::LimitReached,
            New::Outdated => New::Outdated,
        })
    }

    /// Stores the row that `make` makes, with its secret, for an id that nobody has seen.
    pub(crate) async fn insert<S: Send>(
        &self,
        owner: Option<&SessionOwner>,
        limit: Option<&SessionLimit>,
        now: UnixTime,
        make: impl Fn(SessionId) -> Result<(SessionRecord, S), Unavailable> + Send + Sync,
    ) -> Result<New<SessionRecord, S>, Unavailable> {
        for _ in 0..TRIES {
            let id = match owner {
                Some(owner) => SessionId::for_owner(owner, &self.entropy)?,
                None => SessionId::anonymous(&self.entropy)?,
            };
            let (record, secret) = make(id)?;
            match self.store.insert(&record, limit, now).await {
                Ok(Inserted::Stored { ended }) => {
                    let principal = record.principal().cloned();
                    let is_nobodys = principal.is_none();
                    let started = AuditEvent::SessionStarted { session: id, principal };
                    if is_nobodys {
                        self.alarms.nobodys_started.record(&*self.audit, now, &started);
                    } else {
                        self.audit.record(now, &started);
                    }
                    if let Some(principal) = record.principal().filter(|_| ended > 0) {
                        let (principal, count) = (principal.clone(), ended);
                        let ended = AuditEvent::SessionsEndedByLimit { principal, count, session: id };
                        self.audit.record(now, &ended);
                    }
                    return Ok(New::Stored { live: record, secret, ended });
                }
                Ok(Inserted::LimitReached) => return Ok(New::LimitReached),
                Ok(Inserted::Outdated) => return Ok(New::Outdated),
                Ok(Inserted::Collision) => {}
                Err(error) => return Err(self.not_created(&id, error).await.into()),
            }
        }
        Err(EntropyError.into())
    }

    /// Tidies up after an insert whose outcome is bad or unknown.
    async fn not_created(&self, id: &SessionId, error: StoreError) -> StoreError {
        if matches!(error, StoreError::Full) {
            self.store_is_full();
        }
        if error.written() == Written::Unknown {
            // Nobody has the secret, so a row that stays only stands in the list of devices until it is idle.
            let _ = self.store.remove(id).await;
        }
        error
    }
}
