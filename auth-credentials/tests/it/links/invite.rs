//! Inviting somebody to make an account.

use std::{sync::Barrier, thread};

use auth_core::testing::block_on;
use auth_credentials::LinkPurpose;

use super::reason;
use crate::support::{
    address,
    app::{NEXT, PASSWORD},
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
    let post = Post::new();
    block_on(post.links.invite(ANN, b"", Some(address(1)))).unwrap();
    assert!(post.messages().is_empty());
    // And one who signs up meanwhile keeps what is theirs.
    let token = invited(&post);
    post.app.sign_up(BOB, PASSWORD);
    assert_eq!(reason(block_on(post.links.accept(&token, password(NEXT), None))), "policy");
    assert!(post.app.log_in(BOB, PASSWORD).is_ok());
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
