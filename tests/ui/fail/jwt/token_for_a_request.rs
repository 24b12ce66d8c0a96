//! A token is given for a login or a live session: a request may act by a token itself, and would renew it.
use auth_core::{Authenticated, PendingLogin};
use auth_jwt::{NewToken, TokenIssuer};

fn renew<'a>(issuer: &'a TokenIssuer, request: &'a Authenticated) -> NewToken<'a> {
    issuer.for_login(request)
}

fn second_factor_missing<'a>(issuer: &'a TokenIssuer, pending: &'a PendingLogin) -> NewToken<'a> {
    issuer.for_login(pending)
}

fn main() {}
