//! Tokens and claims as bytes.
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 1 | version of this layout: 1 |
//! | 1 | 1 | 0 claim, 1 token |
//! | 2 | 8 | `expires_at` |
//! | 10 | 2 | of a token: length of the subject; then the subject, then the payload to the end |

use auth_core::{StoreError, TokenKey, TokenRecord, TokenSubject, UnixTime};
use redis::Value;

use crate::bytes::Bytes;

const LAYOUT: u8 = 1;
const CLAIM: u8 = 0;
const TOKEN: u8 = 1;

/// The row of a claim.
pub(super) fn claim(expires_at: UnixTime) -> Vec<u8> {
    let mut row = vec![LAYOUT, CLAIM];
    row.extend(expires_at.as_secs().to_be_bytes());
    row
}

/// The row of a token.
pub(super) fn encode(token: &TokenRecord) -> Result<Vec<u8>, StoreError> {
    if token.payload.len() > TokenRecord::MAX_PAYLOAD {
        return Err(StoreError::not_written("payload is too large"));
    }
    let subject = token.subject.as_str();
    let mut row = vec![LAYOUT, TOKEN];
    row.extend(token.expires_at.as_secs().to_be_bytes());
    row.extend(u16::try_from(subject.len()).map_err(StoreError::not_written)?.to_be_bytes());
    row.extend(subject.as_bytes());
    row.extend(&token.payload);
    Ok(row)
}

/// The token that a row holds, or `None` if it is a claim.
pub(super) fn decode(key: &TokenKey, row: &[u8]) -> Result<Option<TokenRecord>, StoreError> {
    let mut bytes = Bytes(row);
    let corrupt = StoreError::corrupt("token");
    match head(&mut bytes) {
        Some((CLAIM, _)) if bytes.0.is_empty() => Ok(None),
        Some((TOKEN, expires_at)) => {
            let (subject, payload) = content(&mut bytes).ok_or(corrupt)?;
            Ok(Some(TokenRecord { key: key.clone(), subject, expires_at, payload }))
        }
        _ => Err(corrupt),
    }
}

/// Whether a row, of which the first ten bytes were read, has expired.
pub(super) fn is_expired(head_bytes: &Value, now: UnixTime) -> bool {
    match head_bytes {
        Value::BulkString(row) => head(&mut Bytes(row)).is_some_and(|(_, expires_at)| expires_at <= now),
        _ => false,
    }
}

fn head(bytes: &mut Bytes<'_>) -> Option<(u8, UnixTime)> {
    if bytes.byte()? != LAYOUT {
        return None;
    }
    Some((bytes.byte()?, UnixTime::from_secs(bytes.u64()?)))
}

fn content(bytes: &mut Bytes<'_>) -> Option<(TokenSubject, Vec<u8>)> {
    let len = usize::from(bytes.array().map(u16::from_be_bytes)?);
    let subject = TokenSubject::parse(std::str::from_utf8(bytes.take(len)?).ok()?).ok()?;
    (bytes.0.len() <= TokenRecord::MAX_PAYLOAD).then(|| (subject, bytes.0.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_core::{Purpose, Realm, SecretHash};
    use proptest::prelude::*;

    fn key() -> TokenKey {
        TokenKey { realm: Realm::LOCAL, purpose: Purpose::new("p"), hash: SecretHash::of(b"t") }
    }

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let subject = TokenSubject::parse("ann").unwrap();
        let token = TokenRecord { key: key(), subject, expires_at: UnixTime::MAX, payload: vec![0, 255] };
        let row = encode(&token).unwrap();
        assert_eq!(decode(&key(), &row).unwrap(), Some(token));
        assert_eq!(decode(&key(), &claim(UnixTime::MAX)).unwrap(), None);
        assert!(!is_expired(&Value::BulkString(row), UnixTime::from_secs(u64::MAX - 1)));
        assert!(is_expired(&Value::BulkString(claim(UnixTime::from_secs(5))), UnixTime::from_secs(5)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_token_or_a_claim_or_damaged(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(Some(token)) = decode(&key(), &bytes) {
                prop_assert_eq!(encode(&token).unwrap(), bytes);
            }
        }
    }
}
