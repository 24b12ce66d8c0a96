//! Passwords that never log in alone.

use auth_core::{Enrolled, Judgement, Method};

use super::Accounts;

/// Short passwords where a password may log in alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("passwords that log in alone have 15 characters at least, and the gate lets them")]
pub struct ShortPasswordsError;

impl Accounts {
    /// The same where everybody's password has at least `min_chars` code points from now on, and no less than
    /// [`MIN_WITH_SECOND_FACTOR`](crate::PasswordPolicy::MIN_WITH_SECOND_FACTOR): for a gate that lets no password in without
    /// another factor, such as one of [`TwoFactors::required`](crate::TwoFactors::required) (NIST SP 800-63B-4 section
    /// 3.1.1.2). The rest of the policy stays.
    ///
    /// Where some accounts have a second factor and some have none,
    /// [`PasswordPolicy::shorter_beside_second_factor`](crate::PasswordPolicy::shorter_beside_second_factor) goes by the account.
    ///
    /// # Errors
    /// [`ShortPasswordsError`] if the gate lets a password in alone, of an account that has a second factor or of one that
    /// has none, be it only to enrol one, or on a device that is [remembered](crate::RememberedDevices).
    pub fn with_short_passwords(mut self, min_chars: usize) -> Result<Self, ShortPasswordsError> {
        let (code, text) = (Method::ONE_TIME_CODE, Method::SMS);
        for enrolled in [vec![], vec![code.clone()], vec![text.clone()], vec![code, text]] {
            if self.lets_in_alone(&Enrolled::assertion(enrolled)) {
                return Err(ShortPasswordsError);
            }
        }
        self.policy = self.policy.beside_second_factor_only(min_chars);
        Ok(self)
    }

    /// Whether the gate lets a password in with nothing else that somebody has to show.
    pub(crate) fn lets_in_alone(&self, enrolled: &Enrolled) -> bool {
        let shown = [&[Method::PASSWORD][..], &[Method::PASSWORD, Method::REMEMBERED_DEVICE]];
        shown.into_iter().any(|passed| matches!(self.gate.judgement(passed, enrolled), Judgement::Enough(_)))
    }
}
