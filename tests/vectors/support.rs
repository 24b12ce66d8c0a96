//! One key in every backend, and a count of what was asked of it.

use auth_jwt::{AnyVerifyingKey, KeyError};

/// Makes a key in every enabled backend. What they say of it must be the same.
macro_rules! everywhere {
    ($key:ident::$make:ident($($argument:expr),*)) => {{
        $crate::support::agreed(vec![
            auth_jwt::$key::$make($($argument),*).map(auth_jwt::AnyVerifyingKey::from),
            #[cfg(feature = "aws-lc-rs")]
            auth_jwt::aws_lc_rs::$key::$make($($argument),*).map(auth_jwt::AnyVerifyingKey::from),
        ])
    }};
}

/// The same for RSA, which the default backend has only with the feature `rsa`.
#[cfg(any(feature = "rsa", feature = "aws-lc-rs"))]
macro_rules! everywhere_rsa {
    ($key:ident::$make:ident($($argument:expr),*)) => {{
        $crate::support::agreed(vec![
            #[cfg(feature = "rsa")]
            auth_jwt::$key::$make($($argument),*).map(auth_jwt::AnyVerifyingKey::from),
            #[cfg(feature = "aws-lc-rs")]
            auth_jwt::aws_lc_rs::$key::$make($($argument),*).map(auth_jwt::AnyVerifyingKey::from),
        ])
    }};
}

pub(crate) use everywhere;
#[cfg(any(feature = "rsa", feature = "aws-lc-rs"))]
pub(crate) use everywhere_rsa;

/// One key, as each enabled backend has it.
pub(crate) type Keys = Vec<AnyVerifyingKey>;

pub(crate) fn agreed(made: Vec<Result<AnyVerifyingKey, KeyError>>) -> Result<Keys, KeyError> {
    let refused: Vec<KeyError> = made.iter().filter_map(|key| key.as_ref().err().copied()).collect();
    assert!(refused.is_empty() || refused.len() == made.len(), "one backend refuses: {refused:?}");
    assert!(refused.windows(2).all(|pair| pair[0] == pair[1]), "for different reasons: {refused:?}");
    made.into_iter().collect()
}

/// Whether a signature is accepted, which all backends must agree on.
pub(crate) fn verifies(keys: &Keys, message: &[u8], signature: &[u8], what: &str) -> bool {
    let answers: Vec<bool> = keys.iter().map(|key| key.verify(message, signature).is_ok()).collect();
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{what}: the backends disagree: {answers:?}");
    answers[0]
}

/// Counts the cases of a set, by what was expected and found.
#[derive(Default)]
pub(crate) struct Tally {
    accepted: usize,
    refused: usize,
}

impl Tally {
    pub(crate) fn case(&mut self, keys: &Keys, message: &[u8], signature: &[u8], expected: bool, what: &str) {
        assert_eq!(verifies(keys, message, signature, what), expected, "{what}");
        *(if expected { &mut self.accepted } else { &mut self.refused }) += 1;
    }

    /// Whoever updates the vectors sees here that there are fewer of them.
    pub(crate) fn done(self, set: &str, accepted: usize, refused: usize) {
        println!("{set}: {} accepted, {} refused", self.accepted, self.refused);
        assert!(self.accepted + self.refused > 0, "{set} has no cases");
        assert_eq!((self.accepted, self.refused), (accepted, refused), "{set}");
    }
}

/// Bytes from hexadecimal digits; whatever is no digit is skipped.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit.try_into().unwrap()).collect();
    assert_eq!(digits.len() % 2, 0, "{text}");
    digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}
