//! A new password for whoever forgot theirs, by a link that is sent to the address.

use auth_web::{
    Refusal, Visit,
    axum08::Worded,
    core::AuthenticateError,
    credentials::{LinkError, LinkPurpose},
};
use axum::{
    Form,
    extract::{Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{layout::failure, shown};
use crate::setup::App;

/// What a link brings in its query, and the form of its page in a hidden field.
#[derive(Deserialize)]
pub struct FromMail {
    #[serde(default)]
    pub token: String,
}

#[derive(Deserialize)]
pub struct Forgot {
    email: String,
}

#[derive(Deserialize)]
pub struct Reset {
    token: String,
    new: String,
}

pub async fn forgot_page() -> Html<String> {
    shown(
        "Forgot your password?",
        None,
        html! {
            form.card method="post" action="/forgot" {
                label { "E-mail" input type="email" name="email" required autocomplete="username" maxlength="254" autofocus; }
                button.button type="submit" { "Send me a link" }
            }
        },
    )
}

/// Answers alike, after the same work, whoever has the address.
pub async fn forgot(
    State(app): State<App>,
    visit: Visit,
    Worded(Form(Forgot { email })): Worded<Form<Forgot>>,
) -> Result<Html<String>, Refusal> {
    app.links.ask_to_reset(&email, visit.source()).await?;
    let content = html! { p { "If this address has an account, a link is on its way to it. It works for half an hour." } };
    Ok(shown("Look into your mail", None, content))
}

/// What the link leads to. Nothing is used up by looking at it: programs that check mail open every link.
pub async fn reset_page(
    State(app): State<App>,
    Query(FromMail { token }): Query<FromMail>,
) -> Result<Response, Refusal> {
    Ok(match works(&app, LinkPurpose::ResetPassword, &token).await? {
        true => shown("Choose a new password", None, reset_form(&token, None)).into_response(),
        false => dead_link(ask_again()),
    })
}

/// Sets the password and ends all sessions. Nobody is logged in by it: whoever reads somebody's mail does not get
/// past their second factor.
pub async fn reset(
    State(app): State<App>,
    visit: Visit,
    Worded(Form(Reset { token, new })): Worded<Form<Reset>>,
) -> Result<Response, Refusal> {
    match app.links.reset(&token, new.into(), visit.source()).await {
        Ok(raised) => {
            app.accounts.finish_sweep(&raised, &app.session_store, &app.keys, None).await?;
            let content =
                html! { p { a href="/login" { "Log in" } " with it. You are logged out everywhere." } };
            Ok(shown("Your password is set", None, content).into_response())
        }
        Err(LinkError::Policy(error)) => {
            let form = reset_form(&token, Some(&format!("Please choose again: {error}.")));
            let page = shown("Choose a new password", None, form);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(error) if is_refused(&error) => Ok(dead_link(ask_again())),
        Err(error) => Err(error.into()),
    }
}

/// Whether a link would work now.
pub async fn works(app: &App, purpose: LinkPurpose, token: &str) -> Result<bool, Refusal> {
    match app.links.look(purpose, token).await {
        Ok(()) => Ok(true),
        Err(error) if is_refused(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub fn is_refused(error: &LinkError) -> bool {
    matches!(error, LinkError::Refused(AuthenticateError::Rejected(_)))
}

/// One page for links that are used up, too old, replaced by a newer one, or never were.
pub fn dead_link(instead: Markup) -> Response {
    let content = html! { p { "It was used, is too old, or there is a newer one. " (instead) "." } };
    (StatusCode::GONE, shown("This link does not work", None, content)).into_response()
}

fn ask_again() -> Markup {
    html! { a href="/forgot" { "Ask for another one" } }
}

fn reset_form(token: &str, error: Option<&str>) -> Markup {
    html! {
        (failure(error))
        form.card method="post" action="/reset" {
            input type="hidden" name="token" value=(token);
            label {
                "New password"
                input type="password" name="new" required minlength="15" maxlength="1024" autocomplete="new-password" autofocus;
                small { "At least 15 characters. You will be logged out everywhere." }
            }
            button.button type="submit" { "Set it" }
        }
    }
}
