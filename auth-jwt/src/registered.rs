//! The claims that IANA registers, read as strictly as their definitions are.

use crate::{
    Redacted, VerifyError,
    header::redacted,
    json::{
        JsonKind, JsonStr, Number, Reader, Rounding,
        de::{Fault, Scalar},
    },
};

/// A registered claim whose type is checked wherever it is found (IANA, "JSON Web Token Claims").
///
/// What a policy can [require](crate::TokenPolicy::require) is named by one of these. An own claim has no
/// variant: make it a field of your claims type, without `Option`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Claim {
    /// `iss`, who issued the token (RFC 7519 section 4.1.1).
    Iss,
    /// `sub`, whom it speaks of (RFC 7519 section 4.1.2).
    Sub,
    /// `aud`, whom it is for (RFC 7519 section 4.1.3).
    Aud,
    /// `exp`, when it expires (RFC 7519 section 4.1.4).
    Exp,
    /// `nbf`, when it begins (RFC 7519 section 4.1.5).
    Nbf,
    /// `iat`, when it was issued (RFC 7519 section 4.1.6).
    Iat,
    /// `jti`, its own name (RFC 7519 section 4.1.7).
    Jti,
    /// `client_id`, the client that it was issued to (RFC 8693 section 4.3).
    ClientId,
    /// `scope`, what it may be used for (RFC 8693 section 4.2).
    Scope,
    /// `auth_time`, when the subject was authenticated (OpenID Connect Core section 2).
    AuthTime,
    /// `acr`, how sure the issuer is of that (OpenID Connect Core section 2).
    Acr,
    /// `amr`, how that was done (OpenID Connect Core section 2, RFC 8176).
    Amr,
    /// `azp`, the client that it was issued to, in ID tokens (OpenID Connect Core section 2).
    Azp,
    /// `sid`, the issuer's session (OpenID Connect Front-Channel Logout section 3).
    Sid,
    /// `nonce`, which ties it to a request (OpenID Connect Core section 2).
    Nonce,
    /// `at_hash`, the hash of an access token (OpenID Connect Core section 3.1.3.6).
    AtHash,
    /// `c_hash`, the hash of an authorization code (OpenID Connect Core section 3.3.2.11).
    CHash,
    /// `events`, what has happened (RFC 8417 section 2.2).
    Events,
    /// `cnf`, the key of which the presenter has to prove possession (RFC 7800 section 3.1).
    Cnf,
}

