//! A key as it was presented.

use std::{fmt, net::IpAddr};

use auth_core::{Malformed, Secret};

/// A key as it was presented, and from where.
pub struct ApiKeyCredential {
    pub(super) text: Secret,
    pub(super) source: Option<IpAddr>,
}

impl ApiKeyCredential {
    /// The most bytes that are looked at.
    pub const MAX_LEN: usize = 255;

    /// A key. Take it from a header, never from a URL: those end up in logs, histories and `Referer`.
    #[must_use]
    pub fn new(text: &[u8], source: Option<IpAddr>) -> Self {
        // What is longer is no key; the rest of it is not copied.
        let text = text.get(..Self::MAX_LEN.saturating_add(1)).unwrap_or(text);
        Self { text: Secret::new(text.to_vec()), source }
    }

    /// The key of an `Authorization: Bearer` header (RFC 6750 section 2.1).
    ///
    /// # Errors
    /// [`Malformed::Header`] if it is of another scheme, or has anything but a key behind it.
    pub fn bearer(header: &[u8], source: Option<IpAddr>) -> Result<Self, Malformed> {
        let (scheme, key) = header.split_at_checked(7).ok_or(Malformed::Header)?;
        if !scheme.eq_ignore_ascii_case(b"bearer ") {
            return Err(Malformed::Header);
        }
        let key = key.trim_ascii();
        if key.len() > Self::MAX_LEN {
            return Err(Malformed::TooLarge);
        }
        if key.is_empty() || !key.iter().all(u8::is_ascii_graphic) {
            return Err(Malformed::Header);
        }
        Ok(Self::new(key, source))
    }
}

impl fmt::Debug for ApiKeyCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyCredential").field("source", &self.source).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_one_key_and_nothing_else() {
        for good in ["Bearer acme_x", "bearer  acme_x", "BEARER acme_x "] {
            assert_eq!(ApiKeyCredential::bearer(good.as_bytes(), None).unwrap().text.expose(), b"acme_x");
        }
        for bad in ["", "Bearer", "Bearer ", "Basic acme_x", "acme_x", "Bearer a b", "Bearer a\0", "Bearer é"]
        {
            assert_eq!(
                ApiKeyCredential::bearer(bad.as_bytes(), None).unwrap_err(),
                Malformed::Header,
                "{bad}"
            );
        }
        let long = format!("Bearer {}", "a".repeat(1 << 20));
        assert_eq!(ApiKeyCredential::bearer(long.as_bytes(), None).unwrap_err(), Malformed::TooLarge);
        assert_eq!(ApiKeyCredential::new(&[b'a'; 1 << 20], None).text.len(), 256);
        assert!(!format!("{:?}", ApiKeyCredential::new(b"acme_x", None)).contains("acme"));
    }
}
