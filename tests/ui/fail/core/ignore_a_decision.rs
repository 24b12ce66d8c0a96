//! A decision that nobody looks at is an open door.
#![deny(unused_must_use)]

use auth_core::{AccessRequest, Authorizer, DecideError};

fn delete(authorizer: &dyn Authorizer, request: &AccessRequest<'_>) -> Result<(), DecideError> {
    authorizer.decide(request)?;
    Ok(())
}

fn main() {}
