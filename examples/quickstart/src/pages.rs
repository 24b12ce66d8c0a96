//! The pages. No JavaScript: forms are posted, answers are pages or redirects.

mod devices;
mod layout;

use auth_web::{
    CurrentUser, MaybeUser, NextPath, Refusal, Require, Session, Visit,
    axum08::{Mounted, Worded},
    core::{AccountStore, AuthenticateError, LoginOutcome, Refusal as Kind},
    credentials::{ChangePasswordError, PasswordCredential, SignUpError},
    session::{Flash, SessionData, StartOptions},
};
use axum::{
    Form, Router,
    extract::{DefaultBodyLimit, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use self::layout::{Viewer, credentials_form, messages, page, password_form};
use crate::{
    device,
    policy::{self, perm},
    setup::App,
};

pub fn routes() -> Router<Mounted<App>> {
    Router::new()
        .route("/", get(home))
        .route("/signup", get(sign_up_page).post(sign_up))
        .route("/login", get(log_in_page).post(log_in))
        .route("/logout", post(log_out))
        .route("/profile", get(profile))
        .route("/password", post(change_password))
        .route("/devices", get(devices::list))
        .route("/devices/{id}/end", post(devices::end))
        .route("/devices/end-others", post(devices::end_others))
        .route("/admin", get(admin))
        // Two fields of a form: nothing that is much larger is read.
        .layer(DefaultBodyLimit::max(8 * 1024))
        .layer(middleware::map_response(harden))
}

/// The pages load nothing, are in nobody's frame, and tell nobody where a link was followed.
async fn harden(mut response: Response) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// How often this session has seen the profile page.
#[derive(Default, Serialize, Deserialize)]
struct Visits(u32);

impl SessionData for Visits {
    const SLOT: &'static str = "visits";
    const VERSION: u16 = 1;

    /// Two tabs at once: both count.
    fn merge(base: Option<Self>, ours: Self, theirs: Self) -> Option<Self> {
        let counted = ours.0.saturating_sub(base.unwrap_or_default().0);
        Some(Self(theirs.0.saturating_add(counted)))
    }
}

/// What the forms for signing up and logging in post.
#[derive(Deserialize)]
struct Credentials {
    email: String,
    password: String,
    /// "Remember me": a checkbox is sent if it is checked, and not at all otherwise.
    remember: Option<String>,
    next: Option<String>,
    token: Option<String>,
}

impl Credentials {
    fn presented_by(self, visit: &Visit) -> PasswordCredential {
        PasswordCredential::typed(&self.email, self.password, visit.source())
    }
}

#[derive(Deserialize)]
struct WayBack {
    next: Option<String>,
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

async fn sign_up_page() -> Html<String> {
    shown("Sign up", None, credentials_form("/signup", "Sign up", true, html! {}, None))
}

async fn sign_up(
    State(app): State<App>,
    visit: Visit,
    Worded(Form(form)): Worded<Form<Credentials>>,
) -> Result<Response, Refusal> {
    match app.accounts.sign_up(form.presented_by(&visit)).await {
        // The same page whether or not there was such an account.
        Ok(()) => Ok(shown(
            "Almost there",
            None,
            html! { p { "If this address had no account, it has one now. " a href="/login" { "Log in" } " to go on." } },
        )
        .into_response()),
        Err(error @ (SignUpError::Login(_) | SignUpError::Policy(_))) => {
            let form = credentials_form("/signup", "Sign up", true, html! {}, Some(&format!("Please choose again: {error}.")));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, shown("Sign up", None, form)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn log_in_page(visit: Visit, Query(way): Query<WayBack>) -> Result<Html<String>, Refusal> {
    Ok(shown("Log in", None, log_in_form(&visit, way.next.as_deref(), None)?))
}

async fn log_in(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    Worded(Form(form)): Worded<Form<Credentials>>,
) -> Result<Response, Refusal> {
    // Before the password is looked at: another site must not even try.
    visit.may_log_in_by(form.token.as_deref())?;
    let next = form.next.as_deref().and_then(NextPath::parse);
    let options = StartOptions::new();
    // A box that was not ticked says so too: the same person's session before may have been remembered.
    let mut options = if form.remember.is_some() { options.remembered() } else { options.not_remembered() };
    if let Some(device) = device::label(&headers) {
        options = options.on_device(device);
    }
    match app.accounts.log_in(form.presented_by(&visit)).await.map_err(Refusal::from) {
        Ok(LoginOutcome::Complete(login)) => {
            visit.log_in_with(login, options).await?;
            Ok(Redirect::to(next.as_ref().map_or("/profile", NextPath::as_str)).into_response())
        }
        // This application asks for a password and nothing else.
        Ok(LoginOutcome::Pending(_)) => Err(Refusal::unauthenticated()),
        Err(refusal) if matches!(refusal.kind(), Kind::Rejected(_)) => {
            let next = next.as_ref().map(NextPath::as_str);
            let form = log_in_form(&visit, next, Some("This address and password do not belong together."))?;
            Ok((StatusCode::UNAUTHORIZED, shown("Log in", None, form)).into_response())
        }
        Err(refusal) => Err(refusal),
    }
}

async fn log_out(visit: Visit) -> Result<Redirect, Refusal> {
    visit.log_out().await?;
    Ok(Redirect::to("/"))
}

async fn profile(
    State(app): State<App>,
    user: CurrentUser,
    visit: Visit,
    visits: Session<Visits>,
) -> Result<Html<String>, Refusal> {
    let Visits(before) = visits.get().await?.unwrap_or_default();
    let count = before.saturating_add(1);
    visits.set(&Visits(count)).await?;
    let flashes = visit.take_flashes().await?;
    let email = email_of(&app, Some(&user)).await?;
    let roles = policy::roles_of(&app.policy, user.principal());
    let content = html! {
        (messages(&flashes))
        dl {
            dt { "E-mail" } dd { (email.as_deref().unwrap_or_default()) }
            dt { "Id" } dd { code { (user.principal().id()) } }
            dt { "Roles" } dd { @if roles.is_empty() { "none" } @for role in &roles { (role) " " } }
            dt { "Visits in this session" } dd { (count) }
        }
        p { a href="/devices" { "Where you are logged in" } }
        h2 { "Change your password" }
        (password_form(None))
    };
    Ok(shown("Your profile", email.as_deref(), content))
}

#[derive(Deserialize)]
struct NewPassword {
    current: String,
    new: String,
}

/// Changes the password and ends all other sessions.
async fn change_password(
    State(app): State<App>,
    user: CurrentUser,
    visit: Visit,
    Worded(Form(form)): Worded<Form<NewPassword>>,
) -> Result<Response, Refusal> {
    // Before anything is changed: a bearer token has no session to spare.
    if visit.session_id().await?.is_none() {
        return Err(Refusal::unauthenticated());
    }
    let (current, new) = (form.current.into(), form.new.into());
    let (status, error) = match app.accounts.change_password(&user, current, new, visit.source()).await {
        Ok(raised) => {
            visit.end_other_sessions(raised.epoch()).await?;
            app.accounts.sweep_done(&raised).await?;
            visit
                .flash(Flash::success("Your password is changed. You are logged out everywhere else."))
                .await?;
            return Ok(Redirect::to("/profile").into_response());
        }
        Err(ChangePasswordError::Policy(error)) => {
            (StatusCode::UNPROCESSABLE_ENTITY, format!("Please choose again: {error}."))
        }
        Err(ChangePasswordError::Refused(AuthenticateError::Rejected(_))) => {
            (StatusCode::UNAUTHORIZED, "Your present password is another one.".to_owned())
        }
        Err(error) => return Err(error.into()),
    };
    let email = email_of(&app, Some(&user)).await?;
    let form = password_form(Some(&error));
    Ok((status, shown("Change your password", email.as_deref(), form)).into_response())
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

fn log_in_form(visit: &Visit, next: Option<&str>, error: Option<&str>) -> Result<Markup, Refusal> {
    let token = visit.form_token()?;
    let hidden = html! {
        input type="hidden" name="token" value=(token);
        @if let Some(next) = next { input type="hidden" name="next" value=(next); }
    };
    Ok(credentials_form("/login", "Log in", false, hidden, error))
}

fn shown(title: &str, email: Option<&str>, content: Markup) -> Html<String> {
    Html(page(title, Viewer { email }, content).into_string())
}

async fn email_of(app: &App, user: Option<&CurrentUser>) -> Result<Option<String>, Refusal> {
    let Some(user) = user else { return Ok(None) };
    Ok(app.directory.by_id(user.principal()).await?.map(|account| account.login.to_string()))
}