impl Claim {
    /// All of them, in the order in which they are found missing.
    pub(crate) const ALL: [Self; 19] = [
        Self::Iss,
        Self::Sub,
        Self::Aud,
        Self::Exp,
        Self::Nbf,
        Self::Iat,
        Self::Jti,
        Self::ClientId,
        Self::Scope,
        Self::AuthTime,
        Self::Acr,
        Self::Amr,
        Self::Azp,
        Self::Sid,
        Self::Nonce,
        Self::AtHash,
        Self::CHash,
        Self::Events,
        Self::Cnf,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Iss => "iss",
            Self::Sub => "sub",
            Self::Aud => "aud",
            Self::Exp => "exp",
            Self::Nbf => "nbf",
            Self::Iat => "iat",
            Self::Jti => "jti",
            Self::ClientId => "client_id",
            Self::Scope => "scope",
            Self::AuthTime => "auth_time",
            Self::Acr => "acr",
            Self::Amr => "amr",
            Self::Azp => "azp",
            Self::Sid => "sid",
            Self::Nonce => "nonce",
            Self::AtHash => "at_hash",
            Self::CHash => "c_hash",
            Self::Events => "events",
            Self::Cnf => "cnf",
        }
    }

    /// Exact, case included: `EXP` is somebody's own claim.
    #[inline]
    pub(crate) fn named(name: &str) -> Option<Self> {
        // Names of three letters are compared as one number each, not letter by letter with all of them.
        const fn number([a, b, c]: [u8; 3]) -> u32 {
            u32::from_le_bytes([a, b, c, 0])
        }
        const ISS: u32 = number(*b"iss");
        const SUB: u32 = number(*b"sub");
        const AUD: u32 = number(*b"aud");
        const EXP: u32 = number(*b"exp");
        const NBF: u32 = number(*b"nbf");
        const IAT: u32 = number(*b"iat");
        const JTI: u32 = number(*b"jti");
        const ACR: u32 = number(*b"acr");
        const AMR: u32 = number(*b"amr");
        const AZP: u32 = number(*b"azp");
        const SID: u32 = number(*b"sid");
        const CNF: u32 = number(*b"cnf");
        Some(match (name.as_bytes(), name) {
            (&[a, b, c], _) => match number([a, b, c]) {
                ISS => Self::Iss,
                SUB => Self::Sub,
                AUD => Self::Aud,
                EXP => Self::Exp,
                NBF => Self::Nbf,
                IAT => Self::Iat,
                JTI => Self::Jti,
                ACR => Self::Acr,
                AMR => Self::Amr,
                AZP => Self::Azp,
                SID => Self::Sid,
                CNF => Self::Cnf,
                _ => return None,
            },
            (_, "client_id") => Self::ClientId,
            (_, "scope") => Self::Scope,
            (_, "auth_time") => Self::AuthTime,
            (_, "nonce") => Self::Nonce,
            (_, "at_hash") => Self::AtHash,
            (_, "c_hash") => Self::CHash,
            (_, "events") => Self::Events,
            _ => return None,
        })
    }

    #[inline]
    pub(crate) fn of(name: JsonStr<'_>) -> Option<Self> {
        match name.plain() {
            Some(plain) => Self::named(plain),
            None => Self::ALL.into_iter().find(|claim| name.is(claim.name())),
        }
    }

    /// What its value has to be.
    pub(crate) const fn expected(self) -> &'static str {
        match self {
            Self::Exp | Self::Nbf | Self::Iat | Self::AuthTime => "a date from 0 to 2^53",
            Self::Aud => "a non-empty string or a non-empty array of them",
            Self::Amr => "a non-empty array of non-empty strings",
            Self::Scope => "a string",
            Self::Events | Self::Cnf => "an object",
            Self::Iss
            | Self::Sub
            | Self::Jti
            | Self::ClientId
            | Self::Acr
            | Self::Azp
            | Self::Sid
            | Self::Nonce
            | Self::AtHash
            | Self::CHash => "a non-empty string",
        }
    }

    /// A bit of its own, for sets of claims.
    pub(crate) const fn bit(self) -> u32 {
        1 << (self as u32)
    }
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// One string or several, as they are written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Strings<'a> {
    One(JsonStr<'a>),
    /// An array that was read once and found to hold non-empty strings only.
    Many(&'a str),
}

impl<'a> Strings<'a> {
    #[inline]
    pub(crate) fn any(self, wanted: impl Fn(JsonStr<'a>) -> bool) -> bool {
        match self {
            Self::One(string) => wanted(string),
            Self::Many(_) => self.iter().any(wanted),
        }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = JsonStr<'a>> {
        let (mut one, mut many) = match self {
            Self::One(string) => (Some(string), None),
            Self::Many(raw) => {
                let mut reader = Reader::payload(raw);
                (None, reader.open_array().is_ok().then_some(reader))
            }
        };
        let mut first = true;
        std::iter::from_fn(move || match &mut many {
            Some(reader) => {
                if reader.next_element(&mut first).ok()? {
                    reader.string().ok()
                } else {
                    None
                }
            }
            None => one.take(),
        })
    }

    pub(crate) fn redacted(self) -> Redacted {
        match self {
            Self::One(string) => redacted(string),
            Self::Many(raw) => Redacted::new(JsonKind::Array, raw.len()),
        }
    }
}

/// The registered claims of one payload, borrowed from it.
#[derive(Debug, Default)]
pub(crate) struct Registered<'a> {
    pub(crate) iss: Option<JsonStr<'a>>,
    pub(crate) sub: Option<JsonStr<'a>>,
    pub(crate) aud: Option<Strings<'a>>,
    pub(crate) exp: Option<u64>,
    pub(crate) nbf: Option<u64>,
    pub(crate) iat: Option<u64>,
    pub(crate) jti: Option<JsonStr<'a>>,
    pub(crate) client_id: Option<JsonStr<'a>>,
    pub(crate) scope: Option<JsonStr<'a>>,
    pub(crate) auth_time: Option<u64>,
    pub(crate) acr: Option<JsonStr<'a>>,
    pub(crate) amr: Option<Strings<'a>>,
    pub(crate) azp: Option<JsonStr<'a>>,
    pub(crate) sid: Option<JsonStr<'a>>,
    pub(crate) nonce: Option<JsonStr<'a>>,
    pub(crate) at_hash: Option<JsonStr<'a>>,
    pub(crate) c_hash: Option<JsonStr<'a>>,
    /// The object as it is written.
    pub(crate) events: Option<&'a str>,
    /// The [bits](Claim::bit) of all claims that are there.
    present: u32,
}

/// A registered claim has a value of the wrong type. Small: it travels through the user's own code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a registered claim has a value of the wrong type")]
pub(crate) struct WrongType {
    claim: Claim,
    found: JsonKind,
    len: u32,
}

impl From<WrongType> for VerifyError {
    fn from(WrongType { claim, found, len }: WrongType) -> Self {
        let found = Redacted::new(found, len as usize);
        Self::WrongType { claim: claim.name(), expected: claim.expected(), found }
    }
}

impl<'a> Registered<'a> {
    /// Reads the value of a claim. Yields it if it is a string or a number.
    #[inline(always)]
    pub(crate) fn read(
        &mut self,
        claim: Claim,
        reader: &mut Reader<'a>,
    ) -> Result<Option<Scalar<'a>>, Fault> {
        self.present |= claim.bit();
        let place = match claim {
            Claim::Iss => &mut self.iss,
            Claim::Sub => &mut self.sub,
            Claim::Jti => &mut self.jti,
            Claim::ClientId => &mut self.client_id,
            Claim::Acr => &mut self.acr,
            Claim::Scope => &mut self.scope,
            Claim::Azp => &mut self.azp,
            Claim::Sid => &mut self.sid,
            Claim::Nonce => &mut self.nonce,
            Claim::AtHash => &mut self.at_hash,
            Claim::CHash => &mut self.c_hash,
            Claim::Aud => {
                let strings = strings(claim, reader)?;
                self.aud = Some(strings);
                return Ok(match strings {
                    Strings::One(string) => Some(Scalar::String(string)),
                    Strings::Many(_) => None,
                });
            }
            Claim::Amr => {
                self.amr = Some(array(claim, reader)?);
                return Ok(None);
            }
            Claim::Events => {
                self.events = Some(object(claim, reader)?);
                return Ok(None);
            }
            Claim::Cnf => {
                object(claim, reader)?;
                return Ok(None);
            }
            Claim::Exp | Claim::Nbf | Claim::Iat | Claim::AuthTime => {
                return Ok(Some(Scalar::Number(self.read_date(claim, reader)?)));
            }
        };
        let string = any_string(claim, reader)?;
        // An empty scope is not RFC 6749's, but says clearly what it says: nothing is allowed.
        if string.is_empty() && claim != Claim::Scope {
            return Err(wrong(claim, JsonKind::String, ""));
        }
        *place = Some(string);
        Ok(Some(Scalar::String(string)))
    }

    /// Whether the claim is there. One of the wrong type has ended the reading.
    #[inline]
    pub(crate) const fn has(&self, claim: Claim) -> bool {
        self.present & claim.bit() != 0
    }

    /// States who the issuer is, unless the payload does.
    pub(crate) fn default_issuer(&mut self, issuer: &'a str) {
        if self.iss.is_none() {
            self.iss = Some(JsonStr::verbatim(issuer));
            self.present |= Claim::Iss.bit();
        }
    }

    /// The first of the claims in `required` that is not there.
    #[inline]
    pub(crate) fn first_missing(&self, required: u32) -> Option<Claim> {
        let missing = required & !self.present;
        if missing == 0 { None } else { Claim::ALL.into_iter().find(|claim| claim.bit() & missing != 0) }
    }

    #[inline]
    fn read_date(&mut self, claim: Claim, reader: &mut Reader<'a>) -> Result<Number<'a>, Fault> {
        // Rounded against the token, except that what lies in the past stays there.
        let (place, rounding) = match claim {
            Claim::Exp => (&mut self.exp, Rounding::Down),
            Claim::Nbf => (&mut self.nbf, Rounding::Up),
            Claim::Iat => (&mut self.iat, Rounding::Down),
            _ => (&mut self.auth_time, Rounding::Down),
        };
        if reader.kind()? != JsonKind::Number {
            return Err(wrong_next(claim, reader));
        }
        let number = reader.number()?;
        match number.date(rounding) {
            Some(date) => *place = Some(date),
            None => return Err(wrong(claim, JsonKind::Number, number.raw())),
        }
        Ok(number)
    }
}

/// The fault of the next value, which is not what its claim has to be.
#[cold]
fn wrong_next(claim: Claim, reader: &mut Reader<'_>) -> Fault {
    let found = match reader.kind() {
        Ok(kind) => reader.raw().map(|raw| wrong(claim, kind, raw)),
        Err(error) => Err(error),
    };
    found.unwrap_or_else(Fault::Json)
}

#[cold]
fn wrong(claim: Claim, found: JsonKind, raw: &str) -> Fault {
    Fault::Registered(WrongType { claim, found, len: u32::try_from(raw.len()).unwrap_or(u32::MAX) })
}

#[inline(always)]
fn any_string<'a>(claim: Claim, reader: &mut Reader<'a>) -> Result<JsonStr<'a>, Fault> {
    match reader.kind()? {
        JsonKind::String => Ok(reader.string()?),
        _ => Err(wrong_next(claim, reader)),
    }
}

