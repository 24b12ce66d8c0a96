//! What an ID token, a logout token or an authorization server says cannot be written down.
use auth_jwt::{ActiveToken, IdToken, LogoutToken, Verified};

fn login(verified: Verified) -> IdToken {
    IdToken(verified)
}

fn logout(verified: Verified) -> LogoutToken {
    LogoutToken(verified)
}

fn answer(verified: Verified) -> ActiveToken {
    ActiveToken(verified)
}

fn main() {}
