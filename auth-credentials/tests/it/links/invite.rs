//! Inviting somebody to make an account.

use std::{
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use auth_core::{AccountChange, AccountStatus, AccountStore, Refusal, testing::block_on};
use auth_credentials::{AccountLinks, LinkBase, LinkError, LinkPurpose, SignUpError, SignUps};

use super::reason;
use crate::support::{
    address,
    app::{NEXT, PASSWORD, credential},
    mail::{ANN, Post},
    password,
};

const BOB: &str = "bob@example.com";

fn invited(post: &Post) -> String {
    block_on(post.links.invite(BOB, b"role:editor", Some(address(1)))).unwrap();
    post.token()
}

#[test]
fn an_invitation_makes_one_account_with_a_verified_address() {
    let post = Post::new();
    let token = invited(&post);
    assert!(post.works(LinkPurpose::Invitation, &token));
    assert_eq!(reason(block_on(post.links.accept(&token, password("short"), None))), "policy-of-passwords");
    let accepted = block_on(post.links.accept(&token, password(NEXT), None)).unwrap();
    assert_eq!(accepted.data, b"role:editor");
    assert_eq!(accepted.principal, post.app.id(BOB));
    assert!(block_on(post.links.is_address_verified(&accepted.principal)).unwrap());
    assert!(post.app.log_in(BOB, NEXT).is_ok());
    assert_eq!(reason(block_on(post.links.accept(&token, password(NEXT), None))), "unknown");
}

/// Open, by invitation alone, or not at all: said before anything is looked at, to everybody alike.
#[test]
fn who_makes_accounts_is_a_setting() {
    let post = Post::new();
    let token = invited(&post);
    let with = |who| {
        let accounts = post.accounts.clone().with_sign_ups(who);
        let mut post = post.clone();
        post.links = AccountLinks::new(
            accounts.clone(),
            Arc::clone(&post.tokens) as _,
            Arc::clone(&post.notifier) as _,
            LinkBase::parse("https://app.example").unwrap(),
            Arc::clone(&post.app.counters) as _,
        );
        post.accounts = accounts;
        post
    };
    let closed = with(SignUps::Closed);
    for post in [&closed, &with(SignUps::InviteOnly)] {
        let (events, writes) = (post.app.audit.events().len(), post.app.counters.writes());
        for (login, chosen) in
            [(ANN, PASSWORD), ("carol@example.com", NEXT), ("", "short"), ("service:x", "")]
        {
            let signed_up = block_on(post.accounts.sign_up(credential(login, chosen, address(1))));
            let refused = signed_up.unwrap_err();
            assert!(matches!(refused, SignUpError::Closed), "{login}: {refused:?}");
            assert_eq!(Refusal::from(refused).status(), 403);
        }
        assert_eq!((post.app.audit.events().len(), post.app.counters.writes()), (events, writes));
    }
    assert!(!closed.works(LinkPurpose::Invitation, &token));
    assert_eq!(reason(block_on(closed.links.accept(&token, password(NEXT), None))), "closed");
    // An administrator who invites is logged in, and need not log in again.
    let refused = block_on(closed.links.invite(BOB, b"", Some(address(1)))).unwrap_err();
    assert!(matches!(refused, LinkError::Closed));
    assert_eq!(Refusal::from(refused).status(), 403);
    assert!(closed.app.log_in(ANN, PASSWORD).is_ok(), "who has an account keeps it");
    let invited = with(SignUps::InviteOnly);
    assert!(invited.works(LinkPurpose::Invitation, &token));
    assert!(block_on(invited.links.accept(&token, password(NEXT), None)).is_ok());
    assert!(invited.app.log_in(BOB, NEXT).is_ok());
}

/// Where inviting is open to many, nobody's mailbox is, and the last link in it works.
#[test]
fn a_mailbox_is_sent_few_invitations_whoever_invites() {
    let post = Post::new();
    let mut invited = Vec::new();
    for n in 0..50 {
        post.app.clock.step(Duration::from_secs(1_800));
        match block_on(post.links.invite(BOB, b"", Some(address(n)))) {
            Ok(()) => invited.push(post.token()),
            Err(error) => assert_eq!(reason::<()>(Err(error)), "throttled"),
        }
    }
    assert_eq!(invited.len(), AccountLinks::MAX_SENT as usize);
    assert!(post.works(LinkPurpose::Invitation, invited.last().unwrap()));
    assert!(block_on(post.links.invite("carol@example.com", b"", Some(address(1)))).is_ok());
}

#[test]
fn of_8_acceptances_at_once_one_wins() {
    let post = Post::new();
    let (token, barrier) = (invited(&post), Barrier::new(8));
    let won: usize = thread::scope(|scope| {
        let tries: Vec<_> = (0..8)
            .map(|n| {
                let (post, token, barrier) = (&post, &token, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    usize::from(block_on(post.links.accept(token, password(NEXT), Some(address(n)))).is_ok())
                })
            })
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(won, 1);
}

#[test]
fn whoever_has_an_account_is_not_invited() {
    let post = Post::verified();
    block_on(post.links.invite(ANN, b"", Some(address(1)))).unwrap();
    assert!(post.messages().is_empty());
    // And one who signs up meanwhile, and proves the address, keeps what is theirs.
    let token = invited(&post);
    post.app.sign_up(BOB, PASSWORD);
    block_on(post.links.ask_to_verify(BOB, Some(address(2)))).unwrap();
    let bob = post.app.request_of(BOB, PASSWORD);
    assert_eq!(block_on(post.links.verify(&post.token(), Some(&bob), None)).unwrap(), None);
    assert_eq!(reason(block_on(post.links.accept(&token, password(NEXT), None))), "policy");
    assert!(post.app.log_in(BOB, PASSWORD).is_ok());
}

/// GHSA-qq9h-g4jm-xgf3: a stranger signs up with the address, before the invitation or
/// after it, and waits. Whoever reads the mail is let in all the same, and finds nothing of the stranger there.
#[test]
fn an_invitation_takes_over_an_account_that_nobody_verified() {
    for before in [true, false] {
        let post = Post::new();
        let sign_up = || {
            post.app.sign_up(BOB, PASSWORD);
            let stranger = post.app.request_of(BOB, PASSWORD);
            let uri = block_on(post.factors.begin(&stranger)).unwrap();
            let code = uri.device().code_now(post.now()).unwrap();
            block_on(post.factors.confirm(&stranger, &code)).unwrap().raised
        };
        let early = before.then(sign_up);
        let token = invited(&post);
        let stranger = early.unwrap_or_else(sign_up);
        let accepted = block_on(post.links.accept(&token, password(NEXT), None)).unwrap();
        let raised = accepted.raised.unwrap();
        assert_eq!((raised.principal(), &accepted.principal), (stranger.principal(), stranger.principal()));
        assert!(raised.epoch() > stranger.epoch(), "what the stranger began is dead");
        assert!(block_on(post.links.is_address_verified(&accepted.principal)).unwrap());
        assert!(block_on(post.accounts.enrolled(&accepted.principal)).unwrap().is_empty());
        assert!(post.app.log_in(BOB, PASSWORD).is_err());
        assert!(post.app.log_in(BOB, NEXT).is_ok());
    }
}

#[test]
fn a_disabled_account_is_neither_invited_nor_taken_over() {
    let post = Post::new();
    let token = invited(&post);
    post.app.sign_up(BOB, PASSWORD);
    post.app.change(BOB, AccountChange::Status(AccountStatus::Disabled));
    assert_eq!(reason(block_on(post.links.accept(&token, password(NEXT), None))), "policy");
    block_on(post.links.invite(BOB, b"", Some(address(1)))).unwrap();
    assert!(post.messages().is_empty());
}

/// Somebody signs up between the look and the write, or the account goes: neither is lost.
#[test]
fn an_invitation_holds_against_what_happens_meanwhile() {
    let post = Post::new();
    let (token, other) = (invited(&post), post.clone());
    post.app.store.before("create", move || other.app.sign_up(BOB, PASSWORD));
    let accepted = block_on(post.links.accept(&token, password(NEXT), None)).unwrap();
    assert!(accepted.raised.is_some() && post.app.log_in(BOB, NEXT).is_ok());

    let post = Post::new();
    let (token, other) = (invited(&post), post.clone());
    post.app.sign_up(BOB, PASSWORD);
    let gone = post.app.id(BOB);
    post.app.store.before("apply", move || assert!(block_on(other.app.store.inner.remove(&gone)).unwrap()));
    let accepted = block_on(post.links.accept(&token, password(NEXT), None)).unwrap();
    assert!(accepted.raised.is_none() && post.app.log_in(BOB, NEXT).is_ok());
}

#[test]
fn an_invitation_is_taken_back() {
    let post = Post::new();
    let token = invited(&post);
    assert!(block_on(post.links.withdraw(BOB)).unwrap());
    assert!(!block_on(post.links.withdraw(BOB)).unwrap());
    assert_eq!(reason(block_on(post.links.accept(&token, password(NEXT), None))), "unknown");
    assert_eq!(reason(block_on(post.links.invite(BOB, &[0; 2_000], None))), "unavailable");
}
