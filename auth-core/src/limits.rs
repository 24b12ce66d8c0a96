//! What an authentication may be used for: never more than its principal may do, often less.

use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    principal::Realm,
    text::{self, Class},
};

text::name! {
    /// One scope token (RFC 6749 section 3.3).
    Scope, max: 128, class: Class::Scope
}

/// A set of [`Scope`]s, at most 64 of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Scopes(BTreeSet<Scope>);

/// Why a scope list was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScopesError {
    /// A token has a character or a length that RFC 6749 section 3.3 does not allow.
    #[error("scope token is not valid")]
    Token,
    /// More than [`Scopes::MAX`] tokens.
    #[error("more than 64 scope tokens")]
    TooMany,
}

impl Scopes {
    /// The most scopes that a set may have.
    pub const MAX: usize = 64;

    /// No scope at all: with these as limits, nothing is allowed.
    #[must_use]
    pub const fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// Reads a space-separated list (RFC 6749 section 3.3). An empty list is no scope.
    ///
    /// # Errors
    /// [`ScopesError`] if a token is not valid or there are too many.
    pub fn parse(list: &str) -> Result<Self, ScopesError> {
        // Bounded before the loop, so a megabyte of spaces is not walked.
        if list.len() > (Scope::MAX_LEN + 1) * Self::MAX {
            return Err(ScopesError::TooMany);
        }
        let mut scopes = Self::none();
        for token in list.split(' ').filter(|token| !token.is_empty()) {
            scopes.insert(Scope::parse(token).map_err(|_| ScopesError::Token)?)?;
        }
        Ok(scopes)
    }

    /// Adds a scope.
    ///
    /// # Errors
    /// [`ScopesError::TooMany`] if the set is full.
    pub fn insert(&mut self, scope: Scope) -> Result<(), ScopesError> {
        if self.0.len() >= Self::MAX && !self.0.contains(&scope) {
            return Err(ScopesError::TooMany);
        }
        self.0.insert(scope);
        Ok(())
    }

    /// Whether the scope is in the set.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// Whether every scope of this set is in `other`.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// The scopes that both sets have.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// The scopes in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut scopes = Self::none();
        for scope in Vec::<Scope>::deserialize(deserializer)? {
            scopes.insert(scope).map_err(serde::de::Error::custom)?;
        }
        Ok(scopes)
    }
}

/// A range of addresses in CIDR notation (RFC 4632), for instance `10.0.0.0/8`.
///
/// An IPv4 address that is mapped into IPv6 (`::ffff:10.0.0.1`) counts as the IPv4 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

/// Not an address range in CIDR notation, or one with bits set behind its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address range in cidr notation")]
pub struct NetworkError;

impl Network {
    /// The range of all addresses that share the first `prefix` bits with `base`.
    ///
    /// # Errors
    /// [`NetworkError`] if the prefix is too long for the address, or if `base` has bits set behind it.
    pub fn new(base: IpAddr, prefix: u8) -> Result<Self, NetworkError> {
        if let IpAddr::V6(v6) = base
            && v6.to_ipv4_mapped().is_some()
        {
            return Self::new(base.to_canonical(), prefix.checked_sub(96).ok_or(NetworkError)?);
        }
        let network = Self { base, prefix };
        let bits = if base.is_ipv4() { 32 } else { 128 };
        (prefix <= bits && Self::prefix_of(base, prefix) == base).then_some(network).ok_or(NetworkError)
    }

