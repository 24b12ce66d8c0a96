//! From the login to the end.

use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    AuthEpoch, ClientLabel, EpochSource, KeyThumbprint, Login, Page, PrincipalId, RejectionReason,
    SessionKind, SessionLimit, SessionTerms, StoreError, UnixTime, WhenReached,
    testing::{block_on, login_at_epoch},
};
use auth_session::{EpochCheck, RefreshPolicy, RefreshToken, RefreshTokens, StartError};

use crate::{
    refresh::{Api, TOUCH, counter, days, secs, text},
    support::{Browser, START, login, policy, user},
};

/// However often it is refreshed, the session is the same, and its login as old as it is.
#[test]
fn a_refresh_goes_on_with_the_login_and_does_not_renew_it() {
    let api = Api::new();
    let issued = block_on(api.tokens.issue(login("ann"), SessionTerms::new())).unwrap();
    let (id, mut token) = (issued.live.id(), issued.token);
    assert_eq!(token.id(), id);
    for number in 1..=20 {
        api.app.step(secs(600));
        let refreshed = api.refresh(&token).unwrap();
        assert_eq!(counter(&refreshed.token), number);
        assert_eq!(refreshed.live.id(), id);
        assert_eq!(refreshed.live.authentication().at, START);
        assert_eq!(refreshed.live.authentication().principal, user("ann"));
        assert_eq!(refreshed.live.ends_at(), START.saturating_add(RefreshPolicy::ABSOLUTE));
        token = RefreshToken::parse(refreshed.token.expose().as_bytes()).unwrap();
    }
    assert_eq!(api.app.rows(), 1, "one row a login");
    assert!(!api.app.has_audit("session.reissued"));
}

#[test]
fn a_login_ends_when_it_is_not_refreshed_and_in_any_case() {
    let api = Api::new();
    let token = api.log_in("ann");
    api.app.step(RefreshPolicy::IDLE - secs(1));
    let mut token = api.next(&token);
    api.app.step(RefreshPolicy::IDLE);
    assert_eq!(api.refused(&token), RejectionReason::Unknown);

    token = api.log_in("ann");
    for _ in 1..90 {
        api.app.step(days(1));
        token = api.next(&token);
    }
    api.app.step(days(1));
    assert_eq!(api.refused(&token), RejectionReason::Unknown);
}

/// What was settled for one login counts for it, at its beginning and later.
#[test]
fn a_login_may_be_let_go_earlier_than_others() {
    let api = Api::new();
    let mut terms = SessionTerms::new();
    terms.idle = Some(days(1));
    let token = block_on(api.tokens.issue(login("ann"), terms)).unwrap().token;
    api.app.step(days(1) - secs(1));
    let token = api.next(&token);
    api.app.step(days(1) - secs(1));
    let token = api.next(&token);
    api.app.step(days(1));
    assert_eq!(api.refused(&token), RejectionReason::Unknown);
}

/// A refresh is one write, and two when a use is due to be written; an answer that is repeated is none.
#[test]
fn a_refresh_writes_no_more_than_it_must() {
    let api = Api::new();
    let first = api.log_in("ann");
    api.app.store.writes();
    api.app.step(TOUCH - secs(1));
    let second = api.next(&first);
    assert_eq!(api.app.store.writes(), [("rotate", 1)].into());
    assert_eq!(text(&api.next(&first)), text(&second));
    assert_eq!(api.app.store.writes(), [].into());
    api.app.step(secs(1));
    let third = api.next(&second);
    assert_eq!(api.app.store.writes(), [("rotate", 1), ("touch", 1)].into());
    api.app.step(TOUCH - secs(1));
    api.next(&third);
    assert_eq!(api.app.store.writes(), [("rotate", 1)].into());
}

