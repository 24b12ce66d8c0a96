#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "test code"))]

mod access_token;
mod algorithm;
mod async_signer;
#[cfg(feature = "aws-lc-rs")]
pub mod aws_lc_rs;
mod backend;
mod base64url;
mod bearer;
mod cached;
mod claims;
mod compact;
#[cfg(feature = "conformance")]
pub mod conformance;
mod context;
pub mod danger;
mod der;
mod error;
mod header;
mod id_token;
mod introspection;
mod issuer;
mod json;
mod jwk;
mod jws;
mod key;
mod key_ring;
mod key_set;
mod logout_token;
mod names;
mod nonce;
mod own_claims;
mod payload;
mod pem;
mod policy;
mod registered;
mod remote;
mod revocations;
mod role_mapping;
mod signer;
mod thumbprint;
mod unverified;
mod verified;
mod verifier;

pub use {
    access_token::AccessToken,
    algorithm::Algorithm,
    async_signer::{AsyncSignError, AsyncSigner, DerSignatureError, RemoteSigningKey, RemoteSigningKeyError},
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
    id_token::{IdToken, IdTokenChecks, IdTokenPolicy, IdTokenVerifier},
    introspection::{ActiveToken, Introspection, IntrospectionReader},
    issuer::{IssueError, IssuedToken, IssuerKeys, NewToken, TokenIssuer},
    json::{JsonError, JsonKind},
    jwk::{Jwk, JwkError},
    jws::{JwsError, JwsSignError, JwsSigner, JwsVerifier, VerifiedJws, VerifiedSignature},
    key::{
        AnySigningKey, AnyVerifyingKey, Ed25519SigningKey, Ed25519VerifyingKey, Es256SigningKey,
        Es256VerifyingKey, Es384SigningKey, Es384VerifyingKey, Es512SigningKey, Es512VerifyingKey, Hs256Key,
        Hs384Key, Hs512Key, KeyError, SignError, Signature, SignatureError,
    },
    key_ring::{IssuerKeyRing, IssuerKeyRingError, NoSigningKey},
    key_set::{KeySet, KeySetError, KeySetParseError, KeySetReport, RefusedJwk},
    logout_token::{LogoutToken, LogoutTokenVerifier},
    names::{Audience, ClientId, Issuer, KeyId},
    nonce::Nonce,
    own_claims::OwnClaimsError,
    policy::{AudienceRule, PolicyError, TokenPolicy, TypeRule, any_audience, any_typ, audiences, typ},
    registered::Claim,
    remote::{
        CachedRemoteVerifier, FetchError, FetchKeySet, FetchedKeySet, Freshness, KeysUnavailable,
        RefreshError, RemoteKeySet, RemoteKeySetError, RemoteKeys, RemoteVerifier, RemoteVerifyError,
    },
    revocations::{
        RevocationStatus, Revocations,
        list::{RevocationList, RevocationListError},
        revocation::{Revocation, RevocationKind, RevocationRecord},
        store::{LoadEach, RevocationStore},
    },
    role_mapping::{RoleMapping, RoleMappingError},
    signer::{SignedToken, TokenBuilder, TokenSigner},
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

#[cfg(feature = "reqwest")]
pub use remote::{HttpsFetcher, HttpsFetcherError};
