//! Removing one's own account.

use auth_core::{AuditEvent, AuthenticateError, Authenticated, Method, Refusal, testing::block_on};

use crate::support::{
    address,
    app::{NEXT, PASSWORD},
    mail::{ANN, Post},
    password,
};

fn remove(post: &Post, who: &Authenticated, current: &str) -> Result<bool, AuthenticateError> {
    let (from, sessions) = (Some(address(1)), &*post.sessions);
    block_on(post.accounts.remove_own(who, password(current), from, sessions, &post.keys))
}

#[test]
fn whoever_presents_the_password_removes_the_account_and_its_sessions() {
    let post = Post::verified();
    let (who, session, id) = (post.request(), post.session(), post.app.id(ANN));
    assert_eq!(Refusal::from(remove(&post, &who, NEXT).unwrap_err()).status(), 401);
    assert!(post.lives(&session) && post.app.log_in(ANN, PASSWORD).is_ok());
    assert!(remove(&post, &who, PASSWORD).unwrap());
    assert!(!post.lives(&session));
    assert!(post.app.log_in(ANN, PASSWORD).is_err());
    assert_eq!(block_on(auth_core::AccountStore::by_id(&*post.app.store, &id)).unwrap(), None);
    let by = Some(id.clone());
    let removed = AuditEvent::AccountRemoved { principal: id, by };
    assert!(post.app.audit.events().iter().any(|(_, event)| *event == removed));
    assert!(remove(&post, &who, PASSWORD).is_err(), "it is gone");
    // The login is anybody's again, and of nobody who was there before.
    post.app.sign_up(ANN, NEXT);
    assert!(post.app.log_in(ANN, NEXT).is_ok());
}

/// What a thief has of it is not enough: a key, a session that ended, a device that is remembered.
#[test]
fn nobody_but_a_person_of_now_removes_their_account() {
    let post = Post::verified();
    let who = |methods: Vec<Method>| {
        Authenticated::assertion(post.request().authentication().clone().with_methods(methods))
    };
    for method in
        [Method::API_KEY, Method::BASIC, Method::BEARER_TOKEN, Method::CERTIFICATE, Method::REMEMBERED_DEVICE]
    {
        let error = remove(&post, &who(vec![Method::PASSWORD, method]), PASSWORD).unwrap_err();
        assert_eq!(Refusal::from(error).status(), 401);
    }
    let ended = post.request();
    post.bump();
    assert!(remove(&post, &ended, PASSWORD).is_err());
    assert!(post.app.log_in(ANN, PASSWORD).is_ok());
}

/// Its owner changes the password in the moment in which a thief removes the account with the old one.
#[test]
fn a_password_that_is_changed_meanwhile_keeps_the_account() {
    let post = Post::verified();
    let (who, other) = (post.request(), post.clone());
    post.app.store.before("apply", move || {
        let _ = block_on(other.accounts.set_password(&other.app.id(ANN), password(NEXT), None)).unwrap();
    });
    assert!(remove(&post, &who, PASSWORD).is_err());
    assert!(post.app.log_in(ANN, NEXT).is_ok());
}

/// An account is not there to be guessed at by removing it.
#[test]
fn guessing_by_removing_is_throttled_like_a_login() {
    let post = Post::verified();
    let who = post.request();
    let refused: Vec<_> =
        (0..30).map(|_| Refusal::from(remove(&post, &who, NEXT).unwrap_err()).status()).collect();
    assert_eq!(refused.iter().filter(|status| **status == 401).count(), 10);
    assert_eq!(refused.last(), Some(&429));
}
