//! Making, listing, rotating and revoking keys.

use std::{sync::Barrier, thread, time::Duration};

use auth_core::{Authenticated, PrincipalKind, Refusal, RejectionReason, Scopes, testing::block_on};
use auth_credentials::{Accounts, ApiKeyError, ApiKeyId, ApiKeyTerms, ApiKeys, NewApiKey};

use super::{DAY, Programs, terms};
use crate::support::app::PASSWORD;

#[test]
fn a_list_tells_everything_but_the_key() {
    let programs = Programs::new();
    let first = programs.create(&terms());
    programs.app.clock.step(Duration::from_secs(5));
    let second = programs.create(&terms().without_expiry());
    let list = block_on(programs.keys.list(&programs.app.id("ann"))).unwrap();
    assert_eq!(list.iter().map(|one| one.id).collect::<Vec<_>>(), [first.id, second.id]);
    assert_eq!(list[0].name, "backup");
    assert_eq!(list[0].expires_at, Some(list[0].created_at.saturating_add(30 * DAY)));
    assert_eq!(list[1].expires_at, None);
    let shown = format!("{list:?}");
    assert!(!shown.contains(&first.key.expose_str().unwrap()[21..64]), "{shown}");
}

/// A key that leaked is dead at once, and another's is not found.
#[test]
fn a_revoked_key_is_dead_at_once() {
    let programs = Programs::new();
    let (key, other) = (programs.create(&terms()), programs.create(&terms()));
    programs.app.sign_up("bob", PASSWORD);
    let revoke = |who: &str, id: &ApiKeyId| {
        block_on(programs.keys.revoke(&programs.app.request_of(who, PASSWORD), id))
    };
    assert!(matches!(revoke("bob", &key.id), Err(ApiKeyError::NoSuchKey)));
    assert!(programs.check(&key).is_ok());
    revoke("ann", &key.id).unwrap();
    assert_eq!(programs.refused(&key), RejectionReason::Unknown);
    assert!(programs.check(&other).is_ok());
    assert!(matches!(revoke("ann", &key.id), Err(ApiKeyError::NoSuchKey)));
    assert!(programs.app.audit.has("credential.added") && programs.app.audit.has("credential.removed"));
}

/// Both work for a while, then the old one is dead; never longer than it would have been.
#[test]
fn a_rotated_key_works_for_the_overlap_and_the_new_one_as_long_as_the_old_one_did() {
    let programs = Programs::new();
    let old = programs.create(&terms());
    let id = programs.app.id("ann");
    let rotate = |id_of_key, overlap| block_on(programs.keys.rotate(&programs.request(), id_of_key, overlap));
    let new = rotate(&old.id, DAY).unwrap();
    let (before, after) = (programs.check(&old).unwrap(), programs.check(&new).unwrap());
    assert_eq!(before.limits(), after.limits());
    programs.app.clock.step(DAY);
    assert_eq!(programs.refused(&old), RejectionReason::Expired);
    programs.app.clock.step(28 * DAY);
    assert!(programs.check(&new).is_ok());
    let newer = rotate(&new.id, 100 * DAY).unwrap();
    programs.app.clock.step(DAY);
    assert_eq!(programs.refused(&new), RejectionReason::Expired);
    assert!(programs.check(&newer).is_ok());
    assert!(matches!(rotate(&new.id, DAY), Err(ApiKeyError::NoSuchKey | ApiKeyError::Refused(_))));
    // Those whose time has passed are forgotten.
    let _ = programs.create(&terms());
    assert_eq!(block_on(programs.keys.list(&id)).unwrap().len(), 2);
}

/// A key that died with its owner's password does not come back by rotation.
#[test]
fn a_dead_key_is_not_rotated() {
    let programs = Programs::new();
    let (key, id) = (programs.create(&terms()), programs.app.id("ann"));
    let _ = block_on(programs.app.accounts.log_out_everywhere(&id)).unwrap();
    assert!(block_on(programs.keys.rotate(&programs.request(), &key.id, DAY)).is_err());
    assert!(block_on(programs.keys.rotate_for(&id, &key.id, DAY)).is_err());
}

