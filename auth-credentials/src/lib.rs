#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "test code"))]

mod accounts;
mod api_keys;
mod basic;
mod budgeted_audit;
#[cfg(feature = "certificates")]
mod certificates;
pub mod danger;
mod hash;
mod leaked;
mod links;
mod login_policies;
mod otp;
mod password;
mod password_authenticator;
mod pending_logins;
mod policy;
mod pool;
mod remembered_devices;
mod second_factors;
mod sent_codes;
mod signed_requests;
#[cfg(feature = "smtp")]
mod smtp;
mod source;
mod stores;
mod throttle;

#[cfg(feature = "certificates")]
pub use certificates::{
    CertificateAuthenticator, CertificateCredential,
    certificate::{CertificateName, VerifiedCertificate},
    error::CertificateError,
};
#[cfg(feature = "import")]
pub use hash::import::{ForeignHashes, Pbkdf2Digest};
#[cfg(feature = "reqwest")]
pub use leaked::https::{HttpsRanges, HttpsRangesError};
#[cfg(feature = "qr")]
pub use otp::qr::QrError;
#[cfg(feature = "smtp")]
pub use smtp::{
    SmtpCounts, SmtpDelivery, SmtpNotifier, SmtpRetriesError,
    letter::{Letter, LetterError, LetterWriter, MailSender},
    relay::{SmtpRelay, SmtpRelayError},
};
pub use {
    accounts::{
        AccountError, Accounts, ChangePasswordError, EpochRaised, ShortPasswordsError, SignUpError, SignUps,
    },
    api_keys::{
        ApiKeys,
        credential::ApiKeyCredential,
        error::ApiKeyError,
        terms::{ApiKeySummary, ApiKeyTerms, NewApiKey},
        text::{ApiKeyFormatError, ApiKeyId, ApiKeyPrefix, ParsedApiKey},
    },
    basic::{BasicAuthenticator, credential::BasicCredential},
    hash::{
        hasher::{HashError, PasswordHasher, PasswordMatch},
        memory::{HashMemory, OutOfMemory},
        params::{Argon2Params, ParamsError},
        phc::{PasswordHash, StoredHashError},
    },
    leaked::{HashPrefix, IfUnanswered, LeakedError, LeakedPasswords, RangeClient, RangeError},
    links::{
        AccountLinks, Invited, MagicLogin,
        address::{MailAddress, MailAddressError},
        base::{Link, LinkBase, LinkBaseError, LinkPurpose},
        error::LinkError,
        mail_codes::{MailCodeCredential, MailCodes, handle::MailCodeHandle},
        message::{Message, NotSent, Notice, Notifier, Recipient},
        notifiers::{MemoryNotifier, WriterNotifier},
        token::OneTimeToken,
    },
    login_policies::{OneFactor, TwoFactors},
    otp::{
        codes::{OtpDevice, OtpVerdict},
        key::{OtpAlgorithm, OtpDigits, OtpKey, OtpKeyError},
        uri::{OtpUri, OtpUriError},
    },
    password::Password,
    password_authenticator::{PasswordAuthenticator, PasswordCredential},
    pending_logins::PendingLogins,
    policy::{PasswordPolicy, PolicyError, blocklist::Blocklist},
    pool::{HashPlace, HashPool, HashPoolError, HashPoolSize, HashPoolStats, Overloaded, PasswordCheck},
    remembered_devices::{
        DeviceSummary, RememberedDevices,
        check::DeviceCredential,
        recognised::KnownDevice,
        token::{DeviceId, DeviceToken},
    },
    second_factors::{
        Confirmed, SecondFactors,
        credential::CodeCredential,
        error::SecondFactorError,
        list::FactorSummary,
        recovery::{RecoveryCode, RecoveryCodes},
    },
    sent_codes::{
        code::SentCode,
        phone::{PhoneNumber, PhoneNumberError},
    },
    signed_requests::{
        SignedRequests,
        request::{BodyDigest, SignedHead, SignedRequest},
        signer::{RequestSigner, SignedHeaders},
    },
    source::SourceKey,
    stores::AccountStores,
    throttle::{Limit, Throttle, ThrottleError, ThrottleLimits},
};
