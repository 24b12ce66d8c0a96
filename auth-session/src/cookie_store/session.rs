//! The session of one request, from its cookie and back into one.

use std::{fmt, sync::Arc};

use auth_core::{
    AuditEvent, Authenticated, Authentication, Login, Refusal, SessionBlob, SessionId, SessionOwner,
    StoreError, Unavailable, UnixTime,
};

use super::{
    Engine,
    revocation::{Ended, Ending, Irrevocable, Revocable, Revocation},
    seal::Sealed,
};
use crate::{
    cookie::{CookieTemplate, SetCookie},
    data::{self, DataError, SessionData},
    session::{StartError, goes_along},
};

/// The session of one request that is nothing but a cookie: who is logged in, and the application's data.
///
/// All changes are made here; [`commit`](Self::commit) makes the cookie that holds them. Of two requests at once, the
/// browser keeps the cookie of the one that answers last: keep no counters in it, nothing that may be used once, and
/// nothing that must not come back.
#[must_use = "without its cookie a login is lost"]
pub struct CookieSession<R: Revocation = Irrevocable> {
    engine: Arc<Engine>,
    revocation: R,
    sealed: Option<Sealed>,
    authenticated: Option<Authenticated>,
    /// The data as the application wants it.
    wanted: SessionBlob,
    /// Whether a session began in this request.
    begun: bool,
    carried: Carried,
    /// Whether the request logged out.
    left: bool,
}

/// What a request carries under the name of our cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried {
    Nothing,
    /// What we did not seal.
    Foreign,
    /// What we sealed, whether or not it still opens anything.
    Ours,
}

/// A session did not become a cookie. The browser keeps the one that it has.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// With its attributes it would have more than 4096 bytes, of which browsers drop a cookie in silence. Keep less,
    /// or keep it elsewhere: login and data together have room for about 2,900 bytes.
    #[error("session is larger than a cookie of 4096 bytes")]
    TooLarge,
    /// There is no randomness.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<SealError> for Refusal {
    /// 503: what the application wants to keep does not go in.
    fn from(error: SealError) -> Self {
        match error {
            SealError::TooLarge => StoreError::not_written(error).into(),
            SealError::Unavailable(unavailable) => unavailable.into(),
        }
    }
}

impl<R: Revocation> CookieSession<R> {
    pub(super) fn opened(
        engine: Arc<Engine>,
        revocation: R,
        sealed: Option<Sealed>,
        carried: Carried,
    ) -> Self {
        let wanted = sealed.as_ref().map_or_else(SessionBlob::empty, |sealed| sealed.data.clone());
        let mut session = Self {
            engine,
            revocation,
            sealed: None,
            authenticated: None,
            wanted,
            begun: false,
            carried,
            left: false,
        };
        session.adopt(sealed);
        session
    }

    /// Proof that the request acts for a principal, or `None` while nobody is logged in.
    ///
    /// What it proves is that somebody logged in, that no deadline has passed, and that the account's epoch was the
    /// login's when it was last asked for. Without a [list](Revocable), it is no proof that they have not logged out.
    #[must_use]
    pub fn authenticated(&self) -> Option<&Authenticated> {
        self.authenticated.as_ref()
    }

    /// The session's public id, or `None` while there is no session. It may be shown and logged.
    #[must_use]
    pub fn id(&self) -> Option<SessionId> {
        self.sealed.as_ref().map(|sealed| sealed.id)
    }

    /// When the session began, or `None` while there is none.
    #[must_use]
    pub fn created_at(&self) -> Option<UnixTime> {
        self.sealed.as_ref().map(|sealed| sealed.created_at)
    }

    /// When the session ends if it is not used any more, or `None` while there is none.
    #[must_use]
    pub fn ends_at(&self) -> Option<UnixTime> {
        self.sealed.as_ref().map(Sealed::ends_at)
    }

    /// The value of a slot, with what this request has changed.
    ///
    /// # Errors
    /// [`DataError::Version`] and [`DataError::Decode`] if what is in the cookie is not a `T`.
    pub fn get<T: SessionData>(&self) -> Result<Option<T>, DataError> {
        data::decode(&self.wanted)
    }

    /// Sets a slot. Whether it all goes into a cookie is known in [`commit`](Self::commit).
    ///
    /// # Errors
    /// [`DataError::Encode`], and [`DataError::Full`] beyond what any session may hold.
    pub fn set<T: SessionData>(&mut self, value: &T) -> Result<(), DataError> {
        self.wanted = data::encode(&self.wanted, value)?;
        Ok(())
    }

    /// Removes a slot, whatever it holds.
    pub fn remove<T: SessionData>(&mut self) {
        self.wanted = self.wanted.without_slot(data::name::<T>());
    }

