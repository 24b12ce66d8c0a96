//! Verifying an address.

use auth_core::{AuthEpoch, Authenticated, Method, testing::block_on};
use auth_credentials::{LinkError, LinkPurpose, Notice};

use super::reason;
use crate::support::{
    address,
    app::{NEXT, PASSWORD},
    mail::{ANN, Post},
    password,
};

fn asked(post: &Post) -> String {
    block_on(post.links.ask_to_verify(ANN, Some(address(1)))).unwrap();
    post.token()
}

#[test]
fn whoever_signed_up_and_reads_the_mail_keeps_everything() {
    let post = Post::new();
    let id = post.app.id(ANN);
    assert!(!block_on(post.links.is_address_verified(&id)).unwrap());
    let token = asked(&post);
    assert_eq!(block_on(post.links.verify(&token, Some(&post.request()), None)).unwrap(), None);
    assert!(block_on(post.links.is_address_verified(&id)).unwrap());
    assert_eq!(post.app.account(ANN).epoch, AuthEpoch::ZERO);
    assert!(post.app.log_in(ANN, PASSWORD).is_ok());
    assert_eq!(reason(block_on(post.links.verify(&token, Some(&post.request()), None))), "unknown");
}

/// Pre-hijacking: the owner of the mailbox opens the link, and a stranger chose the password.
#[test]
fn whoever_only_reads_the_mail_ends_what_somebody_else_made() {
    let post = Post::new();
    let stranger = post.request();
    let token = asked(&post);
    post.app.sign_up("bob@example.com", PASSWORD);
    let bob = post.app.request_of("bob@example.com", PASSWORD);
    let raised = block_on(post.links.verify(&token, Some(&bob), None)).unwrap().unwrap();
    assert!(raised.epoch() > stranger.authentication().epoch);
    assert!(post.app.log_in(ANN, PASSWORD).is_err());
    assert_eq!(post.credentials(), 1);
    // Its owner sets a password, and stays verified.
    let _ = block_on(post.links.reset(&post.reset_token(), password(NEXT), None)).unwrap();
    assert!(post.app.log_in(ANN, NEXT).is_ok());
}

/// The stranger changes something in the very moment in which everything goes.
#[test]
fn nothing_is_added_while_everything_goes() {
    let post = Post::new();
    let stranger = post.request();
    let token = asked(&post);
    let other = post.clone();
    post.app.store.before("apply", move || {
        block_on(other.factors.begin(&stranger)).unwrap();
    });
    assert!(block_on(post.links.verify(&token, None, None)).unwrap().is_some());
    assert_eq!(post.credentials(), 1);
}

/// Whoever signed up with a stranger's address and changes the password again and again would end every link that the
/// address is sent, within seconds: its owner would never get in.
#[test]
fn whoever_holds_an_unverified_account_ends_no_link_of_its_mailbox() {
    type Flow = fn(&Post) -> bool;
    let flows: [Flow; 3] = [
        |post| {
            let token = asked(post);
            post.bump();
            post.works(LinkPurpose::VerifyAddress, &token)
                && block_on(post.links.verify(&token, None, None)).unwrap().is_some()
        },
        |post| {
            let token = post.reset_token();
            post.bump();
            post.works(LinkPurpose::ResetPassword, &token)
                && block_on(post.links.reset(&token, password(NEXT), None)).is_ok()
        },
        |post| {
            block_on(post.links.ask_to_log_in(ANN, None, Some(address(1)))).unwrap();
            let token = post.token();
            post.bump();
            let (again, stored) = (post.clone(), post.app.store.clone());
            // In the very moment as well.
            stored.before("apply", move || again.bump());
            post.works(LinkPurpose::MagicLink, &token)
                && block_on(post.links.log_in(&token, None, None)).unwrap().raised.is_some()
        },
    ];
    for (n, flow) in flows.into_iter().enumerate() {
        let post = Post::new();
        let late = post.reset_token();
        assert!(flow(&post), "{n}");
        assert!(post.app.log_in(ANN, PASSWORD).is_err(), "{n}");
        assert!(post.app.account(ANN).epoch > AuthEpoch::new(1), "{n}");
        assert!(!post.works(LinkPurpose::ResetPassword, &late), "{n}: the account is verified by now");
    }
}

