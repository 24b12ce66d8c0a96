//! Where a request came from, as far as throttling cares.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

/// Names the origin of a request for shares and counters: an IPv4 address, or an IPv6 /64.
///
/// One household or host usually holds a whole /64, so counting single IPv6 addresses would give each
/// attacker 2^64 fresh starts. An IPv4 address that is mapped into IPv6 (`::ffff:203.0.113.9`) is the IPv4
/// address.
///
/// Hand in the peer's address, or the client's address as told by a proxy that you trust: whoever can
/// choose this value chooses whom to be throttled as.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceKey(Key);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    V4([u8; 4]),
    V6([u8; 8]),
    Local,
}

impl SourceKey {
    /// This program itself, for calls that no network caused (a command line, a job). It is one source.
    pub const LOCAL: Self = Self(Key::Local);

    /// The source that `address` belongs to.
    #[must_use]
    pub fn from_ip(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(Key::V4(address.octets())),
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self(Key::V6([a, b, c, d, e, f, g, h]))
            }
        }
    }

    /// The source of a request from `peer`; [`LOCAL`](Self::LOCAL) if there is none.
    #[must_use]
    pub fn from_peer(peer: Option<IpAddr>) -> Self {
        peer.map_or(Self::LOCAL, Self::from_ip)
    }

    /// The key in bytes, for counters. The first byte tells the kind, so kinds never collide.
    fn write_to(self, out: &mut Vec<u8>) {
        match self.0 {
            Key::V4(bytes) => {
                out.push(4);
                out.extend_from_slice(&bytes);
            }
            Key::V6(bytes) => {
                out.push(6);
                out.extend_from_slice(&bytes);
            }
            Key::Local => out.push(0),
        }
    }
}

/// Who has places and tries: a source, or a device that is remembered, wherever it is. Places that are kept for devices
/// are of all those of an account together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    Source(SourceKey),
    Device([u8; 16]),
}

impl Origin {
    /// The most bytes of a key.
    pub(crate) const MAX_LEN: usize = 17;

    /// As [`SourceKey::from_peer`].
    pub(crate) fn from_peer(peer: Option<IpAddr>) -> Self {
        SourceKey::from_peer(peer).into()
    }

    /// The key in bytes, for counters. No kind of source has this first byte.
    pub(crate) fn write_to(self, out: &mut Vec<u8>) {
        match self {
            Self::Source(source) => source.write_to(out),
            Self::Device(id) => {
                out.push(1);
                out.extend_from_slice(&id);
            }
        }
    }
}

impl From<SourceKey> for Origin {
    fn from(source: SourceKey) -> Self {
        Self::Source(source)
    }
}

impl From<IpAddr> for SourceKey {
    fn from(address: IpAddr) -> Self {
        Self::from_ip(address)
    }
}

/// `203.0.113.9`, `2001:db8::/64` or `local`.
impl fmt::Display for SourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Key::V4(bytes) => fmt::Display::fmt(&IpAddr::from(bytes), f),
            Key::V6([a, b, c, d, e, g, h, i]) => {
                write!(f, "{}/64", Ipv6Addr::from([a, b, c, d, e, g, h, i, 0, 0, 0, 0, 0, 0, 0, 0]))
            }
            Key::Local => f.write_str("local"),
        }
    }
}

impl fmt::Debug for SourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn source(address: &str) -> SourceKey {
        SourceKey::from_ip(address.parse().unwrap())
    }

    /// An attacker's /64 is one source.
    #[test]
    fn an_ipv6_64_is_one_source_and_an_ipv4_address_is_one() {
        assert_eq!(source("2001:db8:0:1::1"), source("2001:db8:0:1:ffff:ffff:ffff:ffff"));
        assert_ne!(source("2001:db8:0:1::1"), source("2001:db8:0:2::1"));
        assert_ne!(source("203.0.113.9"), source("203.0.113.10"));
    }

    /// The same client must not count twice because one listener is dual-stack.
    #[test]
    fn a_mapped_address_is_the_ipv4_address() {
        assert_eq!(source("::ffff:203.0.113.9"), source("203.0.113.9"));
        assert_ne!(source("::ffff:203.0.113.9"), source("::fffe:203.0.113.9"));
    }

    #[test]
    fn kinds_do_not_share_keys() {
        let sources = [source("0.0.0.0"), source("::"), SourceKey::LOCAL].map(Origin::Source);
        let keys: BTreeSet<Vec<u8>> = sources
            .into_iter()
            .chain([Origin::Device([0; 16])])
            .map(|origin| {
                let mut out = Vec::new();
                origin.write_to(&mut out);
                out
            })
            .collect();
        assert_eq!(keys.len(), 4);
        assert_eq!(source("2001:db8:0:1::7").to_string(), "2001:db8:0:1::/64");
        assert_eq!(source("203.0.113.9").to_string(), "203.0.113.9");
    }
}
