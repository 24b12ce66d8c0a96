//! Own claims on their way into a token.

use serde::Serialize;

use super::IssueError;
use crate::{
    context,
    json::{JsonKind, Members, Reader},
    registered::{Claim, Registered},
};

/// The claims that every issuer writes itself (RFC 7519 section 4.1).
const ALWAYS_RESERVED: [Claim; 7] =
    [Claim::Iss, Claim::Sub, Claim::Aud, Claim::Exp, Claim::Nbf, Claim::Iat, Claim::Jti];

/// The claims that the issuer of access tokens writes beside these.
const OF_ACCESS_TOKENS: [Claim; 5] = [Claim::ClientId, Claim::Scope, Claim::AuthTime, Claim::Acr, Claim::Amr];

/// What own claims must not be called.
pub(crate) struct Reserved<F> {
    pub(crate) claims: F,
    pub(crate) names: &'static [&'static str],
}

impl Reserved<fn(Claim) -> bool> {
    /// In access tokens.
    pub(crate) const OF_ACCESS_TOKENS: Self = Self { claims: is_of_access_tokens, names: &[context::CLAIM] };
    /// In access tokens of a session, which have its `sid`.
    pub(crate) const OF_SESSION_TOKENS: Self =
        Self { claims: is_of_session_tokens, names: &[context::CLAIM] };
    /// In all other tokens.
    pub(crate) const ALWAYS: Self = Self { claims: is_always_reserved, names: &[context::CLAIM] };
}

/// Adds the members of what `claims` serialises to, each with a comma before it, behind the members of an
/// object that is not yet closed. `()` has none. They are checked as a verifier would: what is signed here must be
/// accepted there.
pub(crate) fn append<C: Serialize + ?Sized>(
    claims: &C,
    payload: &mut Vec<u8>,
    reserved: Reserved<impl Fn(Claim) -> bool>,
) -> Result<(), IssueError> {
    let start = payload.len();
    serde_json::to_writer(&mut *payload, claims)
        .map_err(|error| IssueError::OwnClaims(Some(error.into())))?;
    let json = payload.get(start..).map(std::str::from_utf8);
    let json = json.and_then(Result::ok).ok_or(IssueError::OwnClaims(None))?;
    let is_empty = json == "null" || check(json, &reserved)?;
    // `{..}` becomes `,..`.
    if is_empty {
        payload.truncate(start);
    } else {
        payload.pop();
        if let Some(brace) = payload.get_mut(start) {
            *brace = b',';
        }
    }
    Ok(())
}

/// Whether the claim is one that the issuer of access tokens writes itself.
pub(crate) fn is_of_access_tokens(claim: Claim) -> bool {
    is_always_reserved(claim) || OF_ACCESS_TOKENS.contains(&claim)
}

fn is_of_session_tokens(claim: Claim) -> bool {
    is_of_access_tokens(claim) || matches!(claim, Claim::Sid)
}

/// Whether the claim is one that every issuer writes itself.
fn is_always_reserved(claim: Claim) -> bool {
    ALWAYS_RESERVED.contains(&claim)
}

/// Yields whether there is no member.
fn check(json: &str, reserved: &Reserved<impl Fn(Claim) -> bool>) -> Result<bool, IssueError> {
    let malformed = |_| IssueError::OwnClaims(None);
    let mut reader = Reader::payload(json);
    if reader.kind().map_err(malformed)? != JsonKind::Object {
        return Err(IssueError::OwnClaims(None));
    }
    reader.open_object().map_err(malformed)?;
    let mut seen = Members::default();
    while let Some(name) = reader.next_name(&mut seen).map_err(malformed)? {
        match Claim::of(name) {
            Some(claim) if (reserved.claims)(claim) => {
                return Err(IssueError::Reserved { claim: claim.name() });
            }
            // Registered, and whether a token has it is for the application to say; what it is, is not.
            Some(claim) => {
                let read = Registered::default().read(claim, &mut reader);
                read.map_err(|_| IssueError::WrongType { claim: claim.name() })?;
            }
            None => match reserved.names.iter().find(|reserved| name.is(reserved)) {
                Some(claim) => return Err(IssueError::Reserved { claim }),
                None => reader.skip().map_err(malformed)?,
            },
        }
    }
    reader.end().map_err(malformed)?;
    Ok(seen.is_empty())
}
