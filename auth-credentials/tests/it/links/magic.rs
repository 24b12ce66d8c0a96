//! Logging in by a link.

use std::{sync::Barrier, thread, time::Duration};

use auth_core::{Assurance, LoginOutcome, Method, Secret, testing::block_on};
use auth_credentials::AccountLinks;

use super::reason;
use crate::support::{
    address,
    app::PASSWORD,
    mail::{ANN, Post},
};

fn asked(post: &Post, browser: Option<&Secret>) -> String {
    block_on(post.links.ask_to_log_in(ANN, browser, Some(address(1)))).unwrap();
    post.token()
}

#[test]
fn a_link_logs_in_once() {
    let post = Post::verified();
    let token = asked(&post, None);
    let magic = block_on(post.links.log_in(&token, None, Some(address(1)))).unwrap();
    assert!(magic.raised.is_none());
    match block_on(post.accounts.begin(magic.factor, Some(address(1)))).unwrap() {
        LoginOutcome::Complete(login) => {
            assert_eq!(login.authentication().methods, [Method::MAIL_LINK]);
            assert_eq!(login.authentication().assurance, Assurance::Aal1);
        }
        LoginOutcome::Pending(_) => panic!("no second factor is enrolled"),
    }
    assert_eq!(reason(block_on(post.links.log_in(&token, None, None))), "unknown");
    assert!(post.app.log_in(ANN, PASSWORD).is_ok(), "the password stays");
}

#[test]
fn of_16_logins_by_one_link_at_once_one_wins() {
    let post = Post::verified();
    let (token, barrier) = (asked(&post, None), Barrier::new(16));
    let won: usize = thread::scope(|scope| {
        let tries: Vec<_> = (0..16)
            .map(|_| {
                let (post, token, barrier) = (&post, &token, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    usize::from(block_on(post.links.log_in(token, None, None)).is_ok())
                })
            })
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(won, 1);
}

/// A link is no way around the second factor (better-auth#9122).
#[test]
fn a_link_does_not_get_past_a_second_factor() {
    let post = Post::verified();
    let who = post.request();
    let uri = block_on(post.factors.begin(&who)).unwrap();
    let code = uri.device().code_now(post.now()).unwrap();
    let _ = block_on(post.factors.confirm(&who, &code)).unwrap();
    let magic = block_on(post.links.log_in(&asked(&post, None), None, None)).unwrap();
    match block_on(post.accounts.begin(magic.factor, None)).unwrap() {
        LoginOutcome::Pending(pending) => {
            assert_eq!(pending.missing(), [Method::ONE_TIME_CODE, Method::RECOVERY_CODE]);
        }
        LoginOutcome::Complete(_) => panic!("the second factor was not asked for"),
    }
}

/// better-auth#4274: a link that was asked for in one browser is no use in another, and
/// trying costs its owner nothing.
#[test]
fn a_link_that_is_bound_to_a_browser_works_there_alone() {
    let post = Post::verified();
    let browser = Secret::from("cookie of this browser".to_owned());
    let other = Secret::from("cookie of another one".to_owned());
    let token = asked(&post, Some(&browser));
    for wrong in [None, Some(&other)] {
        assert_eq!(reason(block_on(post.links.log_in(&token, wrong, None))), "wrong-use");
    }
    assert!(block_on(post.links.log_in(&token, Some(&browser), None)).is_ok());
}

/// A link in another browser is no use to Ann, so it must not be what is left of hers.
#[test]
fn a_stranger_who_asks_does_not_end_a_link_that_is_bound_to_a_browser() {
    let post = Post::verified();
    let browser = |n: u32| Secret::from(format!("cookie of browser {n}"));
    let anns = asked(&post, Some(&browser(0)));
    for n in 1..AccountLinks::MAX_SENT {
        let theirs = browser(n);
        let theirs = (n > 1).then_some(&theirs);
        block_on(post.links.ask_to_log_in(ANN, theirs, Some(address(100 + n)))).unwrap();
    }
    assert_eq!(post.messages().len(), 4);
    assert!(block_on(post.links.log_in(&anns, Some(&browser(0)), None)).is_ok());
    // Of one browser, the newest is the only one.
    post.app.clock.step(Duration::from_secs(3_600));
    let (older, newer) = (asked(&post, Some(&browser(0))), asked(&post, Some(&browser(0))));
    assert!(block_on(post.links.log_in(&older, Some(&browser(0)), None)).is_err());
    assert!(block_on(post.links.log_in(&newer, Some(&browser(0)), None)).is_ok());
}

/// A stranger made the account and waits (GHSA-qq9h-g4jm-xgf3).
#[test]
fn an_account_that_nobody_verified_loses_its_password_and_sessions() {
    let post = Post::new();
    let (stranger, session) = (post.request(), post.session());
    assert!(post.lives(&session));
    let magic = block_on(post.links.log_in(&asked(&post, None), None, None)).unwrap();
    let raised = magic.raised.unwrap();
    assert!(raised.epoch() > stranger.authentication().epoch);
    assert_eq!(post.sweep(&raised), 1);
    assert!(!post.lives(&session));
    let outcome = block_on(post.accounts.begin(magic.factor, None)).unwrap();
    let LoginOutcome::Complete(login) = outcome else { panic!("one factor is enough") };
    assert_eq!(login.authentication().epoch, raised.epoch());
    assert!(post.app.log_in(ANN, PASSWORD).is_err());
}

#[test]
fn what_happened_since_ends_the_link() {
    let post = Post::verified();
    let token = asked(&post, None);
    post.bump();
    assert_eq!(reason(block_on(post.links.log_in(&token, None, None))), "revoked");
    let token = asked(&post, None);
    post.app.clock.step(auth_credentials::LinkPurpose::MagicLink.life());
    assert_eq!(reason(block_on(post.links.log_in(&token, None, None))), "unknown");
    for bad in ["", "x", &"A".repeat(43), &"A".repeat(1 << 16)] {
        assert_eq!(reason(block_on(post.links.log_in(bad, None, None))), "unknown");
    }
}
