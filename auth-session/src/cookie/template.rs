//! What a cookie is set and cleared with.

use std::{fmt::Write as _, time::Duration};

use auth_core::{Secret, UnixTime};

use crate::cookie::{CookieError, CookieName, SetCookie, date::http_date};

/// Which cross-site requests carry the cookie (RFC 6265bis section 4.1.2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SameSite {
    /// None of them, links from other sites included: who follows one arrives logged out.
    Strict,
    /// Only a person's navigation to a page.
    Lax,
    /// All of them. Needs `Secure`.
    None,
}

impl SameSite {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

/// A cookie without its value: name and attributes, always a combination that browsers take.
///
/// Setting and clearing go through one template, because a browser clears a cookie only if domain and path
/// are those it was set with.
///
/// ```
/// use auth_session::{CookieName, CookieTemplate, SameSite};
///
/// let theme = CookieTemplate::new(CookieName::parse("theme")?)
///     .readable_by_scripts()
///     .with_same_site(SameSite::Strict)?;
/// let cookie = theme.set("dark", None)?;
/// assert_eq!(cookie.expose(), "theme=dark; Path=/; Secure; SameSite=Strict");
/// # Ok::<(), auth_session::CookieError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieTemplate {
    name: CookieName,
    path: Box<str>,
    domain: Option<Box<str>>,
    secure: bool,
    http_only: bool,
    same_site: SameSite,
    partitioned: bool,
}

impl CookieTemplate {
    /// The most bytes of a cookie, attributes included.
    pub const MAX_LEN: usize = 4_096;
    /// The longest lifetime: 400 days, beyond which browsers cut it (RFC 6265bis section 5.5).
    pub const MAX_AGE: Duration = Duration::from_secs(400 * 24 * 3_600);
    /// The most bytes of a path, as of any attribute value (section 5.6).
    const MAX_PATH_LEN: usize = 1_024;

    /// `name` with `Path=/; Secure; HttpOnly; SameSite=Lax` and no `Domain`.
    #[must_use]
    pub fn new(name: CookieName) -> Self {
        let same_site = SameSite::Lax;
        let path = "/".into();
        Self { name, path, domain: None, secure: true, http_only: true, same_site, partitioned: false }
    }

