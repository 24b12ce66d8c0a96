#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "test code"))]

mod cookie;
mod csrf;
mod data;
mod epochs;
mod incoming;
mod outgoing;
mod policy;
mod session;
mod sessions;

pub use {
    cookie::{CookieError, CookieName, CookiePolicy, CookieTemplate, SameSite, SetCookie},
    csrf::{
        CrossSite, CrossSiteReason, CsrfPolicy, CsrfRequest, CsrfTokens, Origin, OriginError, TokenMatched,
    },
    data::{DataError, SessionData},
    epochs::EpochCheck,
    incoming::{Incoming, SessionCookie},
    outgoing::{CommitError, Outgoing},
    policy::{PolicyError, SessionPolicy},
    session::{RotateError, Session, StartError, Started},
    sessions::Sessions,
};
