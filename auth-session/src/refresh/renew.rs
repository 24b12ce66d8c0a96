//! Exchanging a refresh token for the next one.

use std::sync::Arc;

use auth_core::{
    AuditEvent, Authentication, LiveSession, Method, PrincipalId, RejectionReason, Rotated, SecretState,
    SessionRecord, StoreError, Unavailable, UnixTime,
};

use crate::{
    policy::SessionPolicy,
    refresh::{RefreshError, RefreshToken, RefreshTokens, is_usable, presented::Presented},
    sessions::Engine,
};

/// A refresh token was exchanged.
#[derive(Debug)]
#[must_use = "the token that was presented is replaced by this one"]
#[non_exhaustive]
pub struct Refreshed {
    /// For the client, in place of the one that it presented.
    pub token: RefreshToken,
    /// Proof that the session is alive: what an access token is issued for.
    pub live: LiveSession,
}

/// What one look at the row came to.
enum Step {
    Done(RefreshToken),
    /// Another writer was faster: look again.
    Again,
}

/// The ring lacks the key under which the successor was made.
#[derive(Debug, thiserror::Error)]
#[error("the key that made the current token is not in the ring")]
struct KeyMissing;

/// Too many writers.
#[derive(Debug, thiserror::Error)]
#[error("too many requests refresh the session at once")]
struct Contended;

impl RefreshTokens {
    /// Exchanges a token for the next one.
    ///
    /// However many requests present one token at once, one of them makes its successor, and all of them get it.
    /// So does a client whose answer was lost, for [a while](crate::RefreshPolicy::REISSUE_FOR). A token that comes back
    /// after its successor was used, or later than that, ends the login: two parties hold copies, and which of
    /// them is the right one cannot be known.
    ///
    /// The order: the MAC, before any store is asked; what the row is; what the token means; the epoch; only
    /// then writes. Why one is refused is written to the audit log: once a second of those that are forged, and once a
    /// minute of each login.
    ///
    /// # Errors
    /// [`RefreshError`]. After [`RefreshError::Unavailable`] the same token may be presented again.
    pub async fn refresh(&self, token: &RefreshToken) -> Result<Refreshed, RefreshError> {
        let mut principal = None;
        let exchanged = self.exchange(token, &mut principal).await;
        if let Err(RefreshError::Rejected(rejection)) = &exchanged {
            self.tell(token, rejection.reason(), principal);
        }
        exchanged
    }

    /// Writes down why a token was refused, unless the same was just written down.
    fn tell(&self, token: &RefreshToken, reason: RejectionReason, principal: Option<PrincipalId>) {
        let now = self.engine.clock.now();
        let is_told = match reason {
            RejectionReason::Signature => self.engine.alarms.forged(now),
            // Has an event of its own.
            RejectionReason::Replayed => false,
            _ => self.engine.alarms.token_refused(&token.id(), now),
        };
        if is_told {
            let method = Method::REFRESH_TOKEN;
            let event = AuditEvent::CredentialRefused { reason, method, principal, source: None };
            self.engine.audit.record(now, &event);
        }
    }

    /// As [`refresh`](Self::refresh), and says whose login the token is of as soon as it is known.
    async fn exchange(
        &self,
        token: &RefreshToken,
        principal: &mut Option<PrincipalId>,
    ) -> Result<Refreshed, RefreshError> {
        if !token.is_genuine(&self.engine.keys) {
            return Err(RejectionReason::Signature.into());
        }
        let (engine, hash) = (&self.engine, token.hash());
        for _ in 0..Engine::TRIES {
            let now = engine.clock.now();
            let record = engine.store.load(&token.id(), now).await?.filter(|record| is_usable(record, now));
            let record = record.ok_or(RejectionReason::Unknown)?;
            *principal = record.principal().cloned();
            let presented = Presented::find(&record, &hash, now);
            if presented == Presented::Replayed {
                engine.end_replayed(&record, now).await?;
                return Err(RejectionReason::Replayed.into());
            }
            let authentication = self.admitted(&record, now).await?;
            let step = match presented {
                Presented::Current => self.rotate(&record, now).await?,
                Presented::InGrace => Step::Done(self.current(&record)?),
                Presented::LostAnswer => self.reissue(&record, now).await?,
                Presented::Replayed => return Err(RejectionReason::Replayed.into()),
            };
            if let Step::Done(token) = step {
                let live = LiveSession::assertion(record.id, authentication, record.absolute_until);
                return Ok(Refreshed { token, live });
            }
        }
        Err(StoreError::not_written(Contended).into())
    }

    /// The login, if its account has not changed since and nothing else would have to be proven.
    async fn admitted(
        &self,
        record: &SessionRecord,
        now: UnixTime,
    ) -> Result<Arc<Authentication>, RefreshError> {
        let authentication = record.authentication.clone().ok_or(RejectionReason::Unknown)?;
        // A token that is bound to a key proves nothing without the key.
        if record.terms.as_ref().is_some_and(|terms| terms.bound_key.is_some()) {
            return Err(RejectionReason::WrongUse.into());
        }
        if !self.engine.admits(&authentication, record, now).await? {
            return Err(RejectionReason::Revoked.into());
        }
        Ok(authentication)
    }

    /// Replaces the current token. The use is written first: nothing that can fail comes after the rotation.
    async fn rotate(&self, record: &SessionRecord, now: UnixTime) -> Result<Step, RefreshError> {
        let idle = self.policy.idle_of(record.terms.as_deref());
        if now.since(record.last_used_at) >= SessionPolicy::touch_after_of(idle) {
            self.touch(record, now).await?;
        }
        let counter = record.secret.generation.saturating_add(1);
        let next = RefreshToken::make(&self.engine.keys, record.id, counter);
        self.write(record, &record.secret.rotated(next.hash(), now), next).await
    }

    /// Hands the current token out once more, and counts it. The use is written first: whoever comes at the same
    /// time and sees the count sees the time too.
    async fn reissue(&self, record: &SessionRecord, now: UnixTime) -> Result<Step, RefreshError> {
        let token = self.current(record)?;
        self.touch(record, now).await?;
        let reissued = record.secret.reissued.saturating_add(1);
        let step = self.write(record, &SecretState { reissued, ..record.secret.clone() }, token).await?;
        if matches!(step, Step::Done(_)) {
            self.engine.audit.record(now, &AuditEvent::SessionReissued { session: record.id });
        }
        Ok(step)
    }

    /// The current token, made again.
    fn current(&self, record: &SessionRecord) -> Result<RefreshToken, Unavailable> {
        let state = &record.secret;
        RefreshToken::remake(&self.engine.keys, record.id, state.generation, &state.current)
            // Another server has made it under a key that is new here.
            .ok_or_else(|| Unavailable::Keys(KeyMissing.into()))
    }

    async fn write(
        &self,
        record: &SessionRecord,
        next: &SecretState,
        token: RefreshToken,
    ) -> Result<Step, RefreshError> {
        match self.engine.store.rotate(&record.id, record.version, next).await? {
            Rotated::Rotated => Ok(Step::Done(token)),
            Rotated::Conflict => Ok(Step::Again),
            Rotated::Gone => Err(RejectionReason::Unknown.into()),
        }
    }

    async fn touch(&self, record: &SessionRecord, now: UnixTime) -> Result<(), RefreshError> {
        let idle = self.policy.idle_of(record.terms.as_deref());
        let idle_until = now.saturating_add(idle).min(record.absolute_until);
        if self.engine.store.touch(&record.id, idle_until, now).await? {
            Ok(())
        } else {
            Err(RejectionReason::Unknown.into())
        }
    }
}
