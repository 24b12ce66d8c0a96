// The programs of the front page need both frameworks; without them it is shown, and not run.
#![cfg_attr(any(not(doctest), all(feature = "actix4", feature = "axum08")), doc = include_str!("../README.md"))]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(any(feature = "actix4", feature = "axum08")),
    allow(
        dead_code,
        unused_imports,
        reason = "the core is there for the adapters, and every adapter is a feature"
    )
)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "test code"))]

#[cfg(feature = "actix4")]
pub mod actix4;
mod answer;
mod auth;
mod authorization;
#[cfg(feature = "axum08")]
pub mod axum08;
mod circumstances;
mod client;
mod extract;
mod next;
mod public_url;
mod refusal;
#[cfg(feature = "testing")]
pub mod testing;
mod visit;

pub use {
    auth::{Auth, AuthBuilder, SetupError},
    circumstances::{Circumstances, InformationPoint, ObligationHandler},
    client::TrustedProxies,
    extract::{ApiKey, Bearer, CurrentUser, MaybeUser, Require, Session},
    next::NextPath,
    public_url::{PublicUrl, PublicUrlError},
    refusal::Refusal,
    visit::Visit,
};
pub use {
    auth_core as core, auth_credentials as credentials, auth_jwt as jwt, auth_rbac as rbac,
    auth_session as session,
};