/// A thief one step behind always presents what was never confirmed: hence the bounds.
#[test]
fn an_answer_is_repeated_twice_after_the_grace_and_not_beyond_ten_minutes() {
    let api = Api::new();
    let first = api.log_in("ann");
    let second = text(&api.next(&first));
    for _ in 0..2 {
        api.app.step(secs(31));
        assert_eq!(text(&api.next(&first)), second);
    }
    api.app.step(secs(31));
    assert_eq!(api.refused(&first), RejectionReason::Replayed);
    assert_eq!(api.app.rows(), 0);

    let first = api.log_in("bob");
    let second = api.next(&first);
    api.app.step(secs(601));
    assert_eq!(api.refused(&first), RejectionReason::Replayed);
    assert_eq!(api.refused(&second), RejectionReason::Unknown, "the login is over for both");
    assert!(api.app.has_audit("session.replayed"));
}

#[test]
fn logging_out_ends_the_login_by_any_of_its_tokens() {
    let api = Api::new();
    let first = api.log_in("ann");
    let second = api.next(&first);
    let third = api.next(&second);
    assert!(block_on(api.tokens.revoke(&first)).unwrap());
    assert_eq!(api.refused(&third), RejectionReason::Unknown);
    assert!(!block_on(api.tokens.revoke(&third)).unwrap(), "RFC 7009: what is unknown is no error");
    assert!(api.app.has_audit("session.ended"));
}

/// One list of devices: tokens stand beside cookies, with what the application knows of the client.
#[test]
fn a_token_is_a_device_in_the_list_and_ends_like_one() {
    let api = Api::new();
    let mut browser = Browser::new();
    let cookie = api.app.log_in(&mut browser, "ann");
    let mut terms = SessionTerms::new();
    terms.device = Some(ClientLabel::from_static("Phone"));
    api.app.step(secs(1));
    let token = block_on(api.tokens.issue(login("ann"), terms)).unwrap().token;

    let listed = block_on(api.app.sessions.list(&user("ann"), Page::first())).unwrap();
    let shown: Vec<_> = listed.iter().map(|summary| (summary.id, summary.kind)).collect();
    assert_eq!(shown, [(token.id(), SessionKind::Refresh), (cookie, SessionKind::Cookie)]);
    let device = listed[0].terms.as_ref().and_then(|terms| terms.device.clone()).unwrap();
    assert_eq!(device.as_str(), "Phone");

    assert!(!block_on(api.app.sessions.end_one(&user("bob"), &token.id())).unwrap());
    let token = api.next(&token);
    assert!(block_on(api.app.sessions.end_one(&user("ann"), &token.id())).unwrap());
    assert_eq!(api.refused(&token), RejectionReason::Unknown);
    assert!(api.app.who(&mut browser).is_some(), "the browser stays");
}

#[test]
fn ending_everything_ends_tokens_too_and_logins_under_way() {
    let api = Api::new();
    let mut browser = Browser::new();
    api.app.log_in(&mut browser, "ann");
    let (token, other) = (api.log_in("ann"), api.log_in("bob"));
    api.app.request(&mut browser, |session| {
        assert_eq!(block_on(session.end_all_others(AuthEpoch::new(1))).unwrap(), 1);
    });
    assert_eq!(api.refused(&token), RejectionReason::Unknown);
    let late = block_on(api.tokens.issue(login("ann"), SessionTerms::new()));
    assert!(matches!(late, Err(StartError::Outdated)));
    api.next(&other);
    let again = login_at_epoch(&user("ann"), START, AuthEpoch::new(1));
    let token = block_on(api.tokens.issue(again, SessionTerms::new())).unwrap().token;
    block_on(api.app.sessions.end_all(&user("ann"), AuthEpoch::new(2))).unwrap();
    assert_eq!(api.refused(&token), RejectionReason::Unknown);
}

