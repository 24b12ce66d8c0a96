//! Logging in.

use std::sync::Arc;

use auth_core::{
    Authenticated, Authentication, Login, Refusal, Rejection, RejectionReason, SessionBlob, SessionId,
    SessionOwner, StoreError, Unavailable,
};

use crate::{
    session::{
        Session,
        new::{Beginning, New},
        options::StartOptions,
        supersede::{Changes, Handover},
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
    /// What other requests save in the old session while this one logs in goes along too; one that comes too late is
    /// told that the session ended. Two logins at once over one session are two sessions, each with its own cookie; one
    /// of them gets the data. What this request has set itself is in the new session, unless another request set the
    /// same slot meanwhile: then the login holds, and [`commit`](Self::commit) says
    /// [`Conflict`](crate::CommitError::Conflict).
    ///
    /// A session whose row is [damaged](Self::damage) is replaced as well; nothing of it goes along, and if it cannot be
    /// removed, it stays where it is and opens for nobody.
    ///
    /// It makes one call to the store, one more to end the session of before, and one more where data goes along.
    ///
    /// # Errors
    /// [`StartError`]. The session that the request carried may have ended by then: if a store does not say whether it
    /// did what it was asked, and where there is a [limit](crate::SessionPolicy::with_limit) and it was the same
    /// person's. Otherwise it is as it was, and a session that is [challenged](Self::challenge) still is.
    pub async fn start(&mut self, login: Login) -> Result<Started, StartError> {
        self.start_with(login, StartOptions::new()).await
    }

    /// As [`start`](Self::start), with what the login says beside who it is: "remember me", the device, the place.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with(&mut self, login: Login, options: StartOptions) -> Result<Started, StartError> {
        let authentication = Arc::new(login.into_authentication());
        let owner = SessionOwner::new(authentication.principal.clone(), &self.engine.keys);
        let held = self.held();
        let before = held.and_then(|live| live.authenticated.as_ref());
        let is_theirs = before.is_some_and(|before| *before.principal() == authentication.principal);
        let changes = goes_along(before, &authentication).then(|| self.changes());
        let settled = held.filter(|_| changes.is_some()).and_then(|live| live.record.terms.as_deref());
        let (terms, absolute) = options.or(settled).settle(&self.engine.policy, self.signals);
        let saved = held.map_or_else(SessionBlob::empty, |live| live.record.data.clone());
        let mut handover = changes.as_ref().map_or_else(Handover::nothing, |changes| changes.onto(&saved));
        // A session that is about to end must not count against the limit, nor another be ended for it.
        if let Some(live) = held.filter(|_| is_theirs && self.engine.policy.limit().is_some()) {
            match &changes {
                Some(changes) => handover = self.engine.end_for_next(live, changes).await?,
                None => _ = self.end_replaced(live).await?,
            }
            self.forget();
        }
        let (limit, data) = (self.engine.policy.limit(), handover.data);
        let beginning = Beginning { login: Some((authentication, &owner)), terms, absolute, limit, data };
        let (mut live, secret, ended_by_limit) = match self.engine.create(beginning).await? {
            New::Stored { live, secret, ended } => (live, secret, ended),
            New::LimitReached => return Err(StartError::LimitReached),
            New::Outdated => return Err(StartError::Outdated),
        };
        let id = live.record.id;
        let mut is_left = handover.is_left;
        if let Some(before) = self.held() {
            let replaced = match &changes {
                Some(changes) => self.engine.supersede(before, changes, &mut live).await,
                None => self.end_replaced(before).await.map(|_| false).map_err(StartError::from),
            };
            match replaced {
                Ok(left) => is_left = left,
                Err(error) => {
                    // Its secret has reached nobody.
                    let _ = self.engine.end(&id, "login", self.engine.clock.now()).await;
                    return Err(error);
                }
            }
        }
        if let Some(damaged) = self.damaged {
            // It opens for nobody, so that the login does not depend on this.
            let _ = self.engine.end(&damaged.id, "login", self.engine.clock.now()).await;
        }
        self.adopt(live, secret);
        if let Some(Changes { seen, wanted, set }) = changes.filter(|_| is_left) {
            (self.seen, self.wanted, self.set) = (seen, Some(wanted), set);
        }
        Ok(Started { id, ended_by_limit })
    }

    /// What this request makes of the data. Of a session that is challenged it has seen nothing.
    fn changes(&self) -> Changes {
        match &self.challenged {
            Some(live) => {
                let data = live.record.data.clone();
                Changes { seen: data.clone(), wanted: data, set: Vec::new() }
            }
            None => Changes { seen: self.seen.clone(), wanted: self.data().clone(), set: self.set.clone() },
        }
    }

    /// Ends a session of which nothing goes along.
    async fn end_replaced(&self, before: &Live) -> Result<bool, StoreError> {
        self.engine.end(&before.record.id, "login", self.engine.clock.now()).await
    }
}

/// Whether the data of a session, of whoever was logged in before, is that of whoever logs in.
pub(crate) fn goes_along(before: Option<&Authenticated>, login: &Authentication) -> bool {
    before.map(Authenticated::authentication).is_none_or(|before| {
        before.principal == login.principal && before.actor == login.actor && before.limits == login.limits
    })
}
