//! What handlers take.

use std::{marker::PhantomData, ops::Deref};

use auth_core::{Authenticated, Permission, Permit, Resource, Unavailable};
use auth_session::SessionData;
use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
};

use super::Mounted;
use crate::{Refusal, Visit};

impl<S: Send + Sync> FromRequestParts<Mounted<S>> for Visit {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Mounted<S>) -> Result<Self, Refusal> {
        // The state is proof that the layer is there, and the layer put it in.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Unavailable::Overloaded.into())
    }
}

async fn visit<S: Send + Sync>(parts: &mut Parts, state: &Mounted<S>) -> Result<Visit, Refusal> {
    Visit::from_request_parts(parts, state).await
}

/// Whoever the request acts for, by cookie or bearer token. Nobody: 401, or the login page.
///
/// `Option<CurrentUser>` is [`MaybeUser`]: `None` only if the request carries no credential or the cookie of no
/// live session. A token that is refused is 401 and a store that fails 503, for both.
#[derive(Debug, Clone)]
pub struct CurrentUser(Authenticated);

impl Deref for CurrentUser {
    type Target = Authenticated;

    fn deref(&self) -> &Authenticated {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<Mounted<S>> for CurrentUser {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Mounted<S>) -> Result<Self, Refusal> {
        visit(parts, state).await?.require_user().await.map(Self)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<Mounted<S>> for CurrentUser {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Mounted<S>) -> Result<Option<Self>, Refusal> {
        Ok(visit(parts, state).await?.user().await?.map(Self))
    }
}

/// Whoever the request acts for, if anybody: what `Option<CurrentUser>` is too, under a name that means the same
/// in every framework.
#[derive(Debug, Clone)]
pub struct MaybeUser(pub Option<CurrentUser>);

impl<S: Send + Sync> FromRequestParts<Mounted<S>> for MaybeUser {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Mounted<S>) -> Result<Self, Refusal> {
        Ok(Self(visit(parts, state).await?.user().await?.map(CurrentUser)))
    }
}

/// Whoever the request's bearer token acts for. A cookie is not enough: for an API that browsers must not reach
/// with what they add by themselves.
#[derive(Debug, Clone)]
pub struct Bearer(Authenticated);

impl Deref for Bearer {
    type Target = Authenticated;

    fn deref(&self) -> &Authenticated {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<Mounted<S>> for Bearer {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Mounted<S>) -> Result<Self, Refusal> {
        visit(parts, state).await?.require_bearer().await.map(Self)
    }
}

/// A permit for `P` on any resource of its kind: the handler runs only for those who have it.
///
/// For one resource, take a [`Visit`] and call [`require`](Visit::require).
#[derive(Debug)]
pub struct Require<P: Permission>(pub Permit<P>);

impl<S: Send + Sync, P: Permission> FromRequestParts<Mounted<S>> for Require<P> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Mounted<S>) -> Result<Self, Refusal> {
        visit(parts, state).await?.require::<P>(&Resource::any(P::RESOURCE)).await.map(Self)
    }
}

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
}

impl<S: Send + Sync, T: SessionData> FromRequestParts<Mounted<S>> for Session<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Mounted<S>) -> Result<Self, Refusal> {
        Ok(Self { visit: visit(parts, state).await?, slot: PhantomData })
    }
}
