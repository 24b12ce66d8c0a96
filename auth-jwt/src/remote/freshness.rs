//! How long an answer may be used, by its header fields (RFC 9111 section 4.2).

use std::time::Duration;

use auth_core::UnixTime;

mod date;

/// How long a server says that its answer stays fresh.
///
/// A [`RemoteKeySet`](super::RemoteKeySet) keeps it within bounds of its own, so neither a server that says a
/// second nor one that says a year decides alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Freshness(Option<Duration>);

impl Freshness {
    /// The server says nothing of it.
    pub const UNKNOWN: Self = Self(None);
    /// It must not be used again without asking.
    pub const STALE: Self = Self(Some(Duration::ZERO));

    /// It stays fresh for this long.
    #[must_use]
    pub const fn of(duration: Duration) -> Self {
        Self(Some(duration))
    }

    /// Reads the header fields `Cache-Control`, `Age`, `Expires` and `Date` of an answer that came at `now`.
    /// Others may be there, and in any order and case.
    ///
    /// It reads to the disadvantage of the answer: what is contradictory or malformed is stale (RFC 9111
    /// section 4.2.1), and so are `no-store` and `no-cache`. `max-age` goes before `Expires` (section 5.3).
    ///
    /// ```
    /// use std::time::Duration;
    /// use auth_core::UnixTime;
    /// use auth_jwt::Freshness;
    ///
    /// let fields = [("cache-control", &b"public, max-age=600"[..]), ("age", b"100")];
    /// let freshness = Freshness::from_headers(fields, UnixTime::from_secs(1_800_000_000));
    /// assert_eq!(freshness.duration(), Some(Duration::from_secs(500)));
    /// ```
    #[must_use]
    pub fn from_headers<'h>(fields: impl IntoIterator<Item = (&'h str, &'h [u8])>, now: UnixTime) -> Self {
        let mut found = Found::default();
        for (name, value) in fields {
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            if is("cache-control") {
                found.cache_control(value);
            } else if is("age") {
                // What is no number is ignored (RFC 9111 section 5.1); of several the oldest counts.
                found.age = found.age.max(seconds(value));
            } else if is("expires") {
                // "0" and the like stand for the past (RFC 9111 section 5.3).
                let at = date::parse(value).unwrap_or(UnixTime::EPOCH);
                found.stale |= found.expires.replace(at).is_some();
            } else if is("date") {
                found.date = date::parse(value);
            }
        }
        found.freshness(now)
    }

    /// How long; `None` if the server says nothing of it.
    #[must_use]
    pub const fn duration(self) -> Option<Duration> {
        self.0
    }
}

#[derive(Default)]
struct Found {
    stale: bool,
    max_age: Option<Duration>,
    age: Option<Duration>,
    expires: Option<UnixTime>,
    date: Option<UnixTime>,
}

impl Found {
    fn cache_control(&mut self, value: &[u8]) {
        for directive in directives(value) {
            let (name, argument) = match directive.iter().position(|byte| *byte == b'=') {
                Some(at) => directive.split_at(at),
                None => (directive, &b""[..]),
            };
            let is = |known: &str| name.trim_ascii().eq_ignore_ascii_case(known.as_bytes());
            if is("no-store") || is("no-cache") {
                self.stale = true;
            } else if is("max-age") {
                match seconds(unquoted(argument.get(1..).unwrap_or_default().trim_ascii())) {
                    Some(age) => self.stale |= self.max_age.replace(age).is_some(),
                    None => self.stale = true,
                }
            }
        }
    }

    fn freshness(&self, now: UnixTime) -> Freshness {
        if self.stale {
            return Freshness::STALE;
        }
        let lifetime = match (self.max_age, self.expires) {
            (Some(max_age), _) => max_age,
            (None, Some(expires)) => expires.since(self.date.unwrap_or(now)),
            (None, None) => return Freshness::UNKNOWN,
        };
        Freshness::of(lifetime.saturating_sub(self.age.unwrap_or_default()))
    }
}

