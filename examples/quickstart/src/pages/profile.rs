//! Who somebody is here, and their password.

use auth_web::{
    CurrentUser, Refusal, Session, Visit,
    axum08::Worded,
    core::AuthenticateError,
    credentials::ChangePasswordError,
    session::{Flash, SessionData},
};
use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use maud::html;
use serde::{Deserialize, Serialize};

use super::{
    email_of,
    layout::{messages, password_form},
    own_session, shown,
};
use crate::{policy, setup::App};

/// How often this session has seen the profile page.
#[derive(Default, Serialize, Deserialize)]
pub struct Visits(u32);

impl SessionData for Visits {
    const SLOT: &'static str = "visits";
    const VERSION: u16 = 1;

    /// Two tabs at once: both count.
    fn merge(base: Option<Self>, ours: Self, theirs: Self) -> Option<Self> {
        let counted = ours.0.saturating_sub(base.unwrap_or_default().0);
        Some(Self(theirs.0.saturating_add(counted)))
    }
}

#[derive(Deserialize)]
pub struct NewPassword {
    current: String,
    new: String,
}

pub async fn page(
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
    let verified = app.links.is_address_verified(user.principal()).await?;
    let roles = policy::roles_of(&app.policy, user.principal());
    let content = html! {
        (messages(&flashes))
        @if !verified {
            form.notice method="post" action="/verify/send" {
                "Open the link in your mail: it shows that this address is yours. "
                button.link type="submit" { "Send it again" }
            }
        }
        dl {
            dt { "E-mail" } dd { (email.as_deref().unwrap_or_default()) }
            dt { "Id" } dd { code { (user.principal().id()) } }
            dt { "Roles" } dd { @if roles.is_empty() { "none" } @for role in &roles { (role) " " } }
            dt { "Visits in this session" } dd { (count) }
        }
        ul {
            li { a href="/security" { "One-time codes" } ", asked for beside your password" }
            li { a href="/devices" { "Where you are logged in" } }
            li { a href="/api-keys" { "API keys" } ", for programs" }
        }
        h2 { "Change your password" }
        (password_form(None))
    };
    Ok(shown("Your profile", email.as_deref(), content))
}

/// Changes the password and ends all other sessions.
pub async fn change_password(
    State(app): State<App>,
    user: CurrentUser,
    visit: Visit,
    Worded(Form(form)): Worded<Form<NewPassword>>,
) -> Result<Response, Refusal> {
    own_session(&visit).await?;
    let (current, new) = (form.current.into(), form.new.into());
    let (status, error) = match app.links.change_password(&user, current, new, visit.source()).await {
        Ok(raised) => {
            app.end_other_sessions(&visit, &raised).await?;
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
