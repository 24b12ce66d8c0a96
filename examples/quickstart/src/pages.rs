//! The pages. No JavaScript: forms are posted, answers are pages or redirects.

mod api_keys;
mod devices;
mod layout;
mod login;
mod profile;
mod reset;
mod security;
mod sign_up;

use auth_web::{
    CurrentUser, MaybeUser, Refusal, Require, Visit,
    axum08::Mounted,
    core::{AccountStore, SessionId},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderValue, header},
    middleware,
    response::{Html, Response},
    routing::{get, post},
};
use maud::{Markup, html};

use self::layout::{Viewer, page};
use crate::{
    policy::{self, perm},
    setup::App,
};

pub fn routes() -> Router<Mounted<App>> {
    Router::new()
        .route("/", get(home))
        .route("/signup", get(sign_up::page).post(sign_up::sign_up))
        .route("/verify", get(sign_up::verify_page).post(sign_up::verify))
        .route("/verify/send", post(sign_up::send_again))
        .route("/login", get(login::page).post(login::log_in))
        .route("/login/code", get(login::code_page).post(login::log_in_by_code))
        .route("/logout", post(login::log_out))
        .route("/forgot", get(reset::forgot_page).post(reset::forgot))
        .route("/reset", get(reset::reset_page).post(reset::reset))
        .route("/profile", get(profile::page))
        .route("/password", post(profile::change_password))
        .route("/security", get(security::page))
        .route("/security/codes", post(security::enrol))
        .route("/security/codes/confirm", post(security::confirm))
        .route("/security/recovery-codes", post(security::renew_recovery_codes))
        .route("/security/remove", post(security::remove))
        .route("/api-keys", get(api_keys::page).post(api_keys::create))
        .route("/api-keys/{id}/revoke", post(api_keys::revoke))
        .route("/devices", get(devices::list))
        .route("/devices/{id}/end", post(devices::end))
        .route("/devices/end-others", post(devices::end_others))
        .route("/admin", get(admin))
        // A few fields of a form: nothing that is much larger is read.
        .layer(DefaultBodyLimit::max(8 * 1024))
        .layer(middleware::map_response(harden))
}

/// The pages load nothing, are in nobody's frame, are kept by nobody, and tell no other site where a link was
/// followed: links in mail have a secret in them. (With `no-referrer`, browsers would not say with a form, either,
/// that it is ours.)
async fn harden(mut response: Response) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn home(State(app): State<App>, MaybeUser(user): MaybeUser) -> Result<Html<String>, Refusal> {
    let email = email_of(&app, user.as_ref()).await?;
    let content = html! {
        @if email.is_some() {
            p { "You are logged in. See your " a href="/profile" { "profile" } ", or the page for " a href="/admin" { "administrators" } "." }
        } @else {
            p { "A small application with accounts, sessions, roles and a JSON API. " a href="/signup" { "Sign up" } " to begin." }
        }
    };
    Ok(shown("Welcome", email.as_deref(), content))
}

async fn admin(State(app): State<App>, permit: Require<perm::AdminRead>) -> Result<Html<String>, Refusal> {
    let account = app.directory.by_id(permit.0.principal()).await?;
    let email = account.map(|account| account.login.to_string());
    let version = permit.0.version();
    let holders = app.policy.policy().map(|policy| {
        policy.roles().principals_with(policy::Permission::AdminRead, auth_web::core::Page::first())
    });
    let content = html! {
        p { "You see this because of a role. The decision was made under policy version " (version) "." }
        table {
            thead { tr { th { "Administrators" } } }
            tbody { @for principal in holders.iter().flatten() { tr { td { code { (principal.id()) } } } } }
        }
    };
    Ok(shown("Administration", email.as_deref(), content))
}

fn shown(title: &str, email: Option<&str>, content: Markup) -> Html<String> {
    Html(page(title, Viewer { email }, content).into_string())
}

async fn email_of(app: &App, user: Option<&CurrentUser>) -> Result<Option<String>, Refusal> {
    let Some(user) = user else { return Ok(None) };
    Ok(app.directory.by_id(user.principal()).await?.map(|account| account.login.to_string()))
}

/// The session that the request is of. Asked for before anything is changed: a token that was lent to a program has
/// none to spare, and changes nothing of how its owner logs in.
async fn own_session(visit: &Visit) -> Result<SessionId, Refusal> {
    visit.session_id().await?.ok_or(Refusal::unauthenticated())
}
