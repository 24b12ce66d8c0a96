//! Setting a new password by a link.

use std::{sync::Barrier, thread, time::Duration};

use auth_core::{
    AccountChange, AccountStatus, AuditEvent, AuthEpoch, Authenticated, Authentication, CredentialBlob,
    CredentialStore, Method, PrincipalId, Refusal, testing::block_on,
};
use auth_credentials::{AccountLinks, LinkPurpose, Notice, PasswordAuthenticator};

use super::reason;
use crate::support::{
    address,
    app::{NEXT, PASSWORD},
    legacy_hash,
    mail::{ANN, Post},
    password,
};

/// Whoever had the old password is out, the link is used up, and its reader still has to log in.
#[test]
fn a_reset_sets_the_password_ends_sessions_and_logs_nobody_in() {
    let post = Post::verified();
    let under_way = post.app.log_in(ANN, PASSWORD).unwrap();
    let session = post.session();
    assert!(post.lives(&session));
    let token = post.reset_token();
    let raised = block_on(post.links.reset(&token, password(NEXT), Some(address(1)))).unwrap();
    assert_eq!(raised.epoch(), AuthEpoch::new(1));
    assert!(under_way.authentication().epoch < raised.epoch());
    assert!(post.app.account(ANN).sweep_pending);
    assert_eq!(post.sweep(&raised), 1);
    assert!(!post.lives(&session));
    assert!(post.app.log_in(ANN, PASSWORD).is_err() && post.app.log_in(ANN, NEXT).is_ok());
    let messages = post.messages();
    assert!(matches!(messages[..], [ref one] if matches!(one.notice, Notice::PasswordChanged)));
    assert_eq!(reason(block_on(post.links.reset(&token, password(PASSWORD), None))), "unknown");
    assert!(post.app.audit.has("credential.changed") && post.app.audit.has("address.proven"));
}

/// A session that was left open and a password that was overheard are enough for it, so its owner is told, as by a reset.
#[test]
fn whoever_changes_a_password_has_its_owner_told() {
    let post = Post::verified();
    let change = |current: &str, new: &str| {
        block_on(post.links.change_password(
            &post.request(),
            password(current),
            password(new),
            Some(address(1)),
        ))
    };
    assert!(change(NEXT, NEXT).is_err() && change(PASSWORD, "short").is_err());
    assert!(post.messages().is_empty());
    let raised = change(PASSWORD, NEXT).unwrap();
    assert_eq!(raised.epoch(), post.app.account(ANN).epoch);
    assert!(post.app.log_in(ANN, NEXT).is_ok());
    let messages = post.messages();
    assert!(matches!(messages[..], [ref one] if matches!(one.notice, Notice::PasswordReplaced)));
    assert_eq!(messages[0].to.as_str(), ANN);
}

/// Somebody who has an account in the name of a stranger's address must not fill its mailbox by changing the password.
#[test]
fn a_mailbox_is_told_of_few_changes_and_every_change_is_made() {
    let post = Post::new();
    let change = |n: u32| {
        let new = |n| password(&format!("granite kites by noon {n}"));
        let (current, new) = if n == 0 { (password(PASSWORD), new(0)) } else { (new(n - 1), new(n)) };
        let account = post.app.account(ANN);
        let who = Authentication::new(account.id, Method::PASSWORD, post.now(), account.epoch);
        let who = Authenticated::assertion(who);
        assert!(block_on(post.links.change_password(&who, current, new, None)).is_ok(), "{n}");
    };
    (0..AccountLinks::MAX_SENT + 3).for_each(change);
    assert_eq!(post.messages().len(), usize::try_from(AccountLinks::MAX_SENT).unwrap());
    let not_sent = AuditEvent::NotSent { what: "password-changed" };
    let events = post.app.audit.events();
    assert_eq!(events.iter().filter(|(_, event)| *event == not_sent).count(), 3);
    post.app.clock.step(Duration::from_secs(20 * 60));
    change(AccountLinks::MAX_SENT + 3);
    assert_eq!(post.messages().len(), 1);
}

