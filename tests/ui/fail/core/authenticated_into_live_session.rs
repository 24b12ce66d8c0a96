//! A request may act by a token; that is no live session, from which more tokens could be made.
use auth_core::{Authenticated, LiveSession};

fn renew(request: Authenticated) -> LiveSession {
    request
}

fn main() {}
