//! The extractors.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use auth_core::{Permission, Unavailable};
use auth_session::SessionData;

use crate::{ApiKey, Bearer, CurrentUser, MaybeUser, Refusal, Require, Session, Visit};

fn visit(request: &HttpRequest) -> Result<Visit, Refusal> {
    // `None` only where the middleware is missing.
    request.extensions().get::<Visit>().cloned().ok_or_else(|| Unavailable::Overloaded.into())
}

macro_rules! extract {
    ($([$($generics:tt)*] $name:ty: $visit:ident => $how:expr;)*) => {
        $(
            impl<$($generics)*> FromRequest for $name {
                type Error = Refusal;
                type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

                fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                    let visit = visit(request);
                    Box::pin(async move {
                        let $visit = visit?;
                        $how
                    })
                }
            }
        )*
    };
}

extract! {
    [] Visit: visit => Ok(visit);
    [] CurrentUser: visit => visit.current_user().await;
    [] MaybeUser: visit => visit.maybe_user().await;
    [] Bearer: visit => visit.bearer_user().await;
    [] ApiKey: visit => visit.api_key_user().await;
    [P: Permission] Require<P>: visit => visit.permit().await;
    [T: SessionData] Session<T>: visit => Ok(visit.slot());
}
