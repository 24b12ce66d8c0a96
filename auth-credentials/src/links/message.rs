//! What is sent to people, and by whom.

use std::{sync::Arc, time::Duration};

use auth_core::LoginGate;

use super::{
    address::MailAddress,
    base::{Link, LinkPurpose},
    mail_codes::MailCodes,
};
use crate::{
    second_factors::SecondFactors,
    sent_codes::{code::SentCode, phone::PhoneNumber},
};

/// Hands messages to whatever delivers them. No vendor is inside: this is the seam.
///
/// It is called while a request is handled, and only where there is an account. So it returns at once: queue, and
/// send elsewhere. One that waits for a mail server tells by the time it takes who has an account.
pub trait Notifier: Send + Sync {
    /// Takes a message over.
    ///
    /// # Errors
    /// [`NotSent`] if the message is lost. Whoever asked for it is not told; the audit log is.
    fn notify(&self, message: &Message) -> Result<(), NotSent>;
}

/// A message is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("message was not taken over")]
pub struct NotSent;

impl<T: Notifier + ?Sized> Notifier for &T {
    fn notify(&self, message: &Message) -> Result<(), NotSent> {
        (**self).notify(message)
    }
}

impl<T: Notifier + ?Sized> Notifier for Box<T> {
    fn notify(&self, message: &Message) -> Result<(), NotSent> {
        (**self).notify(message)
    }
}

impl<T: Notifier + ?Sized> Notifier for Arc<T> {
    fn notify(&self, message: &Message) -> Result<(), NotSent> {
        (**self).notify(message)
    }
}

/// One message to one address or number.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Message {
    /// Where it goes: an address that is stored, or that somebody who is logged in wants to be reached at.
    pub to: Recipient,
    /// What it says.
    pub notice: Notice,
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recipient {
    /// As mail.
    Mail(MailAddress),
    /// As a text message: the words of [`Notice::text`] are for mail, so send the code and the name of the site.
    Phone(PhoneNumber),
}

impl Recipient {
    /// The address or number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Mail(address) => address.as_str(),
            Self::Phone(number) => number.as_str(),
        }
    }
}

/// What a message says.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Notice {
    /// Somebody signed up with this address; the link shows that its owner did.
    VerifyAddress(Link),
    /// Somebody signed up with this address, which has an account.
    AlreadySignedUp,
    /// The link sets a new password.
    ResetPassword(Link),
    /// The password was changed by such a link.
    PasswordChanged,
    /// The password was changed by somebody who was logged in and knew it.
    PasswordReplaced,
    /// The link logs in.
    MagicLink(Link),
    /// The link makes this the address of an account.
    ChangeAddress(Link),
    /// Somebody asked for another address for the account of this one.
    AddressChangeRequested,
    /// The account of this address has another one now.
    AddressChanged,
    /// The link makes an account.
    Invitation(Link),
    /// The code logs in.
    LogInCode(SentCode),
    /// The code is the second factor of a login.
    SecondFactorCode(SentCode),
    /// The code shows that this telephone is that of an account's owner.
    ConfirmPhone(SentCode),
}