/// The process died between changing the account and ending its sessions: the account store is asked.
#[test]
fn a_token_of_an_older_epoch_is_refused_even_if_nobody_swept() {
    struct Raised;

    #[async_trait]
    impl EpochSource for Raised {
        async fn epoch_of(&self, principal: &PrincipalId) -> Result<Option<AuthEpoch>, StoreError> {
            match principal.id() {
                "ann" => Ok(Some(AuthEpoch::new(1))),
                "bob" => Ok(Some(AuthEpoch::ZERO)),
                "cid" => Err(StoreError::not_written("told to")),
                _ => Ok(None),
            }
        }
    }

    let api = Api::with(policy(), EpochCheck::by(Arc::new(Raised)));
    let (ann, bob, gone) = (api.log_in("ann"), api.log_in("bob"), api.log_in("dan"));
    assert_eq!(api.refused(&ann), RejectionReason::Revoked);
    assert_eq!(api.refused(&gone), RejectionReason::Revoked);
    api.next(&bob);
    // Whoever acts as somebody else is checked too.
    let acting = login("bob").into_authentication().with_actor(user("ann"));
    let acting = block_on(api.tokens.issue(Login::assertion(acting), SessionTerms::new())).unwrap().token;
    assert_eq!(api.refused(&acting), RejectionReason::Revoked);
    let unknown = api.refresh(&api.log_in("cid")).unwrap_err();
    assert_eq!(auth_core::Refusal::from(unknown).status(), 503);
    assert_eq!(api.app.rows(), 5, "nothing was ended for it");
}

/// One limit: a phone counts like a browser.
#[test]
fn tokens_and_cookies_share_the_limit() {
    for when_reached in [WhenReached::Refuse, WhenReached::EndOldest] {
        let limited = policy().with_limit(SessionLimit { max: 2, when_reached }).unwrap();
        let api = Api::with(limited, EpochCheck::by_session_store_only());
        let mut browser = Browser::new();
        api.app.log_in(&mut browser, "ann");
        api.app.step(secs(1));
        let phone = api.log_in("ann");
        api.app.step(secs(1));
        let third = block_on(api.tokens.issue(login("ann"), SessionTerms::new()));
        if when_reached == WhenReached::Refuse {
            assert!(matches!(third, Err(StartError::LimitReached)));
            assert!(api.app.who(&mut browser).is_some());
        } else {
            assert_eq!(third.unwrap().ended_by_limit, 1);
            assert_eq!(api.app.who(&mut browser), None);
        }
        api.next(&phone);
        assert_eq!(api.app.sessions_of("ann").len(), 2);
    }
}

/// Neither kind of row is good for what the other one is.
#[test]
fn a_token_is_no_cookie() {
    let api = Api::new();
    let token = text(&api.log_in("ann"));
    let mut browser = Browser(Some(format!("{}.{}", &token[4..36], &token[49..])));
    assert_eq!(api.app.who(&mut browser), None);
}

/// A key that nobody checks must not be taken for one that was proven.
#[test]
fn a_login_that_is_bound_to_a_key_is_not_refreshed_without_it() {
    let api = Api::new();
    let mut terms = SessionTerms::new();
    terms.bound_key = Some(KeyThumbprint::from_static("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    let token = block_on(api.tokens.issue(login("ann"), terms)).unwrap().token;
    assert_eq!(api.refused(&token), RejectionReason::WrongUse);
}

/// Two policies over one store: a short one for the web, a long one for phones.
#[test]
fn each_policy_counts_for_its_own_logins() {
    let api = Api::new();
    let short = RefreshTokens::new(&api.app.sessions, RefreshPolicy::new(secs(600), days(1)).unwrap());
    let web = block_on(short.issue(login("ann"), SessionTerms::new())).unwrap();
    assert_eq!(web.live.ends_at(), UnixTime::from_secs(START.as_secs() + 24 * 3_600));
    let phone = api.log_in("ann");
    api.app.step(secs(600));
    assert!(block_on(short.refresh(&web.token)).is_err());
    api.next(&phone);
}
