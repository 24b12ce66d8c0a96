//! What a server says of itself before anything is kept on it.

use redis::{ErrorKind, RedisError, Value, aio::MultiplexedConnection};

use crate::SetupError;

/// Refuses a server that is too old or may evict keys.
pub(crate) async fn check(
    connection: &mut MultiplexedConnection,
    trust_unchecked: bool,
) -> Result<(), SetupError> {
    let mut questions = redis::pipe();
    questions.ignore_errors();
    questions.cmd("INFO").arg("server");
    questions.cmd("CONFIG").arg("GET").arg("maxmemory-policy");
    questions.cmd("INFO").arg("memory");
    let answers: Vec<Value> = questions.query_async(connection).await.map_err(unreachable)?;
    let Ok([server, configured, memory]) = <[Value; 3]>::try_from(answers) else {
        return Err(SetupError::Unreachable("odd answer".into()));
    };
    let version = told(server)?.and_then(|info| field(&info, "redis_version").map(str::to_owned));
    let policy = match told(configured)? {
        Some(Value::Array(pair)) => pair.get(1).and_then(text),
        _ => None,
    };
    let policy = match policy {
        Some(policy) => Some(policy),
        None => told(memory)?.and_then(|info| field(&info, "maxmemory_policy").map(str::to_owned)),
    };
    if let Some(found) = version.as_deref().filter(|version| !is_recent(version)) {
        return Err(SetupError::Version { found: found.to_owned() });
    }
    if let Some(policy) = policy.as_deref().filter(|policy| *policy != "noeviction") {
        return Err(SetupError::Evicts { policy: policy.to_owned() });
    }
    if (version.is_none() || policy.is_none()) && !trust_unchecked {
        return Err(SetupError::Unchecked);
    }
    Ok(())
}

/// What the server told, or `None` if it refuses the command: to this user, or to all.
fn told(answer: Value) -> Result<Option<Value>, SetupError> {
    match answer.extract_error() {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension) => {
            match error.code() {
                // Not a refusal of the command.
                Some("NOAUTH" | "WRONGPASS" | "LOADING" | "MASTERDOWN" | "DENIED" | "BUSY") => {
                    Err(unreachable(error))
                }
                _ => Ok(None),
            }
        }
        Err(error) => Err(unreachable(error)),
    }
}

fn unreachable(error: RedisError) -> SetupError {
    SetupError::Unreachable(error.into())
}

/// A text of at most 64 bytes: it goes into an error.
fn text(value: &Value) -> Option<String> {
    let bytes = match value {
        Value::BulkString(bytes) => bytes.as_slice(),
        Value::SimpleString(text) => text.as_bytes(),
        _ => return None,
    };
    std::str::from_utf8(bytes).ok().filter(|text| text.len() <= 64).map(str::to_owned)
}

/// A field of the answer to `INFO`.
fn field<'a>(info: &'a Value, name: &str) -> Option<&'a str> {
    let text = match info {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok()?,
        Value::VerbatimString { text, .. } => text,
        _ => return None,
    };
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(value.trim()).filter(|value| value.len() <= 64)
}

/// Whether a version is 6.2 or later. Valkey tells the version of Redis that it is compatible with.
fn is_recent(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    (major, minor) >= (6, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for recent in ["6.2.0", "6.10.1", "7.0.15", "7.2.4", "8.0.0", "10.0"] {
            assert!(is_recent(recent), "{recent}");
        }
        for old in ["6.0.16", "5.0.7", "2.8.21", "", "x", "6"] {
            assert!(!is_recent(old), "{old}");
        }
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let info = Value::BulkString(b"# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n".to_vec());
        assert_eq!(field(&info, "maxmemory_policy"), Some("noeviction"));
        assert_eq!(field(&info, "maxmemory"), Some("0"));
        assert_eq!(field(&info, "memory_policy"), None);
    }
}
