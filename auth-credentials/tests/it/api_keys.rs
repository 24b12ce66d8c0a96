//! Keys of programs.

mod manage;

use std::{net::IpAddr, sync::Arc, time::Duration};

use auth_core::{
    AccountChange, AccountStatus, Assurance, AuthEpoch, AuthenticateError, Authenticated, Authenticator,
    Clock, CredentialKey, CredentialKind, CredentialStore, Limits, MemoryCounters, Method, Refusal,
    RejectionReason, Scopes,
    testing::{FailWith, block_on},
};
use auth_credentials::{ApiKeyCredential, ApiKeyPrefix, ApiKeyTerms, ApiKeys, NewApiKey};

use crate::support::{
    address,
    app::{App, NEXT, PASSWORD},
    password,
    person::refused_everything,
};

const DAY: Duration = Duration::from_secs(86_400);

struct Programs {
    app: App,
    keys: ApiKeys,
}

impl Programs {
    fn new() -> Self {
        let app = App::new();
        app.sign_up("ann", PASSWORD);
        let prefix = ApiKeyPrefix::parse("acme").unwrap();
        let keys = ApiKeys::new(app.accounts.clone(), prefix, Arc::new(MemoryCounters::new(1_000)));
        Self { app, keys }
    }

    fn request(&self) -> Authenticated {
        self.app.request_of("ann", PASSWORD)
    }

    fn create(&self, terms: &ApiKeyTerms) -> NewApiKey {
        block_on(self.keys.create(&self.request(), terms)).unwrap()
    }

    fn check(&self, key: &NewApiKey) -> Result<Authenticated, AuthenticateError> {
        self.check_from(key.key.expose(), Some(address(1)))
    }

    fn check_from(&self, key: &[u8], from: Option<IpAddr>) -> Result<Authenticated, AuthenticateError> {
        block_on(self.keys.authenticate(ApiKeyCredential::new(key, from)))
    }

    /// Why the key is refused.
    fn refused(&self, key: &NewApiKey) -> RejectionReason {
        let error = self.check(key).unwrap_err();
        assert_eq!(error.to_string(), "credential refused");
        *self.app.reasons().last().unwrap()
    }
}

fn terms() -> ApiKeyTerms {
    ApiKeyTerms::new("backup", Scopes::parse("notes.read").unwrap(), 30 * DAY).unwrap()
}

/// The same text with the checksum that is right for it: CRC-32 in six letters of base62, as anybody computes it.
fn sealed(mut text: Vec<u8>) -> Vec<u8> {
    let start = text.len() - 6;
    let mut crc = u32::MAX;
    for byte in &text[..start] {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let mut rest = !crc;
    for at in (start..text.len()).rev() {
        text[at] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(rest % 62) as usize];
        rest /= 62;
    }
    assert!(ApiKeyPrefix::parse("acme").unwrap().read(&text).is_ok());
    text
}

/// Scopes are limits.
#[test]
fn a_key_acts_for_its_owner_within_its_scopes() {
    let programs = Programs::new();
    let key = programs.create(&terms());
    programs.app.clock.step(DAY);
    let who = programs.check(&key).unwrap();
    let authentication = who.authentication();
    assert_eq!(authentication.principal, programs.app.id("ann"));
    assert_eq!(
        (&authentication.methods[..], authentication.assurance),
        (&[Method::API_KEY][..], Assurance::Aal1)
    );
    assert_eq!(*who.limits(), Limits::unlimited().with_scopes(Scopes::parse("notes.read").unwrap()));
    assert!(who.fresh_within(DAY - Duration::from_secs(1), programs.app.clock.now()).is_err());
    let all = programs.create(&terms().with_all_scopes());
    assert_eq!(*programs.check(&all).unwrap().limits(), Limits::unlimited());
}

