//! Tokens that the server did not make.

use auth_core::{
    KeyName, KeyRing, Purpose, RejectionReason, Secret, SessionId, SystemEntropy, testing::block_on,
};
use auth_session::RefreshToken;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    refresh::{Api, ring, secs, text},
    support::{Browser, START},
};

fn compose(id: &SessionId, counter: u64, mac: &[u8]) -> RefreshToken {
    let (counter, mac) = (URL_SAFE_NO_PAD.encode(counter.to_be_bytes()), URL_SAFE_NO_PAD.encode(mac));
    RefreshToken::parse(format!("rt1.{id}.{counter}.{mac}").as_bytes()).unwrap()
}

/// By a ring that has these bytes as its key, as somebody would make it who knows how.
fn minted(key: &[u8], id: &SessionId, counter: u64) -> Option<RefreshToken> {
    let keys = KeyRing::new(KeyName::from_static("guess"), Secret::new(key.to_vec())).ok()?;
    let mac = keys.mac(Purpose::new("refresh-token"), &[id.as_bytes(), &counter.to_be_bytes()]);
    Some(compose(id, counter, &mac))
}

/// The helper above makes what the server makes, or the tests below would show nothing.
#[test]
fn the_key_is_all_that_a_forger_lacks() {
    let api = Api::new();
    let token = api.log_in("ann");
    let key: Vec<u8> = (7..).take(32).collect();
    assert_eq!(text(&minted(&key, &token.id(), 0).unwrap()), text(&token));
}

/// Whoever reads the store, a backup or a log of its queries mints nothing.
#[test]
fn a_copy_of_the_store_mints_no_token() {
    let api = Api::new();
    let first = api.log_in("ann");
    let second = api.next(&first);
    let row =
        block_on(auth_core::SessionStore::load(&api.app.store.inner, &second.id(), START)).unwrap().unwrap();
    let state = &row.secret;
    let mut known = vec![*state.current.as_bytes(), state.previous.unwrap().as_bytes().to_owned()];
    let mut id = [0; 32];
    id[..24].copy_from_slice(row.id.as_bytes());
    known.extend([id, [1; 32]]);
    api.app.store.calls();
    for bytes in known {
        for counter in state.generation.saturating_sub(1)..=state.generation + 2 {
            let forged = std::iter::once(compose(&row.id, counter, &bytes))
                .chain(minted(&bytes, &row.id, counter))
                .chain(minted(row.id.to_string().as_bytes(), &row.id, counter));
            for token in forged {
                assert_eq!(api.refused(&token), RejectionReason::Signature);
            }
        }
    }
    assert_eq!(api.app.store.calls(), 0);
    // And the login is none the worse for it.
    api.next(&second);
}

/// A flood of forgeries reaches no store, refreshing and logging out alike.
#[test]
fn a_forged_token_asks_no_store() {
    let api = Api::new();
    let (ann, bob) = (api.log_in("ann"), api.log_in("bob"));
    let mac = |token: &RefreshToken| URL_SAFE_NO_PAD.decode(&token.expose()[49..]).unwrap();
    api.app.store.calls();
    let mut flipped = mac(&ann);
    flipped[31] ^= 1;
    for forged in [
        compose(&ann.id(), 0, &flipped),
        compose(&ann.id(), 1, &mac(&ann)),
        compose(&ann.id(), u64::MAX, &mac(&ann)),
        compose(&bob.id(), 0, &mac(&ann)),
        compose(&SessionId::anonymous(&SystemEntropy).unwrap(), 0, &mac(&ann)),
    ] {
        assert_eq!(api.refused(&forged), RejectionReason::Signature);
        assert!(!block_on(api.tokens.revoke(&forged)).unwrap());
    }
    assert_eq!(api.app.store.calls(), 0);
    assert!(!api.app.has_audit("session.ended") && !api.app.has_audit("session.replayed"));
    api.next(&ann);
    api.next(&bob);
}

/// A token of a key that was dropped, and of one that this server does not have yet.
#[test]
fn a_token_of_an_unknown_key_is_refused_and_harms_nothing() {
    let api = Api::new();
    let old = api.log_in("ann");
    let both = api.with_keys(ring(&[8, 7]));
    let new = block_on(both.refresh(&old)).unwrap().token;
    api.app.step(secs(5));
    // This server lacks key 8: it cannot make the successor again, and does not end the login for it.
    assert_eq!(api.refused(&new), RejectionReason::Signature);
    let error = api.refresh(&old).unwrap_err();
    assert_eq!(auth_core::Refusal::from(error).status(), 503);
    assert_eq!(text(&block_on(both.refresh(&old)).unwrap().token), text(&new));
    let only_new = api.with_keys(ring(&[8]));
    assert!(block_on(only_new.refresh(&old)).is_err());
    assert!(block_on(only_new.refresh(&new)).is_ok());
}

/// A backup of the store was restored: tokens that it has not come to yet are of a past that it does not know.
#[test]
fn a_counter_from_the_future_ends_the_login() {
    let api = Api::new();
    let token = api.log_in("ann");
    let key: Vec<u8> = (7..).take(32).collect();
    let future = minted(&key, &token.id(), 3).unwrap();
    assert_eq!(api.refused(&future), RejectionReason::Replayed);
    assert_eq!(api.app.rows(), 0);
}

/// A server that signs what it should not must not let a token near a browser's session.
#[test]
fn a_token_that_names_a_browsers_session_neither_opens_nor_ends_it() {
    let api = Api::new();
    let mut browser = Browser::new();
    let id = api.app.log_in(&mut browser, "ann");
    let key: Vec<u8> = (7..).take(32).collect();
    let token = minted(&key, &id, 0).unwrap();
    assert_eq!(api.refused(&token), RejectionReason::Unknown);
    assert!(!block_on(api.tokens.revoke(&token)).unwrap());
    assert!(api.app.who(&mut browser).is_some());
}

/// A token in a log is as good as a login.
#[test]
fn debug_of_what_comes_out_shows_no_token() {
    let api = Api::new();
    let issued =
        block_on(api.tokens.issue(crate::support::login("ann"), auth_core::SessionTerms::new())).unwrap();
    let before = text(&issued.token);
    let mut shown = format!("{issued:?} {:?}", api.tokens);
    let refreshed = api.refresh(&issued.token).unwrap();
    shown += &format!("{refreshed:?}");
    for token in [before, text(&refreshed.token)] {
        assert!(!shown.contains(&token[49..]), "{shown}");
    }
}
