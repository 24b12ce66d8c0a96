//! The `Cookie` header.

use auth_core::Malformed;

use crate::cookie::CookieName;

/// The most bytes of all `Cookie` lines of a request together.
const MAX_HEADER_LEN: usize = 16_384;

impl CookieName {
    /// The most bytes that all `Cookie` lines of one request may have together.
    pub const MAX_HEADER_LEN: usize = MAX_HEADER_LEN;

    /// The value of the cookie of this name in the `Cookie` lines of a request, or `None` if there is none.
    ///
    /// `lines` are the values of all lines of that name: HTTP/2 may send several (RFC 9113 section 8.2.3). Other
    /// cookies are skipped unread, for they are not ours to judge.
    ///
    /// # Errors
    /// [`Malformed::DuplicateCookie`] if it comes more than once: whoever can set a cookie for a parent domain
    /// or a longer path can put theirs in front of ours, and no order tells which one is meant.
    /// [`Malformed::TooLarge`] beyond [`MAX_HEADER_LEN`](Self::MAX_HEADER_LEN), before anything is read.
    pub fn find_in<'a>(
        &self,
        lines: impl IntoIterator<Item = &'a [u8], IntoIter: Clone>,
    ) -> Result<Option<&'a [u8]>, Malformed> {
        let lines = lines.into_iter();
        if lines.clone().fold(0_usize, |sum, line| sum.saturating_add(line.len())) > MAX_HEADER_LEN {
            return Err(Malformed::TooLarge);
        }
        let mut found = None;
        for line in lines {
            let mut rest = Some(line);
            while let Some(here) = rest {
                let (pair, tail) = split(here, b';');
                rest = tail;
                if let Some(value) = self.value_in(pair)
                    && found.replace(value).is_some()
                {
                    return Err(Malformed::DuplicateCookie);
                }
            }
        }
        Ok(found)
    }

    /// The value, if this pair has this name. White space around either is not part of it.
    fn value_in<'a>(&self, pair: &'a [u8]) -> Option<&'a [u8]> {
        let rest = trim_start(pair).strip_prefix(self.as_str().as_bytes())?;
        let value = trim_start(rest).strip_prefix(b"=")?;
        Some(trim_start(trim_end(value)))
    }
}

/// What is in front of the first `separator`, and what is behind it if there is one.
fn split(bytes: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(separator, bytes).and_then(|at| bytes.split_at_checked(at)) {
        Some((before, behind)) => (before, behind.get(1..)),
        None => (bytes, None),
    }
}

fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn find<'a>(lines: &[&'a str]) -> Result<Option<&'a str>, Malformed> {
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        let found = CookieName::parse("sid").unwrap().find_in(lines)?;
        Ok(found.map(|value| std::str::from_utf8(value).unwrap()))
    }

    #[test]
    fn our_cookie_is_found_among_others() {
        assert_eq!(find(&[]), Ok(None));
        assert_eq!(find(&[""]), Ok(None));
        for line in ["sid=v", "a=b; sid=v", "sid=v; a=b", "a;sid=v;", " ;; \tsid = v \t; x=\"y\"", "=; sid=v"]
        {
            assert_eq!(find(&[line]), Ok(Some("v")), "{line:?}");
        }
        assert_eq!(find(&["a=b", "sid=v"]), Ok(Some("v")));
        assert_eq!(find(&["sid=a=b"]), Ok(Some("a=b")));
        assert_eq!(find(&["sid="]), Ok(Some("")));
    }

    #[test]
    fn a_similar_name_is_not_ours() {
        for line in ["SID=v", "xsid=v", "sidx=v", "sid", "a=sid=v", "a=b, sid=v", "s id=v"] {
            assert_eq!(find(&[line]), Ok(None), "{line:?}");
        }
    }

    /// Never first-wins, over all header lines.
    #[test]
    fn two_of_our_cookies_are_refused() {
        for lines in [&["sid=a; sid=b"][..], &["sid=a", "sid=a"], &["sid=a; x=y", "sid =b"], &["sid=;sid="]] {
            assert_eq!(find(lines), Err(Malformed::DuplicateCookie), "{lines:?}");
        }
    }

    /// A megabyte of cookies is not walked.
    #[test]
    fn an_oversize_header_is_refused_over_all_lines() {
        let half = "x".repeat(MAX_HEADER_LEN / 2);
        assert_eq!(find(&[&half, &half]), Ok(None));
        assert_eq!(find(&[&half, &half, "y"]), Err(Malformed::TooLarge));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..4)) {
            let name = CookieName::parse("sid").unwrap();
            let _ = name.find_in(lines.iter().map(Vec::as_slice));
        }

        /// However many other cookies surround it, ours is found, and a second one is noticed.
        #[test]
        fn one_is_found_and_two_are_refused(
            others in proptest::collection::vec("[a-h]{1,4}=[!-:<-~]{0,8}", 0..6),
            at in any::<prop::sample::Index>(),
            second in proptest::option::of(any::<prop::sample::Index>()),
        ) {
            let mut pairs = others;
            pairs.insert(at.index(pairs.len() + 1), "sid=ours".to_owned());
            if let Some(second) = second {
                pairs.insert(second.index(pairs.len() + 1), "sid=theirs".to_owned());
            }
            let line = pairs.join("; ");
            let expected = if second.is_some() { Err(Malformed::DuplicateCookie) } else { Ok(Some("ours")) };
            prop_assert_eq!(find(&[&line]), expected);
        }
    }
}
