//! Logins as bytes.
//!
//! Nearly every login is a plain one: nobody acts as somebody else, and it is not limited. It has a form of its own, for
//! every request reads it, and JSON takes longer. Numbers are big-endian.
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 1 | 1, where JSON has a brace |
//! | 1 | 1 | kind of the principal: 0 user, 1 service, 2 device |
//! | 2 | 1 | assurance: 1, 2 or 3 |
//! | 3 | 8 | when it was |
//! | 11 | | realm, id and methods, each behind its length in two bytes |

use auth_core::{
    Assurance, AuthEpoch, Authentication, Limits, Method, PrincipalId, PrincipalKind, Realm, StoreError,
    UnixTime,
};

use crate::bytes::Bytes;

const PLAIN: u8 = 1;
const KINDS: [PrincipalKind; 3] = [PrincipalKind::User, PrincipalKind::Service, PrincipalKind::Device];
const LEVELS: [Assurance; 3] = [Assurance::Aal1, Assurance::Aal2, Assurance::Aal3];
/// Methods that need no memory of their own.
const KNOWN: [Method; 5] = [
    Method::PASSWORD,
    Method::ONE_TIME_CODE,
    Method::HARDWARE_KEY,
    Method::SOFTWARE_KEY,
    Method::MULTI_FACTOR,
];

/// A login without its epoch, which is the row's.
pub(super) fn encode(login: &Authentication) -> Result<Vec<u8>, StoreError> {
    // What would not come back whole is not plain: more methods than are read, or what a later version knows of a login.
    let is_whole = |bytes: &Vec<u8>| decode(bytes, login.epoch).is_ok_and(|back| back == *login);
    match plain(login).filter(is_whole) {
        Some(bytes) => Ok(bytes),
        None => serde_json::to_vec(login).map_err(StoreError::not_written),
    }
}

/// A login, with the epoch of its row.
pub(super) fn decode(login: &[u8], epoch: AuthEpoch) -> Result<Authentication, StoreError> {
    let corrupt = || StoreError::corrupt("session's login");
    match login {
        [PLAIN, rest @ ..] => read(Bytes(rest), epoch).ok_or_else(corrupt),
        json => {
            let mut login: Authentication = serde_json::from_slice(json).map_err(|_| corrupt())?;
            login.epoch = epoch;
            Ok(login)
        }
    }
}

fn plain(login: &Authentication) -> Option<Vec<u8>> {
    if login.actor.is_some() || login.limits != Limits::unlimited() || login.methods.is_empty() {
        return None;
    }
    let principal = &login.principal;
    let kind = (0_u8..).zip(KINDS).find(|(_, kind)| *kind == principal.kind())?.0;
    let level = (1_u8..).zip(LEVELS).find(|(_, level)| *level == login.assurance)?.0;
    let mut bytes = vec![PLAIN, kind, level];
    bytes.extend(login.at.as_secs().to_be_bytes());
    let methods = login.methods.iter().map(Method::as_str);
    for text in [principal.realm().as_str(), principal.id()].into_iter().chain(methods) {
        bytes.extend(u16::try_from(text.len()).ok()?.to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    Some(bytes)
}

fn read(mut bytes: Bytes<'_>, epoch: AuthEpoch) -> Option<Authentication> {
    let kind = *KINDS.get(usize::from(bytes.byte()?))?;
    let level = *LEVELS.get(usize::from(bytes.byte()?.checked_sub(1)?))?;
    let at = UnixTime::from_secs(bytes.u64()?);
    let realm = match bytes.text()? {
        local if local == Realm::LOCAL.as_str() => Realm::LOCAL,
        other => Realm::parse(other).ok()?,
    };
    let principal = PrincipalId::new(realm, kind, bytes.text()?).ok()?;
    let login = Authentication::new(principal, method(bytes.text()?)?, at, epoch).with_assurance(level);
    if bytes.0.is_empty() {
        return Some(login);
    }
    let mut methods = login.methods.clone();
    while !bytes.0.is_empty() && methods.len() < Authentication::MAX_METHODS {
        methods.push(method(bytes.text()?)?);
    }
    bytes.0.is_empty().then(|| login.with_methods(methods))
}

fn method(text: &str) -> Option<Method> {
    let known = KNOWN.into_iter().find(|known| known.as_str() == text);
    known.or_else(|| Method::parse(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EPOCH: AuthEpoch = AuthEpoch::new(7);

    fn login(id: &str) -> Authentication {
        let ann = PrincipalId::local_user(id).unwrap();
        Authentication::new(ann, Method::PASSWORD, UnixTime::MAX, EPOCH)
    }

    fn is_plain(login: &Authentication) -> bool {
        let bytes = encode(login).unwrap();
        assert_eq!(&decode(&bytes, EPOCH).unwrap(), login);
        bytes[0] == PLAIN
    }

    /// A limit that was dropped would open what was closed, and an actor that was would hide who acts.
    #[test]
    fn what_is_not_plain_keeps_all_of_it() {
        assert!(is_plain(&login("ann")));
        let mut limited = login("ann");
        limited.limits.tenant = Some(Realm::LOCAL);
        assert!(!is_plain(&limited));
        assert!(!is_plain(&login("ann").with_actor(PrincipalId::local_user("root").unwrap())));
        // No step, which no login of ours has.
        let none = login("ann").with_methods(Vec::new());
        assert!(!is_plain(&none));
        let mut nine = login("ann");
        nine.methods = vec![Method::PASSWORD; Authentication::MAX_METHODS + 1];
        assert!(!is_plain(&nine), "read by its field, which nothing caps");
    }

    #[test]
    fn every_cut_of_a_plain_login_is_damaged() {
        let whole = encode(&login("ann")).unwrap();
        for len in 0..whole.len() {
            assert!(matches!(decode(&whole[..len], EPOCH), Err(StoreError::Corrupt(_))), "{len}");
        }
        for (at, to) in [(1, 3), (2, 0), (2, 4)] {
            let mut damaged = whole.clone();
            damaged[at] = to;
            assert!(decode(&damaged, EPOCH).is_err(), "{at}");
        }
        let nine = [&whole[..], &whole[whole.len() - 5..].repeat(8)].concat();
        assert!(decode(&nine, EPOCH).is_err(), "more methods than a login has");
    }

    proptest! {
        #[test]
        fn a_login_is_read_as_it_was_written(
            (realm, id) in ("[!-~]{1,40}", "\\PC{1,40}"),
            (kind, level, at) in (0_usize..3, 0_usize..3, any::<u64>()),
            methods in proptest::collection::vec("pwd|otp|hwk|swk|mfa|[a-z]{1,32}", 1..9),
        ) {
            let Ok(principal) = PrincipalId::new(Realm::parse(&realm).unwrap(), KINDS[kind], &id) else {
                return Ok(());
            };
            let methods: Vec<_> = methods.iter().map(|text| Method::parse(text).unwrap()).collect();
            let login = Authentication::new(principal, Method::PASSWORD, UnixTime::from_secs(at), EPOCH)
                .with_methods(methods)
                .with_assurance(LEVELS[level]);
            prop_assert!(is_plain(&login));
        }

        #[test]
        fn any_bytes_are_a_login_or_damaged(mut bytes in proptest::collection::vec(any::<u8>(), 1..80)) {
            bytes[0] = PLAIN;
            let _ = decode(&bytes, EPOCH);
        }
    }
}
