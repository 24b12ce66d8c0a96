//! Requests of people who are logged in, for tests of applications.
//!
//! Behind the feature `testing`. Nothing here weakens a check: a session is started and a token signed by the
//! application's own engines, on a login that the test states by [`core::testing`](crate::core::testing), and a
//! request that carries them goes through everything that a browser's would. One that acts needs an `Origin`
//! header too.
//!
//! ```
//! # use auth_web::{Auth, Refusal, core::PrincipalId, testing};
//! async fn ann_logs_out(auth: &Auth, ann: &PrincipalId) -> Result<Vec<(&'static str, String)>, Refusal> {
//!     let cookie = testing::login_as(auth, ann).await?;
//!     Ok(vec![("cookie", cookie), ("origin", auth.public_url().origin().to_string())])
//! }
//! ```

use auth_core::{Login, PrincipalId, Unavailable, UnixTime, testing::login_as as stated};
use auth_jwt::TokenIssuer;
use auth_session::Incoming;

use crate::{Auth, Refusal};

/// The value of the `Cookie` header of `principal`, who has just logged in by password, at epoch zero.
///
/// # Errors
/// As [`login`].
pub async fn login_as(auth: &Auth, principal: &PrincipalId) -> Result<String, Refusal> {
    login(auth, stated(principal, auth.0.clock.now())).await
}

/// The value of the `Cookie` header of whoever has logged in by `login`: at another epoch
/// ([`login_at_epoch`](auth_core::testing::login_at_epoch)), with limits, by other methods.
///
/// # Errors
/// What [`Visit::log_in`](crate::Visit::log_in) says: 401 if the account is at another epoch or has too many
/// sessions, 503 if the session cannot be stored.
pub async fn login(auth: &Auth, login: Login) -> Result<String, Refusal> {
    let mut session = auth.sessions().open(&Incoming::nothing()).await?;
    session.start(login).await?;
    let (cookie, saved) = session.commit().await.into_parts();
    saved?;
    let cookie = cookie.ok_or(Unavailable::Overloaded)?;
    Ok(cookie.expose().split(';').next().unwrap_or_default().to_owned())
}

/// The value of the `Authorization` header of `principal`, to whom `tokens` issues one on a login at `now`.
///
/// # Errors
/// As [`NewToken::sign`](auth_jwt::NewToken::sign).
pub fn bearer_as(tokens: &TokenIssuer, principal: &PrincipalId, now: UnixTime) -> Result<String, Refusal> {
    let issued = tokens.for_login(&stated(principal, now)).sign(now)?;
    Ok(format!("Bearer {}", issued.token().expose()))
}
