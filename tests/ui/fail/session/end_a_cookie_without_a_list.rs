//! A session that is nothing but a cookie cannot be ended, listed or spoken for, unless there is a list.
use auth_core::{Login, Page, PrincipalId, SessionStore};
use auth_session::{CookieSession, CookieSessions, StartError};

async fn log_out(mut session: CookieSession) {
    session.end().await;
}

async fn revoke(sessions: &CookieSessions, session: &CookieSession) {
    sessions.revoke(&session.id().unwrap()).await;
}

async fn devices(sessions: &CookieSessions, ann: &PrincipalId) {
    sessions.list(ann, Page::first()).await;
}

fn token_for(session: &CookieSession) {
    session.live();
}

fn of_a_store(_: &dyn SessionStore) {}

async fn log_in(mut session: CookieSession, login: Login) -> Result<(), StartError> {
    session.start(login).await.map(drop)
}

fn main() {}
