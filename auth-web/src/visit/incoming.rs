//! The head of a request, as plain bytes.

use std::net::IpAddr;

use auth_core::{ClientSignals, Malformed};
use auth_credentials::BasicCredential;
use auth_jwt::AccessToken;
use auth_session::CsrfRequest;

use crate::{
    Auth, NextPath,
    answer::Reader,
    authorization::{self, Authorization},
    visit::Carried,
};

/// The values of all lines of the headers that are looked at, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeaderLines<'a> {
    host: Lines<'a>,
    authorization: Lines<'a>,
    /// HTTP/2 may send each cookie in a line of its own (RFC 9113 section 8.2.3): bytes are capped, not lines.
    cookie: AllLines<'a>,
    origin: Lines<'a>,
    sec_fetch_site: Lines<'a>,
    accept: AllLines<'a>,
    user_agent: Lines<'a>,
    pub(super) upgrade: bool,
    forwarded_for: AllLines<'a>,
}

impl<'a> HeaderLines<'a> {
    /// Of all headers of a request, by their names in lower case.
    pub(crate) fn of(headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut lines = Self::default();
        for (name, line) in headers {
            match name {
                "host" => lines.host.push(line),
                "authorization" => lines.authorization.push(line),
                "cookie" => lines.cookie.push(line),
                "origin" => lines.origin.push(line),
                "sec-fetch-site" => lines.sec_fetch_site.push(line),
                "accept" => lines.accept.push(line),
                "user-agent" => lines.user_agent.push(line),
                "upgrade" => lines.upgrade = true,
                "x-forwarded-for" => lines.forwarded_for.push(line),
                _ => {}
            }
        }
        lines
    }
}

/// The lines of a header that may come once: of more than two, what counts is that they are more than one.
#[derive(Debug, Clone, Copy, Default)]
struct Lines<'a> {
    kept: [&'a [u8]; 2],
    len: usize,
}

impl<'a> Lines<'a> {
    fn push(&mut self, line: &'a [u8]) {
        if let Some(place) = self.kept.get_mut(self.len) {
            *place = line;
            self.len = self.len.saturating_add(1);
        }
    }

    fn as_slice(&self) -> &[&'a [u8]] {
        self.kept.get(..self.len).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// The lines of a header that may come several times, and nearly always comes once.
#[derive(Debug, Clone, Default)]
struct AllLines<'a> {
    first: Option<&'a [u8]>,
    more: Vec<&'a [u8]>,
}

impl<'a> AllLines<'a> {
    fn push(&mut self, line: &'a [u8]) {
        match self.first {
            None => self.first = Some(line),
            Some(_) => self.more.push(line),
        }
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = &'a [u8]> + Clone {
        self.first.into_iter().chain(self.more.iter().copied())
    }
}

/// The head of a request.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) method: &'a str,
    /// Path and query.
    pub(crate) target: &'a str,
    /// Host and port of the request target, where HTTP/2 has them.
    pub(crate) authority: Option<&'a str>,
    /// The address of the connection's other end.
    pub(crate) peer: Option<IpAddr>,
    pub(crate) headers: HeaderLines<'a>,
}

