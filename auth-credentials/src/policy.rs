//! Which passwords may be chosen.

pub(crate) mod blocklist;

use std::{fmt, sync::Arc};

use auth_core::LoginName;

use self::blocklist::Blocklist;
use crate::password::Password;

/// Which passwords may be chosen, by NIST SP 800-63B-4 section 3.1.1.2: long enough, and not among the first
/// that anybody would guess. No character classes, no expiry.
///
/// Blocked is the whole password, whatever its case: a common one, one that names the account or the site,
/// one that only repeats or counts. A passphrase that contains such a word is welcome. The list that is built
/// in is small; it is a floor; more go into a [`Blocklist`], and a breach corpus is behind
/// [`LeakedPasswords`](crate::LeakedPasswords).
///
/// It judges passwords when they are chosen, never when they are checked.
#[derive(Clone)]
pub struct PasswordPolicy {
    min_chars: usize,
    /// For accounts with a second factor, if that is less.
    min_beside: Option<usize>,
    context: Vec<String>,
    blocklists: Vec<Arc<dyn Blocklist>>,
}

/// Why a password may not be chosen. Fit to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Fewer characters (Unicode code points) than asked for.
    #[error("password has fewer than {min} characters")]
    TooShort {
        /// The least number of characters.
        min: usize,
    },
    /// More than [`Password::MAX_BYTES`] bytes.
    #[error("password has more than 4096 bytes")]
    TooLong,
    /// One of the first that anybody would guess.
    #[error("password is too common")]
    Common,
    /// It is in the list of [`LeakedPasswords`](crate::LeakedPasswords).
    #[error("password has leaked elsewhere")]
    Leaked,
    /// The login name, or another word that the account or the site gives away.
    #[error("password is a word that the account gives away")]
    Context,
}

impl PasswordPolicy {
    /// The least length of a password that is the only factor, in code points.
    pub const MIN_ALONE: usize = 15;
    /// The least length of a password that never logs in without a second factor, in code points:
    /// [`shorter_beside_second_factor`](Self::shorter_beside_second_factor),
    /// [`Accounts::with_short_passwords`](crate::Accounts::with_short_passwords).
    pub const MIN_WITH_SECOND_FACTOR: usize = 8;

    /// For passwords that log in alone: at least 15 characters.
    #[must_use]
    pub fn single_factor() -> Self {
        Self { min_chars: Self::MIN_ALONE, min_beside: None, context: Vec::new(), blocklists: Vec::new() }
    }

    /// The same for passwords that never log in without a second factor. Whoever calls it has looked at the gate.
    pub(crate) fn beside_second_factor_only(self, min_chars: usize) -> Self {
        Self { min_chars: min_chars.max(Self::MIN_WITH_SECOND_FACTOR), min_beside: None, ..self }
    }

    /// The same, and at least 8 characters for accounts that have a second factor which the gate asks for each time: not
    /// where a [remembered device](crate::OneFactor::or_remembered_device) does without it.
    ///
    /// Whoever gives the second factor up needs a longer password:
    /// [`SecondFactors::remove`](crate::SecondFactors::remove) sees to it.
    #[must_use]
    pub fn shorter_beside_second_factor(mut self) -> Self {
        self.min_beside = Some(Self::MIN_WITH_SECOND_FACTOR);
        self
    }

    /// The same with a greater least length, in code points. A smaller one changes nothing.
    #[must_use]
    pub fn at_least(mut self, min_chars: usize) -> Self {
        self.min_chars = self.min_chars.max(min_chars);
        self.min_beside = self.min_beside.map(|min| min.max(min_chars));
        self
    }

    /// The same with words that everybody would try here: the names of the site and of its owner.
    #[must_use]
    pub fn with_context(mut self, words: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.context.extend(words.into_iter().map(|word| word.as_ref().to_lowercase()));
        self
    }

