//! Requests that another site caused (cross-site request forgery).

mod forms;
mod origin;
mod token;

pub use forms::{FormCookie, FormTokens};
pub use origin::{Origin, OriginError};
pub use token::{CsrfTokens, TokenMatched};

use auth_core::Refusal;

/// Another site caused this request, or may have: it must not act for the person whose browser sent it.
/// HTTP 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cross-site request refused")]
#[non_exhaustive]
pub struct CrossSite {
    /// Why, for the audit log and for whoever sets up a proxy.
    pub reason: CrossSiteReason,
}

/// Why a request counts as another site's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CrossSiteReason {
    /// `Sec-Fetch-Site` says `cross-site` or `same-site`, and the origin is not allowed.
    FetchMetadata,
    /// `Sec-Fetch-Site` has a value that is not known, or came more than once.
    UnknownFetchMetadata,
    /// `Origin` is another one, is `null`, or came more than once.
    Origin,
    /// There is neither header, and the request carries credentials that a browser adds by itself or would
    /// begin a session.
    NoHeaders,
}

impl From<CrossSite> for Refusal {
    fn from(_: CrossSite) -> Self {
        Self::CrossSite
    }
}

/// What the check looks at, as plain values.
///
/// [`new`](Self::new) assumes the worst of what it is not told: that the request has credentials that a
/// browser adds by itself.
#[derive(Debug, Clone, Copy)]
pub struct CsrfRequest<'a> {
    method: &'a str,
    sec_fetch_site: &'a [&'a [u8]],
    origin: &'a [&'a [u8]],
    is_upgrade: bool,
    has_ambient_credentials: bool,
    begins_session: bool,
    token: Option<TokenMatched>,
}

