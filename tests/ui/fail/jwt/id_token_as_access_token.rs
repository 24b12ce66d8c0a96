//! An ID token says who logged in, to the client that asked; it opens no interface. Nor does a logout token, nor
//! what a server answers about a token.
use auth_jwt::{ActiveToken, IdToken, LogoutToken, Verified};

fn serve(_: &Verified) {}

fn id_token(token: &IdToken) {
    serve(token);
}

fn logout_token(token: &LogoutToken) {
    serve(token);
}

fn introspected(token: &ActiveToken) {
    serve(token);
}

fn access_token_as_login(token: Verified) -> IdToken {
    token
}

fn main() {}
