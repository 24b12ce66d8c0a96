//! Logging in, by a password and for many people by a code as well, and out.

use auth_web::{
    NextPath, Refusal, Visit,
    axum08::Worded,
    core::{LoginOutcome, Refusal as Kind},
    credentials::PasswordCredential,
    session::{Flash, StartOptions},
};
use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    layout::{credentials_form, failure},
    shown,
};
use crate::{device, second_step::TypedCode, setup::App};

#[derive(Deserialize)]
pub struct Credentials {
    email: String,
    password: String,
    token: Option<String>,
    #[serde(flatten)]
    wishes: Wishes,
}

/// What goes along from the first step of a login to its end.
#[derive(Default, Deserialize)]
pub struct Wishes {
    /// Where to go then.
    next: Option<String>,
    /// "Remember me": a checkbox is sent if it is checked, and not at all otherwise.
    remember: Option<String>,
}

#[derive(Deserialize)]
pub struct SecondStep {
    #[serde(flatten)]
    typed: TypedCode,
    #[serde(flatten)]
    wishes: Wishes,
}

pub async fn page(visit: Visit, Query(wishes): Query<Wishes>) -> Result<Html<String>, Refusal> {
    Ok(shown("Log in", None, form(&visit, &wishes, None)?))
}

pub async fn log_in(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    Worded(Form(typed)): Worded<Form<Credentials>>,
) -> Result<Response, Refusal> {
    // Before the password is looked at: another site must not even try.
    visit.may_log_in_by(typed.token.as_deref())?;
    let credential = PasswordCredential::typed(&typed.email, typed.password, visit.source());
    match app.accounts.log_in(credential).await.map_err(Refusal::from) {
        Ok(outcome) => go_on(&app, &visit, &headers, outcome, &typed.wishes).await,
        Err(refusal) if matches!(refusal.kind(), Kind::Rejected(_)) => {
            let error = "This address and password do not belong together.";
            let form = form(&visit, &typed.wishes, Some(error))?;
            Ok((StatusCode::UNAUTHORIZED, shown("Log in", None, form)).into_response())
        }
        Err(refusal) => Err(refusal),
    }
}

pub async fn code_page(
    State(app): State<App>,
    headers: HeaderMap,
    Query(wishes): Query<Wishes>,
) -> Result<Response, Refusal> {
    Ok(match app.waiting.kept(&headers)? {
        Some(_) => shown("One more step", None, code_form(&wishes, None)).into_response(),
        None => Redirect::to("/login").into_response(),
    })
}

pub async fn log_in_by_code(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    Worded(Form(step)): Worded<Form<SecondStep>>,
) -> Result<Response, Refusal> {
    visit.may_log_in()?;
    let Some(login) = app.waiting.kept(&headers)? else { return Ok(Redirect::to("/login").into_response()) };
    let principal = login.principal().clone();
    let by_list = step.typed.is_of_the_list();
    match app.log_in_by_code(login, step.typed, visit.source()).await.map_err(Refusal::from) {
        Ok(outcome) => {
            let response = go_on(&app, &visit, &headers, outcome, &step.wishes).await?;
            if by_list {
                let left = app.factors.recovery_codes_left(&principal).await?;
                visit.flash(Flash::success(format!("You have {left} recovery codes left."))).await?;
            }
            Ok(response)
        }
        Err(refusal) if matches!(refusal.kind(), Kind::Rejected(_)) => {
            let error = "This code does not work. Each works once: try the next one, or log in again.";
            let form = code_form(&step.wishes, Some(error));
            Ok((StatusCode::UNAUTHORIZED, shown("One more step", None, form)).into_response())
        }
        Err(refusal) => Err(refusal),
    }
}

pub async fn log_out(visit: Visit) -> Result<Redirect, Refusal> {
    visit.log_out().await?;
    Ok(Redirect::to("/"))
}

/// Begins the session, or asks for the code that is missing.
async fn go_on(
    app: &App,
    visit: &Visit,
    headers: &HeaderMap,
    outcome: LoginOutcome,
    wishes: &Wishes,
) -> Result<Response, Refusal> {
    let login = match outcome {
        LoginOutcome::Complete(login) => login,
        LoginOutcome::Pending(login) => {
            let kept = [(header::SET_COOKIE, app.waiting.keep(&login)?)];
            return Ok((kept, Redirect::to(&wishes.along_to("/login/code"))).into_response());
        }
    };
    let forgotten = app.waiting.kept(headers)?.map(|_| [(header::SET_COOKIE, app.waiting.forget())]);
    let options = StartOptions::new();
    // A box that was not ticked says so too: the same person's session before may have been remembered.
    let mut options = if wishes.remember.is_some() { options.remembered() } else { options.not_remembered() };
    if let Some(device) = device::label(headers) {
        options = options.on_device(device);
    }
    visit.log_in_with(login, options).await?;
    let next = wishes.next();
    Ok((forgotten, Redirect::to(next.as_ref().map_or("/profile", NextPath::as_str))).into_response())
}

impl Wishes {
    /// A place on this site, or nowhere.
    fn next(&self) -> Option<NextPath> {
        self.next.as_deref().and_then(NextPath::parse)
    }

    fn along_to(&self, page: &str) -> String {
        let page = self.next().map_or_else(|| page.to_owned(), |next| next.as_query_of(page));
        let joint = if page.contains('?') { '&' } else { '?' };
        if self.remember.is_some() { format!("{page}{joint}remember=yes") } else { page }
    }
}

fn form(visit: &Visit, wishes: &Wishes, error: Option<&str>) -> Result<Markup, Refusal> {
    let token = visit.form_token()?;
    let hidden = html! {
        input type="hidden" name="token" value=(token);
        @if let Some(next) = wishes.next() { input type="hidden" name="next" value=(next.as_str()); }
    };
    Ok(html! {
        (credentials_form("/login", "Log in", false, hidden, error))
        p { a href="/forgot" { "Forgot your password?" } }
    })
}

fn code_form(wishes: &Wishes, error: Option<&str>) -> Markup {
    let hidden = html! {
        @if let Some(next) = wishes.next() { input type="hidden" name="next" value=(next.as_str()); }
        @if wishes.remember.is_some() { input type="hidden" name="remember" value="yes"; }
    };
    html! {
        (failure(error))
        form.card method="post" action="/login/code" {
            (hidden)
            label {
                "Code"
                input name="code" required inputmode="numeric" autocomplete="one-time-code" maxlength="16" autofocus;
                small { "Your password is right. Now the code that your app shows." }
            }
            button.button type="submit" { "Log in" }
        }
        details {
            summary { "Is your device not at hand?" }
            form.card method="post" action="/login/code" {
                (hidden)
                label { "Recovery code" input name="recovery_code" required autocomplete="off" maxlength="64"; }
                button.button type="submit" { "Log in" }
            }
        }
    }
}