    /// The same with one more list, which is asked last: [`PolicyError::Common`] if a password is in it.
    ///
    /// ```
    /// use std::{collections::HashSet, sync::Arc};
    /// use auth_core::LoginName;
    /// use auth_credentials::{Password, PasswordPolicy, PolicyError};
    ///
    /// # fn main() -> Result<(), auth_core::NameError> {
    /// let ours: HashSet<String> = "velvet otters at dawn\nspring sale at harbour books".lines().map(str::to_lowercase).collect();
    /// let policy = PasswordPolicy::single_factor().with_blocklist(Arc::new(ours));
    /// let chosen = Password::new("Velvet Otters at Dawn".to_owned());
    /// assert_eq!(policy.check(&chosen, &LoginName::parse("ann@example.com")?), Err(PolicyError::Common));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_blocklist(mut self, list: Arc<dyn Blocklist>) -> Self {
        self.blocklists.push(list);
        self
    }

    /// The least length, in code points.
    #[must_use]
    pub fn min_chars(&self) -> usize {
        self.min_chars
    }

    /// Judges a password for the account of `login`.
    ///
    /// # Errors
    /// [`PolicyError`] if it may not be chosen.
    pub fn check(&self, password: &Password, login: &LoginName) -> Result<(), PolicyError> {
        self.check_at_least(self.min_chars, password, login)
    }

    /// The same for an account that has a second factor.
    pub(crate) fn check_beside_second_factor(
        &self,
        password: &Password,
        login: &LoginName,
    ) -> Result<(), PolicyError> {
        self.check_at_least(self.min_beside.unwrap_or(self.min_chars), password, login)
    }

    /// The same for an account that gives its second factor up.
    pub(crate) fn check_alone(&self, password: &Password, login: &LoginName) -> Result<(), PolicyError> {
        self.check_at_least(self.min_alone(), password, login)
    }

    /// The least length of a password that stands alone.
    pub(crate) fn min_alone(&self) -> usize {
        self.min_chars.max(Self::MIN_ALONE)
    }

    /// Whether it matters for the length if there is a second factor.
    pub(crate) fn has_two_lengths(&self) -> bool {
        self.min_beside.is_some()
    }

    /// Whether there may be passwords that are too short to stand alone.
    pub(crate) fn allows_short_passwords(&self) -> bool {
        self.min_beside.unwrap_or(self.min_chars) < self.min_alone()
    }

    fn check_at_least(&self, min: usize, password: &Password, login: &LoginName) -> Result<(), PolicyError> {
        if password.is_too_long() {
            return Err(PolicyError::TooLong);
        }
        if password.chars() < min {
            return Err(PolicyError::TooShort { min });
        }
        let text = password.expose_str();
        let folded = zeroize::Zeroizing::new(text.to_lowercase());
        let login = login.as_str();
        let (local, domain) = login.split_once('@').unwrap_or((login, ""));
        let mut context = [login, local, domain].into_iter().chain(self.context.iter().map(String::as_str));
        if context.any(|word| blocklist::repeats(&folded, word)) {
            return Err(PolicyError::Context);
        }
        let blocked = || self.blocklists.iter().any(|list| list.contains(&folded));
        if blocklist::is_common(&folded) || blocked() { Err(PolicyError::Common) } else { Ok(()) }
    }
}

impl fmt::Debug for PasswordPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordPolicy")
            .field("min_chars", &self.min_chars)
            .field("min_beside", &self.min_beside)
            .field("context", &self.context)
            .field("blocklists", &self.blocklists.len())
            .finish()
    }
}

