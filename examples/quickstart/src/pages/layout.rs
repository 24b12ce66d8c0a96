//! What all pages share.

use auth_web::{
    CurrentUser, NextPath,
    core::{Clock, SystemClock},
    credentials::Accounts,
    session::{Flash, FlashLevel},
};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Who looks at the page, for its header.
#[derive(Debug, Clone, Copy)]
pub struct Viewer<'a> {
    pub email: Option<&'a str>,
}

pub fn page(title: &str, viewer: Viewer<'_>, content: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Quickstart" }
                style { (PreEscaped(CSS)) }
            }
            body {
                header {
                    a.brand href="/" { "Quickstart" }
                    nav {
                        @if let Some(email) = viewer.email {
                            a href="/profile" { (email) }
                            form method="post" action="/logout" {
                                button.link type="submit" { "Log out" }
                            }
                        } @else {
                            a href="/login" { "Log in" }
                            a.button href="/signup" { "Sign up" }
                        }
                    }
                }
                main { h1 { (title) } (content) }
            }
        }
    }
}

/// What the last request has to say.
pub fn messages(flashes: &[Flash]) -> Markup {
    html! {
        @for flash in flashes {
            @if flash.level == FlashLevel::Error { p.error role="alert" { (flash.text) } }
            @else { p.notice role="status" { (flash.text) } }
        }
    }
}

/// What was wrong with a form that is shown again.
pub fn failure(error: Option<&str>) -> Markup {
    html! { @if let Some(error) = error { p.error role="alert" { (error) } } }
}

/// What is shown in the place of a form, if the login is too long ago for it.
pub fn log_in_again(user: &CurrentUser, here: &str) -> Option<Markup> {
    user.fresh_within(Accounts::RECENT, SystemClock.now()).err()?;
    let login = NextPath::parse(here)?.as_query_of("/login");
    Some(
        html! { p { "To change something here, " a href=(login) { "log in again" } ": your login is some time ago." } },
    )
}

/// The form with which one signs up or logs in.
pub fn credentials_form(
    action: &str,
    button: &str,
    new_password: bool,
    hidden: Markup,
    error: Option<&str>,
) -> Markup {
    html! {
        (failure(error))
        form.card method="post" action=(action) {
            (hidden)
            label { "E-mail" input type="email" name="email" required autocomplete="username" maxlength="254" autofocus; }
            label {
                "Password"
                @if new_password {
                    input type="password" name="password" required minlength="15" maxlength="1024" autocomplete="new-password";
                    small { "At least 15 characters. A few words that only you put together are good." }
                } @else {
                    input type="password" name="password" required maxlength="1024" autocomplete="current-password";
                }
            }
            @if !new_password {
                label.check { input type="checkbox" name="remember" value="yes"; "Remember me on this device" }
            }
            button.button type="submit" { (button) }
        }
    }
}

/// The form with which one changes the password.
pub fn password_form(error: Option<&str>) -> Markup {
    html! {
        (failure(error))
        form.card method="post" action="/password" {
            label { "Present password" input type="password" name="current" required autocomplete="current-password"; }
            label { "New password" input type="password" name="new" required minlength="15" maxlength="1024" autocomplete="new-password"; }
            button.button type="submit" { "Change" }
        }
    }
}

const CSS: &str = "
:root { color-scheme: light dark; --ink: #1c2430; --paper: #fbfaf7; --line: #dcd8cf; --accent: #2f5d50; --soft: #5d6673; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7e5df; --paper: #16191d; --line: #333a42; --accent: #8cc7b5; --soft: #9aa4b0; } }
* { box-sizing: border-box; }
body { margin: 0; font: 17px/1.6 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
header { display: flex; justify-content: space-between; align-items: center; gap: 1rem; padding: 1rem 1.5rem; border-bottom: 1px solid var(--line); }
nav { display: flex; align-items: center; gap: 1.25rem; flex-wrap: wrap; }
nav form { margin: 0; }
a { color: var(--accent); }
.brand { font-weight: 700; text-decoration: none; color: inherit; }
main { max-width: 40rem; margin: 2.5rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 1rem; }
.card { display: grid; gap: 1.1rem; border: 1px solid var(--line); border-radius: 12px; padding: 1.5rem; max-width: 26rem; }
label { display: grid; gap: .35rem; font-weight: 600; }
small { font-weight: 400; color: var(--soft); }
input { font: inherit; padding: .55rem .7rem; border: 1px solid var(--line); border-radius: 8px; background: transparent; color: inherit; }
input:focus-visible, button:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.button { font: inherit; font-weight: 600; padding: .55rem 1.1rem; border: 0; border-radius: 8px; background: var(--accent); color: var(--paper); text-decoration: none; cursor: pointer; justify-self: start; display: inline-block; }
.link { font: inherit; border: 0; background: none; padding: 0; color: var(--accent); text-decoration: underline; cursor: pointer; }
.error, .notice { border-left: 4px solid #b3402f; padding: .5rem .9rem; background: #b3402f1a; border-radius: 6px; }
.notice { border-color: var(--accent); background: color-mix(in srgb, var(--accent) 12%, transparent); }
.check { display: flex; align-items: center; gap: .6rem; font-weight: 400; }
.devices { list-style: none; margin: 0 0 1.5rem; padding: 0; border: 1px solid var(--line); border-radius: 12px; }
.devices li { display: flex; justify-content: space-between; align-items: center; gap: 1rem; padding: .9rem 1.25rem; }
.devices li + li { border-top: 1px solid var(--line); }
.devices form { margin: 0; white-space: nowrap; }
.badge { font-size: .75rem; padding: .1rem .55rem; border: 1px solid var(--accent); border-radius: 99px; color: var(--accent); }
h2 { font-size: 1.25rem; margin: 2rem 0 .8rem; }
details { margin-top: 1.5rem; } summary { cursor: pointer; color: var(--accent); } details .card { margin-top: 1rem; }
fieldset { border: 1px solid var(--line); border-radius: 8px; margin: 0; padding: .6rem .9rem; } legend { font-weight: 600; padding: 0 .3rem; }
select { font: inherit; padding: .55rem .7rem; border: 1px solid var(--line); border-radius: 8px; background: var(--paper); color: inherit; }
input, select { font-weight: 400; }
.qr { width: 15rem; } .qr svg { display: block; border: 1px solid var(--line); border-radius: 12px; }
.secret { display: inline-block; padding: .55rem .8rem; border: 1px dashed var(--accent); border-radius: 8px; overflow-wrap: anywhere; user-select: all; }
.codes { list-style: none; display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .3rem 1.5rem; padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: 12px; }
main form + form { margin-top: 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1.5rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .45rem .8rem .45rem 0; border-bottom: 1px solid var(--line); }
code { font-size: .92em; }
";
