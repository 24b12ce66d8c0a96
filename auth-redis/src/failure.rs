//! What a failure of Redis means.

use auth_core::StoreError;
use redis::{ErrorKind, RedisError};

/// Whether a request may have changed something if its answer is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    Read,
    Write,
}

/// What the server says when it did nothing at all: it refuses before the first write of a script (but see
/// [`is_halfway`]).
/// <https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors> has no list; these are the words of
/// Redis 6.2 to 8 and Valkey.
const REFUSED: [&str; 17] = [
    "READONLY",
    "LOADING",
    "MASTERDOWN",
    "NOAUTH",
    "WRONGPASS",
    "NOPERM",
    "BUSY",
    "NOREPLICAS",
    "MISCONF",
    "NOSCRIPT",
    "CLUSTERDOWN",
    "CROSSSLOT",
    "MOVED",
    "ASK",
    "TRYAGAIN",
    "DENIED",
    "FAILOVER",
];

/// The word that a refusal begins with. Redis 6.2 puts the refusal of a command of a script behind its own words.
fn word(error: &RedisError) -> Option<&str> {
    let code = error.code()?;
    if code != "ERR" {
        return Some(code);
    }
    let detail = error.detail().filter(|detail| detail.starts_with("Error running script"))?;
    let known = |word: &&str| REFUSED.contains(word) || ["WRONGTYPE", "OOM"].contains(word);
    detail.split(|c: char| !c.is_ascii_uppercase()).find(known)
}

/// Whether a script was refused something in its course. Unlike the other refusals, what a user may not do is found out
/// at each command, when others may have written.
fn is_halfway(error: &RedisError) -> bool {
    word(error) == Some("NOPERM")
        && error
            .detail()
            .is_some_and(|detail| detail.contains("script: ") || detail.contains("running script"))
}

/// Whether the script is not known to the server: it did nothing, and is to be sent whole.
pub(crate) fn is_unknown_script(error: &RedisError) -> bool {
    error.code() == Some("NOSCRIPT")
}

/// Whether the server is a replica now.
pub(crate) fn is_demoted(error: &RedisError) -> bool {
    word(error) == Some("READONLY")
}

/// Whether the connection is of no use any more.
pub(crate) fn is_broken(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Io | ErrorKind::Parse) || error.is_unrecoverable_error()
}

/// The most careful error that is true.
pub(crate) fn store_error(error: RedisError, intent: Intent) -> StoreError {
    match (word(&error), intent) {
        _ if error.is_timeout() => StoreError::timeout(),
        (Some("WRONGTYPE" | "DAMAGED"), _) => StoreError::corrupt("redis key"),
        (Some("OOM"), _) => StoreError::full(),
        (_, Intent::Write) if is_halfway(&error) => StoreError::unknown(error),
        (Some(word), _) if REFUSED.contains(&word) => StoreError::not_written(error),
        (_, Intent::Read) => StoreError::not_written(error),
        (_, Intent::Write) => StoreError::unknown(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_core::Written;

    fn server(line: &str) -> RedisError {
        redis::parse_redis_value(format!("-{line}\r\n").as_bytes())
            .and_then(redis::Value::extract_error)
            .expect_err("an error")
    }

    #[test]
    fn what_the_server_refuses_was_not_written() {
        for line in [
            "READONLY You can't write against a read only replica.",
            "LOADING Redis is loading the dataset in memory",
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            "NOPERM this user has no permissions to run the 'evalsha' command",
            "NOREPLICAS Not enough good replicas to write.",
            "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
            "BUSY Redis is busy running a script.",
            "ERR Error running script (call to f_0): @user_script:9: -READONLY You can't write against a read only replica.",
        ] {
            let error = store_error(server(line), Intent::Write);
            assert!(matches!(error, StoreError::NotWritten(_)), "{line}: {error:?}");
        }
    }

    /// A script that may not run a command may have run others before it.
    #[test]
    fn a_refusal_in_the_middle_of_a_script_may_have_been_written() {
        for line in [
            "ERR Error running script (call to f_0): @user_script:9: -NOPERM The user executing the script can't run this command or subcommand",
            "ERR The user executing the script can't run this command or subcommand script: f_0, on @user_script:9.",
            "NOPERM ACL failure in script: User app has no permissions to run the 'time' command script: f_0, on @user_script:9.",
        ] {
            let error = store_error(server(line), Intent::Write);
            assert!(matches!(error, StoreError::Unknown(_)), "{line}: {error:?}");
        }
    }

    #[test]
    fn a_full_server_and_a_damaged_row_have_their_own_words() {
        for line in [
            "OOM command not allowed when used memory > 'maxmemory'.",
            "OOM command not allowed when used memory > 'maxmemory'. script: 0, on @user_script:1.",
            "ERR Error running script (call to f_0): @user_script:9: -OOM command not allowed when used memory > 'maxmemory'.",
        ] {
            assert!(matches!(store_error(server(line), Intent::Write), StoreError::Full), "{line}");
        }
        for line in [
            "WRONGTYPE Operation against a key holding the wrong kind of value",
            "ERR Error running script (call to f_0): @user_script:9: WRONGTYPE Operation against a key",
            "DAMAGED row",
        ] {
            assert!(matches!(store_error(server(line), Intent::Write), StoreError::Corrupt(_)), "{line}");
        }
    }

    /// Whoever takes "not written" for an answer tries again: it must be sure.
    #[test]
    fn what_is_not_known_to_be_refused_may_have_been_written() {
        let reset = || RedisError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        assert_eq!(store_error(reset(), Intent::Write).written(), Written::Unknown);
        assert_eq!(store_error(reset(), Intent::Read).written(), Written::No);
        let slow = RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
        assert!(matches!(store_error(slow, Intent::Write), StoreError::Timeout));
        let odd = store_error(server("ERR something else"), Intent::Write);
        assert_eq!(odd.written(), Written::Unknown);
    }
}