/// [`single_factor`](Self::single_factor).
impl Default for PasswordPolicy {
    fn default() -> Self {
        Self::single_factor()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short() -> PasswordPolicy {
        PasswordPolicy::default().beside_second_factor_only(0)
    }

    fn check(policy: &PasswordPolicy, password: &str) -> Result<(), PolicyError> {
        policy
            .check(&Password::new(password.to_owned()), &LoginName::parse("ann.miller@example.com").unwrap())
    }

    /// 15 alone, 8 with a second factor, counted in code points.
    #[test]
    fn length_is_counted_in_code_points() {
        let alone = PasswordPolicy::default();
        assert_eq!(check(&alone, "velvet otter 7"), Err(PolicyError::TooShort { min: 15 }));
        assert_eq!(check(&alone, "velvet otter 74"), Ok(()));
        // 15 code points in 30 bytes, and 14 in 28.
        assert_eq!(check(&alone, "жираф и бегемот"), Ok(()));
        assert_eq!(check(&alone, "жираф и бегемо"), Err(PolicyError::TooShort { min: 15 }));

        let with_second = short();
        assert_eq!(check(&with_second, "otter 7"), Err(PolicyError::TooShort { min: 8 }));
        assert_eq!(check(&with_second, "otter 74"), Ok(()));
        assert_eq!(PasswordPolicy::single_factor().at_least(8).min_chars(), 15);
        assert_eq!(PasswordPolicy::single_factor().at_least(20).min_chars(), 20);
    }

    /// A password beside a second factor is short if it is shorter than one that stands alone here.
    #[test]
    fn what_is_short_is_what_the_policy_says() {
        let alone = PasswordPolicy::single_factor().at_least(20);
        assert!(!alone.allows_short_passwords());
        let beside = alone.shorter_beside_second_factor().at_least(16);
        assert!(beside.allows_short_passwords());
        assert!(short().allows_short_passwords());
        assert!(!short().at_least(15).allows_short_passwords());
    }

    /// NIST: at least 64 characters permitted; no composition rules.
    #[test]
    fn long_and_plain_passwords_are_welcome() {
        let policy = PasswordPolicy::default();
        let phrase = "the quiet harbour keeps a lantern for late boats ".repeat(80);
        assert_eq!(check(&policy, &phrase), Ok(()));
        assert_eq!(check(&policy, &"x y".repeat(2_000)), Err(PolicyError::TooLong));
        assert_eq!(check(&policy, "passwords are what people forget"), Ok(()));
    }

    #[test]
    fn a_common_password_is_refused_whole_and_in_any_case() {
        let policy = short();
        for bad in [
            "password",
            "PassWord",
            "password123",
            "passwordpassword",
            "12345678",
            "123456789012345",
            "987654321",
            "abcdefghijklmnop",
            "aaaaaaaaaaaaaaa",
            "abcabcabcabcabc",
            "qwertyuiop",
            "CorrectHorseBatteryStaple",
            "correct horse battery staple",
        ] {
            assert_eq!(check(&policy, bad), Err(PolicyError::Common), "{bad}");
        }
    }

    /// The whole password in any case and either spelling, after what is built in, in every list; never part of it.
    #[test]
    fn what_a_blocklist_has_may_not_be_chosen() {
        struct Asked(std::sync::Mutex<Vec<String>>);
        impl Blocklist for Asked {
            fn contains(&self, folded: &str) -> bool {
                self.0.lock().unwrap().push(folded.to_owned());
                false
            }
        }
        let asked = Arc::new(Asked(std::sync::Mutex::new(Vec::new())));
        let listed: std::collections::HashSet<String> = ["caf\u{e9} at the corner".to_owned()].into();
        let policy = short()
            .with_blocklist(Arc::<Asked>::clone(&asked))
            .with_blocklist(Arc::new(Box::new(listed)))
            .shorter_beside_second_factor();
        for bad in ["Caf\u{e9} at the Corner", "CAFE\u{301} AT THE CORNER"] {
            assert_eq!(check(&policy, bad), Err(PolicyError::Common), "{bad}");
            let bad = Password::new(bad.to_owned());
            let login = LoginName::parse("ann").unwrap();
            assert_eq!(policy.check_alone(&bad, &login), Err(PolicyError::Common));
            assert_eq!(policy.check_beside_second_factor(&bad, &login), Err(PolicyError::Common));
        }
        assert_eq!(check(&policy, "the caf\u{e9} at the corner"), Ok(()));
        asked.0.lock().unwrap().clear();
        assert_eq!(check(&policy, "PassWord"), Err(PolicyError::Common));
        assert_eq!(check(&policy, "short"), Err(PolicyError::TooShort { min: 8 }));
        assert!(asked.0.lock().unwrap().is_empty(), "the lists are asked last");
        assert!(!format!("{policy:?}").contains("corner"));
    }

    #[test]
    fn a_word_that_the_account_gives_away_is_refused() {
        let policy = short().with_context(["Harbour-Books"]);
        for bad in
            ["ann.miller@example.com", "Ann.Miller", "ann.millerann.miller", "example.com", "harbour-books"]
        {
            assert_eq!(check(&policy, bad), Err(PolicyError::Context), "{bad}");
        }
        assert_eq!(check(&policy, "ann.miller likes harbour-books"), Ok(()));
    }
}