impl Notice {
    /// A subject in English.
    #[must_use]
    pub const fn subject(&self) -> &'static str {
        match self {
            Self::VerifyAddress(_) => "Confirm your address",
            Self::AlreadySignedUp => "You already have an account",
            Self::ResetPassword(_) => "Set a new password",
            Self::PasswordChanged | Self::PasswordReplaced => "Your password was changed",
            Self::MagicLink(_) => "Your link to log in",
            Self::ChangeAddress(_) => "Confirm your new address",
            Self::AddressChangeRequested => "Somebody wants to change your address",
            Self::AddressChanged => "Your address was changed",
            Self::Invitation(_) => "You are invited",
            Self::LogInCode(_) => "Your code to log in",
            Self::SecondFactorCode(_) => "Your code",
            Self::ConfirmPhone(_) => "Confirm your telephone",
        }
    }

    /// A text in English, without the link or the code.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        match self {
            Self::VerifyAddress(_) => {
                "An account was made with this address. If you did that, open the link and confirm it; if not, \
                 ignore this message."
            }
            Self::AlreadySignedUp => {
                "Somebody tried to sign up with this address, which has an account. If that was you, log in, or ask \
                 for a new password."
            }
            Self::ResetPassword(_) => {
                "Somebody asked for a new password for your account. If that was you, open the link; if not, ignore \
                 this message, and nothing changes."
            }
            Self::PasswordChanged => {
                "The password of your account was changed by a link that was sent to this address, and all devices \
                 were logged out. If that was not you, somebody reads your mail."
            }
            Self::PasswordReplaced => {
                "The password of your account was changed by somebody who was logged in and knew it, and all other \
                 devices were logged out. If that was not you, ask for a link that sets a new password."
            }
            Self::MagicLink(_) => {
                "Open the link on the device on which you want to log in. If you did not ask for it, ignore this \
                 message."
            }
            Self::ChangeAddress(_) => {
                "Open the link to make this the address of your account. If you did not ask for it, ignore this \
                 message."
            }
            Self::AddressChangeRequested => {
                "Somebody who is logged in to your account wants another address for it. If that was not you, change \
                 your password now."
            }
            Self::AddressChanged => {
                "Your account has another address now, and this one no longer logs in to it. If that was not you, \
                 write to us."
            }
            Self::Invitation(_) => {
                "You were invited to make an account. The link lets you choose a password."
            }
            Self::LogInCode(_) => {
                "Type this code where you are logging in, and nowhere else. If you did not ask for it, ignore this \
                 message; nobody of ours will ever ask you for it."
            }
            Self::SecondFactorCode(_) => {
                "Type this code where you are logging in, and nowhere else. If you are not, somebody knows your \
                 password: change it now."
            }
            Self::ConfirmPhone(_) => {
                "Type this code where you are logged in, and nowhere else. If you did not ask for it, ignore this \
                 message."
            }
        }
    }

    /// The link, if there is one.
    #[must_use]
    pub const fn link(&self) -> Option<&Link> {
        match self {
            Self::VerifyAddress(link)
            | Self::ResetPassword(link)
            | Self::MagicLink(link)
            | Self::ChangeAddress(link)
            | Self::Invitation(link) => Some(link),
            _ => None,
        }
    }

    /// The code, if there is one.
    #[must_use]
    pub const fn code(&self) -> Option<&SentCode> {
        match self {
            Self::LogInCode(code) | Self::SecondFactorCode(code) | Self::ConfirmPhone(code) => Some(code),
            _ => None,
        }
    }

    /// How long the link or the code works, from when it was made; none for what has neither. One who delivers need not
    /// try for longer.
    #[must_use]
    pub const fn life(&self) -> Option<Duration> {
        match self {
            Self::VerifyAddress(_) => Some(LinkPurpose::VerifyAddress.life()),
            Self::ResetPassword(_) => Some(LinkPurpose::ResetPassword.life()),
            Self::MagicLink(_) => Some(LinkPurpose::MagicLink.life()),
            Self::ChangeAddress(_) => Some(LinkPurpose::ChangeAddress.life()),
            Self::Invitation(_) => Some(LinkPurpose::Invitation.life()),
            Self::LogInCode(_) => Some(MailCodes::LIFE),
            Self::SecondFactorCode(_) => Some(LoginGate::PENDING_LIFE),
            Self::ConfirmPhone(_) => Some(SecondFactors::ENROLMENT_LIFE),
            Self::AlreadySignedUp
            | Self::PasswordChanged
            | Self::PasswordReplaced
            | Self::AddressChangeRequested
            | Self::AddressChanged => None,
        }
    }

    /// The word in audit events: that of whoever hands such a message over.
    #[cfg(feature = "smtp")]
    pub(crate) const fn what(&self) -> &'static str {
        match self {
            Self::VerifyAddress(_) | Self::AlreadySignedUp => LinkPurpose::VerifyAddress.as_str(),
            Self::ResetPassword(_) | Self::PasswordChanged => LinkPurpose::ResetPassword.as_str(),
            Self::PasswordReplaced => super::change_password::WHAT,
            Self::MagicLink(_) => LinkPurpose::MagicLink.as_str(),
            Self::ChangeAddress(_) | Self::AddressChangeRequested | Self::AddressChanged => {
                LinkPurpose::ChangeAddress.as_str()
            }
            Self::Invitation(_) => LinkPurpose::Invitation.as_str(),
            Self::LogInCode(_) => "mail-code",
            Self::SecondFactorCode(_) | Self::ConfirmPhone(_) => "sms",
        }
    }
}