/// A link is good once, also for two clicks at the same moment.
#[test]
fn of_16_resets_by_one_link_at_once_one_wins() {
    let post = Post::verified();
    let token = post.reset_token();
    let barrier = Barrier::new(16);
    let won: usize = thread::scope(|scope| {
        let tries: Vec<_> = (0..16)
            .map(|n| {
                let (post, token, barrier) = (&post, &token, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let new = password(&format!("granite kites by noon {n}"));
                    usize::from(block_on(post.links.reset(token, new, Some(address(n)))).is_ok())
                })
            })
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(won, 1);
    assert_eq!(post.app.account(ANN).epoch, AuthEpoch::new(1));
}

/// A password that may not be chosen, or a full pool, must not cost the link.
#[test]
fn the_password_is_judged_before_the_link_is_used_up() {
    let post = Post::verified();
    let token = post.reset_token();
    for bad in ["short", "passwordpassword", ANN, &"x".repeat(5_000)] {
        let error = block_on(post.links.reset(&token, password(bad), None)).unwrap_err();
        assert_eq!(Refusal::from(error).status(), 400);
        assert!(post.works(LinkPurpose::ResetPassword, &token));
    }
    assert!(block_on(post.links.reset(&token, password(NEXT), None)).is_ok());
}

/// Whatever happens to the account ends the link.
#[test]
fn a_link_does_not_survive_what_happens_to_the_account() {
    for (what, expected) in [
        ("password", "revoked"),
        ("log out", "revoked"),
        ("disable", "disabled"),
        ("remove", "unknown"),
        ("time", "unknown"),
    ] {
        let post = Post::verified();
        let (id, token): (PrincipalId, _) = (post.app.id(ANN), post.reset_token());
        match what {
            "password" => drop(block_on(post.accounts.set_password(&id, password(NEXT), None)).unwrap()),
            "log out" => post.bump(),
            "disable" => post.app.change(ANN, AccountChange::Status(AccountStatus::Disabled)),
            "remove" => assert!(block_on(auth_core::AccountStore::remove(&*post.app.store, &id)).unwrap()),
            _ => post.app.clock.step(LinkPurpose::ResetPassword.life()),
        }
        assert!(!post.works(LinkPurpose::ResetPassword, &token), "{what}");
        assert_eq!(reason(block_on(post.links.reset(&token, password(PASSWORD), None))), expected, "{what}");
    }
}

/// The same between the look and the change.
#[test]
fn a_link_does_not_survive_a_change_in_the_same_moment() {
    let post = Post::verified();
    let token = post.reset_token();
    let other = post.clone();
    post.app.store.before("apply", move || {
        let id = other.app.id(ANN);
        let _ = block_on(other.accounts.set_password(&id, password("pebble choirs at dusk"), None)).unwrap();
    });
    assert_eq!(reason(block_on(post.links.reset(&token, password(NEXT), None))), "revoked");
    assert!(post.app.log_in(ANN, "pebble choirs at dusk").is_ok());
}

/// A login with the old password that is under way, and whose hash is due for renewal, must not put it back.
#[test]
fn a_login_under_way_does_not_bring_the_old_password_back() {
    for new in [Post::verified, Post::new] {
        for call in ["count_failure", "succeeded", "update"] {
            let post = new();
            let mut old = post.app.credential(ANN);
            old.data = CredentialBlob::new(legacy_hash().as_bytes()).unwrap();
            post.app.change(ANN, AccountChange::RemoveCredential(old.key.clone()));
            post.app.change(ANN, AccountChange::AddCredential(old));
            let (other, token) = (post.clone(), post.reset_token());
            post.app.store.before(call, move || {
                let _ = block_on(other.links.reset(&token, password(NEXT), None)).unwrap();
            });
            if let Ok(login) = post.app.log_in(ANN, PASSWORD) {
                assert!(login.authentication().epoch < post.app.account(ANN).epoch);
            }
            assert!(post.app.log_in(ANN, PASSWORD).is_err(), "{call}");
            assert!(post.app.log_in(ANN, NEXT).is_ok(), "{call}");
        }
    }
}

/// The end of a password that was good for a while is not that of the one that replaces it.
#[test]
fn a_new_password_has_no_end_of_the_old_one() {
    let post = Post::verified();
    let mut old = post.app.credential(ANN);
    old.expires_at = Some(post.now());
    post.app.change(ANN, AccountChange::RemoveCredential(old.key.clone()));
    post.app.change(ANN, AccountChange::AddCredential(old));
    assert!(post.app.log_in(ANN, PASSWORD).is_err());
    let _ = block_on(post.links.reset(&post.reset_token(), password(NEXT), None)).unwrap();
    assert!(post.app.log_in(ANN, NEXT).is_ok());
}

/// What is locked after a hundred failures is unlocked by its owner.
#[test]
fn a_reset_unlocks_a_locked_password() {
    let post = Post::verified();
    let key = post.app.credential(ANN).key;
    for _ in 0..PasswordAuthenticator::MAX_FAILURES {
        block_on(post.app.store.inner.count_failure(&key)).unwrap();
    }
    assert!(post.app.log_in(ANN, PASSWORD).is_err());
    let _ = block_on(post.links.reset(&post.reset_token(), password(NEXT), None)).unwrap();
    assert!(post.app.log_in(ANN, NEXT).is_ok());
}

/// Whoever reads the mail does not get past the second factor.
#[test]
fn a_second_factor_stays() {
    let post = Post::verified();
    let who = post.request();
    let uri = block_on(post.factors.begin(&who)).unwrap();
    let code = uri.device().code_now(post.now()).unwrap();
    let _ = block_on(post.factors.confirm(&who, &code)).unwrap();
    let _ = block_on(post.links.reset(&post.reset_token(), password(NEXT), None)).unwrap();
    assert!(!block_on(post.accounts.enrolled(who.principal())).unwrap().is_empty());
}

/// Pre-hijacking: somebody else made the account and waits, with a second factor of their own.
#[test]
fn an_account_that_nobody_verified_keeps_nothing() {
    let post = Post::new();
    let stranger = post.request();
    let uri = block_on(post.factors.begin(&stranger)).unwrap();
    let code = uri.device().code_now(post.now()).unwrap();
    let _ = block_on(post.factors.confirm(&stranger, &code)).unwrap();
    assert!(post.credentials() > 10);
    let raised = block_on(post.links.reset(&post.reset_token(), password(NEXT), None)).unwrap();
    assert!(raised.epoch() > stranger.authentication().epoch);
    assert_eq!(post.credentials(), 2, "the new password, and the mailbox");
    assert!(block_on(post.accounts.enrolled(stranger.principal())).unwrap().is_empty());
    assert!(block_on(post.links.is_address_verified(stranger.principal())).unwrap());
}
