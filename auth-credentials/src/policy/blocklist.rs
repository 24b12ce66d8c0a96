//! The first passwords that anybody would guess, and those that an application adds.

use std::{collections::HashSet, hash::BuildHasher, sync::Arc};

/// A list of passwords that may not be chosen, beside the small one that is built in
/// ([`PasswordPolicy::with_blocklist`](crate::PasswordPolicy::with_blocklist)): those of your own incidents, or a longer list
/// of common ones.
///
/// It is asked by the request in which a password is chosen, so it answers from memory. For a list that is somewhere else
/// there is [`LeakedPasswords`](crate::LeakedPasswords).
pub trait Blocklist: Send + Sync {
    /// Whether this password, as a whole, is in the list. It is `folded`: in Normalization Form C, then in lower case, and so
    /// are the passwords of the list. Nothing of it may be written down.
    fn contains(&self, folded: &str) -> bool;
}

macro_rules! forward {
    ($($pointer:ty),*) => { $(
        impl<T: Blocklist + ?Sized> Blocklist for $pointer {
            fn contains(&self, folded: &str) -> bool {
                (**self).contains(folded)
            }
        }
    )* };
}
forward!(&T, Box<T>, Arc<T>);

/// Passwords in lower case.
impl<S: BuildHasher + Send + Sync> Blocklist for HashSet<String, S> {
    fn contains(&self, folded: &str) -> bool {
        HashSet::contains(self, folded)
    }
}

/// Common passwords in lower case, sorted, one space between. Words that are too short for any policy are here
/// for what they repeat to.
const COMMON: &str = "\
    1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 abc12345 abcd1234 access14 admin \
    admin123 adminadmin administrator asdf1234 asdfghjk asdfghjkl baseball changeit changeme changeme123 \
    chelsea1 chocolate computer correcthorse correcthorsebatterystaple default dontforgetme dragon \
    football football1 forgetmenot freedom1 godisgood guest123 hello123 helloworld hunter2 \
    iforgotmypassword ihavenopassword iloveyou iloveyou1 iloveyou2 iloveyousomuch internet jesusislord \
    jesuslovesme justinbieber letmein letmein1 letmein123 letmeinplease liverpool liverpoolfc lovelove \
    manchesterunited master123 michael1 monkey monkey123 mypassword mypassword1 mypassword123 nopassword \
    opensesame p4ssw0rd p@ssw0rd p@ssw0rd1 p@ssword pa$$w0rd pass1234 passphrase passw0rd passw0rd1 \
    passwd password password! password1 password1! password12 password123 password123! password1234 \
    password12345 password123456 password1234567 password12345678 password123456789 passwordpassword1 \
    passwort pokemon1 princess princess1 qazwsxedc qazwsxedcrfv qazwsxedcrfvtgb qwer1234 qwert123 qwerty \
    qwerty1 qwerty12 qwerty123 qwerty1234 qwerty12345 qwerty123456 qwertyqwerty1 qwertyui qwertyuiop \
    qwertyuiop123 qwertyuiop[] qwertyuiopasdf qwertyuiopasdfg qwertyuiopasdfghjkl \
    qwertyuiopasdfghjklzxcvbnm qwertz123 qwertzuiop rootroot samsung1 secret secret123 secretpassword \
    starwars starwars1 sunshine sunshine1 superman superman1 supersecret supersecretpassword teddybear \
    temporary temppass test1234 testpassword testtest thisisapassword thisismypassword toor topsecret \
    trustno1 trustnoone welcome welcome1 welcome123 whatever whatever1 whatismypassword yourpassword \
    zaq12wsx zxcvbnm zxcvbnm1 zxcvbnm123 zxcvbnmasdfghjkl";

/// Runs of keys and letters: any stretch of one, forwards or backwards, is no password.
const RUNS: &[&str] = &[
    "01234567890123456789012345678901234567890123456789",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnmqwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnmqwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbnazertyuiopqsdfghjklmwxcvbn",
    "1234567890123456789012345678901234567890qwertyuiop",
];

/// The longest unit whose repetition alone is refused, in characters.
const SHORT_UNIT: usize = 4;

/// Whether a lower-case password, as a whole, is one of the first guesses.
pub(super) fn is_common(folded: &str) -> bool {
    // "correct horse" is no better than "correcthorse".
    let joined: zeroize::Zeroizing<String> =
        zeroize::Zeroizing::new(folded.chars().filter(|c| !matches!(c, ' ' | '-' | '_' | '.')).collect());
    [folded, joined.as_str()].into_iter().any(|text| {
        let backwards: zeroize::Zeroizing<String> = zeroize::Zeroizing::new(text.chars().rev().collect());
        COMMON.split(' ').any(|word| repeats(text, word))
            || RUNS.iter().any(|run| run.contains(text) || run.contains(backwards.as_str()))
            || repeats_a_short_unit(text)
    })
}

/// Whether a lower-case password is `word`, once or several times, and nothing else.
pub(super) fn repeats(folded: &str, word: &str) -> bool {
    let mut rest = folded;
    while let Some(tail) = rest.strip_prefix(word) {
        if tail.is_empty() {
            return true;
        }
        if word.is_empty() {
            return false;
        }
        rest = tail;
    }
    false
}

/// Whether a password only repeats its first few characters.
fn repeats_a_short_unit(text: &str) -> bool {
    let ends = text.char_indices().skip(1).map(|(at, _)| at).take(SHORT_UNIT);
    ends.filter_map(|end| text.get(..end)).any(|unit| repeats(text, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_folded_and_without_repeats() {
        let words: Vec<&str> = COMMON.split(' ').collect();
        assert!(words.is_sorted_by(|a, b| a < b));
        assert!(words.iter().all(|word| !word.is_empty() && *word == word.to_lowercase()));
    }

    #[test]
    fn repetition_needs_the_whole_password() {
        assert!(repeats("abab", "ab"));
        assert!(repeats("ab", "ab"));
        assert!(!repeats("aba", "ab"));
        assert!(!repeats("ab", ""));
        assert!(!repeats("", "ab"));
        assert!(repeats_a_short_unit("ababab"));
        assert!(!repeats_a_short_unit("abcdeabcde"));
        assert!(!repeats_a_short_unit("a"));
    }
}