/// What has a wrong checksum reaches no store.
#[test]
fn what_is_no_key_is_refused_without_a_look_into_the_store() {
    let programs = Programs::new();
    let key = programs.create(&terms());
    let mut wrong = key.key.expose().to_vec();
    *wrong.last_mut().unwrap() ^= 1;
    let _ = programs.app.store.calls();
    for bad in [&wrong[..], b"", b"acme_", b"other_key", &[b'a'; 5_000]] {
        assert!(programs.check_from(bad, Some(address(1))).is_err());
    }
    assert!(programs.app.store.calls().is_empty());
    assert_eq!(programs.app.reasons().last(), Some(&RejectionReason::Malformed));
}

/// One read of one row, whoever's key it is, and no write.
#[test]
fn a_check_is_one_read_and_no_write() {
    let programs = Programs::new();
    let key = programs.create(&terms());
    // A key that somebody made up: its form is right.
    let prefix = ApiKeyPrefix::parse("acme").unwrap();
    let other = Programs::new();
    let strangers = other.create(&terms());
    assert!(prefix.read(strangers.key.expose()).is_ok());
    let _ = programs.app.store.calls();
    assert!(programs.check(&key).is_ok());
    assert_eq!(programs.app.store.calls(), ["find"]);
    assert_eq!(programs.refused(&strangers), RejectionReason::Unknown);
    assert_eq!(programs.app.store.calls(), ["find"]);
}

/// A boundary is a boundary, and everything that ends the owner ends the key.
#[test]
fn a_key_dies_with_its_time_and_with_what_happens_to_its_owner() {
    let programs = Programs::new();
    let key = programs.create(&terms());
    programs.app.clock.step(30 * DAY - Duration::from_secs(1));
    assert!(programs.check(&key).is_ok());
    programs.app.clock.step(Duration::from_secs(1));
    assert_eq!(programs.refused(&key), RejectionReason::Expired);

    let key = programs.create(&terms().without_expiry());
    programs.app.clock.step(1_000 * DAY);
    assert!(programs.check(&key).is_ok());
    let staying = programs.create(&terms().outliving_sessions());
    let _ =
        block_on(programs.app.accounts.set_password(&programs.app.id("ann"), password(NEXT), None)).unwrap();
    assert_eq!(programs.refused(&key), RejectionReason::Revoked);
    let who = programs.check(&staying).unwrap();
    assert_eq!(who.authentication().epoch, AuthEpoch::new(1));
    programs.app.change("ann", AccountChange::Status(AccountStatus::Disabled));
    assert_eq!(programs.refused(&staying), RejectionReason::Disabled);
    let id = programs.app.id("ann");
    assert!(block_on(auth_core::AccountStore::remove(&*programs.app.store, &id)).unwrap());
    assert_eq!(programs.refused(&staying), RejectionReason::Unknown);
}

#[test]
fn a_key_is_good_in_its_networks_alone() {
    let programs = Programs::new();
    let key = programs.create(&terms().only_from(vec!["10.0.0.0/24".parse().unwrap()]));
    let from = |address: &str| programs.check_from(key.key.expose(), Some(address.parse().unwrap()));
    assert!(from("10.0.0.200").is_ok() && from("::ffff:10.0.0.1").is_ok());
    assert!(from("10.0.1.1").is_err() && from("2001:db8::1").is_err());
    // A peer without an address is in no network.
    assert!(programs.check_from(key.key.expose(), None).is_err());
    assert_eq!(programs.app.reasons().last(), Some(&RejectionReason::Policy));
}

/// A copy of the store opens nothing: what is in the row is a hash of what has 256 bits.
#[test]
fn a_row_does_not_tell_the_key() {
    let programs = Programs::new();
    let key = programs.create(&terms());
    let lookup = Box::from(key.id.as_str().as_bytes());
    let row = CredentialKey { realm: auth_core::Realm::LOCAL, kind: CredentialKind::API_KEY, lookup };
    let found = block_on(programs.app.store.inner.find(&row)).unwrap().unwrap();
    let secret = &key.key.expose()[5 + 16..];
    assert!(!found.credential.data.expose().windows(8).any(|part| secret.starts_with(part)));
    assert!(!format!("{key:?} {found:?}").contains(std::str::from_utf8(secret).unwrap()));
    // A row that cannot be read is no key, and no key without limits.
    let cut = auth_core::CredentialBlob::new(&found.credential.data.expose()[..50]).unwrap();
    let written = block_on(programs.app.store.inner.update(&row, found.credential.version, &cut)).unwrap();
    assert_eq!(written, auth_core::Updated::Updated);
    assert_eq!(programs.refused(&key), RejectionReason::Corrupt);
}