    /// Under this path only. A path keeps nobody out who can run a script on the same origin.
    ///
    /// # Errors
    /// [`CookieError::Path`], or [`CookieError::HostPrefix`] if the name forbids it.
    pub fn with_path(mut self, path: &str) -> Result<Self, CookieError> {
        let visible = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';');
        if !path.starts_with('/') || !visible || path.len() > Self::MAX_PATH_LEN {
            return Err(CookieError::Path);
        }
        if self.name.is_host_bound() && path != "/" {
            return Err(CookieError::HostPrefix);
        }
        self.path = path.into();
        Ok(self)
    }

    /// Also on every subdomain of `domain`, each of which can then read and replace the cookie.
    ///
    /// # Errors
    /// [`CookieError::Domain`], or [`CookieError::HostPrefix`] if the name forbids it.
    pub fn with_domain(mut self, domain: &str) -> Result<Self, CookieError> {
        if !is_domain(domain) {
            return Err(CookieError::Domain);
        }
        if self.name.is_host_bound() {
            return Err(CookieError::HostPrefix);
        }
        self.domain = Some(domain.into());
        Ok(self)
    }

    /// With another `SameSite`.
    ///
    /// # Errors
    /// [`CookieError::SameSiteNone`] for [`SameSite::None`] without `Secure`.
    pub fn with_same_site(mut self, same_site: SameSite) -> Result<Self, CookieError> {
        if same_site == SameSite::None && !self.secure {
            return Err(CookieError::SameSiteNone);
        }
        self.same_site = same_site;
        Ok(self)
    }

    /// Without `HttpOnly`: any script on the page reads it.
    #[must_use]
    pub fn readable_by_scripts(mut self) -> Self {
        self.http_only = false;
        self
    }

    /// Without `Secure`: it travels over plain HTTP too, where everybody on the way reads it.
    ///
    /// # Errors
    /// [`CookieError::PrefixNeedsSecure`] or [`CookieError::SameSiteNone`].
    pub fn sent_over_plain_http(mut self) -> Result<Self, CookieError> {
        if self.name.needs_secure() {
            return Err(CookieError::PrefixNeedsSecure);
        }
        if self.same_site == SameSite::None {
            return Err(CookieError::SameSiteNone);
        }
        if self.partitioned {
            return Err(CookieError::PartitionedNeedsSecure);
        }
        self.secure = false;
        Ok(self)
    }

    /// Kept apart for each site that embeds this one (`Partitioned`, draft-cutler-httpbis-partitioned-cookies), for
    /// what runs in somebody else's frame; it usually goes with [`SameSite::None`].
    ///
    /// # Errors
    /// [`CookieError::PartitionedNeedsSecure`].
    pub fn partitioned(mut self) -> Result<Self, CookieError> {
        if !self.secure {
            return Err(CookieError::PartitionedNeedsSecure);
        }
        self.partitioned = true;
        Ok(self)
    }

    /// The cookie's name.
    #[must_use]
    pub fn name(&self) -> &CookieName {
        &self.name
    }

    /// Whether it has `Secure`.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether it has `HttpOnly`.
    #[must_use]
    pub fn is_http_only(&self) -> bool {
        self.http_only
    }

    /// The cookie with this value. Without `max_age` it lasts as long as the browser runs.
    ///
    /// # Errors
    /// [`CookieError::Value`], [`CookieError::MaxAge`], and [`CookieError::TooLarge`] beyond
    /// [`MAX_LEN`](Self::MAX_LEN).
    pub fn set(&self, value: &str, max_age: Option<Duration>) -> Result<SetCookie, CookieError> {
        self.checked(value, None, max_age)
    }

    /// The cookie with this value, until a moment: with `Max-Age`, and with `Expires` for clients that do not know that.
    ///
    /// # Errors
    /// As [`set`](Self::set), by the time from `now` on.
    pub fn set_until(&self, value: &str, until: UnixTime, now: UnixTime) -> Result<SetCookie, CookieError> {
        let date = http_date(until).ok_or(CookieError::MaxAge)?;
        self.checked(value, Some(&date), Some(until.since(now)))
    }

    fn checked(
        &self,
        value: &str,
        expires: Option<&str>,
        max_age: Option<Duration>,
    ) -> Result<SetCookie, CookieError> {
        if !value.bytes().all(is_cookie_octet) {
            return Err(CookieError::Value);
        }
        if max_age.is_some_and(|age| age.as_secs() == 0 || age > Self::MAX_AGE) {
            return Err(CookieError::MaxAge);
        }
        let cookie = self.render_until(value, expires, max_age);
        if cookie.expose().len() > Self::MAX_LEN { Err(CookieError::TooLarge) } else { Ok(cookie) }
    }

    /// What makes a browser forget the cookie.
    #[must_use]
    pub fn clear(&self) -> SetCookie {
        let mut text = String::with_capacity(self.capacity());
        self.write_pair(&mut text, "");
        // `Max-Age` wins over `Expires` and needs no right clock; only `Expires` is in the grammar for it.
        text.push_str("; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0");
        SetCookie::new(self.name.clone(), Secret::from(text), true)
    }

    /// The same, of this host alone, for forms.
    pub(crate) fn for_forms(&self) -> Self {
        let name = self.name.for_forms(self.secure);
        Self { name, domain: None, http_only: true, same_site: SameSite::Lax, ..self.clone() }
    }

    /// As [`set`](Self::set), for a value and a lifetime that are known to be right and short.
    pub(crate) fn render(&self, value: &str, max_age: Option<Duration>) -> SetCookie {
        self.render_until(value, None, max_age)
    }

    fn render_until(&self, value: &str, expires: Option<&str>, max_age: Option<Duration>) -> SetCookie {
        // Sized in advance, so that no copy of the value is left behind where the text grew.
        let mut text = String::with_capacity(self.capacity().saturating_add(value.len()));
        self.write_pair(&mut text, value);
        if let Some(date) = expires {
            text.push_str("; Expires=");
            text.push_str(date);
        }
        if let Some(age) = max_age {
            // Writing to a `String` does not fail.
            let _ = write!(text, "; Max-Age={}", age.as_secs());
        }
        SetCookie::new(self.name.clone(), Secret::from(text), false)
    }

    fn write_pair(&self, text: &mut String, value: &str) {
        for part in [self.name.as_str(), "=", value, "; Path=", &self.path] {
            text.push_str(part);
        }
        if let Some(domain) = &self.domain {
            text.push_str("; Domain=");
            text.push_str(domain);
        }
        for (on, attribute) in [(self.secure, "; Secure"), (self.http_only, "; HttpOnly")] {
            if on {
                text.push_str(attribute);
            }
        }
        text.push_str("; SameSite=");
        text.push_str(self.same_site.as_str());
        if self.partitioned {
            text.push_str("; Partitioned");
        }
    }

    fn capacity(&self) -> usize {
        const FIXED: usize = 160;
        let domain = self.domain.as_ref().map_or(0, |domain| domain.len());
        [self.name.as_str().len(), self.path.len(), domain].into_iter().fold(FIXED, usize::saturating_add)
    }
}

