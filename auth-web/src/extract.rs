//! What handlers take, the same in every framework.

use std::{marker::PhantomData, ops::Deref};

use auth_core::{Authenticated, Permission, Permit, Resource};
use auth_session::SessionData;

use crate::{Refusal, Visit};

/// Whoever the request acts for, by cookie, bearer token or API key, or by a password where
/// [that is set up](crate::AuthBuilder::basic). Nobody: 401, or the login page.
#[derive(Debug, Clone)]
pub struct CurrentUser(Authenticated);

impl Deref for CurrentUser {
    type Target = Authenticated;

    fn deref(&self) -> &Authenticated {
        &self.0
    }
}

/// Whoever the request acts for, if anybody: `None` only if it carries no credential, or the cookie of no live
/// session. A token that is refused is 401 and a store that fails 503.
///
/// On axum, `Option<CurrentUser>` is the same. On actix-web it is not: there it turns every error into `None`, a
/// dead store included.
#[derive(Debug, Clone)]
pub struct MaybeUser(pub Option<CurrentUser>);

/// Whoever the request's bearer token acts for, or its key where [keys](crate::AuthBuilder::api_keys) are accepted. A
/// cookie is not enough: for an API that browsers must not reach with what they add by themselves.
#[derive(Debug, Clone)]
pub struct Bearer(Authenticated);

impl Deref for Bearer {
    type Target = Authenticated;

    fn deref(&self) -> &Authenticated {
        &self.0
    }
}

/// Whoever the request's key acts for: for routes of programs. Neither a cookie nor another bearer token is enough.
#[derive(Debug, Clone)]
pub struct ApiKey(Authenticated);

impl Deref for ApiKey {
    type Target = Authenticated;

    fn deref(&self) -> &Authenticated {
        &self.0
    }
}

/// A permit for `P` on any resource of its kind: the handler runs only for those who have it.
///
/// For one resource, take a [`Visit`] and call [`require`](Visit::require).
#[derive(Debug)]
pub struct Require<P: Permission>(pub Permit<P>);

/// One slot of the request's session. What is set is written when the request was handled.
#[derive(Debug)]
pub struct Session<T> {
    visit: Visit,
    slot: PhantomData<fn() -> T>,
}

impl<T: SessionData> Session<T> {
    /// The value, or `None` if there is none.
    ///
    /// # Errors
    /// As [`Visit::get`].
    pub async fn get(&self) -> Result<Option<T>, Refusal> {
        self.visit.get().await
    }

    /// Sets the value. A visitor without a session gets one by it.
    ///
    /// # Errors
    /// As [`Visit::set`].
    pub async fn set(&self, value: &T) -> Result<(), Refusal> {
        self.visit.set(value).await
    }

    /// Removes the value: afterwards there is none. A visitor without a session gets none by it.
    ///
    /// # Errors
    /// As [`Visit::remove`].
    pub async fn remove(&self) -> Result<(), Refusal> {
        self.visit.remove::<T>().await
    }
}

impl Visit {
    pub(crate) async fn current_user(&self) -> Result<CurrentUser, Refusal> {
        self.require_user().await.map(CurrentUser)
    }

    pub(crate) async fn maybe_user(&self) -> Result<MaybeUser, Refusal> {
        Ok(MaybeUser(self.user().await?.map(CurrentUser)))
    }

    pub(crate) async fn bearer_user(&self) -> Result<Bearer, Refusal> {
        self.require_bearer().await.map(Bearer)
    }

    pub(crate) async fn api_key_user(&self) -> Result<ApiKey, Refusal> {
        self.require_api_key().await.map(ApiKey)
    }

    pub(crate) async fn permit<P: Permission>(&self) -> Result<Require<P>, Refusal> {
        self.require::<P>(&Resource::any(P::RESOURCE)).await.map(Require)
    }

    pub(crate) fn slot<T>(&self) -> Session<T> {
        Session { visit: self.clone(), slot: PhantomData }
    }
}
