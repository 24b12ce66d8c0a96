//! What a row keeps of a key.

use auth_core::{AuthEpoch, CredentialBlob, Limits, Network, Realm, Scopes, SecretHash};

use super::terms::ApiKeyTerms;

const FORMAT: u8 = 1;

/// A key's hash, and what it may be used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredKey {
    pub(super) hash: SecretHash,
    /// The epoch of its owner when it was made; none if it outlives that.
    pub(super) epoch: Option<AuthEpoch>,
    /// Whether another key has taken its place, and it is on its way out.
    pub(super) rotated: bool,
    pub(super) name: Box<str>,
    pub(super) limits: Limits,
}

impl StoredKey {
    /// What the row keeps; none if the limits have more than a key may have.
    pub(super) fn write(&self) -> Option<CredentialBlob> {
        let networks = self.limits.networks.as_ref();
        if networks.is_some_and(|networks| networks.len() > ApiKeyTerms::MAX_NETWORKS) {
            return None;
        }
        let mut bytes = vec![FORMAT];
        bytes.extend(self.hash.as_bytes());
        bytes.push((u8::from(self.rotated) << 1) | u8::from(self.epoch.is_some()));
        bytes.extend(self.epoch.unwrap_or_default().get().to_be_bytes());
        let networks =
            networks.map(|networks| networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
        let scopes = self.limits.scopes.as_ref().map(ToString::to_string);
        let tenant = self.limits.tenant.as_ref().map(ToString::to_string);
        for part in [Some(String::from(&*self.name)), scopes, tenant, networks] {
            bytes.push(u8::from(part.is_some()));
            let part = part.unwrap_or_default();
            bytes.extend(u16::try_from(part.len()).ok()?.to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        CredentialBlob::new(&bytes)
    }

    /// Reads it back; none if anything of it makes no sense: limits that cannot be read are not no limits.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (hash, rest) = bytes.strip_prefix(&[FORMAT])?.split_first_chunk::<32>()?;
        let (flags, rest) = rest.split_first()?;
        let (epoch, mut rest) = rest.split_first_chunk::<8>()?;
        let mut next = || -> Option<Option<&str>> {
            let ([there, high, low], tail) = rest.split_first_chunk::<3>()?;
            let (part, tail) = tail.split_at_checked(u16::from_be_bytes([*high, *low]).into())?;
            rest = tail;
            let part = std::str::from_utf8(part).ok()?;
            match there {
                0 if part.is_empty() => Some(None),
                1 => Some(Some(part)),
                _ => None,
            }
        };
        let (name, scopes, tenant, networks) = (next()??, next()?, next()?, next()?);
        if !rest.is_empty() {
            return None;
        }
        let mut limits = Limits::unlimited();
        if let Some(scopes) = scopes {
            limits = limits.with_scopes(Scopes::parse(scopes).ok()?);
        }
        if let Some(tenant) = tenant {
            limits = limits.with_tenant(Realm::parse(tenant).ok()?);
        }
        if let Some(networks) = networks {
            let networks = networks.split(' ').filter(|one| !one.is_empty()).map(str::parse::<Network>);
            limits = limits.with_networks(networks.collect::<Result<_, _>>().ok()?);
        }
        let (rotated, bound) = match flags {
            0..4 => (flags & 2 != 0, flags & 1 != 0),
            _ => return None,
        };
        let epoch = bound.then_some(AuthEpoch::new(u64::from_be_bytes(*epoch)));
        Some(Self { hash: SecretHash::from_bytes(*hash), epoch, rotated, name: name.into(), limits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(limits: Limits) -> StoredKey {
        let (hash, name) = (SecretHash::of(b"key"), "Bäckup".into());
        StoredKey { hash, epoch: Some(AuthEpoch::new(3)), rotated: false, name, limits }
    }

    #[test]
    fn a_key_survives_its_row() {
        let everything = Limits::unlimited()
            .with_scopes(Scopes::parse("notes.read notes.write").unwrap())
            .with_tenant(Realm::local("acme").unwrap())
            .with_networks(vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()]);
        let nothing = Limits::unlimited().with_scopes(Scopes::none()).with_networks(Vec::new());
        for limits in [Limits::unlimited(), everything, nothing] {
            for (epoch, rotated) in [(None, false), (None, true), (Some(AuthEpoch::new(u64::MAX)), true)] {
                let stored = StoredKey { epoch, rotated, ..stored(limits.clone()) };
                let blob = stored.write().unwrap();
                assert_eq!(StoredKey::read(blob.expose()), Some(stored));
            }
        }
        let many = vec!["10.0.0.0/8".parse().unwrap(); 17];
        assert!(stored(Limits::unlimited().with_networks(many)).write().is_none());
    }

    /// A row whose limits were cut off must not be a key without limits.
    #[test]
    fn a_damaged_row_is_no_key() {
        let limits = Limits::unlimited().with_networks(vec!["10.0.0.0/8".parse().unwrap()]);
        let blob = stored(limits).write().unwrap();
        let bytes = blob.expose();
        for len in 0..bytes.len() {
            assert_eq!(StoredKey::read(&bytes[..len]), None, "{len}");
        }
        assert_eq!(StoredKey::read(&[bytes, b"x"].concat()), None);
        for at in [0, 33, 42, bytes.len() - 1, bytes.len() - 11] {
            let mut bad = bytes.to_vec();
            bad[at] = 7;
            assert_eq!(StoredKey::read(&bad), None, "{at}");
        }
    }
}
