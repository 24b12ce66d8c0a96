//! What a request does to its session, beside logging in and out.

use std::time::Duration;

use auth_core::{Authenticated, Login, Page, Permit, Privileges, SessionId};
use auth_session::{Device, Flash, Impersonation, StartOptions, Target};

use super::Visit;
use crate::Refusal;

impl Visit {
    /// As [`log_in`](Self::log_in), with what the login says beside who it is: "remember me", the device, the place.
    ///
    /// # Errors
    /// As [`log_in`](Self::log_in).
    pub async fn log_in_with(&self, login: Login, options: StartOptions) -> Result<SessionId, Refusal> {
        self.consult();
        self.may_log_in()?;
        let form_cookie = self.0.form.successor(&self.0.auth)?;
        let mut session = self.session().await?;
        let id = session.replaceable()?.start_with(login, options).await?.id;
        self.0.form.replace(form_cookie);
        Ok(id)
    }

    /// Whom the request acts for, if they authenticated within the last `max_age`: for what should not be done with
    /// a browser that somebody left open.
    ///
    /// # Errors
    /// As [`require_user`](Self::require_user), and 401 with `insufficient_user_authentication` and `max_age`
    /// (RFC 9470 section 3) if it was longer ago.
    pub async fn require_fresh(&self, max_age: Duration) -> Result<Authenticated, Refusal> {
        let user = self.require_user().await?;
        user.fresh_within(max_age, self.0.auth.0.clock.now())?;
        Ok(user)
    }

    /// The live sessions of whoever is logged in, newest first, with the one that asks marked; none while nobody is.
    ///
    /// # Errors
    /// 401 if the request has an `Authorization` header; 503.
    pub async fn devices(&self, page: Page) -> Result<Vec<Device>, Refusal> {
        self.consult();
        Ok(self.session().await?.require()?.devices(page).await?)
    }

    /// Ends one session of whoever is logged in, by its public id. Answers whether it was theirs and alive.
    ///
    /// # Errors
    /// As [`require_user`](Self::require_user); 403 as [`log_out`](Self::log_out); 503, after which the session may
    /// live on.
    pub async fn end_device(&self, id: &SessionId) -> Result<bool, Refusal> {
        self.may_change_session()?;
        let user = self.require_user().await?;
        Ok(self.0.auth.0.sessions.end_one(user.principal(), id).await?)
    }

    /// Acts as somebody else; see [`Session::impersonate`](auth_session::Session::impersonate) for what it takes. The
    /// permit comes from [`require`](Self::require).
    ///
    /// # Errors
    /// 401 if nobody is logged in by a session; 403 if it may not be; 503.
    pub async fn impersonate<P: Impersonation>(
        &self,
        permit: Permit<P>,
        target: Target<'_>,
        privileges: &dyn Privileges,
    ) -> Result<SessionId, Refusal> {
        self.consult();
        self.may_change_session()?;
        Ok(self.session().await?.require()?.impersonate(permit, target, privileges).await?)
    }

    /// Leaves a message for the next page.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub async fn flash(&self, message: Flash) -> Result<(), Refusal> {
        self.consult();
        Ok(self.session().await?.require()?.flash(message)?)
    }

    /// The messages that wait for this page, oldest first. They are shown once.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn take_flashes(&self) -> Result<Vec<Flash>, Refusal> {
        self.consult();
        Ok(self.session().await?.require()?.take_flashes()?)
    }

    /// Whoever is logged in by the request's session.
    pub(super) async fn session_user(&self) -> Result<Option<Authenticated>, Refusal> {
        let mut session = self.session().await?;
        let session = session.require()?;
        match session.challenge() {
            // Who has to log in must be able to see the page for it, whatever else is on that.
            Some(_) if self.0.form.is_login() => Ok(None),
            Some(challenge) => Err(challenge.into()),
            None => Ok(session.authenticated().cloned()),
        }
    }
}
