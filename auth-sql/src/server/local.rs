//! Whether a connection leaves the host.

use std::net::IpAddr;

/// Whether this is the host itself: a loopback address, `localhost`, or the folder of a socket.
pub(crate) fn is_local(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is taken for local goes without TLS.
    #[test]
    fn only_this_host_is_local() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "/run/postgresql"] {
            assert!(is_local(host), "{host}");
        }
        for host in ["", "10.0.0.1", "0.0.0.0", "localhost.example.com", "127.0.0.1.example.com", "db", "::"]
        {
            assert!(!is_local(host), "{host}");
        }
    }
}
