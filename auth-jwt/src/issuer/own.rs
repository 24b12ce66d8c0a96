//! Own claims on their way into a token.

use serde::Serialize;

use super::IssueError;
use crate::{
    context,
    json::{JsonKind, Members, Reader},
    registered::{Claim, Registered},
};

/// The members of what `claims` serialises to, without the braces, checked as a verifier would: what is signed
/// here must be accepted there.
pub(super) fn members<C: Serialize + ?Sized>(claims: &C) -> Result<String, IssueError> {
    let json = serde_json::to_string(claims).map_err(|error| IssueError::OwnClaims(Some(error.into())))?;
    check(&json)?;
    let inside = json.strip_prefix('{').and_then(|json| json.strip_suffix('}'));
    Ok(inside.unwrap_or_default().to_owned())
}

fn check(json: &str) -> Result<(), IssueError> {
    let malformed = |_| IssueError::OwnClaims(None);
    let mut reader = Reader::payload(json);
    if reader.kind().map_err(malformed)? != JsonKind::Object {
        return Err(IssueError::OwnClaims(None));
    }
    reader.open_object().map_err(malformed)?;
    let mut seen = Members::default();
    while let Some(name) = reader.next_name(&mut seen).map_err(malformed)? {
        let claim = Claim::of(name);
        if let Some(claim @ (Claim::Sid | Claim::Cnf)) = claim {
            // Registered, but whether a token has them is for the application to say.
            Registered::default().read(claim, &mut reader).map_err(|_| IssueError::OwnClaims(None))?;
            continue;
        }
        if let Some(claim) = claim {
            return Err(IssueError::Reserved { claim: claim.name() });
        }
        if name.is(context::CLAIM) {
            return Err(IssueError::Reserved { claim: context::CLAIM });
        }
        reader.skip().map_err(malformed)?;
    }
    reader.end().map_err(malformed)
}
