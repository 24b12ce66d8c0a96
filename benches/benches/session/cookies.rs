//! From the bytes of a cookie or of a refresh token to whoever is behind it.

use std::hint::black_box;

use auth_core::{Clock, PrincipalId, SessionTerms, SystemClock, testing::login_as};
use auth_session::{RefreshPolicy, RefreshToken, RefreshTokens};

use crate::world::{Row, World, now, open};

pub(crate) fn rows(world: &World) -> Vec<Row> {
    let mut rows = cookies(world);
    rows.extend(refresh(world));
    rows
}

fn cookies(world: &World) -> Vec<Row> {
    let row = |name: &str, cookies: &[String], is_known: bool| {
        let (sessions, cookies, mut next) = (world.sessions.clone(), cookies.to_vec(), 0);
        Row::new(name, move || {
            next = if next + 1 < cookies.len() { next + 1 } else { 0 };
            let session = open(&sessions, black_box(cookies[next].as_bytes()));
            assert_eq!(session.authenticated().is_some(), is_known);
        })
    };
    let unknown = format!("__Host-sid={}.{}", "A".repeat(32), "A".repeat(43));
    vec![
        row("cookie-to-authenticated-warm/ours", &world.cookies[..1], true),
        row("cookie-to-authenticated-random/ours", &world.cookies, true),
        row("no-cookie/ours", &["theme=dark; lang=de".to_owned()], false),
        row("unknown-cookie/ours", &[unknown], false),
    ]
}

/// Refresh tokens of one login, among the sessions of the others.
fn refresh(world: &World) -> Vec<Row> {
    let tokens = RefreshTokens::new(&world.sessions, RefreshPolicy::default());
    let issue = |user: &str| {
        let login = login_as(&PrincipalId::local_user(user).unwrap(), SystemClock.now());
        now(tokens.issue(login, SessionTerms::new())).unwrap().token
    };
    let (mut token, raced) = (issue("phone"), issue("tablet"));
    let text = now(tokens.refresh(&raced)).unwrap().token.expose();
    let forged = RefreshToken::parse(format!("{}{}", &text[..text.len() - 43], "A".repeat(43)).as_bytes());
    let (forged, refused, again) = (forged.unwrap(), tokens.clone(), tokens.clone());
    vec![
        Row::new("refresh/ours", move || {
            let refreshed = now(tokens.refresh(black_box(&token))).unwrap();
            assert_eq!(refreshed.live.id(), token.id());
            token = refreshed.token;
        }),
        Row::new("refresh-raced/ours", move || {
            let refreshed = now(again.refresh(black_box(&raced)));
            assert!(refreshed.is_ok_and(|refreshed| *refreshed.token.expose() == *text));
        }),
        Row::new("refresh-forged/ours", move || assert!(now(refused.refresh(black_box(&forged))).is_err())),
    ]
}
