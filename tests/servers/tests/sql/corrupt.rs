//! Rows that nothing of ours wrote, and calls of which only a part can be done.

use auth_core::{KeyName, KeyRing, Page, Put, Secret, SessionOwner, StoreError, Written};

use crate::support::{NOW, Server, TIMEOUT, after, ann, on_every_server, session, token};

on_every_server!(
    a_date_before_1970_is_damage,
    a_damaged_session_is_left_out_of_lists,
    a_token_that_was_taken_and_cannot_be_read_may_be_gone,
    a_purge_that_fails_says_the_truth_about_sessions,
);

/// As a number without a sign it would be a deadline in the far future.
async fn a_date_before_1970_is_damage<S: Server>() {
    let server = S::shared();
    let url = server.create().await;
    let stores = S::open(&url, TIMEOUT).await.unwrap();
    let record = session(&ann(), 0);
    let _ = stores.sessions.insert(&record, None, NOW).await.unwrap();
    S::run(&url, "UPDATE auth_sessions SET last_used_at = -1").await;
    let loaded = stores.sessions.load(&record.id, NOW).await;
    assert!(matches!(loaded, Err(StoreError::Corrupt("last_used_at"))), "{loaded:?}");
}

/// Whoever looks at their devices because something is wrong must not be kept from it by the row that is.
async fn a_damaged_session_is_left_out_of_lists<S: Server>() {
    let server = S::shared();
    let url = server.create().await;
    let stores = S::open(&url, TIMEOUT).await.unwrap();
    let ring = KeyRing::new(KeyName::from_static("k"), Secret::new((0..32).collect())).unwrap();
    let owner = SessionOwner::new(ann(), &ring);
    let (damaged, whole) = (session(&ann(), 1), session(&ann(), 2));
    for record in [&damaged, &whole] {
        let _ = stores.sessions.insert(record, None, NOW).await.unwrap();
    }
    for damage in ["kind = 'root'", "kind = 'cookie', authentication = '{}'"] {
        S::run(&url, &format!("UPDATE auth_sessions SET {damage} WHERE epoch = 1")).await;
        let listed = stores.sessions.list(&owner, Page::first(), NOW).await.unwrap();
        assert_eq!(listed, [whole.summary()], "{damage}");
    }
}

/// Whoever reads that nothing was written would come back for it.
async fn a_token_that_was_taken_and_cannot_be_read_may_be_gone<S: Server>() {
    let server = S::shared();
    let url = server.create().await;
    let stores = S::open(&url, TIMEOUT).await.unwrap();
    let token = token(b"t", "ann");
    assert_eq!(stores.tokens.put(&token, NOW).await.unwrap(), Put::Stored);
    S::run(&url, "UPDATE auth_tokens SET subject = ''").await;
    let taken = stores.tokens.take(&token.key, NOW).await.unwrap_err();
    assert_eq!(taken.written(), Written::Unknown, "{taken:?}");
    assert_eq!(stores.tokens.take(&token.key, NOW).await.unwrap(), None);
}

/// Markers are purged first, since nobody sees them: what an error says is what became of the sessions.
async fn a_purge_that_fails_says_the_truth_about_sessions<S: Server>() {
    let server = S::shared();
    let url = server.create().await;
    let stores = S::open(&url, TIMEOUT).await.unwrap();
    let record = session(&ann(), 0);
    let _ = stores.sessions.insert(&record, None, NOW).await.unwrap();
    S::run(&url, "ALTER TABLE auth_session_epochs RENAME TO auth_elsewhere").await;
    let purged = stores.sessions.purge(after(100), 10).await.unwrap_err();
    assert_eq!(purged.written(), Written::No, "{purged:?}");
    S::run(&url, "ALTER TABLE auth_elsewhere RENAME TO auth_session_epochs").await;
    assert_eq!(stores.sessions.purge(after(100), 10).await.unwrap(), 1);
}
