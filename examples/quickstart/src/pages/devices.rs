//! Where somebody is logged in, and how they end it.

use auth_web::{
    CurrentUser, Refusal, Visit,
    core::{Clock, Method, Page, SessionId, SessionKind, SystemClock, UnixTime},
    session::{Device, Flash},
};
use axum::{
    extract::{Path, State},
    response::{Html, Redirect},
};
use maud::{Markup, html};

use super::{email_of, layout::messages, own_session, shown};
use crate::setup::App;

/// Browsers and API clients alike, newest first.
pub async fn list(State(app): State<App>, user: CurrentUser, visit: Visit) -> Result<Html<String>, Refusal> {
    let devices = visit.devices(Page::first()).await?;
    let (flashes, now) = (visit.take_flashes().await?, SystemClock.now());
    let email = email_of(&app, Some(&user)).await?;
    let content = html! {
        (messages(&flashes))
        ul.devices { @for device in &devices { li { (row(device, now)) } } }
        form method="post" action="/devices/end-others" {
            button.button type="submit" { "Log out everywhere else" }
        }
        p { small {
            "An API client that is ended gets no more tokens. The last one that it got works for up to 15 minutes, "
            "unless you log out everywhere else."
        } }
    };
    Ok(shown("Your devices", email.as_deref(), content))
}

/// Ends one of them. What is not theirs is as unknown as what never was.
pub async fn end(_: CurrentUser, visit: Visit, Path(id): Path<String>) -> Result<Redirect, Refusal> {
    // Before anything is ended: whoever has no session has no such page either.
    let own = own_session(&visit).await?;
    let ended = match SessionId::parse(id.as_bytes()) {
        Some(id) if id == own => {
            visit.log_out().await?;
            return Ok(Redirect::to("/"));
        }
        Some(id) => visit.end_device(&id).await?,
        None => false,
    };
    visit
        .flash(if ended {
            Flash::success("It is logged out.")
        } else {
            Flash::error("No such device is logged in.")
        })
        .await?;
    Ok(Redirect::to("/devices"))
}

/// Ends all others, and their access tokens with them.
pub async fn end_others(
    State(app): State<App>,
    user: CurrentUser,
    visit: Visit,
) -> Result<Redirect, Refusal> {
    own_session(&visit).await?;
    let raised = app.accounts.log_out_everywhere(user.principal()).await?;
    app.end_other_sessions(&visit, &raised).await?;
    visit.flash(Flash::success("You are logged out everywhere else.")).await?;
    Ok(Redirect::to("/devices"))
}

fn row(Device { session, is_current }: &Device, now: UnixTime) -> Markup {
    let label = session.terms.as_ref().and_then(|terms| terms.device.as_ref());
    let kind = match session.kind {
        SessionKind::Cookie => "Browser",
        SessionKind::Refresh => "API client",
        _ => "Session",
    };
    html! {
        div {
            strong { (label.map_or("Unknown device", |label| label.as_str())) }
            @if *is_current { " " span.badge { "this one" } }
            br;
            small {
                (kind)
                @if let Some(login) = &session.authentication {
                    " · by " (login.methods.iter().map(word).collect::<Vec<_>>().join(" and "))
                    ", " (login.assurance.as_str().to_uppercase())
                }
                br;
                "Logged in " (ago(session.created_at, now)) ", last used " (ago(session.last_used_at, now))
            }
        }
        form method="post" action={ "/devices/" (session.id) "/end" } {
            button.link type="submit" { "Log out" }
        }
    }
}

/// How people call it; the standard's word (RFC 8176) for what this application does not have yet.
fn word(method: &Method) -> &str {
    const WORDS: [(Method, &str); 3] = [
        (Method::PASSWORD, "password"),
        (Method::ONE_TIME_CODE, "one-time code"),
        (Method::RECOVERY_CODE, "recovery code"),
    ];
    WORDS.iter().find(|(one, _)| one == method).map_or(method.as_str(), |(_, word)| *word)
}

/// Coarse, as the last use is: not every request is written down.
pub fn ago(then: UnixTime, now: UnixTime) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let secs = now.since(then).as_secs();
    match UNITS.iter().find(|(unit, _)| secs >= *unit) {
        Some((unit, name)) => {
            let count = secs / unit;
            format!("{count} {name}{} ago", if count == 1 { "" } else { "s" })
        }
        None => "just now".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_is_told_in_its_largest_unit() {
        let then = UnixTime::from_secs(1_000_000);
        let after = |secs| ago(then, then.saturating_add(Duration::from_secs(secs)));
        assert_eq!((after(0), after(59)), ("just now".to_owned(), "just now".to_owned()));
        assert_eq!((after(60), after(3_599)), ("1 minute ago".to_owned(), "59 minutes ago".to_owned()));
        assert_eq!((after(7_200), after(90_000)), ("2 hours ago".to_owned(), "1 day ago".to_owned()));
        // Clocks of two servers differ a little.
        assert_eq!(ago(then.saturating_add(Duration::from_secs(5)), then), "just now");
    }
}