/// A key that is stolen must not become more than it is: no second factor, no address, no other key. Not even one that
/// its owner gave everything.
#[test]
fn a_key_changes_neither_factors_nor_keys_nor_the_address() {
    refused_everything(|person| {
        let key = ApiKeyCredential::new(person.key.key.expose(), None);
        let who = block_on(person.keys.authenticate(key)).unwrap();
        assert_eq!(*who.limits(), Limits::unlimited());
        who
    });
}

/// Refused keys are counted by source, and good ones are not. Behind one address, or behind
/// none that is known, one program with a revoked key must not shut out the others.
#[test]
fn a_source_of_refused_keys_is_throttled_and_good_keys_behind_it_pass() {
    let programs = Programs::new();
    let (key, revoked) = (programs.create(&terms()), programs.create(&terms()));
    block_on(programs.keys.revoke(&programs.request(), &revoked.id)).unwrap();
    let other = Programs::new();
    for from in [Some(address(2)), None] {
        let check = |key: &NewApiKey| programs.check_from(key.key.expose(), from);
        let throttled = (0..400).find(|_| matches!(check(&revoked), Err(AuthenticateError::Throttled(_))));
        assert_eq!(throttled, Some(300));
        assert_eq!(Refusal::from(check(&revoked).unwrap_err()).status(), 429);
        assert!(check(&key).is_ok());
        // What anybody can make up is not even looked up any more: a checksum is no secret, and nor is an id.
        let mut forged = key.key.expose().to_vec();
        forged[5 + 16] = if forged[5 + 16] == b'A' { b'B' } else { b'A' };
        let made_up = other.create(&terms());
        let _ = programs.app.store.calls();
        for text in [made_up.key.expose(), &sealed(forged)] {
            let error = programs.check_from(text, from).unwrap_err();
            assert_eq!(Refusal::from(error).status(), 429);
        }
        assert!(programs.app.store.calls().is_empty());
        // One that was made here a moment ago is looked up, and one that was good and is no longer counts as any other.
        let another = programs.create(&terms());
        let check = |key: &NewApiKey| programs.check_from(key.key.expose(), from);
        assert!(check(&another).is_ok());
        block_on(programs.keys.revoke(&programs.request(), &another.id)).unwrap();
        assert!(matches!(check(&another), Err(AuthenticateError::Rejected(_))));
        assert!(matches!(check(&another), Err(AuthenticateError::Throttled(_))));
    }
    assert!(programs.app.audit.has("throttled"));
    for _ in 0..400 {
        assert!(programs.check(&key).is_ok());
    }
    assert_eq!(programs.refused(&revoked), RejectionReason::Unknown);
}

/// What has a wrong checksum was copied wrong, and guesses nothing.
#[test]
fn what_is_no_key_is_not_counted() {
    let programs = Programs::new();
    let revoked = programs.create(&terms());
    block_on(programs.keys.revoke(&programs.request(), &revoked.id)).unwrap();
    for _ in 0..400 {
        let error = programs.check_from(b"acme_nothing", Some(address(1))).unwrap_err();
        assert!(matches!(error, AuthenticateError::Rejected(_)));
    }
    // The log tells of a flood once a second.
    programs.app.clock.step(Duration::from_secs(1));
    assert_eq!(programs.refused(&revoked), RejectionReason::Unknown);
}

#[test]
fn a_store_that_fails_is_503_and_never_a_request() {
    let programs = Programs::new();
    let key = programs.create(&terms());
    for how in [FailWith::NotWritten, FailWith::Timeout, FailWith::LostAnswer] {
        programs.app.store.inner.fail_with(Some(how));
        assert_eq!(Refusal::from(programs.check(&key).unwrap_err()).status(), 503);
    }
}
