//! Which address a request comes from.

use std::net::{IpAddr, SocketAddr};

use auth_core::Network;

/// The proxies whose word on client addresses counts.
///
/// Without any, the address of the connection is the client's and `X-Forwarded-For` is ignored, so that
/// nobody gets around a throttle by writing the header.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// The most entries of the header that are looked at, from its end.
    const MAX_HOPS: usize = 16;

    /// No proxy: clients connect directly.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Proxies in these networks. Each must append the address it was connected from to `X-Forwarded-For`.
    #[must_use]
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    /// The client's address: from the end of the list, the first that is not one of our proxies.
    ///
    /// `lists` are the values of all `X-Forwarded-For` lines in their order. An entry is an address, which may
    /// have a port behind it and, if it is an IPv6 address, brackets around it. One that is none ends the walk:
    /// what is in front of it was written by a stranger.
    #[must_use]
    pub fn client(&self, peer: IpAddr, lists: &[&[u8]]) -> IpAddr {
        self.client_of(peer, lists.iter().copied())
    }

    pub(crate) fn client_of<'a>(
        &self,
        peer: IpAddr,
        lists: impl DoubleEndedIterator<Item = &'a [u8]>,
    ) -> IpAddr {
        let mut client = peer.to_canonical();
        let entries = lists.rev().flat_map(|list| list.rsplit(|byte| *byte == b','));
        for entry in entries.take(Self::MAX_HOPS) {
            if !self.trusts(client) {
                break;
            }
            match std::str::from_utf8(entry).ok().and_then(|text| address(text.trim())) {
                Some(address) => client = address.to_canonical(),
                None => break,
            }
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

fn address(entry: &str) -> Option<IpAddr> {
    let bracketed = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || entry.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    entry.parse().ok().or_else(with_port).or_else(bracketed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn proxies() -> TrustedProxies {
        TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()])
    }

    /// The leftmost entry is the attacker's to write.
    #[test]
    fn the_header_counts_only_from_a_trusted_proxy() {
        let spoofed: &[&[u8]] = &[b"1.1.1.1, 2.2.2.2"];
        assert_eq!(TrustedProxies::none().client(ip("9.9.9.9"), spoofed), ip("9.9.9.9"));
        assert_eq!(proxies().client(ip("9.9.9.9"), spoofed), ip("9.9.9.9"));
        assert_eq!(proxies().client(ip("10.0.0.1"), spoofed), ip("2.2.2.2"));
    }

    /// Some load balancers write the port that they were connected from. Read as junk, it would make everybody
    /// behind them one source.
    #[test]
    fn an_entry_may_name_a_port() {
        for (entry, client) in [
            ("2.2.2.2:50123", "2.2.2.2"),
            ("[2001:db8::1]:50123", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[::ffff:2.2.2.2]:80", "2.2.2.2"),
        ] {
            assert_eq!(proxies().client(ip("10.0.0.1"), &[entry.as_bytes()]), ip(client), "{entry}");
            let chain = format!("1.1.1.1, {entry}, 10.0.0.2:443");
            assert_eq!(proxies().client(ip("10.0.0.1"), &[chain.as_bytes()]), ip(client), "{entry}");
        }
        for junk in [
            "2.2.2.2:",
            "2.2.2.2:x",
            "2.2.2.2:80:80",
            "2.2.2.2:99999",
            "[2.2.2.2]:80",
            "[::1",
            "::1]:80",
            "[]",
            "",
        ] {
            let peer = proxies().client(ip("10.0.0.1"), &[junk.as_bytes()]);
            assert_eq!(peer, ip("10.0.0.1"), "{junk}");
        }
    }

    #[test]
    fn a_chain_of_proxies_is_walked_from_its_end_over_all_lines() {
        let lists: &[&[u8]] = &[b"1.1.1.1", b"2.2.2.2, 10.0.0.3", b"10.0.0.2"];
        assert_eq!(proxies().client(ip("::ffff:10.0.0.1"), lists), ip("2.2.2.2"));
        assert_eq!(proxies().client(ip("10.0.0.1"), &[b"1.1.1.1, junk, 10.0.0.2"]), ip("10.0.0.2"));
        assert_eq!(proxies().client(ip("10.0.0.1"), &[]), ip("10.0.0.1"));
        let endless = [b"10.0.0.9,".repeat(10_000)];
        assert_eq!(proxies().client(ip("10.0.0.1"), &[&endless[0]]), ip("10.0.0.1"));
    }
}
