//! Traits that a type must not have, checked by the compiler while this file is built: where a type has the trait,
//! the call below is ambiguous.

use std::{
    fmt::{Display, LowerHex},
    hash::Hash,
};

use auth_core::{
    Action, Authenticated, CredentialBlob, Denial, DerivedKey, FactorPassed, KeyRing, LiveSession, Login,
    PendingLogin, Permission, Permit, ResourceKind, Secret, SecretHash, SessionSecret,
};
use auth_credentials::{
    ApiKeyCredential, Link, MailAddress, NewApiKey, OneTimeToken, OtpKey, OtpUri, Password, PasswordHash,
    RecoveryCode,
};
use auth_jwt::{
    AccessToken, ActiveToken, AnySigningKey, AnyVerifyingKey, Ed25519SigningKey, Es256SigningKey,
    Es256VerifyingKey, Hs256Key, IdToken, IssuedToken, KeySet, LogoutToken, Nonce, SignedToken,
    UnverifiedToken, Verified, VerifiedJws, VerifiedSignature,
};
use auth_session::{Outgoing, Session, SessionCookie, SetCookie};
use auth_web::{CurrentUser, Require, axum08::Mounted};
use axum::extract::FromRequestParts;
use serde::{Serialize, de::DeserializeOwned};

macro_rules! never {
    ($($type:ty: $($bound:path),+;)+) => {
        $($({
            trait AmbiguousIfBoth<Marker> {
                fn check() {}
            }
            struct HasIt;
            impl<T: ?Sized> AmbiguousIfBoth<()> for T {}
            impl<T: ?Sized + $bound> AmbiguousIfBoth<HasIt> for T {}
            <$type as AmbiguousIfBoth<_>>::check();
        })+)+
    };
}

/// A permission for the checks below.
struct Never;
impl Permission for Never {
    const ACTION: Action = Action::from_static("never");
    const RESOURCE: ResourceKind = ResourceKind::from_static("never");
}

/// A proof that can be copied is used twice; one that can be read back from text, or made from nothing, is forged.
#[test]
fn proofs_are_not_copied_made_of_nothing_or_read_back() {
    never! {
        FactorPassed: Clone, Default, Serialize, DeserializeOwned;
        Login: Clone, Default, Serialize, DeserializeOwned;
        PendingLogin: Clone, Default, Serialize, DeserializeOwned;
        Permit: Clone, Default, Serialize, DeserializeOwned;
        Authenticated: Default, Serialize, DeserializeOwned, Into<Login>, Into<FactorPassed>;
        Login: From<Authenticated>, From<FactorPassed>, From<PendingLogin>, From<LiveSession>;
        LiveSession: Clone, Default, Serialize, DeserializeOwned, From<Authenticated>;
        Verified: Default, Serialize, DeserializeOwned, From<UnverifiedToken>;
        Verified: From<IdToken>, From<LogoutToken>, From<ActiveToken>, From<VerifiedJws<'static>>;
        IdToken: Default, Serialize, DeserializeOwned, From<Verified>, From<LogoutToken>, From<ActiveToken>;
        LogoutToken: Default, Serialize, DeserializeOwned, From<Verified>, From<IdToken>;
        ActiveToken: Default, Serialize, DeserializeOwned, From<Verified>, From<IdToken>;
        VerifiedJws<'static>: Default, Serialize, From<Vec<u8>>, From<Verified>;
        VerifiedSignature: Default, Serialize, DeserializeOwned;
        Session: Clone, Default;
        Outgoing: Clone;
        Denial: Default, Into<Permit>;
    }
}

/// What is pending, or stated elsewhere, is nothing that a request brings along; and what it brings
/// along opens nothing else.
#[test]
fn proofs_are_not_extracted_and_extractors_are_no_logins() {
    never! {
        PendingLogin: FromRequestParts<Mounted<()>>, FromRequestParts<()>;
        FactorPassed: FromRequestParts<Mounted<()>>, FromRequestParts<()>;
        Login: FromRequestParts<Mounted<()>>, FromRequestParts<()>, From<CurrentUser>;
        LiveSession: FromRequestParts<Mounted<()>>, FromRequestParts<()>, From<CurrentUser>;
        Permit: FromRequestParts<Mounted<()>>, FromRequestParts<()>;
        CurrentUser: FromRequestParts<()>, From<PendingLogin>, From<FactorPassed>, Default, DeserializeOwned;
        Require<Never>: FromRequestParts<()>, Clone, Default;
        Mounted<()>: Default, From<()>;
    }
}