impl Head<'_> {
    /// Whether every name that the request gives the server is this one.
    pub(crate) fn is_for(&self, authority: &str) -> bool {
        let hosts = self.headers.host.as_slice();
        let named = self.authority.into_iter().map(str::as_bytes).chain(hosts.iter().copied());
        let same = |name: &[u8]| name.eq_ignore_ascii_case(authority.as_bytes());
        (1..=2).contains(&named.clone().count()) && hosts.len() <= 1 && named.clone().all(same)
    }

    pub(super) fn has_authorization(&self) -> bool {
        !self.headers.authorization.is_empty()
    }

    pub(super) fn cookie_lines(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.headers.cookie.iter()
    }

    pub(super) fn carried(&self, auth: &Auth) -> Result<Carried, Malformed> {
        Ok(match authorization::read(self.headers.authorization.as_slice())? {
            Authorization::Bearer(token) if auth.0.is_api_key(&token) => Carried::ApiKey(token),
            Authorization::Bearer(token) => Carried::Bearer(token),
            Authorization::Basic if auth.0.basic.is_some() => self.basic(auth)?,
            Authorization::Basic | Authorization::OtherScheme => Carried::Nothing,
            Authorization::Absent => self.in_cookies(auth)?,
        })
    }

    fn basic(&self, auth: &Auth) -> Result<Carried, Malformed> {
        let line = self.headers.authorization.as_slice().first().copied().unwrap_or_default();
        BasicCredential::parse(line, self.client(auth)).map(Carried::Basic)
    }

    fn in_cookies(&self, auth: &Auth) -> Result<Carried, Malformed> {
        let Some(access) = &auth.0.access_cookie else {
            let session = auth.0.sessions.read(self.cookie_lines())?;
            return Ok(Carried::Cookie(session.with_signals(self.signals(auth))));
        };
        // A session's cookie is not looked at: whoever planted one beside the token would choose whom the request acts
        // for, or lock its owner out.
        let token =
            access.name().find_in(self.cookie_lines())?.and_then(|token| std::str::from_utf8(token).ok());
        Ok(token.map_or(Carried::Nothing, |token| Carried::TokenCookie(AccessToken::new(token.to_owned()))))
    }

    /// What the client can be recognised by, where sessions are held to it.
    fn signals(&self, auth: &Auth) -> ClientSignals {
        let mut signals = ClientSignals::none();
        if auth.0.sessions.policy().client_check().is_off() {
            return signals;
        }
        // To send none, or several, is to send something else: a thief does not know which one is right.
        signals = signals.with_user_agent(match self.headers.user_agent.as_slice() {
            [] => b"",
            [user_agent] => user_agent,
            _ => b"several",
        });
        self.client(auth).map_or(signals, |client| signals.with_address(client))
    }

    pub(super) fn csrf_request(&self) -> CsrfRequest<'_> {
        // `Basic` and `Negotiate` are added by browsers like cookies. More lines than are kept are repeated
        // values all the same, which the check refuses.
        let ambient = self.headers.cookie.first.is_some() || self.has_authorization();
        CsrfRequest::new(self.method, self.headers.sec_fetch_site.as_slice(), self.headers.origin.as_slice())
            .upgrade(self.headers.upgrade)
            .ambient_credentials(ambient)
    }

    /// Whether a person reads the answer.
    pub(super) fn reader(&self) -> Reader {
        let html = |line: &[u8]| {
            line.split(|byte| *byte == b',').any(|range| {
                let media = range.split(|byte| *byte == b';').next().unwrap_or_default();
                media.trim_ascii().eq_ignore_ascii_case(b"text/html")
            })
        };
        let person = !self.has_authorization() && self.headers.accept.iter().any(html);
        if person { Reader::Person } else { Reader::Program }
    }

    /// Where a person goes back to after a login: pages only, for a form cannot be sent again.
    pub(super) fn way_back(&self, reader: Reader) -> Option<NextPath> {
        let page = self.method == "GET" && reader == Reader::Person;
        page.then(|| NextPath::parse(self.target)).flatten()
    }

    /// Whether it is for the login page: to see its form, or to send it.
    pub(super) fn is_for_login(&self, auth: &Auth) -> bool {
        let path = self.target.split('?').next().unwrap_or_default();
        auth.0.login_page.as_ref().is_some_and(|page| page.as_str() == path)
    }

    /// Whether it is for a path whose form may bring a token, the login page not among them.
    pub(super) fn is_for_form(&self, auth: &Auth) -> bool {
        let path = self.target.split('?').next().unwrap_or_default();
        auth.0.form_pages.iter().any(|page| page.as_str() == path)
    }

    pub(super) fn client(&self, auth: &Auth) -> Option<IpAddr> {
        self.peer.map(|peer| auth.0.proxies.client_of(peer, self.headers.forwarded_for.iter()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head<'a>(hosts: &[&'a [u8]], authority: Option<&'a str>) -> Head<'a> {
        let headers = HeaderLines::of(hosts.iter().map(|host| ("host", *host)));
        Head { method: "GET", target: "/", authority, peer: None, headers }
    }

    /// HTTP/1 names the server in `Host`, HTTP/2 in the target; a request that names two is for neither.
    #[test]
    fn a_request_is_for_the_one_server_that_it_names() {
        let own = "127.0.0.1:3000";
        assert!(head(&[own.as_bytes()], None).is_for(own));
        assert!(head(&[], Some(own)).is_for(own));
        assert!(head(&[own.as_bytes()], Some(own)).is_for(own));
        for (hosts, authority) in [
            (&[][..], None),
            (&[&b"evil.example"[..]][..], None),
            (&[&b"127.0.0.1:3000"[..], b"127.0.0.1:3000"], None),
            (&[&b"127.0.0.1:3000"[..]], Some("evil.example")),
            (&[&b"evil.example"[..]], Some(own)),
        ] {
            assert!(!head(hosts, authority).is_for(own), "{hosts:?} {authority:?}");
        }
    }
}
