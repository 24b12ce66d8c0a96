//! Where to go after a login: a place on this site, or nowhere.

/// A path on this site that a redirect may lead to, with its query.
///
/// Redirects that take their target from a request are how people are led away from a site they trust.
/// This type has only paths that every browser reads as this site's: one leading slash, visible ASCII, no
/// backslash, no second slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextPath(String);

impl NextPath {
    /// The most bytes.
    pub const MAX_LEN: usize = 1_024;

    /// Reads a target, or `None` if it might lead anywhere else.
    #[must_use]
    pub fn parse(target: &str) -> Option<Self> {
        let bytes = target.as_bytes();
        // `//host` and `/\host` are read as another host, and a control character between the slashes is
        // dropped by browsers before they look (WHATWG URL, section 4.4).
        let own_path = matches!(bytes, [b'/'] | [b'/', b'!'..=b'.' | b'0'..=b'[' | b']'..=b'~', ..]);
        let visible = bytes.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'\\');
        // Encoded forms of the same: a server or script that decodes once more must not find them either.
        let encoded = |prefix: &str| {
            target
                .get(1..)
                .is_some_and(|rest| rest.get(..3).is_some_and(|head| head.eq_ignore_ascii_case(prefix)))
        };
        let disguised = ["%2f", "%5c", "%09", "%0a", "%0d", "%00"].iter().any(|prefix| encoded(prefix));
        // A dot segment in front of a second slash is removed by browsers: `/.//host`, `/..//host`.
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let doubled = path.contains("//");
        (own_path && visible && !disguised && !doubled && bytes.len() <= Self::MAX_LEN)
            .then(|| Self(target.to_owned()))
    }

    /// The path, with its query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `page` with this as its query parameter `next`, for the `Location` of a redirect.
    #[must_use]
    pub fn as_query_of(&self, page: &str) -> String {
        let mut location = format!("{page}?next=");
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~') {
                location.push(char::from(byte));
            } else {
                location.push_str(&format!("%{byte:02X}"));
            }
        }
        location
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_of_this_site_are_read() {
        for good in ["/", "/profile", "/a?b=c&d=https://x", "/a#top", "/.well-known/x", "/a/b/../c"] {
            assert_eq!(NextPath::parse(good).map(|next| next.0), Some(good.to_owned()), "{good}");
        }
    }

    /// An open redirect lends our name to whoever made the link (rustango#125).
    #[test]
    fn whatever_may_lead_elsewhere_is_refused() {
        let bad = [
            "",
            "profile",
            "//evil",
            "///evil",
            "/\\evil",
            "\\evil",
            "https:evil",
            "https://evil",
            "/\t/evil",
            "/%09/evil",
            "/%2fevil",
            "/%5Cevil",
            "/%0d%0aSet-Cookie:x",
            "/a\r\nb",
            "/ evil",
            "/é",
            "javascript:x",
            "@evil",
            "/.//evil",
            "/..//evil",
            "/a//evil",
            "/\0",
            "?x",
            "#x",
        ];
        for target in bad {
            assert_eq!(NextPath::parse(target), None, "{target:?}");
        }
        assert_eq!(NextPath::parse(&format!("/{}", "a".repeat(NextPath::MAX_LEN))), None);
    }

    #[test]
    fn a_query_in_the_target_stays_inside_the_parameter() {
        let next = NextPath::parse("/a?b=c&d=e#f").unwrap();
        assert_eq!(next.as_query_of("/login"), "/login?next=/a%3Fb%3Dc%26d%3De%23f");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_or_leave_the_site(target in "\\PC{0,40}") {
            if let Some(next) = NextPath::parse(&target) {
                prop_assert!(next.as_str().starts_with('/'));
                prop_assert!(!next.as_str().starts_with("//"));
                prop_assert!(next.as_str().is_ascii());
            }
        }
    }
}
