//! A refusal as an HTTP answer: problem details for programs, a redirect or a small page for people.

use std::fmt::Write as _;

use auth_core::{Challenge, Malformed, Refusal};

use crate::next::NextPath;

/// Who reads the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// A person with a browser: `Accept` names `text/html` and there is no `Authorization` header.
    Person,
    /// A program.
    Program,
}

/// An answer as plain values, for whichever framework sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// Who asked, as far as it changes the answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub(crate) reader: Reader,
    /// Whether a bearer token was presented: only then can one have been refused.
    pub(crate) bearer: bool,
    /// The challenge of Basic authentication, where that is accepted.
    pub(crate) basic: Option<&'a str>,
    /// What a person needs to get on: the login page, and the way back.
    pub(crate) login_page: Option<&'a str>,
    pub(crate) next: Option<&'a NextPath>,
}

impl Asker<'_> {
    /// A program of which nothing is known.
    pub(crate) const PROGRAM: Self =
        Self { reader: Reader::Program, bearer: false, basic: None, login_page: None, next: None };
}

/// What an answer that depends on who asks varies by (RFC 9110 section 12.5.5).
pub(crate) const VARIES_BY: &str = "cookie, authorization";

/// What of [`VARIES_BY`] the lines that are there lack.
pub(crate) fn varies_by<'a>(there: impl Iterator<Item = &'a [u8]>) -> Option<&'static str> {
    let has = there.fold((false, false), |(cookie, authorization), list| {
        (cookie || lists(list, "cookie"), authorization || lists(list, "authorization"))
    });
    match has {
        (false, false) => Some(VARIES_BY),
        (false, true) => Some("cookie"),
        (true, false) => Some("authorization"),
        (true, true) => None,
    }
}

/// Headers that speak of a body that is replaced.
pub(crate) const OF_THE_BODY: [&str; 7] = [
    "content-length",
    "content-encoding",
    "content-type",
    "etag",
    "last-modified",
    "location",
    "www-authenticate",
];