    /// Whether the address is in the range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.base.is_ipv4() && Self::prefix_of(address, self.prefix) == self.base
    }

    /// The range of `prefix` bits that the address is in.
    #[must_use]
    pub fn of(address: IpAddr, prefix: u8) -> Self {
        let address = address.to_canonical();
        let prefix = prefix.min(if address.is_ipv4() { 32 } else { 128 });
        Self { base: Self::prefix_of(address, prefix), prefix }
    }

    fn prefix_of(address: IpAddr, prefix: u8) -> IpAddr {
        match address {
            IpAddr::V4(v4) => {
                let host = 32u32.saturating_sub(u32::from(prefix));
                let mask = u32::MAX.checked_shl(host).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
            }
            IpAddr::V6(v6) => {
                let host = 128u32.saturating_sub(u32::from(prefix));
                let mask = u128::MAX.checked_shl(host).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
            }
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (base, prefix) = text.split_once('/').ok_or(NetworkError)?;
        let base = base.parse().map_err(|_| NetworkError)?;
        // `u8::from_str` would also read "+8" and "08".
        if prefix.len() > 3
            || !prefix.bytes().all(|b| b.is_ascii_digit())
            || (prefix.len() > 1 && prefix.starts_with('0'))
        {
            return Err(NetworkError);
        }
        Self::new(base, prefix.parse().map_err(|_| NetworkError)?)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What an authentication may be used for, beside what its principal may do.
///
/// Allowed is what the policy *and* the limits allow: an administrator's read-only token only reads.
/// [`AuthorizerExt::require`](crate::AuthorizerExt::require) checks them before any engine is asked, and the toolkit's
/// engines before they give a permit to whoever asks them without it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// The only actions allowed, each named by the scope of the same name; `None` does not limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Scopes>,
    /// The only tenant whose resources may be reached; `None` does not limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Realm>,
    /// The only networks that requests may come from; `None` does not limit, an empty list allows nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub networks: Option<Vec<Network>>,
}

impl Limits {
    /// Everything that the principal may do.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self { scopes: None, tenant: None, networks: None }
    }

    /// Whether nothing is limited.
    #[must_use]
    #[inline]
    pub const fn is_unlimited(&self) -> bool {
        self.scopes.is_none() && self.tenant.is_none() && self.networks.is_none()
    }

    /// Only actions that have their scope in `scopes`.
    #[must_use]
    pub fn with_scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = Some(scopes);
        self
    }

    /// Only resources of one tenant.
    #[must_use]
    pub fn with_tenant(mut self, tenant: Realm) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// Only requests from these networks. With an empty list, no request at all.
    #[must_use]
    pub fn with_networks(mut self, networks: Vec<Network>) -> Self {
        self.networks = Some(networks);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_list_is_read_as_a_set() {
        let scopes = Scopes::parse("users.read  profile users.read").unwrap();
        assert_eq!(scopes.to_string(), "profile users.read");
        assert!(scopes.contains("profile") && !scopes.contains("users"));
        assert!(Scopes::parse("").unwrap().is_empty());
    }

    #[test]
    fn a_scope_list_is_capped_and_checked() {
        let many = (0..65).map(|n| format!("s{n}")).collect::<Vec<_>>().join(" ");
        assert_eq!(Scopes::parse(&many), Err(ScopesError::TooMany));
        assert_eq!(Scopes::parse(&" ".repeat(1 << 20)), Err(ScopesError::TooMany));
        for bad in ["a\tb", "a\"", "a\\b", "é"] {
            assert_eq!(Scopes::parse(bad), Err(ScopesError::Token), "{bad:?}");
        }
    }

    /// A bad address in policy or request must not panic or match.
    #[test]
    fn networks_contain_what_their_prefix_says() {
        let ten: Network = "10.0.0.0/8".parse().unwrap();
        assert!(ten.contains("10.255.0.1".parse().unwrap()));
        assert!(ten.contains("::ffff:10.0.0.1".parse().unwrap()));
        assert!(!ten.contains("11.0.0.1".parse().unwrap()));
        assert!(!ten.contains("::1".parse().unwrap()));
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("255.1.2.3".parse().unwrap()) && !all.contains("::1".parse().unwrap()));
        let mapped: Network = "::ffff:10.0.0.0/104".parse().unwrap();
        assert_eq!(mapped, ten);
        let one: Network = "2001:db8::1/128".parse().unwrap();
        assert!(
            one.contains("2001:db8::1".parse().unwrap()) && !one.contains("2001:db8::2".parse().unwrap())
        );
        for bad in [
            "10.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/08",
            "10.0.0.0",
            "x/8",
            "10.0.0.0/",
            "::/129",
        ] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
