//! What is signed (RFC 9421 section 2.5).

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The parts of a request that a signature covers, all of them and no others.
pub(super) const COMPONENTS: [&str; 5] = ["@method", "@authority", "@path", "@query", "content-digest"];

/// A request, as far as it is signed.
#[derive(Clone, Copy)]
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    pub(super) authority: &'a str,
    /// Path and query.
    pub(super) target: &'a str,
    pub(super) content_digest: &'a str,
}

impl Signed<'_> {
    /// The text that is signed: the components in this order, and the parameters as they are written.
    pub(super) fn base(&self, components: &[&str], params: &str) -> Vec<u8> {
        let (path, query) = self.target.split_once('?').unwrap_or((self.target, ""));
        let authority = self.authority.to_ascii_lowercase();
        let authority = authority.strip_suffix(":443").unwrap_or(&authority);
        let mut base = String::with_capacity(512);
        for component in components {
            let (before, value) = match *component {
                "@method" => ("", self.method),
                "@authority" => ("", authority),
                "@path" => ("", if path.is_empty() { "/" } else { path }),
                "@query" => ("?", query),
                _ => ("", self.content_digest),
            };
            base.extend(["\"", component, "\": ", before, value, "\n"]);
        }
        base.extend(["\"@signature-params\": ", params]);
        base.into_bytes()
    }
}

/// The SHA-256 of a body.
pub(super) fn digest(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

/// HMAC-SHA-256 (RFC 9421 section 3.3.3).
pub(super) fn sign(secret: &[u8; 32], base: &[u8]) -> [u8; 32] {
    // A short key is padded with zeros (RFC 2104 section 2); a whole block needs no fallible call.
    let mut block = Zeroizing::new([0; 64]);
    for (to, from) in block.iter_mut().zip(secret) {
        *to = *from;
    }
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&(*block).into());
    mac.update(base);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    /// RFC 9421 appendix B.2.5, whose secret has 64 bytes.
    #[test]
    fn the_vector_of_rfc_9421_holds() {
        let secret = STANDARD
            .decode(
                "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==",
            )
            .unwrap();
        let base = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\
            \"content-type\": application/json\n\"@signature-params\": (\"date\" \"@authority\" \
            \"content-type\");created=1618884473;keyid=\"test-shared-secret\"";
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&secret).unwrap();
        mac.update(base.as_bytes());
        let signed: [u8; 32] = mac.finalize().into_bytes().into();
        assert_eq!(STANDARD.encode(signed), "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=");
        // Ours does the same with the 32 bytes that its secrets have.
        let short: [u8; 32] = secret[..32].try_into().unwrap();
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&short).unwrap();
        mac.update(base.as_bytes());
        assert_eq!(mac.finalize().into_bytes()[..], sign(&short, base.as_bytes()));
    }

    /// RFC 9421 sections 2.2.1, 2.2.3, 2.2.6 and 2.2.7.
    #[test]
    fn components_are_those_of_rfc_9421() {
        let of = |authority, target| {
            let signed = Signed { method: "GET", authority, target, content_digest: "sha-256=:x:" };
            String::from_utf8(signed.base(&COMPONENTS, "()")).unwrap()
        };
        assert_eq!(
            of("WWW.Example.com:443", "/path?param=value&foo=bar&baz=bat%2Dman"),
            "\"@method\": GET\n\"@authority\": www.example.com\n\"@path\": /path\n\
            \"@query\": ?param=value&foo=bar&baz=bat%2Dman\n\"content-digest\": sha-256=:x:\n\
            \"@signature-params\": ()"
        );
        assert!(of("example.com:8443", "/a").contains("\"@authority\": example.com:8443\n"));
        assert!(of("a", "").contains("\"@path\": /\n\"@query\": ?\n"));
        assert!(of("a", "/?").contains("\"@path\": /\n\"@query\": ?\n"));
        assert!(of("a", "/x?a?b").contains("\"@query\": ?a?b\n"));
    }
}
