//! Before the signature there is no way to the claims.
use auth_jwt::UnverifiedToken;

fn subject(token: &UnverifiedToken) -> Option<&str> {
    token.claims().subject()
}

fn main() {}