/// A narrow key, or a login with limits, must not come by a wider key; an old session makes none, and may end one.
#[test]
fn rotating_takes_a_fresh_login_and_revoking_one_without_limits() {
    let programs = Programs::new();
    let wide = programs.create(&terms().with_all_scopes());
    let narrow = programs.check(&programs.create(&terms())).unwrap();
    let person = programs.request();
    let login = person.authentication().clone();
    let limited = Authenticated::assertion(login.clone().with_limits(narrow.limits().clone()));
    let impersonator = Authenticated::assertion(login.with_actor(programs.app.id("ann")));
    let by_key = programs.check(&wide).unwrap();
    for who in [&narrow, &by_key, &limited, &impersonator] {
        assert!(matches!(block_on(programs.keys.rotate(who, &wide.id, DAY)), Err(ApiKeyError::Refused(_))));
        assert!(matches!(block_on(programs.keys.revoke(who, &wide.id)), Err(ApiKeyError::Refused(_))));
    }
    programs.app.clock.step(Accounts::RECENT + Duration::from_secs(1));
    assert!(matches!(
        block_on(programs.keys.rotate(&person, &wide.id, DAY)),
        Err(ApiKeyError::Challenged(_))
    ));
    assert!(programs.check(&wide).is_ok());
    block_on(programs.keys.revoke(&person, &wide.id)).unwrap();
    assert_eq!(programs.refused(&wide), RejectionReason::Unknown);
}

/// A session that was ended while its key was being rotated makes none.
#[test]
fn an_epoch_that_is_raised_before_the_rotation_refuses_it() {
    let programs = Programs::new();
    let (key, who) = (programs.create(&terms().outliving_sessions()), programs.request());
    let other = programs.app.clone();
    programs.app.store.before("apply", move || {
        let _ = block_on(other.accounts.log_out_everywhere(&other.id("ann"))).unwrap();
    });
    assert!(block_on(programs.keys.rotate(&who, &key.id, DAY)).is_err());
    assert_eq!(block_on(programs.keys.list(&programs.app.id("ann"))).unwrap().len(), 1);
}

/// Once an interval, by a job, and never on the way of a request (better-auth#10921).
#[test]
fn the_last_use_is_written_once_an_interval_and_by_the_job() {
    let programs = Programs::new();
    let key = programs.create(&terms());
    let used = || block_on(programs.keys.list(&programs.app.id("ann"))).unwrap()[0].last_used_at;
    for _ in 0..10 {
        let _ = programs.check(&key).unwrap();
    }
    assert_eq!(used(), None);
    let write = || block_on(programs.keys.write_uses()).unwrap();
    assert_eq!((write(), write()), (1, 0));
    let first = used().unwrap();
    programs.app.clock.step(ApiKeys::USE_INTERVAL - Duration::from_secs(1));
    let _ = programs.check(&key).unwrap();
    assert_eq!(write(), 0);
    programs.app.clock.step(Duration::from_secs(1));
    let _ = programs.check(&key).unwrap();
    assert_eq!(write(), 1);
    assert_eq!(used().unwrap().since(first), ApiKeys::USE_INTERVAL);
    // One that was revoked meanwhile is not brought back.
    programs.app.clock.step(ApiKeys::USE_INTERVAL);
    let _ = programs.check(&key).unwrap();
    block_on(programs.keys.revoke(&programs.request(), &key.id)).unwrap();
    assert_eq!(write(), 0);
}

#[test]
fn an_account_has_a_hundred_keys_at_most_and_two_at_once_are_not_both_the_last() {
    let programs = Programs::new();
    let id = programs.app.id("ann");
    for _ in 1..ApiKeys::MAX_KEYS {
        let _ = block_on(programs.keys.create_for(&id, &terms())).unwrap();
    }
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            let (programs, id, barrier) = (&programs, &id, &barrier);
            scope.spawn(move || {
                barrier.wait();
                let _ = block_on(programs.keys.create_for(id, &terms()));
            });
        }
    });
    assert_eq!(block_on(programs.keys.list(&id)).unwrap().len(), ApiKeys::MAX_KEYS);
    assert!(matches!(block_on(programs.keys.create_for(&id, &terms())), Err(ApiKeyError::TooMany)));
}

