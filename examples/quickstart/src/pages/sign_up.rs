//! Signing up, and the link that shows who reads the mail of the address.

use auth_web::{
    CurrentUser, MaybeUser, NextPath, Refusal, Visit,
    axum08::Worded,
    core::{Account, AccountStore},
    credentials::{LinkPurpose, PasswordCredential, SignUpError},
    session::Flash,
};
use axum::{
    Form,
    extract::{Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    email_of,
    layout::credentials_form,
    own_session,
    reset::{FromMail, dead_link, is_refused, works},
    shown,
};
use crate::setup::App;

#[derive(Deserialize)]
pub struct Credentials {
    email: String,
    password: String,
}

pub async fn page() -> Html<String> {
    shown("Sign up", None, credentials_form("/signup", "Sign up", true, html! {}, None))
}

pub async fn sign_up(
    State(app): State<App>,
    visit: Visit,
    Worded(Form(Credentials { email, password })): Worded<Form<Credentials>>,
) -> Result<Response, Refusal> {
    match app.accounts.sign_up(PasswordCredential::typed(&email, password, visit.source())).await {
        // The same page whether or not there was such an account: whoever reads the mail is told.
        Ok(()) => {
            app.ask_to_verify(&email, visit.source()).await?;
            let content = html! {
                p { "If this address had no account, it has one now. " a href="/login" { "Log in" } " to go on." }
                p { "Then open the link that is in your mail: it shows that the address is yours. If there is none, your profile sends another one." }
            };
            Ok(shown("Almost there", None, content).into_response())
        }
        Err(error @ (SignUpError::Login(_) | SignUpError::Policy(_))) => {
            let error = format!("Please choose again: {error}.");
            let form = credentials_form("/signup", "Sign up", true, html! {}, Some(&error));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, shown("Sign up", None, form)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// What the link leads to. Nothing is used up by looking at it: programs that check mail open every link.
pub async fn verify_page(
    State(app): State<App>,
    MaybeUser(user): MaybeUser,
    Query(FromMail { token }): Query<FromMail>,
) -> Result<Response, Refusal> {
    if !works(&app, LinkPurpose::VerifyAddress, &token).await? {
        return Ok(dead_link(html! { a href="/profile" { "Send another one" } }));
    }
    let email = email_of(&app, user.as_ref()).await?;
    let here = NextPath::parse(&format!("/verify?token={token}"));
    let content = html! {
        @if email.is_some() {
            (verify_form(&token, "Yes, this address is mine"))
        } @else {
            p {
                "Did you choose a password for this address? Then "
                a href=(here.map_or("/login".to_owned(), |here| here.as_query_of("/login"))) { "log in" }
                " first, and it stays."
            }
            p { "If somebody else did, confirm without it: their password goes, and you choose your own." }
            (verify_form(&token, "Confirm without a password"))
        }
    };
    Ok(shown("Is this address yours?", email.as_deref(), content).into_response())
}

pub async fn verify(
    State(app): State<App>,
    MaybeUser(user): MaybeUser,
    visit: Visit,
    Worded(Form(FromMail { token })): Worded<Form<FromMail>>,
) -> Result<Response, Refusal> {
    let verified = match app.links.verify(&token, user.as_deref(), visit.source()).await {
        Err(error) if is_refused(&error) => {
            return Ok(dead_link(html! { a href="/profile" { "Send another one" } }));
        }
        verified => verified?,
    };
    // Somebody else may have signed up with this address and waited: all that they had is gone.
    if let Some(raised) = verified {
        app.accounts.finish_sweep(&raised, &app.session_store, &app.keys, None).await?;
        let content = html! { p { "Now choose a password: " a href="/forgot" { "ask for a link" } "." } };
        return Ok(shown("The address is yours", None, content).into_response());
    }
    visit.flash(Flash::success("Your address is confirmed.")).await?;
    Ok(Redirect::to("/profile").into_response())
}

/// Sends the link once more.
pub async fn send_again(
    State(app): State<App>,
    user: CurrentUser,
    visit: Visit,
) -> Result<Redirect, Refusal> {
    own_session(&visit).await?;
    if let Some(Account { login, .. }) = app.directory.by_id(user.principal()).await? {
        app.links.ask_to_verify(login.as_str(), visit.source()).await?;
        visit.flash(Flash::success("A link is on its way.")).await?;
    }
    Ok(Redirect::to("/profile"))
}

fn verify_form(token: &str, button: &str) -> Markup {
    html! {
        form method="post" action="/verify" {
            input type="hidden" name="token" value=(token);
            button.button type="submit" { (button) }
        }
    }
}
