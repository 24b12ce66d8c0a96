//! The registered claims of a verified token.

use std::{fmt, ops::Range};

use auth_core::UnixTime;

use crate::{
    json::JsonStr,
    policy::Dates,
    registered::{Claim, Registered, Strings},
};

/// The registered claims of a verified token, in one allocation.
///
/// They are only found in a [`Verified`](crate::Verified), and shown to [`Revocations`](crate::Revocations) just
/// before: what they say has been signed by the issuer and has passed the policy. Claims that the policy does not require are `None` where the token lacks them.
#[derive(Clone, PartialEq, Eq)]
pub struct Claims {
    /// All strings, one behind the other, those of a list with U+0000 between them, which no claim contains.
    text: String,
    issuer: Range<u32>,
    subject: Option<Range<u32>>,
    audience: Option<Range<u32>>,
    token_id: Option<Range<u32>>,
    client_id: Option<Range<u32>>,
    scope: Option<Range<u32>>,
    acr: Option<Range<u32>>,
    methods: Option<Range<u32>>,
    session_id: Option<Range<u32>>,
    authorized_party: Option<Range<u32>>,
    is_bound: bool,
    expires_at: UnixTime,
    not_before: Option<UnixTime>,
    issued_at: Option<UnixTime>,
    authenticated_at: Option<UnixTime>,
}

const SEPARATOR: char = '\0';

impl Claims {
    /// Copies what the policy has accepted.
    pub(crate) fn keep(registered: &Registered<'_>, expires_at: UnixTime) -> Self {
        let mut text = String::with_capacity(capacity(registered));
        let string = |string: JsonStr<'_>, text: &mut String| {
            let from = len(text);
            string.push_to(text);
            from..len(text)
        };
        let list = |strings: Strings<'_>, text: &mut String| {
            let from = len(text);
            for (index, string) in strings.iter().enumerate() {
                if index > 0 {
                    text.push(SEPARATOR);
                }
                string.push_to(text);
            }
            from..len(text)
        };
        Self {
            // Every policy names an issuer; this one was compared with it.
            issuer: string(registered.iss.unwrap_or_default(), &mut text),
            subject: registered.sub.map(|sub| string(sub, &mut text)),
            audience: registered.aud.map(|aud| list(aud, &mut text)),
            token_id: registered.jti.map(|jti| string(jti, &mut text)),
            client_id: registered.client_id.map(|id| string(id, &mut text)),
            scope: registered.scope.map(|scope| string(scope, &mut text)),
            acr: registered.acr.map(|acr| string(acr, &mut text)),
            methods: registered.amr.map(|amr| list(amr, &mut text)),
            session_id: registered.sid.map(|sid| string(sid, &mut text)),
            authorized_party: registered.azp.map(|azp| string(azp, &mut text)),
            is_bound: registered.has(Claim::Cnf),
            expires_at,
            not_before: registered.nbf.map(UnixTime::from_secs),
            issued_at: registered.iat.map(UnixTime::from_secs),
            authenticated_at: registered.auth_time.map(UnixTime::from_secs),
            text,
        }
    }

    /// Who issued the token: `iss` (RFC 7519 section 4.1.1). It is the issuer that the policy names.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.at(&self.issuer)
    }

    /// Whom it speaks of: `sub` (RFC 7519 section 4.1.2). Unique within the issuer only.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.maybe(&self.subject)
    }

    /// Whom it is for: the values of `aud` (RFC 7519 section 4.1.3).
    pub fn audience(&self) -> impl Iterator<Item = &str> {
        self.list(&self.audience)
    }

    /// Its own name: `jti` (RFC 7519 section 4.1.7). Deny lists go by it, never by the token's bytes.
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.maybe(&self.token_id)
    }

    /// The OAuth client that it was issued to: `client_id` (RFC 8693 section 4.3).
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.maybe(&self.client_id)
    }

    /// What it may be used for, a space-separated list: `scope` (RFC 8693 section 4.2).
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.maybe(&self.scope)
    }

    /// How sure the issuer is of the authentication: `acr` (OpenID Connect Core section 2).
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.maybe(&self.acr)
    }

    /// How the subject was authenticated: the values of `amr` (RFC 8176).
    pub fn methods(&self) -> impl Iterator<Item = &str> {
        self.list(&self.methods)
    }

    /// The issuer's session that it belongs to: `sid` (OpenID Connect Front-Channel Logout section 3,
    /// Back-Channel Logout section 2.1).
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.maybe(&self.session_id)
    }

    /// The client that it was issued to, in ID tokens: `azp` (OpenID Connect Core section 2).
    #[must_use]
    pub fn authorized_party(&self) -> Option<&str> {
        self.maybe(&self.authorized_party)
    }

    /// Whether it is bound to a key that its presenter has to prove possession of: it has a `cnf` (RFC 7800
    /// section 3.1).
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.is_bound
    }

    /// When it expires, leeway not included: `exp`, a fraction rounded down (RFC 7519 section 4.1.4).
    /// [`UnixTime::MAX`] if it never does, which a policy allows only
    /// [explicitly](crate::TokenPolicy::without_expiry).
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// When it begins: `nbf`, a fraction rounded up (RFC 7519 section 4.1.5).
    #[must_use]
    pub fn not_before(&self) -> Option<UnixTime> {
        self.not_before
    }

    /// When it was issued: `iat`, a fraction rounded down (RFC 7519 section 4.1.6).
    #[must_use]
    pub fn issued_at(&self) -> Option<UnixTime> {
        self.issued_at
    }

    /// When the subject was authenticated: `auth_time` (OpenID Connect Core section 2).
    #[must_use]
    pub fn authenticated_at(&self) -> Option<UnixTime> {
        self.authenticated_at
    }

    /// What a policy looks at again when time has passed.
    pub(crate) fn dates(&self) -> Dates {
        Dates {
            expires_at: self.expires_at,
            not_before: self.not_before,
            issued_at: self.issued_at,
            authenticated_at: self.authenticated_at,
        }
    }

    fn at(&self, range: &Range<u32>) -> &str {
        self.text.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    fn maybe(&self, range: &Option<Range<u32>>) -> Option<&str> {
        range.as_ref().map(|range| self.at(range))
    }

    fn list(&self, range: &Option<Range<u32>>) -> impl Iterator<Item = &str> {
        self.maybe(range).into_iter().flat_map(|list| list.split(SEPARATOR))
    }
}

/// Payloads are capped far below 4 GiB.
fn len(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

/// Escapes only shrink, and what separates elements on the wire is longer than what does here.
fn capacity(registered: &Registered<'_>) -> usize {
    let strings = [
        registered.iss,
        registered.sub,
        registered.jti,
        registered.client_id,
        registered.scope,
        registered.acr,
        registered.sid,
        registered.azp,
    ];
    let lists = [registered.aud, registered.amr];
    strings
        .into_iter()
        .flatten()
        .map(|string| string.raw().len())
        .chain(lists.into_iter().flatten().map(|list| list.redacted().len()))
        .fold(0, usize::saturating_add)
}

/// Says which claims there are, and of the subject's nothing: claims are personal data.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("issuer", &self.issuer())
            .field("token_id", &self.token_id())
            .field("client_id", &self.client_id())
            .field("scope", &self.scope())
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