/// A rotation that is sent again would make a second key, which ends with the overlap of the first.
#[test]
fn a_key_that_was_rotated_is_not_rotated_again() {
    let programs = Programs::new();
    let id = programs.app.id("ann");
    let old = programs.create(&terms());
    let rotate = |key: &NewApiKey| block_on(programs.keys.rotate_for(&id, &key.id, DAY));
    let new = rotate(&old).unwrap();
    let again = rotate(&old).unwrap_err();
    assert!(matches!(again, ApiKeyError::Rotated), "{again:?}");
    assert_eq!(Refusal::from(again).status(), 422);
    let listed = || block_on(programs.keys.list(&id)).unwrap();
    let rotated: Vec<_> = listed().iter().map(|key| (key.id == old.id, key.rotated)).collect();
    assert_eq!(rotated.len(), 2);
    assert!(rotated.iter().all(|(is_old, rotated)| is_old == rotated), "{rotated:?}");
    // The old one is as good as it was, and its successor rotates.
    assert!(programs.check(&old).is_ok() && programs.check(&new).is_ok());
    let _ = block_on(programs.keys.write_uses()).unwrap();
    assert!(listed().iter().all(|key| key.last_used_at.is_some()));
    assert!(rotate(&new).is_ok());
}

/// Rotation is what an account with many keys needs most. All of them may be in between at once, and that has an end.
#[test]
fn an_account_with_all_its_keys_can_rotate_them() {
    let programs = Programs::new();
    let id = programs.app.id("ann");
    let create = || block_on(programs.keys.create_for(&id, &terms()));
    let keys: Vec<_> = (0..ApiKeys::MAX_KEYS).map(|_| create().unwrap()).collect();
    let rotate = |key: &NewApiKey| block_on(programs.keys.rotate_for(&id, &key.id, DAY));
    let new: Vec<_> = keys.iter().map(|key| rotate(key).unwrap()).collect();
    assert!(programs.check(&keys[0]).is_ok() && programs.check(&new[0]).is_ok());
    assert!(matches!(rotate(&new[0]), Err(ApiKeyError::TooMany)));
    assert!(matches!(create(), Err(ApiKeyError::TooMany)));
    programs.app.clock.step(DAY);
    assert!(rotate(&new[0]).is_ok());
    assert_eq!(block_on(programs.keys.list(&id)).unwrap().len(), ApiKeys::MAX_KEYS + 1);
}

/// Whoever reads the error must look for what is wrong.
#[test]
fn terms_that_do_not_fit_into_a_row_say_so() {
    let programs = Programs::new();
    let scopes: Vec<String> = (0..64).map(|n| format!("{n:0>128}")).collect();
    let long = ApiKeyTerms::new("long", Scopes::parse(&scopes.join(" ")).unwrap(), DAY).unwrap();
    let error = block_on(programs.keys.create(&programs.request(), &long)).unwrap_err();
    assert!(matches!(error, ApiKeyError::Terms));
    assert!(error.to_string().contains("scopes"), "{error}");
}

#[test]
fn a_key_takes_a_fresh_login_and_a_name() {
    let programs = Programs::new();
    let who = programs.request();
    programs.app.clock.step(Accounts::RECENT + Duration::from_secs(1));
    assert!(matches!(block_on(programs.keys.create(&who, &terms())), Err(ApiKeyError::Challenged(_))));
    for bad in ["", " ", "a\nb", &"x".repeat(65)] {
        assert!(ApiKeyTerms::new(bad, Scopes::none(), DAY).is_err());
    }
    let networks = vec!["10.0.0.0/8".parse().unwrap(); 17];
    let created = block_on(programs.keys.create(&programs.request(), &terms().only_from(networks)));
    assert!(matches!(created, Err(ApiKeyError::Terms)));
}

/// A program that is nobody's: no password, no link, and no clash with a person.
#[test]
fn a_service_acts_by_its_keys_alone() {
    let programs = Programs::new();
    let service = block_on(programs.keys.create_service("nightly-backup")).unwrap();
    assert_eq!(service.kind(), PrincipalKind::Service);
    let key = block_on(programs.keys.create_for(&service, &terms())).unwrap();
    assert_eq!(*programs.check(&key).unwrap().principal(), service);
    assert!(programs.app.log_in("service:nightly-backup", PASSWORD).is_err());
    assert!(matches!(block_on(programs.keys.create_service("nightly-backup")), Err(ApiKeyError::NameTaken)));
    assert!(block_on(programs.keys.create_service("a b")).is_err());
    let login = programs.app.account("service:nightly-backup").login;
    assert!(auth_credentials::MailAddress::of(&login).is_none());
    let named = auth_core::LoginName::parse("service:x@example.com").unwrap();
    assert!(auth_credentials::MailAddress::of(&named).is_none());
}