/// RFC 7519 section 4.1.3: a string, or an array of them.
fn strings<'a>(claim: Claim, reader: &mut Reader<'a>) -> Result<Strings<'a>, Fault> {
    match reader.kind()? {
        JsonKind::String => match reader.string()? {
            empty if empty.is_empty() => Err(wrong(claim, JsonKind::String, "")),
            string => Ok(Strings::One(string)),
        },
        _ => array(claim, reader),
    }
}

fn array<'a>(claim: Claim, reader: &mut Reader<'a>) -> Result<Strings<'a>, Fault> {
    if reader.kind()? != JsonKind::Array {
        return Err(wrong_next(claim, reader));
    }
    let raw = reader.raw()?;
    let mut elements = Reader::payload(raw);
    elements.open_array()?;
    let mut first = true;
    while elements.next_element(&mut first)? {
        if elements.kind()? != JsonKind::String || elements.string()?.is_empty() {
            return Err(wrong(claim, JsonKind::Array, raw));
        }
    }
    // `first` is still true if there was no element.
    if first { Err(wrong(claim, JsonKind::Array, raw)) } else { Ok(Strings::Many(raw)) }
}

fn object<'a>(claim: Claim, reader: &mut Reader<'a>) -> Result<&'a str, Fault> {
    match reader.kind()? {
        JsonKind::Object => Ok(reader.raw()?),
        _ => Err(wrong_next(claim, reader)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claim_is_found_by_its_name_and_no_other() {
        let mut bits = 0;
        for claim in Claim::ALL {
            assert_eq!(Claim::named(claim.name()), Some(claim));
            assert_eq!(Claim::named(&claim.name().to_ascii_uppercase()), None);
            assert_eq!(bits & claim.bit(), 0);
            bits |= claim.bit();
        }
    }
}
