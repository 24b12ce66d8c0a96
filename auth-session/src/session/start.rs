//! Logging in.

use std::sync::Arc;

use auth_core::{
    Authenticated, Authentication, Login, PrincipalId, Refusal, Rejection, RejectionReason, SessionBlob,
    SessionId, SessionOwner, SessionTerms, StoreError, Unavailable, Updated,
};

use crate::{
    session::{
        Session,
        new::{Beginning, New},
        options::StartOptions,
    },
    sessions::Live,
};

/// A session began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Started {
    /// Its public id.
    pub id: SessionId,
    /// How many older sessions of the principal ended because of a limit.
    pub ended_by_limit: u32,
}

/// A login did not become a session. The login is used up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The principal has as many sessions as the policy allows. One of them must be ended first.
    #[error("too many sessions")]
    LimitReached,
    /// The account changed since the credential was checked. Check it again.
    #[error("the login is out of date")]
    Outdated,
    /// It could not be stored. Nobody was logged in.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<StartError> for Refusal {
    fn from(error: StartError) -> Self {
        match error {
            StartError::LimitReached => Rejection::new(RejectionReason::Policy).into(),
            StartError::Outdated => Rejection::new(RejectionReason::Revoked).into(),
            StartError::Unavailable(unavailable) => unavailable.into(),
        }
    }
}

impl Session {
    /// Begins a session with a login, under a new id and a new secret, and ends the one that the request
    /// carried. [`commit`](Self::commit) makes its cookie.
    ///
    /// Data goes along where it is the same person's: what was set while nobody was logged in (a cart, where to
    /// go next), and the data of the same principal with the same limits and the same actor, so that
    /// confirming a password or a second factor loses nothing: "remember me" and the names of device and place stay
    /// too. Of anybody else's session nothing is left.
    ///
    /// Two logins at once over one session are two sessions, each with its own cookie; one of them gets the
    /// data.
    ///
    /// # Errors
    /// [`StartError`]. The session that the request carried may have ended by then.
    pub async fn start(&mut self, login: Login) -> Result<Started, StartError> {
        self.start_with(login, StartOptions::new()).await
    }

    /// As [`start`](Self::start), with what the login says beside who it is: "remember me", the device, the place.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with(&mut self, login: Login, options: StartOptions) -> Result<Started, StartError> {
        self.answer_challenge();
        let authentication = Arc::new(login.into_authentication());
        let owner = SessionOwner::new(authentication.principal.clone(), &self.engine.keys);
        let (mut data, options) = if goes_along(self.authenticated(), &authentication) {
            (self.data().clone(), options.or(self.terms()))
        } else {
            (SessionBlob::empty(), options)
        };
        let mut before = self.id();
        // A session that is about to end must not count against the limit, nor another be ended for it.
        if self.engine.policy.limit().is_some()
            && self.belongs_to(&authentication.principal)
            && let Some(id) = before.take()
        {
            if !self.engine.end(&id, "login", self.engine.clock.now()).await? {
                // It ended meanwhile, perhaps by another login that has taken the data along.
                data = SessionBlob::empty();
            }
            self.forget();
        }
        let (terms, absolute) = options.settle(&self.engine.policy, self.signals);
        let limit = self.engine.policy.limit();
        let beginning = Beginning { login: Some((authentication, &owner)), terms, absolute, limit, data };
        let (live, secret, ended_by_limit) = match self.engine.create(beginning).await? {
            New::Stored { live, secret, ended } => (live, secret, ended),
            New::LimitReached => return Err(StartError::LimitReached),
            New::Outdated => return Err(StartError::Outdated),
        };
        let id = live.record.id;
        let live = match before {
            Some(before) => self.supersede(&before, live).await?,
            None => live,
        };
        self.adopt(live, secret);
        Ok(Started { id, ended_by_limit })
    }

    fn terms(&self) -> Option<&SessionTerms> {
        self.live.as_ref()?.record.terms.as_deref()
    }

    fn belongs_to(&self, principal: &PrincipalId) -> bool {
        self.authenticated().is_some_and(|before| before.principal() == principal)
    }

    /// Ends the session that the new one takes the place of. If that fails, nothing of the new one stays: its
    /// secret has reached nobody.
    pub(super) async fn supersede(
        &self,
        before: &SessionId,
        new: Box<Live>,
    ) -> Result<Box<Live>, StartError> {
        let now = self.engine.clock.now();
        let result = match self.engine.end(before, "login", now).await {
            Ok(true) => return Ok(new),
            // It ended meanwhile, perhaps by another login that has taken the data along.
            Ok(false) => self.without_data(new).await,
            Err(error) => Err((new, error.into())),
        };
        match result {
            Ok(new) => Ok(new),
            Err((new, error)) => {
                let _ = self.engine.end(&new.record.id, "login", now).await;
                Err(error)
            }
        }
    }

    async fn without_data(&self, mut new: Box<Live>) -> Result<Box<Live>, (Box<Live>, StartError)> {
        let record = &mut new.record;
        if record.data.is_empty() {
            return Ok(new);
        }
        match self.engine.store.update(&record.id, record.version, &SessionBlob::empty()).await {
            Ok(Updated::Updated) => {
                record.version = record.version.next();
                record.data = SessionBlob::empty();
                Ok(new)
            }
            // Nobody else knows the session: only ending everything of the principal can have touched it.
            Ok(Updated::Conflict | Updated::Gone) => Err((new, StartError::Outdated)),
            Err(error) => Err((new, error.into())),
        }
    }
}

/// Whether the data of a session, of whoever was logged in before, is that of whoever logs in.
pub(crate) fn goes_along(before: Option<&Authenticated>, login: &Authentication) -> bool {
    before.map(Authenticated::authentication).is_none_or(|before| {
        before.principal == login.principal && before.actor == login.actor && before.limits == login.limits
    })
}