impl<'a> CsrfRequest<'a> {
    /// A request by `method`, with the values of all its `Sec-Fetch-Site` lines and of all its `Origin` lines.
    ///
    /// `method` is the one on the request line, never one from an override header or form field.
    #[must_use]
    pub const fn new(method: &'a str, sec_fetch_site: &'a [&'a [u8]], origin: &'a [&'a [u8]]) -> Self {
        Self {
            method,
            sec_fetch_site,
            origin,
            is_upgrade: false,
            has_ambient_credentials: true,
            begins_session: false,
            token: None,
        }
    }

    /// It asks for another protocol, such as a WebSocket: by an `Upgrade` header or an extended `CONNECT`.
    #[must_use]
    pub const fn upgrade(mut self, is_upgrade: bool) -> Self {
        self.is_upgrade = is_upgrade;
        self
    }

    /// Whether it carries what a browser adds by itself: a cookie, `Basic` or `Negotiate` authorization, or a
    /// client certificate.
    #[must_use]
    pub const fn ambient_credentials(mut self, has: bool) -> Self {
        self.has_ambient_credentials = has;
        self
    }

    /// Whether its route may set a session cookie, as a login form does. Such a route is refused without a
    /// header that matches or a token, whatever its method: otherwise a stranger logs people in as himself.
    #[must_use]
    pub const fn begins_session(mut self, begins: bool) -> Self {
        self.begins_session = begins;
        self
    }

    /// With a token that was checked. It stands in where both headers are absent; it never outweighs a header
    /// that speaks against the request.
    #[must_use]
    pub const fn token(mut self, token: Option<TokenMatched>) -> Self {
        self.token = token;
        self
    }

    /// RFC 9110 section 9.2.1, without `TRACE`, which no route should answer.
    fn is_safe(&self) -> bool {
        matches!(self.method, "GET" | "HEAD" | "OPTIONS") && !self.is_upgrade && !self.begins_session
    }
}

/// Which origins may cause requests that act.
///
/// ```
/// use auth_session::{CsrfPolicy, CsrfRequest, Origin};
///
/// let policy = CsrfPolicy::new(Origin::parse("https://app.example.com")?);
/// let own = CsrfRequest::new("POST", &[b"same-origin"], &[b"https://app.example.com"]);
/// assert!(policy.check(&own).is_ok());
/// let sibling = CsrfRequest::new("POST", &[b"same-site"], &[b"https://blog.example.com"]);
/// assert!(policy.check(&sibling).is_err());
/// # Ok::<(), auth_session::OriginError>(())
/// ```
#[derive(Debug, Clone)]
pub struct CsrfPolicy {
    own: Origin,
    allowed: Vec<Origin>,
}

impl CsrfPolicy {
    /// Only the application's own origin. It is configured, never taken from a `Host` header.
    #[must_use]
    pub const fn new(own: Origin) -> Self {
        Self { own, allowed: Vec::new() }
    }

    /// Also this origin: a front end of yours that is served from elsewhere.
    #[must_use]
    pub fn allow(mut self, origin: Origin) -> Self {
        self.allowed.push(origin);
        self
    }

    /// The application's own origin.
    #[must_use]
    pub const fn own(&self) -> &Origin {
        &self.own
    }

    /// Whether the request may act for the person whose browser sent it. Pure.
    ///
    /// Safe methods pass. Then `Sec-Fetch-Site` decides where it is sent (W3C Fetch Metadata section 2.4), and
    /// `Origin` where it is not (RFC 6454 section 7). With neither, no browser of this decade sent it, and it
    /// passes only if it carries nothing that a browser adds by itself and begins no session.
    ///
    /// An answer that depends on this varies by `Sec-Fetch-Site` and `Origin`.
    ///
    /// # Errors
    /// [`CrossSite`].
    pub fn check(&self, request: &CsrfRequest<'_>) -> Result<(), CrossSite> {
        let refused = |reason| Err(CrossSite { reason });
        if request.is_safe() {
            return Ok(());
        }
        match (request.sec_fetch_site, request.origin) {
            ([b"same-origin" | b"none"], _) => Ok(()),
            ([b"same-site" | b"cross-site"], [origin]) if self.allows(origin) => Ok(()),
            ([b"same-site" | b"cross-site"], _) => refused(CrossSiteReason::FetchMetadata),
            ([_, ..], _) => refused(CrossSiteReason::UnknownFetchMetadata),
            ([], [origin]) if self.own.is(origin) || self.allows(origin) => Ok(()),
            ([], [_, ..]) => refused(CrossSiteReason::Origin),
            ([], []) if request.token.is_some() => Ok(()),
            ([], []) if request.has_ambient_credentials || request.begins_session => {
                refused(CrossSiteReason::NoHeaders)
            }
            ([], []) => Ok(()),
        }
    }

    fn allows(&self, origin: &[u8]) -> bool {
        self.allowed.iter().any(|allowed| allowed.is(origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OWN: &[u8] = b"https://app.example.com";

    fn policy() -> CsrfPolicy {
        let front = Origin::parse("https://front.example.com").unwrap();
        CsrfPolicy::new(Origin::parse("https://app.example.com").unwrap()).allow(front)
    }

    fn check(request: CsrfRequest<'_>) -> Option<CrossSiteReason> {
        policy().check(&request).err().map(|error| error.reason)
    }

    fn post<'a>(site: &'a [&'a [u8]], origin: &'a [&'a [u8]]) -> CsrfRequest<'a> {
        CsrfRequest::new("POST", site, origin)
    }

    /// Same-site is refused like cross-site; a sibling is not us.
    #[test]
    fn fetch_metadata_decides_first() {
        assert_eq!(check(post(&[b"same-origin"], &[OWN])), None);
        assert_eq!(check(post(&[b"none"], &[])), None);
        for site in [&b"same-site"[..], b"cross-site"] {
            assert_eq!(check(post(&[site], &[])), Some(CrossSiteReason::FetchMetadata));
            assert_eq!(check(post(&[site], &[b"https://evil.com"])), Some(CrossSiteReason::FetchMetadata));
            // The own origin in front of a cross-site header: something rewrote one of them.
            assert_eq!(check(post(&[site], &[OWN])), Some(CrossSiteReason::FetchMetadata));
            assert_eq!(check(post(&[site], &[b"https://front.example.com"])), None);
            let twice: &[&[u8]] = &[b"https://front.example.com", b"https://front.example.com"];
            assert_eq!(check(post(&[site], twice)), Some(CrossSiteReason::FetchMetadata));
        }
    }

    #[test]
    fn unknown_and_repeated_fetch_metadata_is_refused() {
        let values: [&[&[u8]]; 5] = [
            &[b""],
            &[b"Same-Origin"],
            &[b"same-origin, same-origin"],
            &[b"same-origin", b"same-origin"],
            &[b"x"],
        ];
        for site in values {
            assert_eq!(check(post(site, &[OWN])), Some(CrossSiteReason::UnknownFetchMetadata), "{site:?}");
        }
    }

    /// Older browsers and plain HTTP send no `Sec-Fetch-Site`; `null` is nobody;
    /// a proxy that rewrites hosts shows up as a mismatch.
    #[test]
    fn without_fetch_metadata_the_origin_decides() {
        assert_eq!(check(post(&[], &[OWN])), None);
        assert_eq!(check(post(&[], &[b"https://front.example.com"])), None);
        let bad: [&[&[u8]]; 9] = [
            &[b"null"],
            &[b""],
            &[b"http://app.example.com"],
            &[b"https://app.example.com:8443"],
            &[b"https://app.example.com.evil.com"],
            &[b"https://app.example.com/"],
            &[b"https://evil.com"],
            &[b"http://10.0.0.5:3000"],
            &[OWN, OWN],
        ];
        for origin in bad {
            assert_eq!(check(post(&[], origin)), Some(CrossSiteReason::Origin), "{origin:?}");
        }
    }

    #[test]
    fn without_both_headers_only_what_a_browser_adds_nothing_to_passes() {
        let bare = post(&[], &[]);
        assert_eq!(check(bare), Some(CrossSiteReason::NoHeaders));
        assert_eq!(check(bare.ambient_credentials(false)), None);
    }

    /// Logging somebody in as oneself needs no cookie of theirs.
    #[test]
    fn a_route_that_begins_a_session_needs_a_header_or_a_token() {
        let login =
            |method| CsrfRequest::new(method, &[], &[]).ambient_credentials(false).begins_session(true);
        for method in ["POST", "GET"] {
            assert_eq!(check(login(method)), Some(CrossSiteReason::NoHeaders));
            assert_eq!(check(login(method).token(Some(TokenMatched::for_tests()))), None);
        }
        assert_eq!(check(post(&[b"same-origin"], &[OWN]).begins_session(true)), None);
        assert_eq!(check(post(&[], &[OWN]).begins_session(true)), None);
        let cross = CsrfRequest::new("GET", &[b"cross-site"], &[]).begins_session(true);
        assert_eq!(check(cross), Some(CrossSiteReason::FetchMetadata));
    }

    /// A token that leaked must not open what a header says is another site's.
    #[test]
    fn a_token_does_not_outweigh_a_header() {
        let token = Some(TokenMatched::for_tests());
        assert!(check(post(&[b"cross-site"], &[]).token(token)).is_some());
        assert!(check(post(&[], &[b"null"]).token(token)).is_some());
        assert_eq!(check(post(&[], &[]).token(token)), None);
    }

    /// An upgrade is a GET that acts, and a method's case counts.
    #[test]
    fn safe_methods_pass_and_upgrades_are_not_safe() {
        for method in ["GET", "HEAD", "OPTIONS"] {
            let request = CsrfRequest::new(method, &[b"cross-site"], &[b"https://evil.com"]);
            assert_eq!(check(request), None);
            assert_eq!(check(request.upgrade(true)), Some(CrossSiteReason::FetchMetadata));
        }
        for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "get", "", "GET ", "QUERY"] {
            let request = CsrfRequest::new(method, &[b"cross-site"], &[]);
            assert_eq!(check(request), Some(CrossSiteReason::FetchMetadata), "{method}");
        }
    }

    proptest! {
        /// Whatever the headers are, an unsafe request with a cookie passes only by one of the listed values.
        #[test]
        fn nothing_else_passes(
            site in proptest::collection::vec("[a-z-]{0,12}|same-origin|none|cross-site", 0..3),
            origin in proptest::collection::vec("https://(app|front|evil).example.com|null|[ -~]{0,12}", 0..3),
        ) {
            let sites: Vec<&[u8]> = site.iter().map(|s| s.as_bytes()).collect();
            let origins: Vec<&[u8]> = origin.iter().map(|s| s.as_bytes()).collect();
            if policy().check(&post(&sites, &origins)).is_ok() {
                let front = origin == ["https://front.example.com"];
                let by_site = matches!(&site[..], [s] if s == "same-origin" || s == "none" || front);
                let by_origin = site.is_empty() && (front || origin == ["https://app.example.com"]);
                prop_assert!(by_site || by_origin);
            }
        }
    }
}
