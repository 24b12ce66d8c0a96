//! Logins that wait for a factor, between two requests.

use std::{fmt, sync::Arc};

use auth_core::{
    AuthEpoch, Binding, Entropy, EntropyError, KeyRing, Method, PendingLogin, PrincipalId, PrincipalKind,
    Purpose, Realm, UnixTime,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

const PURPOSE: Purpose = Purpose::new("pending-login");
const FORMAT: u8 = 2;
/// Where the moment of the factors so far would stand, if it is not one of its own.
const NONE: u64 = u64::MAX;

/// Carries a login that waits for a factor from one request to the next, sealed, in a cookie or a hidden field.
///
/// Whoever has the text can go on with that login, for the ten minutes that it lives, by showing the factor that is
/// missing. So it belongs to the browser of the first factor: a cookie with `HttpOnly`, `Secure`, `SameSite=Strict` and
/// the name prefix `__Host-`. It opens nothing by itself, and no extractor takes it.
#[derive(Clone)]
pub struct PendingLogins {
    keys: Arc<KeyRing>,
    entropy: Arc<dyn Entropy>,
}

impl PendingLogins {
    /// The most bytes of the text: it fits into a cookie.
    pub const MAX_LEN: usize = 3_072;

    /// Sealed with this key ring.
    #[must_use]
    pub fn new(keys: Arc<KeyRing>, entropy: Arc<dyn Entropy>) -> Self {
        Self { keys, entropy }
    }

    /// The login as text.
    ///
    /// # Errors
    /// [`EntropyError`] if there is no randomness.
    pub fn seal(&self, login: &PendingLogin) -> Result<Zeroizing<String>, EntropyError> {
        let join = |methods: &[Method]| methods.iter().map(Method::as_str).collect::<Vec<_>>().join(" ");
        let (passed, missing) = (join(login.passed()), join(login.missing()));
        let who = login.principal();
        let mut bytes = vec![FORMAT];
        bytes.extend(login.epoch().get().to_be_bytes());
        bytes.extend(login.expires_at().as_secs().to_be_bytes());
        bytes.extend(login.passed_at().map_or(NONE, UnixTime::as_secs).to_be_bytes());
        for part in [who.realm().as_str(), who.kind().as_str(), who.id(), &passed, &missing] {
            bytes.extend(u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        let sealed = self.keys.seal(PURPOSE, binding(), &bytes, &*self.entropy)?;
        Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// The login of a text; `None` if it was not sealed here, or its time has passed: log in again.
    #[must_use]
    pub fn open(&self, text: &str, now: UnixTime) -> Option<PendingLogin> {
        if text.len() > Self::MAX_LEN {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let bytes = self.keys.open(PURPOSE, binding(), &sealed).ok()?;
        let rest = bytes.expose().strip_prefix(&[FORMAT])?;
        let (epoch, rest) = rest.split_first_chunk::<8>()?;
        let (expires_at, rest) = rest.split_first_chunk::<8>()?;
        let (passed_at, mut rest) = rest.split_first_chunk::<8>()?;
        let mut next = || {
            let (len, tail) = rest.split_first_chunk::<2>()?;
            let (part, tail) = tail.split_at_checked(u16::from_be_bytes(*len).into())?;
            rest = tail;
            std::str::from_utf8(part).ok()
        };
        let (realm, kind, id) = (next()?, next()?, next()?);
        let split = |methods: &str| {
            let methods = methods.split(' ').filter(|one| !one.is_empty()).map(Method::parse);
            methods.collect::<Result<Vec<_>, _>>().ok()
        };
        let (passed, missing) = (split(next()?)?, split(next()?)?);
        let who = PrincipalId::new(Realm::parse(realm).ok()?, PrincipalKind::parse(kind)?, id).ok()?;
        let epoch = AuthEpoch::new(u64::from_be_bytes(*epoch));
        let expires_at = UnixTime::from_secs(u64::from_be_bytes(*expires_at));
        if !rest.is_empty() || now >= expires_at {
            return None;
        }
        let login = PendingLogin::assertion(who, passed, missing, epoch, expires_at);
        Some(match u64::from_be_bytes(*passed_at) {
            NONE => login,
            secs => login.with_passed_at(UnixTime::from_secs(secs)),
        })
    }
}

impl fmt::Debug for PendingLogins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingLogins").finish_non_exhaustive()
    }
}

/// Whose login it is stands inside.
fn binding() -> Binding<'static> {
    Binding { account: None, row: b"login" }
}

#[cfg(test)]
mod tests {
    use auth_core::{KeyName, SystemEntropy};

    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_000);

    fn logins() -> PendingLogins {
        let keys = KeyRing::generate(KeyName::parse("test").unwrap(), &SystemEntropy).unwrap();
        PendingLogins::new(Arc::new(keys), Arc::new(SystemEntropy))
    }

    fn pending(id: &str) -> PendingLogin {
        let who = PrincipalId::new(Realm::local("tenant").unwrap(), PrincipalKind::User, id).unwrap();
        let missing = vec![Method::ONE_TIME_CODE, Method::RECOVERY_CODE];
        let end = UnixTime::from_secs(1_600);
        PendingLogin::assertion(who, vec![Method::PASSWORD], missing, AuthEpoch::new(7), end)
    }

    #[test]
    fn a_login_that_waits_survives_the_way_through_a_browser_until_its_end() {
        let logins = logins();
        let long = "é".repeat(127);
        let logins_that_wait = [pending("ann"), pending(&long), pending("ann").with_passed_at(NOW)];
        for login in logins_that_wait {
            let text = logins.seal(&login).unwrap();
            assert!(text.len() <= PendingLogins::MAX_LEN && !text.contains("ann"));
            let back = logins.open(&text, NOW).unwrap();
            assert_eq!(format!("{back:?}"), format!("{login:?}"));
            assert!(logins.open(&text, UnixTime::from_secs(1_600)).is_none());
        }
    }

    /// Who could write one would have passed a password without knowing it.
    #[test]
    fn nobody_writes_one() {
        let logins = logins();
        let text = logins.seal(&pending("ann")).unwrap();
        for at in 0..text.len() {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(logins.open(std::str::from_utf8(&changed).unwrap(), NOW).is_none(), "{at}");
            assert!(logins.open(&text[..at], NOW).is_none());
        }
        assert!(super::tests::logins().open(&text, NOW).is_none(), "another ring");
        assert!(logins.open(&"A".repeat(1 << 20), NOW).is_none());
    }
}