/// The parts between commas that are in no quoted string (RFC 9110 section 5.6).
fn directives(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    value.split(move |byte| {
        let here = escaped;
        escaped = quoted && !here && *byte == b'\\';
        quoted ^= *byte == b'"' && !here;
        *byte == b',' && !quoted
    })
}

/// Both forms of an argument mean the same (RFC 9111 section 5.2).
fn unquoted(argument: &[u8]) -> &[u8] {
    let inside = argument.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    inside.unwrap_or(argument)
}

/// `delta-seconds` (RFC 9111 section 1.2.2): digits only; more than fits is "very long".
fn seconds(digits: &[u8]) -> Option<Duration> {
    let digits = digits.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add =
        |sum: u64, digit: &u8| sum.saturating_mul(10).saturating_add(u64::from(digit.saturating_sub(b'0')));
    Some(Duration::from_secs(digits.iter().fold(0, add)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(784_111_777);

    fn read(fields: &[(&str, &str)]) -> Option<u64> {
        let fields = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
        Freshness::from_headers(fields, NOW).duration().map(|duration| duration.as_secs())
    }

    #[test]
    fn the_header_fields_are_read_as_the_standard_says() {
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[("Content-Type", "application/json"), ("cache-control", "public")]), None);
        assert_eq!(read(&[("CACHE-CONTROL", "public,MAX-AGE=600")]), Some(600));
        assert_eq!(read(&[("cache-control", "max-age=\"600\" , must-revalidate")]), Some(600));
        assert_eq!(read(&[("cache-control", "public"), ("cache-control", "max-age=60")]), Some(60));
        assert_eq!(read(&[("cache-control", "max-age=600"), ("age", "599")]), Some(1));
        assert_eq!(read(&[("cache-control", "max-age=600"), ("age", "601")]), Some(0));
        assert_eq!(read(&[("cache-control", "max-age=600"), ("age", "junk")]), Some(600));
        assert_eq!(read(&[("cache-control", "max-age=600"), ("age", "5"), ("age", "9")]), Some(591));
        assert_eq!(read(&[("cache-control", "s-maxage=9, x-max-age=9")]), None);
        // `Expires` counts from `Date`, or else from now, and only without `max-age`.
        let (date, expires) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:59:37 GMT");
        assert_eq!(read(&[("expires", expires), ("date", date)]), Some(600));
        assert_eq!(read(&[("expires", expires), ("date", "Sun, 06 Nov 1994 08:58:37 GMT")]), Some(60));
        assert_eq!(read(&[("expires", expires)]), Some(600));
        assert_eq!(read(&[("expires", expires), ("cache-control", "max-age=5")]), Some(5));
        assert_eq!(read(&[("cache-control", "max-age=99999999999999999999999")]), Some(u64::MAX));
    }

    /// What is contradictory or malformed is stale (RFC 9111 section 4.2.1), never fresh for longer.
    #[test]
    fn what_cannot_be_understood_is_stale() {
        for bad in [
            "no-store",
            "max-age=600, no-cache",
            "max-age=600, no-cache=\"set-cookie\"",
            "max-age=600, max-age=600",
            "max-age",
            "max-age=",
            "max-age=-1",
            "max-age=1.5",
            "max-age=1e9",
            "max-age=0x10",
            "max-age=+60",
            "max-age=\"60",
            "max-age=é",
        ] {
            assert_eq!(read(&[("cache-control", bad)]), Some(0), "{bad}");
        }
        assert_eq!(read(&[("cache-control", "private=\"x, no-store, max-age=1\", max-age=60")]), Some(60));
        assert_eq!(read(&[("cache-control", "x=\"\\\", no-store\", max-age=60")]), Some(60));
        for bad in ["0", "-1", "", "Sun, 06 Nov 1994 08:49:36 GMT", "Sunday, 06-Nov-94 08:59:37 GMT"] {
            assert_eq!(read(&[("expires", bad)]), Some(0), "{bad}");
        }
        let expires = ("expires", "Sun, 06 Nov 1994 08:59:37 GMT");
        assert_eq!(read(&[expires, expires]), Some(0));
    }
}
