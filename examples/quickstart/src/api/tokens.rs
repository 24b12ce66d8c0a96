//! How a program logs in, goes on, and logs out: a short access token, and a refresh token for the next pair.

use auth_web::{
    Refusal, Visit,
    axum08::{Mounted, Worded},
    core::{
        Clock, LiveSession, LoginOutcome, Malformed, Rejection, RejectionReason, SessionId, SessionTerms,
        SystemClock,
    },
    session::RefreshToken,
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use serde_json::json;

use super::Credentials;
use crate::{device, second_step::TypedCode, setup::App};

pub fn routes() -> Router<Mounted<App>> {
    Router::new()
        .route("/api/login", post(log_in))
        .route("/api/login/code", post(log_in_by_code))
        .route("/api/refresh-token", post(refresh))
        .route("/api/logout", post(log_out))
}

#[derive(Deserialize)]
struct SecondStep {
    /// What the first step answered.
    pending: String,
    #[serde(flatten)]
    typed: TypedCode,
}

#[derive(Deserialize)]
struct ToRefresh {
    refresh_token: String,
}

#[derive(Default, Deserialize)]
struct ToEnd {
    refresh_token: Option<String>,
}

async fn log_in(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    Worded(Json(body)): Worded<Json<Credentials>>,
) -> Result<Response, Refusal> {
    let outcome = app.accounts.log_in(body.presented_by(&visit)).await?;
    go_on(&app, &headers, outcome).await
}

/// The second step, for whom the first was answered 202: with a `code` of the device, or a `recovery_code`.
async fn log_in_by_code(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    Worded(Json(SecondStep { pending, typed })): Worded<Json<SecondStep>>,
) -> Result<Response, Refusal> {
    let login = app.waiting.open(&pending).ok_or(Rejection::new(RejectionReason::Expired))?;
    let outcome = app.log_in_by_code(login, typed, visit.source()).await?;
    go_on(&app, &headers, outcome).await
}

/// Issues the first pair, or says what is missing for it and keeps nothing: the program does.
async fn go_on(app: &App, headers: &HeaderMap, outcome: LoginOutcome) -> Result<Response, Refusal> {
    match outcome {
        LoginOutcome::Complete(login) => {
            let mut terms = SessionTerms::new();
            terms.device = device::label(headers);
            let issued = app.refresh.issue(login, terms).await?;
            pair(app, &issued.live, &issued.token)
        }
        LoginOutcome::Pending(login) => {
            let body = json!({
                "pending": app.waiting.seal(&login)?,
                "missing": login.missing(),
                "expires_in": login.expires_at().since(SystemClock.now()).as_secs(),
            });
            Ok((StatusCode::ACCEPTED, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
        }
    }
}

/// The next pair for a refresh token, which is then used up. Why one is refused is for the audit log alone.
async fn refresh(
    State(app): State<App>,
    Worded(Json(body)): Worded<Json<ToRefresh>>,
) -> Result<Response, Refusal> {
    let token = RefreshToken::parse(body.refresh_token.as_bytes())
        .ok_or(Rejection::new(RejectionReason::Malformed))?;
    let next = app.refresh.refresh(&token).await?;
    pair(&app, &next.live, &next.token)
}

/// Ends the session of the refresh token, and that of the bearer token: one of them is enough. A refresh token
/// that is unknown is no error (RFC 7009 section 2.2): what the client wants is already so.
///
/// An access token that was issued works until it expires, a quarter of an hour at most.
async fn log_out(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    Worded(body): Worded<Bytes>,
) -> Result<StatusCode, Refusal> {
    // Many clients say that a body is JSON where there is none.
    let ToEnd { refresh_token } = match body.is_empty() {
        true => ToEnd::default(),
        // A form of another site can send everything but this without asking first.
        false if !is_json(&headers) => return Err(Malformed::MediaType.into()),
        false => serde_json::from_slice(&body).map_err(|_| Malformed::Body)?,
    };
    if let Some(token) = refresh_token.as_ref().and_then(|token| RefreshToken::parse(token.as_bytes())) {
        app.refresh.revoke(&token).await?;
    }
    match end_bearer(&app, &visit).await {
        // The access token may well have expired by the time that its client logs out.
        Err(refusal) if refusal.status() == 401 && refresh_token.is_some() => Ok(StatusCode::NO_CONTENT),
        ended => ended.map(|()| StatusCode::NO_CONTENT),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|line| line.to_str().ok());
    let media = media.and_then(|line| line.split(';').next()).unwrap_or_default();
    media.trim().eq_ignore_ascii_case("application/json")
}

/// Ends the session that the bearer token says in `sid` that it is of.
async fn end_bearer(app: &App, visit: &Visit) -> Result<(), Refusal> {
    let user = visit.require_bearer().await?;
    let token = visit.bearer_token().ok_or(Refusal::unauthenticated())?;
    let verified = app.verifier.verify::<()>(token.expose(), SystemClock.now())?;
    if let Some(session) = verified.claims().session_id().and_then(|sid| SessionId::parse(sid.as_bytes())) {
        app.sessions.end_one(user.principal(), &session).await?;
    }
    Ok(())
}

fn pair(app: &App, live: &LiveSession, refresh: &RefreshToken) -> Result<Response, Refusal> {
    let issued = app.tokens.for_session(live).sign(SystemClock.now())?;
    let body = json!({
        "access_token": issued.token().expose(),
        "token_type": "Bearer",
        "expires_in": issued.lifetime().as_secs(),
        "refresh_token": refresh.expose().as_str(),
    });
    // RFC 6749 section 5.1.
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}
