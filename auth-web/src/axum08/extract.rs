//! The extractors.

use std::convert::Infallible;

use auth_core::{Permission, Unavailable};
use auth_session::SessionData;
use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
};

use super::Mounted;
use crate::{ApiKey, Bearer, CurrentUser, MaybeUser, Refusal, Require, Session, Visit};

/// The state is proof that the layer is there, and the layer put the visit in.
fn visit(parts: &Parts) -> Result<&Visit, Refusal> {
    parts.extensions.get().ok_or_else(|| Unavailable::Overloaded.into())
}

macro_rules! extract {
    ($([$($generics:tt)*] $name:ty: $visit:ident => $how:expr;)*) => {
        $(
            impl<S: Send + Sync, $($generics)*> FromRequestParts<Mounted<S>> for $name {
                type Rejection = Refusal;

                async fn from_request_parts(parts: &mut Parts, _: &Mounted<S>) -> Result<Self, Refusal> {
                    let $visit = visit(parts)?;
                    $how
                }
            }
        )*
    };
}

extract! {
    [] Visit: visit => Ok(visit.clone());
    [] CurrentUser: visit => visit.current_user().await;
    [] MaybeUser: visit => visit.maybe_user().await;
    [] Bearer: visit => visit.bearer_user().await;
    [] ApiKey: visit => visit.api_key_user().await;
    [P: Permission] Require<P>: visit => visit.permit().await;
    [T: SessionData] Session<T>: visit => Ok(visit.slot());
}

impl<S: Send + Sync> OptionalFromRequestParts<Mounted<S>> for CurrentUser {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Mounted<S>) -> Result<Option<Self>, Refusal> {
        let MaybeUser(user) = visit(parts)?.maybe_user().await?;
        Ok(user)
    }
}

impl<S: Clone + Send + Sync> FromRequestParts<Mounted<S>> for crate::Auth {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &Mounted<S>) -> Result<Self, Infallible> {
        Ok(state.auth.clone())
    }
}
