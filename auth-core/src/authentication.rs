//! The event "somebody proved who they are", as it is kept and carried.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    limits::Limits,
    principal::PrincipalId,
    text::{self, Class},
    time::UnixTime,
};

text::name! {
    /// How somebody was authenticated: an `amr` value (RFC 8176 section 2), or one of your own.
    Method, max: 32, class: Class::Identifier
}

impl Method {
    /// A password (`pwd`).
    pub const PASSWORD: Self = Self::from_static("pwd");
    /// A one-time code (`otp`).
    pub const ONE_TIME_CODE: Self = Self::from_static("otp");
    /// Proof of possession of a hardware-secured key (`hwk`).
    pub const HARDWARE_KEY: Self = Self::from_static("hwk");
    /// Proof of possession of a software-secured key (`swk`).
    pub const SOFTWARE_KEY: Self = Self::from_static("swk");
    /// A bearer token, which opens requests and never a session. Before it stands what was shown to get the token; it is
    /// no factor itself, and no token is issued on it. The audit log names what was refused by it.
    pub const BEARER_TOKEN: Self = Self::from_static("bearer");
    /// A refresh token, which goes on with a login and makes none: the audit log names what was refused by it.
    pub const REFRESH_TOKEN: Self = Self::from_static("refresh");
    /// More than one factor (`mfa`).
    pub const MULTI_FACTOR: Self = Self::from_static("mfa");
    /// A code from a list that was handed out in advance: a "look-up secret" of NIST SP 800-63B-4 section 3.1.2.
    pub const RECOVERY_CODE: Self = Self::from_static("recovery");
    /// A link that was sent to an address. It shows who reads the mail, which is no factor by itself (NIST SP
    /// 800-63B-4 section 3.1.3.1).
    pub const MAIL_LINK: Self = Self::from_static("mail");
    /// A code that was sent to an address. It shows who reads the mail, as [`MAIL_LINK`](Self::MAIL_LINK) does, and is of
    /// no kind: no policy can make a second factor of it (NIST SP 800-63B-4 section 3.1.3.1).
    pub const MAIL_CODE: Self = Self::from_static("mail-code");
    /// A code that was sent to a telephone (`sms`): a restricted authenticator (NIST SP 800-63B-4 section 3.2.9).
    pub const SMS: Self = Self::from_static("sms");
    /// A device on which a second factor was shown before. It is no factor: a policy may do without one for it.
    pub const REMEMBERED_DEVICE: Self = Self::from_static("remembered");
    /// A key of a program. It opens requests and never a session.
    pub const API_KEY: Self = Self::from_static("api-key");
    /// A client certificate, whose key TLS has seen (RFC 8705 section 2). It opens requests and never a session.
    pub const CERTIFICATE: Self = Self::from_static("certificate");
    /// HTTP Basic authentication (RFC 7617), which opens requests and never a session. Beside it stands what was shown
    /// by it: a password.
    pub const BASIC: Self = Self::from_static("basic");

    /// What sort of factor it shows, if that is known and if it shows one. Two methods of one sort are not two
    /// factors.
    #[must_use]
    pub fn kind(&self) -> Option<FactorKind> {
        match self.as_str() {
            "pwd" | "pin" | "kba" => Some(FactorKind::Know),
            "otp" | "hwk" | "swk" | "pop" | "sc" | "sms" | "tel" | "recovery" | "certificate" => {
                Some(FactorKind::Have)
            }
            "face" | "fpt" | "iris" | "retina" | "vbm" => Some(FactorKind::Are),
            _ => None,
        }
    }
}

/// The three sorts of factors (NIST SP 800-63-4, "multi-factor authentication").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FactorKind {
    /// Something one knows: a password.
    Know,
    /// Something one has: a device that makes codes, a key, a list of codes.
    Have,
    /// Something one is: a fingerprint.
    Are,
}

/// How sure one may be of an authentication: the levels of NIST SP 800-63B-4, section 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Assurance {
    /// AAL1: one factor.
    Aal1,
    /// AAL2: two distinct factors.
    Aal2,
    /// AAL3: two distinct factors, one of them a hardware key that resists phishing.
    Aal3,
}

impl Assurance {
    /// The word for it: `aal1`, `aal2` or `aal3`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aal1 => "aal1",
            Self::Aal2 => "aal2",
            Self::Aal3 => "aal3",
        }
    }
}

impl fmt::Display for Assurance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The number of times that everything of an account was invalidated at once.
///
/// It lives in the account, is read together with the credential, and is copied into logins, sessions
/// and tokens. Changing a password raises it; whatever carries a lower one is dead, a login that was
/// under way included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuthEpoch(u64);

impl AuthEpoch {
    /// The epoch of a new account, and of principals that have no account here.
    pub const ZERO: Self = Self(0);

    /// An epoch read back from a store.
    #[must_use]
    pub const fn new(epoch: u64) -> Self {
        Self(epoch)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The epoch after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The epoch directly before this one; before the first there is none.
    #[must_use]
    pub const fn before(self) -> Option<Self> {
        match self.0.checked_sub(1) {
            Some(before) => Some(Self(before)),
            None => None,
        }
    }
}

/// That somebody proved who they are: who, how, when, how surely, and with which limits.
///
/// This is a description, not a proof: it opens nothing until a checked credential turns it into a
/// [`Login`](crate::Login) or an [`Authenticated`](crate::Authenticated).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Authentication {
    /// Whose requests these are.
    pub principal: PrincipalId,
    /// How it was proven, in the order of the steps (RFC 8176). At most eight.
    pub methods: Vec<Method>,
    /// When the last step of the login succeeded; becomes `auth_time` (OpenID Connect Core section 2). A login that is
    /// raised later, by one factor, keeps the time of the one that it raises: the oldest of its factors is that old.
    pub at: UnixTime,
    /// How surely.
    pub assurance: Assurance,
    /// The account's epoch, read together with the credential.
    pub epoch: AuthEpoch,
    /// Who really acts, when an administrator acts as somebody else (RFC 8693 section 4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<PrincipalId>,
    /// What it may be used for.
    #[serde(default)]
    pub limits: Limits,
}

impl Authentication {
    /// The most methods that are kept.
    pub const MAX_METHODS: usize = 8;

    /// An authentication by one method, without limits, at [`Assurance::Aal1`].
    #[must_use]
    pub fn new(principal: PrincipalId, method: Method, at: UnixTime, epoch: AuthEpoch) -> Self {
        Self {
            principal,
            methods: vec![method],
            at,
            assurance: Assurance::Aal1,
            epoch,
            actor: None,
            limits: Limits::unlimited(),
        }
    }

    /// The same with other methods; what goes beyond [`MAX_METHODS`](Self::MAX_METHODS) is dropped.
    #[must_use]
    pub fn with_methods(mut self, mut methods: Vec<Method>) -> Self {
        methods.truncate(Self::MAX_METHODS);
        self.methods = methods;
        self
    }

    /// The same with another assurance.
    #[must_use]
    pub fn with_assurance(mut self, assurance: Assurance) -> Self {
        self.assurance = assurance;
        self
    }

    /// The same with limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same, with `actor` as the one who really acts.
    #[must_use]
    pub fn with_actor(mut self, actor: PrincipalId) -> Self {
        self.actor = Some(actor);
        self
    }
}
