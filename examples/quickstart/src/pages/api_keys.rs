//! Keys for programs, which act for their owner within what a key is for.

use std::time::Duration;

use auth_web::{
    CurrentUser, Refusal, Visit,
    axum08::Worded,
    core::{Clock, Network, Scopes, SystemClock, UnixTime},
    credentials::{ApiKeyError, ApiKeyId, ApiKeySummary, ApiKeyTerms},
    session::Flash,
};
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use maud::{Markup, html};

use super::{
    devices::ago,
    email_of,
    layout::{failure, log_in_again, messages},
    own_session, shown,
};
use crate::{
    policy::Permission,
    setup::{API_KEY_PREFIX, App},
};

const TITLE: &str = "API keys";
const DAYS: [u64; 3] = [30, 90, 365];

pub async fn page(State(app): State<App>, user: CurrentUser, visit: Visit) -> Result<Html<String>, Refusal> {
    let flashes = visit.take_flashes().await?;
    let content = html! { (messages(&flashes)) (keys(&app, &user, None).await?) };
    Ok(shown(TITLE, email_of(&app, Some(&user)).await?.as_deref(), content))
}

/// Makes a key and shows it, once.
pub async fn create(
    State(app): State<App>,
    user: CurrentUser,
    visit: Visit,
    Worded(Form(fields)): Worded<Form<Vec<(String, String)>>>,
) -> Result<Response, Refusal> {
    own_session(&visit).await?;
    let email = email_of(&app, Some(&user)).await?;
    let error = match terms(&fields) {
        Ok(terms) => match app.api_keys.create(&user, &terms).await {
            Ok(new) => {
                let content = html! {
                    p { code.secret { (new.key.expose_str().unwrap_or_default()) } }
                    p { "Copy it now: it is not shown again. A program sends it with each request:" }
                    pre { "Authorization: Bearer …" }
                    p { a.button href="/api-keys" { "I have it" } }
                };
                return Ok(shown("Your new key", email.as_deref(), content).into_response());
            }
            Err(error @ (ApiKeyError::TooMany | ApiKeyError::Terms)) => error.to_string(),
            Err(error) => return Err(error.into()),
        },
        Err(error) => error,
    };
    let content = keys(&app, &user, Some(&format!("Please choose again: {error}."))).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, shown(TITLE, email.as_deref(), content)).into_response())
}

/// Ends a key at once. What is not theirs is as unknown as what never was.
pub async fn revoke(
    State(app): State<App>,
    user: CurrentUser,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Redirect, Refusal> {
    own_session(&visit).await?;
    let revoked = match ApiKeyId::parse(&id) {
        Some(id) => app.api_keys.revoke(&user, &id).await,
        None => Err(ApiKeyError::NoSuchKey),
    };
    let flash = match revoked {
        Ok(()) => Flash::success("The key no longer works."),
        Err(ApiKeyError::NoSuchKey) => Flash::error("There is no such key."),
        Err(error) => return Err(error.into()),
    };
    visit.flash(flash).await?;
    Ok(Redirect::to("/api-keys"))
}

/// What the form asks for. A key does nothing but what is named, and never more than its owner may.
fn terms(fields: &[(String, String)]) -> Result<ApiKeyTerms, String> {
    let all =
        |name: &'static str| fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.trim());
    let one = |name| all(name).next().unwrap_or_default();
    let days = one("days").parse().ok().filter(|days| DAYS.contains(days)).ok_or("it has no end")?;
    let permissions = all("permission").collect::<Vec<_>>();
    if let Some(unknown) = permissions.iter().find(|name| Permission::from_name(name).is_none()) {
        return Err(format!("there is no permission {unknown}"));
    }
    let scopes = Scopes::parse(&permissions.join(" ")).map_err(|error| error.to_string())?;
    let networks =
        one("networks").split_whitespace().map(str::parse::<Network>).collect::<Result<Vec<_>, _>>();
    let networks = networks.map_err(|_| "networks are written like 192.0.2.0/24")?;
    let life = Duration::from_secs(days * 24 * 3_600);
    let terms = ApiKeyTerms::new(one("name"), scopes, life).map_err(|error| format!("its name: {error}"))?;
    Ok(if networks.is_empty() { terms } else { terms.only_from(networks) })
}

async fn keys(app: &App, user: &CurrentUser, error: Option<&str>) -> Result<Markup, Refusal> {
    let (keys, now) = (app.api_keys.list(user.principal()).await?, SystemClock.now());
    Ok(html! {
        @if !keys.is_empty() { ul.devices { @for key in &keys { li { (row(key, now)) } } } }
        h2 { "A new key" }
        (failure(error))
        // Nobody who finds a browser open leaves with a key.
        @if let Some(again) = log_in_again(user, "/api-keys") { (again) } @else { (form()) }
    })
}

fn row(key: &ApiKeySummary, now: UnixTime) -> Markup {
    let scopes = key.limits.scopes.as_ref().map(Scopes::to_string).filter(|scopes| !scopes.is_empty());
    let networks = key.limits.networks.iter().flatten().map(Network::to_string).collect::<Vec<_>>();
    html! {
        div {
            strong { (key.name) } " " code { (API_KEY_PREFIX) "_" (key.id) "…" }
            br;
            small {
                (scopes.as_deref().unwrap_or("no permissions"))
                @if !networks.is_empty() { ", from " (networks.join(", ")) }
                br;
                "Made " (ago(key.created_at, now))
                @match key.last_used_at { Some(at) => { ", last used " (ago(at, now)) }, None => ", never used" }
                @match key.expires_at.map(|end| end.since(now).as_secs().div_ceil(24 * 3_600)) {
                    Some(0) => ", has ended",
                    Some(days) => { ", ends in " (days) " days" },
                    None => "",
                }
            }
        }
        form method="post" action={ "/api-keys/" (key.id) "/revoke" } {
            button.link type="submit" { "Revoke" }
        }
    }
}

fn form() -> Markup {
    html! {
        form.card method="post" action="/api-keys" {
            label { "Name" input name="name" required maxlength="64" placeholder="nightly backup"; }
            fieldset {
                legend { "What it may do, if you may" }
                @for permission in Permission::ALL {
                    label.check { input type="checkbox" name="permission" value=(permission.name()); code { (permission.name()) } }
                }
                small { "Every key reads your profile: id, address and roles." }
            }
            label {
                "Works for"
                select name="days" { @for days in DAYS { option value=(days) { (days) " days" } } }
            }
            label {
                "From these networks alone"
                input name="networks" placeholder="192.0.2.0/24 2001:db8::/32";
                small { "Left empty, from everywhere." }
            }
            button.button type="submit" { "Make a key" }
        }
    }
}
