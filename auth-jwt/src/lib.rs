#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "test code"))]

mod access_token;
mod base64url;
mod bearer;
mod claims;
mod compact;
mod context;
mod error;
mod header;
mod hs256;
mod issuer;
mod json;
mod names;
mod own_claims;
mod payload;
mod policy;
mod registered;
mod unverified;
mod verified;
mod verifier;

pub use {
    access_token::AccessToken,
    bearer::{BearerAuthenticator, BearerError},
    claims::Claims,
    compact::MalformedToken,
    error::{Redacted, VerifyError},
    hs256::{Hs256Key, KeyError},
    issuer::{IssueError, IssuedToken, NewToken, TokenIssuer},
    json::{JsonError, JsonKind},
    names::{Audience, ClientId, Issuer, KeyId},
    own_claims::OwnClaimsError,
    policy::{AudienceRule, PolicyError, TokenPolicy, TypeRule, any_audience, any_typ, typ},
    unverified::UnverifiedToken,
    verified::Verified,
    verifier::{TokenBuffer, Verifier},
};
