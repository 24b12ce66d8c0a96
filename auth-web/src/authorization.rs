//! The `Authorization` header.

use auth_core::Malformed;
use auth_jwt::AccessToken;

/// What the `Authorization` header lines of a request amount to.
#[derive(Debug)]
pub(crate) enum Authorization {
    /// There is none.
    Absent,
    /// A bearer token (RFC 6750 section 2.1), not checked.
    Bearer(AccessToken),
    /// A login name and a password (RFC 7617), not read.
    Basic,
    /// Another scheme. It authenticates nobody here, and cookies are ignored all the same.
    OtherScheme,
}

/// Reads all `Authorization` lines of a request.
///
/// # Errors
/// [`Malformed`] if there is more than one line, or a line that cannot be read.
pub(crate) fn read(lines: &[&[u8]]) -> Result<Authorization, Malformed> {
    let line = match lines {
        [] => return Ok(Authorization::Absent),
        [line] => *line,
        // Which one was meant? A proxy and this server might answer differently.
        _ => return Err(Malformed::Header),
    };
    let scheme = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    // RFC 9110 section 11.1: the scheme is a token, compared without case.
    if scheme.is_empty() || !scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-') {
        return Err(Malformed::Header);
    }
    if scheme.eq_ignore_ascii_case(b"basic") {
        return Ok(Authorization::Basic);
    }
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Ok(Authorization::OtherScheme);
    }
    AccessToken::from_authorization(line).map(Authorization::Bearer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bearer(line: &str) -> Option<String> {
        match read(&[line.as_bytes()]) {
            Ok(Authorization::Bearer(token)) => Some(token.expose().to_owned()),
            _ => None,
        }
    }

    #[test]
    fn a_bearer_token_is_read_whatever_the_case_of_its_scheme() {
        for line in ["Bearer a.b-c_d", "bearer a.b-c_d", "BEARER  a.b-c_d"] {
            assert_eq!(bearer(line).as_deref(), Some("a.b-c_d"), "{line}");
        }
    }

    /// No header makes it panic, and none passes as absent (GHSA-xmf8).
    #[test]
    fn a_header_that_cannot_be_read_is_malformed_and_not_absent() {
        for line in
            ["", " ", "Bearer", "Bearer ", "Bearer a b", "Bearer \u{e9}", "Bearer a,b", "Bearer a ", "B\0r x"]
        {
            assert!(matches!(read(&[line.as_bytes()]), Err(Malformed::Header)), "{line:?}");
        }
        assert!(matches!(read(&[b"Bearer a", b"Bearer a"]), Err(Malformed::Header)));
        let huge = format!("Bearer {}", "a".repeat(1 << 20));
        assert!(matches!(read(&[huge.as_bytes()]), Err(Malformed::TooLarge)));
    }

    #[test]
    fn another_scheme_is_not_ours() {
        assert!(matches!(read(&[b"Digest dTpw"]), Ok(Authorization::OtherScheme)));
        assert!(matches!(read(&[b"basic dTpw"]), Ok(Authorization::Basic)));
        assert!(matches!(read(&[]), Ok(Authorization::Absent)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(line in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = read(&[&line]);
        }
    }
}