/// `cookie-octet` of RFC 6265bis section 4.1.1.
fn is_cookie_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\')
}

/// A host name as in RFC 1123 section 2.1, in the one form that it is written in here. Not an address, for
/// which a browser takes no `Domain`.
fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    domain.len() <= 253
        && domain.contains('.')
        && domain.split('.').all(label)
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn template(name: &str) -> CookieTemplate {
        CookieTemplate::new(CookieName::parse(name).unwrap())
    }

    #[test]
    fn the_defaults_are_the_strict_ones() {
        let cookie = template("__Host-sid").set("v", None).unwrap();
        assert_eq!(cookie.expose(), "__Host-sid=v; Path=/; Secure; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn clearing_uses_the_attributes_of_setting() {
        let shared = template("sid").with_domain("example.com").unwrap().with_path("/app").unwrap();
        let set = shared.set("v", Some(Duration::from_secs(60))).unwrap();
        let attributes = "; Path=/app; Domain=example.com; Secure; HttpOnly; SameSite=Lax";
        assert_eq!(set.expose(), format!("sid=v{attributes}; Max-Age=60"));
        let cleared = shared.clear();
        assert_eq!(
            cleared.expose(),
            format!("sid={attributes}; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0")
        );
        assert!(cleared.clears() && !set.clears());
    }

    #[test]
    fn a_prefix_forbids_what_browsers_would_drop() {
        let host = || template("__Host-sid");
        assert_eq!(host().with_domain("example.com"), Err(CookieError::HostPrefix));
        assert_eq!(host().with_path("/app"), Err(CookieError::HostPrefix));
        assert_eq!(host().sent_over_plain_http(), Err(CookieError::PrefixNeedsSecure));
        assert!(host().with_path("/").is_ok());
        let secure = || template("__secure-sid");
        assert_eq!(secure().sent_over_plain_http(), Err(CookieError::PrefixNeedsSecure));
        assert!(secure().with_domain("example.com").is_ok());
    }

    #[test]
    fn a_cookie_until_a_moment_says_so_twice() {
        let now = UnixTime::from_secs(784_111_777 - 60);
        let at = |secs| now.saturating_add(Duration::from_secs(secs));
        let cookie = template("__Host-a").set_until("1", at(60), now).unwrap();
        let end = "; SameSite=Lax; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Max-Age=60";
        assert!(cookie.expose().ends_with(end) && !cookie.clears(), "{}", cookie.expose());
        let longest = CookieTemplate::MAX_AGE.as_secs();
        assert!(template("a").set_until("1", at(longest), now).is_ok());
        for until in [now, UnixTime::EPOCH, at(longest + 1), UnixTime::MAX] {
            assert_eq!(template("a").set_until("1", until, now).unwrap_err(), CookieError::MaxAge);
        }
    }

    #[test]
    fn a_partitioned_cookie_is_secure_and_cleared_as_one() {
        let framed = template("__Host-sid").with_same_site(SameSite::None).unwrap().partitioned().unwrap();
        let attributes = "; Path=/; Secure; HttpOnly; SameSite=None; Partitioned";
        assert_eq!(framed.set("v", None).unwrap().expose(), format!("__Host-sid=v{attributes}"));
        assert!(framed.clear().expose().starts_with(&format!("__Host-sid={attributes}")));
        let plain = template("sid").sent_over_plain_http().unwrap();
        assert_eq!(plain.partitioned(), Err(CookieError::PartitionedNeedsSecure));
        let partitioned = template("sid").partitioned().unwrap();
        assert_eq!(partitioned.sent_over_plain_http(), Err(CookieError::PartitionedNeedsSecure));
    }

    #[test]
    fn same_site_none_needs_secure_in_either_order() {
        let plain = template("sid").sent_over_plain_http().unwrap();
        assert_eq!(plain.with_same_site(SameSite::None), Err(CookieError::SameSiteNone));
        let none = template("sid").with_same_site(SameSite::None).unwrap();
        assert_eq!(none.sent_over_plain_http(), Err(CookieError::SameSiteNone));
    }

    /// Never dropped in silence (better-auth#8585).
    #[test]
    fn what_a_browser_would_drop_is_a_typed_error() {
        let room = CookieTemplate::MAX_LEN - template("sid").set("", None).unwrap().expose().len();
        assert!(template("sid").set(&"v".repeat(room), None).is_ok());
        assert_eq!(template("sid").set(&"v".repeat(room + 1), None).unwrap_err(), CookieError::TooLarge);
        for age in
            [Duration::ZERO, Duration::from_millis(999), CookieTemplate::MAX_AGE + Duration::from_secs(1)]
        {
            assert_eq!(template("sid").set("v", Some(age)).unwrap_err(), CookieError::MaxAge);
        }
    }

    /// A value that carries a separator writes attributes (CVE-2024-47764, symfony#65023).
    #[test]
    fn separators_and_controls_are_refused_in_every_part() {
        for bad in ["\r", "\n", ";", ",", "\0", "\u{7f}", " ", "\"", "\\", "é", "a\r\nSet-Cookie: x=y"] {
            assert_eq!(template("sid").set(bad, None).unwrap_err(), CookieError::Value, "{bad:?}");
        }
        for bad in ["", "app", "/a;b", "/a b", "/\r\n", "/é", "/\0", &format!("/{}", "a".repeat(1_024))] {
            assert_eq!(template("sid").with_path(bad).unwrap_err(), CookieError::Path, "{bad:?}");
        }
        let long = format!("{}.com", "a".repeat(64));
        for bad in [
            "",
            "com",
            ".example.com",
            "example.com.",
            "Example.com",
            "exa mple.com",
            "a;b.com",
            "a\r\n.com",
            "é.com",
            "127.0.0.1",
            "-a.com",
            "a-.com",
            "a..com",
            &long,
        ] {
            assert_eq!(template("sid").with_domain(bad).unwrap_err(), CookieError::Domain, "{bad:?}");
        }
    }

    proptest! {
        /// Whatever is put in, a header that comes out has one line, and our attributes are its only ones.
        #[test]
        fn no_input_injects_a_header_or_an_attribute(
            name in "\\PC{0,12}|[ -~]{1,12}", value in "\\PC{0,24}|[ -~]{0,24}|[\\x00-\\x7f]{0,8}", path in "/[ -~]{0,8}|\\PC{0,8}",
            domain in "[a-z;.\r\n -]{1,12}",
        ) {
            let Ok(name) = CookieName::parse(&name) else { return Ok(()) };
            let mut template = CookieTemplate::new(name);
            if let Ok(with) = template.clone().with_path(&path) { template = with; }
            let has_domain = match template.clone().with_domain(&domain) {
                Ok(with) => { template = with; true }
                Err(_) => false,
            };
            let Ok(cookie) = template.set(&value, None) else { return Ok(()) };
            let text = cookie.expose();
            prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert_eq!(text.split(';').count(), if has_domain { 6 } else { 5 });
            // And our own parser reads back what was set.
            let pair = text.split(';').next().unwrap();
            prop_assert_eq!(template.name().find_in([pair.as_bytes()]), Ok(Some(value.as_bytes())));
        }
    }
}
