//! Another address for an account.

use std::time::Duration;

use auth_core::{Authenticated, Limits, Scopes, testing::block_on};
use auth_credentials::{AccountLinks, Accounts, LinkPurpose, Notice, PasswordCredential};

use super::reason;
use crate::support::{
    address,
    app::{NEXT, PASSWORD},
    mail::{ANN, Post, token_of},
    password,
};

const NEW: &str = "ann@new.example";

/// Asks for the new address, and answers the link's token.
fn asked(post: &Post) -> String {
    block_on(post.links.ask_to_change(&post.request(), NEW, Some(address(1)))).unwrap();
    let messages = post.messages();
    assert_eq!(messages.iter().map(|one| one.to.as_str()).collect::<Vec<_>>(), [NEW, ANN]);
    assert!(matches!(messages[1].notice, Notice::AddressChangeRequested));
    token_of(&messages[0]).unwrap()
}

/// Nothing changes before the new mailbox answers, and the old one is told twice.
#[test]
fn the_link_makes_the_new_address_the_login() {
    let post = Post::verified();
    let token = asked(&post);
    assert!(post.app.log_in(ANN, PASSWORD).is_ok());
    let who = post.request();
    let raised = block_on(post.links.change(&token, &who, None)).unwrap();
    assert!(post.app.log_in(ANN, PASSWORD).is_err() && post.app.log_in(NEW, PASSWORD).is_ok());
    assert!(block_on(post.links.is_address_verified(raised.principal())).unwrap());
    let messages = post.messages();
    assert_eq!(messages[0].to.as_str(), ANN);
    assert!(matches!(messages[0].notice, Notice::AddressChanged));
    assert_eq!(reason(block_on(post.links.change(&token, &who, None))), "unknown");
}

/// A reset that was sent to the old mailbox is dead.
#[test]
fn a_link_to_the_old_address_is_dead() {
    let post = Post::verified();
    let reset = post.reset_token();
    let _ = block_on(post.links.change(&asked(&post), &post.request(), None)).unwrap();
    assert_eq!(reason(block_on(post.links.reset(&reset, password(NEXT), None))), "revoked");
}

/// Nobody learns from it who has an account.
#[test]
fn an_address_that_is_taken_gets_the_same_answer_and_no_link() {
    let post = Post::verified();
    post.app.sign_up(NEW, PASSWORD);
    block_on(post.links.ask_to_change(&post.request(), NEW, Some(address(1)))).unwrap();
    let messages = post.messages();
    assert!(messages.len() == 1 && messages[0].to.as_str() == ANN);
}

/// Taken between the asking and the using.
#[test]
fn an_address_that_is_taken_meanwhile_is_refused() {
    let post = Post::verified();
    let token = asked(&post);
    post.app.sign_up(NEW, PASSWORD);
    assert_eq!(reason(block_on(post.links.change(&token, &post.request(), None))), "policy");
    assert!(post.app.log_in(ANN, PASSWORD).is_ok());
}

/// Pre-hijacking: Mallory has the link to an account of hers sent to Bob, who presses the button.
#[test]
fn whoever_reads_the_mail_does_not_prove_a_strangers_account() {
    let post = Post::verified();
    post.app.sign_up("bob", PASSWORD);
    let token = asked(&post);
    let change = |who: &Authenticated| reason(block_on(post.links.change(&token, who, None)));
    assert_eq!(change(&post.app.request_of("bob", PASSWORD)), "policy");
    let login = post.request().authentication().clone();
    let bob = post.app.id("bob");
    assert_eq!(change(&Authenticated::assertion(login.clone().with_actor(bob))), "policy");
    let scopes = Limits::unlimited().with_scopes(Scopes::parse("all").unwrap());
    assert_eq!(change(&Authenticated::assertion(login.clone().with_limits(scopes))), "policy");
    assert!(post.app.log_in(ANN, PASSWORD).is_ok() && post.app.log_in(NEW, PASSWORD).is_err());
    // Its owner still may, with a login that was fresh when the link was asked for.
    assert!(post.works(LinkPurpose::ChangeAddress, &token));
    post.app.clock.step(Accounts::RECENT + Duration::from_secs(1));
    assert!(block_on(post.links.change(&token, &Authenticated::assertion(login), None)).is_ok());
}

#[test]
fn only_a_fresh_login_asks_for_another_address() {
    let post = Post::verified();
    let who = post.request();
    assert_eq!(reason(block_on(post.links.ask_to_change(&who, "no address", None))), "address");
    post.app.clock.step(Accounts::RECENT + Duration::from_secs(1));
    assert_eq!(reason(block_on(post.links.ask_to_change(&who, NEW, None))), "challenged");
    let who = post.request();
    post.bump();
    assert_eq!(reason(block_on(post.links.ask_to_change(&who, NEW, None))), "revoked");
    assert!(post.messages().is_empty());
}

/// Accounts cost nothing, and a link to another address goes to a stranger's: their mailbox is not for anybody to fill.
/// Whether it is somebody's login makes no difference.
#[test]
fn a_strangers_mailbox_is_sent_few_links_whoever_asks() {
    for taken in [false, true] {
        let post = Post::verified();
        if taken {
            post.app.sign_up(NEW, PASSWORD);
        }
        let ask = |n: u32| {
            let (login, from) = (format!("mallory{n}@example.com"), Some(address(100 + n)));
            block_on(post.links.ask_to_change(&post.app.request_of(&login, PASSWORD), NEW, from))
        };
        for n in 0..20 {
            let from = address(1_000 + n);
            let mallory =
                PasswordCredential::typed(&format!("mallory{n}@example.com"), password(PASSWORD), Some(from));
            block_on(post.accounts.sign_up(mallory)).unwrap();
        }
        let most = AccountLinks::MAX_SENT;
        let asked = (0..20).filter(|n| ask(*n).is_ok()).count();
        assert_eq!(asked, most as usize, "{taken}");
        assert_eq!(reason(ask(0)), "throttled");
        let sent = post.messages().iter().filter(|one| one.to.as_str() == NEW).count();
        assert_eq!(sent, if taken { 0 } else { most as usize });
        assert!(post.app.audit.has("throttled"));
        // Others are sent theirs.
        let other = "ann@another.example";
        block_on(post.links.ask_to_change(&post.request(), other, Some(address(1)))).unwrap();
        post.app.clock.step(LinkPurpose::ChangeAddress.life());
        assert!(ask(0).is_ok());
    }
}

#[test]
fn the_newest_address_wins() {
    let post = Post::verified();
    let first = asked(&post);
    let second = asked(&post);
    assert!(!post.works(LinkPurpose::ChangeAddress, &first));
    assert!(post.works(LinkPurpose::ChangeAddress, &second));
}