    /// Begins a session with a login, under a new id. [`commit`](Self::commit) makes its cookie.
    ///
    /// Data goes along where it is the same person's: what was set while nobody was logged in, and the data of the same
    /// principal with the same limits and the same actor. The session that the request carried is ended if there is a
    /// [list](Revocable), and if it had ended meanwhile, no data goes along. Without one, a copy of its cookie works on.
    ///
    /// # Errors
    /// [`StartError`]; then nobody new is logged in.
    pub async fn start(&mut self, login: Login) -> Result<SessionId, StartError> {
        let now = self.engine.clock.now();
        let authentication = Arc::new(login.into_authentication());
        let owner = SessionOwner::new(authentication.principal.clone(), &self.engine.keys);
        let id = SessionId::for_owner(&owner, &self.engine.entropy).map_err(Unavailable::from)?;
        if !self.engine.admits(&authentication, &id, now).await? {
            return Err(StartError::Outdated);
        }
        let mut had_ended = false;
        if let Some(before) = &self.sealed {
            let ending = self.revocation.end(&before.id, before.absolute_until, now).await?;
            had_ended = ending == Ending::Before;
            if ending == Ending::Now {
                self.engine.audit.record(now, &AuditEvent::SessionEnded { session: before.id, why: "login" });
            }
        }
        // What ended since this request was opened takes its data along.
        if had_ended || !goes_along(self.authenticated(), &authentication) {
            self.wanted = SessionBlob::empty();
        }
        let principal = Some(authentication.principal.clone());
        let sealed = self.begin(id, Some(authentication), now);
        self.adopt(Some(sealed));
        self.begun = true;
        self.engine.audit.record(now, &AuditEvent::SessionStarted { session: id, principal });
        Ok(id)
    }

    /// Makes the cookie to send, or `None` if the browser's is right as it is. Send it with
    /// `Cache-Control: no-store`.
    ///
    /// - Data that changed, and a cookie that is [old enough](crate::CookieSessionPolicy::renew_after), make a new one;
    ///   an idle deadline moves with it, and never beyond the absolute one.
    /// - Data of a visitor without a session begins an anonymous one; one without data is cleared. Both take the place of
    ///   whatever the browser holds by then, a newer login's cookie too, also if this request's opens nothing any more.
    /// - A cookie is cleared by logging out, and if we never sealed it. One whose session is over is left alone: this
    ///   answer may arrive after that of a newer login, and would clear that one's.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn commit(mut self) -> Result<Option<SetCookie>, SealError> {
        let now = self.engine.clock.now();
        if self.authenticated.is_none() && self.wanted.is_empty() {
            let clears = match self.carried {
                Carried::Nothing => false,
                Carried::Foreign => true,
                Carried::Ours => self.left || self.sealed.is_some(),
            };
            return Ok(clears.then(|| self.engine.policy.cookie().clear()));
        }
        let sealed = match self.sealed.take() {
            Some(sealed) => sealed,
            None => {
                self.begun = true;
                let id = SessionId::anonymous(&self.engine.entropy).map_err(Unavailable::from)?;
                self.begin(id, None, now)
            }
        };
        let policy = &self.engine.policy;
        let due = now.since(sealed.sealed_at) >= policy.renew_after();
        if !self.begun && !due && self.wanted == sealed.data {
            return Ok(None);
        }
        let idle_until = now.saturating_add(policy.idle()).min(sealed.absolute_until);
        let sealed = Sealed { sealed_at: now, idle_until, data: self.wanted.clone(), ..sealed };
        let value = sealed
            .seal(&self.engine.keys, policy.cookie().name(), &self.engine.entropy)
            .map_err(Unavailable::from)?
            .ok_or(SealError::TooLarge)?;
        let cookie = policy.cookie().set(&value, sealed.absolute_until.since(now), false);
        if cookie.expose().len() > CookieTemplate::MAX_LEN {
            Err(SealError::TooLarge)
        } else {
            Ok(Some(cookie))
        }
    }

    fn begin(&self, id: SessionId, authentication: Option<Arc<Authentication>>, now: UnixTime) -> Sealed {
        let policy = &self.engine.policy;
        Sealed {
            id,
            authentication,
            created_at: now,
            sealed_at: now,
            idle_until: now.saturating_add(policy.idle()),
            absolute_until: now.saturating_add(policy.absolute()),
            data: SessionBlob::empty(),
        }
    }

    fn adopt(&mut self, sealed: Option<Sealed>) {
        let authentication = sealed.as_ref().and_then(|sealed| sealed.authentication.clone());
        self.authenticated = authentication.map(Authenticated::shared_assertion);
        self.sealed = sealed;
    }

    fn leave(&mut self) {
        self.left = true;
        self.adopt(None);
        self.wanted = SessionBlob::empty();
    }
}

impl CookieSession<Irrevocable> {
    /// Makes the browser forget its session; [`commit`](Self::commit) clears the cookie. **It ends nothing**: a copy of
    /// the cookie works until a deadline, or until the account's epoch is raised.
    pub fn forget(&mut self) {
        self.leave();
    }
}

impl CookieSession<Revocable> {
    /// Logs out: puts the session on the list, so that no copy of its cookie opens it, and has
    /// [`commit`](Self::commit) clear the cookie. Answers whether this call ended one.
    ///
    /// # Errors
    /// [`StoreError`]. The session then goes on unless [it may have been written](StoreError::written); the call may be
    /// repeated.
    pub async fn end(&mut self) -> Result<bool, StoreError> {
        let Some(sealed) = &self.sealed else {
            self.leave();
            return Ok(false);
        };
        let now = self.engine.clock.now();
        let ended = self.revocation.end(&sealed.id, sealed.absolute_until, now).await? == Ending::Now;
        if ended {
            self.engine.audit.record(now, &AuditEvent::SessionEnded { session: sealed.id, why: "logout" });
        }
        self.leave();
        Ok(ended)
    }
}

impl<R: Revocation> fmt::Debug for CookieSession<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieSession")
            .field("id", &self.id())
            .field("principal", &self.authenticated().map(Authenticated::principal))
            .field("data", &self.wanted)
            .field("revocation", &self.revocation)
            .finish_non_exhaustive()
    }
}
