//! Issuer and audience cannot be left out, nor be mistaken for each other.
use auth_jwt::{Audience, Issuer, TokenPolicy};

fn forgotten(issuer: Issuer) -> TokenPolicy {
    TokenPolicy::access_token(issuer)
}

fn swapped(audience: Audience) -> TokenPolicy {
    TokenPolicy::access_token(audience.clone(), audience)
}

fn main() {}
