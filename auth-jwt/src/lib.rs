#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "test code"))]

mod access_token;
mod algorithm;
#[cfg(feature = "aws-lc-rs")]
pub mod aws_lc_rs;
mod backend;
mod base64url;
mod bearer;
mod cached;
mod claims;
mod compact;
mod context;
pub mod danger;
mod der;
mod error;
mod header;
mod issuer;
mod json;
mod jwk;
mod jws;
mod key;
mod key_set;
mod names;
mod own_claims;
mod payload;
mod pem;
mod policy;
mod registered;
mod revocations;
mod thumbprint;
mod unverified;
mod verified;
mod verifier;

pub use {
    access_token::AccessToken,
    algorithm::Algorithm,
    backend::Backend,
    bearer::{BearerAuthenticator, BearerError},
    cached::{
        CachedVerifier,
        capacity::{CacheCapacity, CacheError},
    },
    claims::Claims,
    compact::MalformedToken,
    der::KeyFormatError,
    error::{Redacted, VerifyError},
    issuer::{IssueError, IssuedToken, NewToken, TokenIssuer},
    json::{JsonError, JsonKind},
    jwk::{Jwk, JwkError},
    jws::{JwsError, JwsSignError, JwsSigner, JwsVerifier, VerifiedJws, VerifiedSignature},
    key::{
        AnySigningKey, AnyVerifyingKey, Ed25519SigningKey, Ed25519VerifyingKey, Es256SigningKey,
        Es256VerifyingKey, Es384SigningKey, Es384VerifyingKey, Es512SigningKey, Es512VerifyingKey, Hs256Key,
        Hs384Key, Hs512Key, KeyError, SignError, Signature, SignatureError,
    },
    key_set::{KeySet, KeySetError, KeySetParseError, KeySetReport, RefusedJwk},
    names::{Audience, ClientId, Issuer, KeyId},
    own_claims::OwnClaimsError,
    policy::{AudienceRule, PolicyError, TokenPolicy, TypeRule, any_audience, any_typ, typ},
    revocations::{
        RevocationStatus, Revocations,
        list::{RevocationList, RevocationListError},
        revocation::{Revocation, RevocationKind, RevocationRecord},
        store::{LoadEach, RevocationStore},
    },
    thumbprint::Thumbprint,
    unverified::UnverifiedToken,
    verified::Verified,
    verifier::{TokenBuffer, Verifier},
};

#[cfg(feature = "rsa")]
pub use key::{
    Ps256VerifyingKey, Ps384VerifyingKey, Ps512VerifyingKey, Rs256VerifyingKey, Rs384VerifyingKey,
    Rs512VerifyingKey,
};