/// Nor does changing it in the very moments in which a link is used, until that gives up.
#[test]
fn a_link_that_comes_to_nothing_for_changes_of_the_account_works_on() {
    type Flow = (fn(&Post) -> String, fn(&Post, &str) -> Result<(), LinkError>);
    let flows: [Flow; 3] = [
        (asked, |post, token| block_on(post.links.verify(token, None, None)).map(drop)),
        (Post::reset_token, |post, token| block_on(post.links.reset(token, password(NEXT), None)).map(drop)),
        (
            |post| {
                block_on(post.links.ask_to_log_in(ANN, None, Some(address(1)))).unwrap();
                post.token()
            },
            |post, token| block_on(post.links.log_in(token, None, None)).map(drop),
        ),
    ];
    for (n, (ask, follow)) in flows.into_iter().enumerate() {
        let post = Post::new();
        let token = ask(&post);
        for _ in 0..8 {
            let other = post.clone();
            post.app.store.before("apply", move || other.bump());
        }
        assert_eq!(reason(follow(&post, &token)), "unavailable", "{n}");
        assert!(follow(&post, &token).is_ok(), "{n}");
        assert_eq!(reason(follow(&post, &token)), "unknown", "{n}: it works once");
        assert!(post.app.log_in(ANN, PASSWORD).is_err(), "{n}");
    }
}

/// What an administrator does to an account that nobody has verified is not told from what its holder does.
#[test]
fn links_to_an_unverified_account_survive_its_being_disabled_and_enabled() {
    let post = Post::new();
    let (id, token) = (post.app.id(ANN), post.reset_token());
    let _ = block_on(post.accounts.log_out_everywhere(&id)).unwrap();
    assert!(post.works(LinkPurpose::ResetPassword, &token));
    let _ = block_on(post.accounts.disable(&id)).unwrap();
    assert!(!post.works(LinkPurpose::ResetPassword, &token));
    block_on(post.accounts.enable(&id)).unwrap();
    let _ = block_on(post.links.reset(&token, password(NEXT), None)).unwrap();
    assert!(post.app.log_in(ANN, PASSWORD).is_err(), "what was there before is gone");
    assert!(post.app.log_in(ANN, NEXT).is_ok());
    // Once it is verified, the links go with the rest.
    let token = post.reset_token();
    let _ = block_on(post.accounts.disable(&id)).unwrap();
    block_on(post.accounts.enable(&id)).unwrap();
    assert!(!post.works(LinkPurpose::ResetPassword, &token));
}

/// The session of whoever made the account may be as old as its last password but one.
#[test]
fn a_session_of_before_the_last_change_keeps_nothing() {
    let post = Post::new();
    let (before, token) = (post.request(), asked(&post));
    post.bump();
    assert!(block_on(post.links.verify(&token, Some(&before), None)).unwrap().is_some());
    assert_eq!(post.credentials(), 1);

    let post = Post::new();
    let (now, token, other) = (post.request(), asked(&post), post.clone());
    post.app.store.before("apply", move || other.bump());
    assert!(block_on(post.links.verify(&token, Some(&now), None)).unwrap().is_some());

    let post = Post::new();
    let token = asked(&post);
    post.bump();
    assert_eq!(block_on(post.links.verify(&token, Some(&post.request()), None)).unwrap(), None);
    assert!(post.app.log_in(ANN, PASSWORD).is_ok());
}

/// A program that acts for somebody is not whoever signed up: it keeps nothing of what others may have made.
#[test]
fn a_program_keeps_nothing_by_verifying() {
    for method in [Method::API_KEY, Method::BASIC, Method::BEARER_TOKEN, Method::CERTIFICATE] {
        let post = Post::new();
        let token = asked(&post);
        let methods = vec![Method::PASSWORD, method];
        let program = Authenticated::assertion(post.request().authentication().clone().with_methods(methods));
        assert!(block_on(post.links.verify(&token, Some(&program), None)).unwrap().is_some());
        assert_eq!(post.credentials(), 1);
    }
}

/// A page that sends the link again must not tell who has an account; the mail does.
#[test]
fn a_verified_address_is_told_that_it_has_an_account() {
    let post = Post::verified();
    block_on(post.links.ask_to_verify(ANN, Some(address(1)))).unwrap();
    let messages = post.messages();
    assert!(matches!(messages[..], [ref one] if matches!(one.notice, Notice::AlreadySignedUp)));
}

/// A second link of a verified account (asked for before) takes nothing away.
#[test]
fn an_address_that_is_verified_meanwhile_loses_nothing() {
    let post = Post::new();
    let token = asked(&post);
    block_on(post.links.ask_to_log_in(ANN, None, Some(address(2)))).unwrap();
    let magic = post.token();
    assert_eq!(block_on(post.links.verify(&token, Some(&post.request()), None)).unwrap(), None);
    let login = block_on(post.links.log_in(&magic, None, None)).unwrap();
    assert!(login.raised.is_none());
    assert!(post.app.log_in(ANN, PASSWORD).is_ok());
    assert!(!post.works(LinkPurpose::MagicLink, &magic));
}
