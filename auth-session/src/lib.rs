#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "test code"))]

mod alarms;
mod client_check;
mod cookie;
#[cfg(feature = "cookie-store")]
mod cookie_store;
mod csrf;
mod data;
mod epochs;
#[cfg(all(feature = "file-store", unix))]
mod file_store;
mod flash;
mod incoming;
mod outgoing;
mod policy;
mod refresh;
mod session;
mod sessions;

pub use {
    client_check::{ClientCheck, WhenClientChanges},
    cookie::{CookieError, CookieName, CookiePolicy, CookieTemplate, SameSite, SetCookie},
    csrf::{
        CrossSite, CrossSiteReason, CsrfPolicy, CsrfRequest, CsrfTokens, FormCookie, FormTokens, Origin,
        OriginError, TokenMatched,
    },
    data::{DataError, SessionData},
    epochs::EpochCheck,
    flash::{Flash, FlashLevel},
    incoming::{Incoming, SessionCookie},
    outgoing::{CommitError, Outgoing},
    policy::{PolicyError, SessionPolicy},
    refresh::{
        RefreshCookie, RefreshError, RefreshIssued, RefreshPolicy, RefreshToken, RefreshTokens, Refreshed,
    },
    session::{
        Device, ImpersonateError, Impersonation, RotateError, Session, StartError, StartOptions, Started,
        Target,
    },
    sessions::Sessions,
};

#[cfg(feature = "cookie-store")]
pub use cookie_store::{
    CookieSession, CookieSessionPolicy, CookieSessions, Irrevocable, Revocable, Revocation, SealError,
    SealedCookie,
};
#[cfg(all(feature = "file-store", unix))]
pub use file_store::{FileDurability, FileOptions, FileSessions, FileStoreError};
