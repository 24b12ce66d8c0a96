//! One-time codes beside the password: enrolling a device, recovery codes for the day when it is lost, and doing
//! without.

use auth_web::{
    CurrentUser, Refusal, Visit,
    axum08::Worded,
    core::{AuthenticateError, Secret},
    credentials::{OtpUri, RecoveryCodes, SecondFactorError},
    session::Flash,
};
use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use maud::{Markup, PreEscaped, html};
use serde::Deserialize;

use super::{
    email_of,
    layout::{failure, log_in_again, messages},
    own_session, shown,
};
use crate::setup::App;

const TITLE: &str = "One-time codes";

#[derive(Deserialize)]
pub struct Code {
    code: String,
}

#[derive(Deserialize)]
pub struct Password {
    current: String,
}

pub async fn page(State(app): State<App>, user: CurrentUser, visit: Visit) -> Result<Html<String>, Refusal> {
    let flashes = visit.take_flashes().await?;
    let content = html! { (messages(&flashes)) (state(&app, &user, None).await?) };
    Ok(shown(TITLE, email_of(&app, Some(&user)).await?.as_deref(), content))
}

/// Makes a secret for a device and shows it, once. Nothing changes before a first code shows that the device has it.
pub async fn enrol(State(app): State<App>, user: CurrentUser, visit: Visit) -> Result<Html<String>, Refusal> {
    own_session(&visit).await?;
    let uri = app.factors.begin(&user).await?;
    let content = html! { (secret(&uri)) (confirm_form(None)) };
    Ok(shown("Your device", email_of(&app, Some(&user)).await?.as_deref(), content))
}

/// Enrols the device whose code this is. All other sessions end: they began without it.
pub async fn confirm(
    State(app): State<App>,
    user: CurrentUser,
    visit: Visit,
    Worded(Form(Code { code })): Worded<Form<Code>>,
) -> Result<Response, Refusal> {
    own_session(&visit).await?;
    let email = email_of(&app, Some(&user)).await?;
    Ok(match app.factors.confirm(&user, &code).await {
        Ok(confirmed) => {
            app.end_other_sessions(&visit, &confirmed.raised).await?;
            let content = html! {
                p.notice role="status" { "From now on, logging in takes a code." }
                (list(&confirmed.recovery_codes))
            };
            shown("Your recovery codes", email.as_deref(), content).into_response()
        }
        Err(SecondFactorError::Refused(AuthenticateError::Rejected(_))) => {
            let error = "This is not the code. Wait for the next one, or begin again.";
            let content = html! {
                (confirm_form(Some(error)))
                p { a href="/security" { "Begin again" } }
            };
            (StatusCode::UNAUTHORIZED, shown("Your device", email.as_deref(), content)).into_response()
        }
        Err(error) => return Err(error.into()),
    })
}

/// A new list of recovery codes, in the place of the old one.
pub async fn renew_recovery_codes(
    State(app): State<App>,
    user: CurrentUser,
    visit: Visit,
) -> Result<Html<String>, Refusal> {
    own_session(&visit).await?;
    let codes = app.factors.renew_recovery_codes(&user).await?;
    let content = html! { p.notice role="status" { "The old codes no longer work." } (list(&codes)) };
    Ok(shown("Your recovery codes", email_of(&app, Some(&user)).await?.as_deref(), content))
}

/// Does without a device and its list again. That takes the password.
pub async fn remove(
    State(app): State<App>,
    user: CurrentUser,
    visit: Visit,
    Worded(Form(Password { current })): Worded<Form<Password>>,
) -> Result<Response, Refusal> {
    own_session(&visit).await?;
    match app.factors.remove(&user, current.into(), None, visit.source()).await {
        Ok(raised) => {
            app.end_other_sessions(&visit, &raised).await?;
            visit
                .flash(Flash::success("Your password is enough again, and your recovery codes are gone."))
                .await?;
            Ok(Redirect::to("/security").into_response())
        }
        Err(SecondFactorError::Refused(AuthenticateError::Rejected(_))) => {
            let content = state(&app, &user, Some("Your password is another one.")).await?;
            let page = shown(TITLE, email_of(&app, Some(&user)).await?.as_deref(), content);
            Ok((StatusCode::UNAUTHORIZED, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// How somebody's account stands, and what they can do about it.
async fn state(app: &App, user: &CurrentUser, error: Option<&str>) -> Result<Markup, Refusal> {
    let enrolled = !app.accounts.enrolled(user.principal()).await?.is_empty();
    let left = app.factors.recovery_codes_left(user.principal()).await?;
    let verified = app.links.is_address_verified(user.principal()).await?;
    Ok(html! {
        (failure(error))
        @if !verified {
            p.notice {
                "We do not know yet that your address is yours: open the link in your mail. Until then, whoever reads that "
                "mail can take the account over, with all that protects it."
            }
        }
        @if enrolled {
            p { "Logging in takes your password and a code of your device. You have " strong { (left) } " recovery codes left." }
        } @else {
            p {
                "Whoever learns your password can log in with it. With an authenticator app on your phone, that takes a "
                "code of the app as well."
            }
        }
        // Nobody who finds a browser open changes how its owner logs in.
        @if let Some(again) = log_in_again(user, "/security") {
            (again)
        } @else if enrolled {
            form method="post" action="/security/recovery-codes" { button.button type="submit" { "New recovery codes" } }
            form method="post" action="/security/codes" { button.link type="submit" { "Use another device" } }
            h2 { "Do without" }
            form.card method="post" action="/security/remove" {
                label { "Password" input type="password" name="current" required autocomplete="current-password"; }
                button.button type="submit" { "Remove the device" }
            }
        } @else {
            form method="post" action="/security/codes" { button.button type="submit" { "Set it up" } }
        }
    })
}

/// The secret, for the eyes of its owner: as a picture, which is part of the page and has no address, and as text.
fn secret(uri: &OtpUri) -> Markup {
    let svg = uri.expose_svg().ok();
    html! {
        p { "Scan the picture with your authenticator app, or type the key into it." }
        @if let Some(svg) = svg.as_ref().and_then(Secret::expose_str) {
            div.qr role="img" aria-label="QR code" { (PreEscaped(svg)) }
        }
        p { code.secret { (*uri.expose_secret()) } }
    }
}

fn confirm_form(error: Option<&str>) -> Markup {
    html! {
        (failure(error))
        form.card method="post" action="/security/codes/confirm" {
            label {
                "Code"
                input name="code" required inputmode="numeric" autocomplete="one-time-code" maxlength="16" autofocus;
                small { "The one that the app shows now." }
            }
            button.button type="submit" { "Confirm" }
        }
    }
}

fn list(codes: &RecoveryCodes) -> Markup {
    html! {
        p {
            "Each of these works once, in the place of a code, when your device is lost. Print them or write them down: "
            "they are not shown again."
        }
        ul.codes { @for code in codes.iter() { li { code { (*code.expose()) } } } }
        p { a.button href="/security" { "I have them" } }
    }
}