/// A secret in a log or an answer, and a comparison that can be timed.
#[test]
fn secrets_are_not_printed_compared_or_serialised() {
    never! {
        Secret: Display, LowerHex, AsRef<[u8]>, PartialEq, PartialOrd, Hash, Default;
        Secret: Serialize, DeserializeOwned;
        SessionSecret: Display, LowerHex, AsRef<[u8]>, PartialEq, PartialOrd, Hash, Default;
        SessionSecret: Serialize, DeserializeOwned;
        DerivedKey: Display, LowerHex, AsRef<[u8]>, PartialEq, PartialOrd, Hash, Default;
        DerivedKey: Serialize, DeserializeOwned;
        Password: Display, LowerHex, AsRef<[u8]>, AsRef<str>, PartialEq, PartialOrd, Hash, Default;
        Password: Serialize;
        Hs256Key: Display, AsRef<[u8]>, PartialEq, Hash, Default, Serialize, DeserializeOwned;
        Es256SigningKey: Display, AsRef<[u8]>, PartialEq, Hash, Default, Serialize, DeserializeOwned;
        Ed25519SigningKey: Display, AsRef<[u8]>, PartialEq, Hash, Default, Serialize, DeserializeOwned;
        AnySigningKey: Display, AsRef<[u8]>, PartialEq, Hash, Default, Serialize, DeserializeOwned;
        AnyVerifyingKey: Display, AsRef<[u8]>, PartialEq, Hash, Default, Serialize, DeserializeOwned;
        SignedToken: Display, AsRef<str>, PartialEq, Hash, Default, Serialize;
        Nonce: Display, AsRef<str>, PartialEq, Hash, Default, Serialize, DeserializeOwned;
        AccessToken: Display, AsRef<str>, PartialEq, Hash, Default, Serialize;
        IssuedToken: Display, PartialEq, Serialize;
        SetCookie: Display, AsRef<str>, Serialize;
        SessionCookie: Display, Serialize, DeserializeOwned;
        PasswordHash: Display, AsRef<str>, Serialize;
        OtpKey: Display, AsRef<[u8]>, PartialEq, Hash, Default, Serialize, DeserializeOwned;
        OtpUri: Display, AsRef<str>, PartialEq, Hash, Default, Serialize, DeserializeOwned;
        RecoveryCode: Display, AsRef<str>, PartialEq, Hash, Default, Serialize, DeserializeOwned;
        OneTimeToken: Display, AsRef<str>, PartialEq, Hash, Default, Serialize, DeserializeOwned;
        Link: Display, AsRef<str>, PartialEq, Hash, Default, Serialize, DeserializeOwned;
        MailAddress: Display, AsRef<str>, Default, Serialize, DeserializeOwned;
        NewApiKey: Clone, Display, PartialEq, Hash, Default, Serialize, DeserializeOwned;
        ApiKeyCredential: Clone, Display, PartialEq, Hash, Default, Serialize, DeserializeOwned;
        KeyRing: Display, PartialEq, Serialize, DeserializeOwned, Default;
        SecretHash: Display, LowerHex, Serialize, DeserializeOwned;
        CredentialBlob: Display, LowerHex, Serialize, DeserializeOwned;
    }
}

/// Key confusion (CVE-2016-10555): no kind of key becomes another, and a set of keys is never made of nothing.
#[test]
fn keys_of_one_kind_do_not_become_another() {
    never! {
        Hs256Key: From<Es256VerifyingKey>, From<Es256SigningKey>, From<AnyVerifyingKey>, From<Vec<u8>>;
        AnySigningKey: From<Es256VerifyingKey>, From<AnyVerifyingKey>;
        AnyVerifyingKey: From<Es256SigningKey>, From<Ed25519SigningKey>, From<AnySigningKey>;
        KeySet: Default, DeserializeOwned, From<Es256SigningKey>, From<AnySigningKey>, From<Vec<AnyVerifyingKey>>;
    }
}