/// Whether a comma-separated list of header names has this one.
fn lists(list: &[u8], name: &str) -> bool {
    list.split(|byte| *byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
}

/// The answer that says `refusal`.
pub(crate) fn answer(refusal: &Refusal, asker: Asker<'_>) -> Answer {
    let status = refusal.status();
    let mut headers = vec![("cache-control", "no-store".to_owned())];
    match refusal {
        Refusal::CrossSite => headers.push(("vary", "Sec-Fetch-Site, Origin".to_owned())),
        _ => headers.push(("vary", "Cookie, Authorization, Accept".to_owned())),
    }
    if let Refusal::Throttled(throttled) = refusal {
        headers.push(("retry-after", throttled.retry_after.as_secs().max(1).to_string()));
    }
    let logging_in_helps =
        matches!(refusal, Refusal::Unauthenticated | Refusal::Rejected(_) | Refusal::Challenged(_));
    if let (Reader::Person, true, Some(page)) = (asker.reader, logging_in_helps, asker.login_page) {
        let location = asker.next.map_or_else(|| page.to_owned(), |next| next.as_query_of(page));
        headers.push(("location", location));
        return Answer { status: 303, headers, body: String::new() };
    }
    if let Some(challenge) = bearer_challenge(refusal, asker.bearer) {
        headers.push(("www-authenticate", challenge));
    }
    // In a line of its own: not every client reads a list of challenges.
    if let (Some(challenge), Refusal::Unauthenticated | Refusal::Rejected(_)) = (asker.basic, refusal) {
        headers.push(("www-authenticate", challenge.to_owned()));
    }
    let (title, code) = (title(status), code(refusal));
    let (content_type, body) = match asker.reader {
        Reader::Person => (
            "text/html; charset=utf-8",
            format!(
                "<!doctype html><html lang=en><title>{title}</title><h1>{title}</h1><p>{refusal}.</p></html>"
            ),
        ),
        Reader::Program => (
            "application/problem+json",
            format!(r#"{{"type":"about:blank","title":"{title}","status":{status},"code":"{code}"}}"#),
        ),
    };
    headers.push(("content-type", content_type.to_owned()));
    Answer { status, headers, body }
}

/// The `WWW-Authenticate` value (RFC 6750 section 3, RFC 9470 section 3).
fn bearer_challenge(refusal: &Refusal, presented: bool) -> Option<String> {
    match refusal {
        Refusal::Unauthenticated => Some("Bearer".to_owned()),
        Refusal::Rejected(_) if presented => Some(r#"Bearer error="invalid_token""#.to_owned()),
        Refusal::Rejected(_) => Some("Bearer".to_owned()),
        Refusal::Challenged(Challenge { assurance, max_age }) => {
            let mut value = r#"Bearer error="insufficient_user_authentication""#.to_owned();
            if let Some(assurance) = assurance {
                // Writing to a `String` does not fail.
                let _ = write!(value, r#", acr_values="{assurance}""#);
            }
            if let Some(max_age) = max_age {
                let _ = write!(value, r#", max_age="{}""#, max_age.as_secs());
            }
            Some(value)
        }
        // A scope token has no quote and no backslash (RFC 6749 section 3.3).
        Refusal::Denied(_) => refusal
            .missing_scope()
            .map(|scope| format!(r#"Bearer error="insufficient_scope", scope="{scope}""#)),
        _ => None,
    }
}

/// What a framework's own extractor means that refuses a body with this status, if it is one of ours.
pub(crate) const fn of_a_body(status: u16) -> Option<Malformed> {
    match status {
        400 => Some(Malformed::Body),
        413 => Some(Malformed::BodyTooLarge),
        415 => Some(Malformed::MediaType),
        422 => Some(Malformed::Content),
        _ => None,
    }
}

/// The word that programs may branch on.
fn code(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Malformed(Malformed::TooLarge | Malformed::BodyTooLarge) => "too-large",
        Refusal::Malformed(Malformed::MediaType) => "unsupported-media-type",
        Refusal::Malformed(Malformed::Content) => "unprocessable",
        Refusal::Malformed(_) => "malformed",
        Refusal::Unauthenticated => "unauthenticated",
        Refusal::Rejected(_) => "credential-refused",
        Refusal::CrossSite => "cross-site",
        Refusal::Denied(_) if refusal.missing_scope().is_some() => "insufficient-scope",
        Refusal::Denied(_) => "not-allowed",
        Refusal::Challenged(_) => "insufficient-user-authentication",
        Refusal::Throttled(_) => "throttled",
        _ => "unavailable",
    }
}

fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        _ => "Service Unavailable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_core::{
        Assurance, Denial, DenialReason, Rejection, RejectionReason, Scope, StoreError, Throttled,
    };
    use std::time::Duration;

    const TOKEN: Asker<'_> = Asker { bearer: true, ..Asker::PROGRAM };
    const PERSON: Asker<'_> = Asker { reader: Reader::Person, ..Asker::PROGRAM };

    fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
        answer.headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn every_refusal_is_what_design_says_over_http() {
        let denial = Denial::new(DenialReason::Scope).with_missing_scope(Scope::from_static("users.read"));
        let challenge =
            Challenge { assurance: Some(Assurance::Aal2), max_age: Some(Duration::from_secs(600)) };
        let cases = [
            (Refusal::Malformed(Malformed::Header), 400, "malformed", None),
            (Refusal::Malformed(Malformed::BodyTooLarge), 413, "too-large", None),
            (Refusal::Malformed(Malformed::MediaType), 415, "unsupported-media-type", None),
            (Refusal::Malformed(Malformed::Content), 422, "unprocessable", None),
            (Refusal::Unauthenticated, 401, "unauthenticated", Some("Bearer")),
            (
                Rejection::new(RejectionReason::Expired).into(),
                401,
                "credential-refused",
                Some(r#"Bearer error="invalid_token""#),
            ),
            (Refusal::CrossSite, 403, "cross-site", None),
            (Denial::new(DenialReason::Forbidden).into(), 403, "not-allowed", None),
            (
                denial.into(),
                403,
                "insufficient-scope",
                Some(r#"Bearer error="insufficient_scope", scope="users.read""#),
            ),
            (
                Refusal::Challenged(challenge),
                401,
                "insufficient-user-authentication",
                Some(r#"Bearer error="insufficient_user_authentication", acr_values="aal2", max_age="600""#),
            ),
            (Throttled { retry_after: Duration::ZERO }.into(), 429, "throttled", None),
            (StoreError::full().into(), 503, "unavailable", None),
        ];
        for (refusal, status, code, challenge) in cases {
            let answer = answer(&refusal, TOKEN);
            assert_eq!(answer.status, status);
            assert!(answer.body.contains(&format!("\"code\":\"{code}\"")), "{}", answer.body);
            assert_eq!(title(status) == "Service Unavailable", status == 503, "{status} has its title");
            assert_eq!(header(&answer, "www-authenticate"), challenge, "{refusal}");
            assert_eq!(header(&answer, "cache-control"), Some("no-store"));
            assert_eq!(header(&answer, "retry-after"), (status == 429).then_some("1"));
        }
    }

    #[test]
    fn a_person_is_sent_to_the_login_page_and_back() {
        let next = NextPath::parse("/admin?tab=1").unwrap();
        let way = Asker { login_page: Some("/login"), next: Some(&next), ..PERSON };
        let redirect = answer(&Refusal::Unauthenticated, way);
        assert_eq!(redirect.status, 303);
        assert_eq!(header(&redirect, "location"), Some("/login?next=/admin%3Ftab%3D1"));
        assert!(answer(&Refusal::CrossSite, way).body.contains("<h1>Forbidden</h1>"));
        assert_eq!(answer(&Refusal::Unauthenticated, PERSON).status, 401);
    }

    /// Neither the reason nor the rule is for the client.
    #[test]
    fn an_answer_does_not_tell_why() {
        let rejected = |reason| answer(&Rejection::new(reason).into(), Asker::PROGRAM);
        assert_eq!(rejected(RejectionReason::Disabled), rejected(RejectionReason::Mismatch));
        assert_eq!(
            header(&rejected(RejectionReason::Mismatch), "www-authenticate"),
            Some("Bearer"),
            "no token was there"
        );
        let denied = |reason| answer(&Denial::new(reason).into(), Asker::PROGRAM);
        assert_eq!(denied(DenialReason::Forbidden), denied(DenialReason::NotPermitted));
    }
}
