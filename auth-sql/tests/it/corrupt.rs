//! Rows that nothing of ours wrote.

use auth_core::{AccountStore, AssignmentStore, CredentialStore, Page, SessionStore, StoreError, TokenStore};
use auth_core::{Assignment, RoleName};

use crate::support::{Folder, NOW, account, ann, owner, password, session, token};

#[track_caller]
fn assert_corrupt<T: std::fmt::Debug>(outcome: Result<T, StoreError>, field: &str) {
    assert!(matches!(outcome, Err(StoreError::Corrupt(found)) if found == field), "{field}: {outcome:?}");
}

/// Whatever a damaged or hand-edited row holds, it is an error that names the column: never a panic, and
/// never a session that is more than what was stored.
#[tokio::test]
async fn a_damaged_session_is_an_error_that_names_the_column() {
    let damages = [
        ("kind", "UPDATE auth_sessions SET kind = 'root'"),
        ("authentication", "UPDATE auth_sessions SET authentication = '{}'"),
        ("authentication", "UPDATE auth_sessions SET authentication = json_set(authentication, '$.x', 1)"),
        (
            "authentication",
            "UPDATE auth_sessions SET authentication = json_set(authentication, '$.principal.id', '')",
        ),
        ("epoch", "UPDATE auth_sessions SET epoch = -1"),
        ("secret", "UPDATE auth_sessions SET secret = x'00'"),
        ("previous_secret", "UPDATE auth_sessions SET previous_secret = x''"),
        ("seen", "UPDATE auth_sessions SET seen = 2"),
        ("generation", "UPDATE auth_sessions SET generation = -1"),
        ("reissued", "UPDATE auth_sessions SET reissued = 4294967296"),
        ("version", "UPDATE auth_sessions SET version = -9223372036854775808"),
        ("created_at", "UPDATE auth_sessions SET created_at = -1"),
        ("data", "UPDATE auth_sessions SET data = x'ff'"),
        ("data", "UPDATE auth_sessions SET data = zeroblob(65537)"),
    ];
    for (field, damage) in damages {
        let folder = Folder::new();
        let sessions = folder.open().await.sessions();
        let record = session(&ann(), 0);
        let _ = sessions.insert(&record, None, NOW).await.unwrap();
        folder.run(damage).await;
        assert_corrupt(sessions.load(&record.id, NOW).await, field);
        // It can still be ended.
        assert!(sessions.remove(&record.id).await.unwrap());
    }
}

/// Whoever looks at their devices because something is wrong must not be kept from it by the row that is.
#[tokio::test]
async fn a_damaged_session_is_left_out_of_lists() {
    for damage in [
        "UPDATE auth_sessions SET id = x'01' WHERE epoch = 1",
        "UPDATE auth_sessions SET kind = 'root' WHERE epoch = 1",
        "UPDATE auth_sessions SET authentication = '{}' WHERE epoch = 1",
        "UPDATE auth_sessions SET created_at = -1 WHERE epoch = 1",
    ] {
        let folder = Folder::new();
        let sessions = folder.open().await.sessions();
        let (damaged, whole) = (session(&ann(), 1), session(&ann(), 2));
        for record in [&damaged, &whole] {
            let _ = sessions.insert(record, None, NOW).await.unwrap();
        }
        folder.run(damage).await;
        let listed = sessions.list(&owner(ann()), Page::first(), NOW).await.unwrap();
        assert_eq!(listed, [whole.summary()], "{damage}");
    }
}

#[tokio::test]
async fn damaged_accounts_tokens_and_roles_are_errors_that_name_the_column() {
    let folder = Folder::new();
    let database = folder.open().await;
    let (accounts, tokens, roles) = (database.accounts(), database.tokens(), database.assignments());
    let _ = accounts.create(&account(&ann()), &[password(&ann())]).await.unwrap();
    let _ = tokens.put(&token(b"t", "ann"), NOW).await.unwrap();
    let admin = Assignment { principal: ann(), role: RoleName::from_static("admin") };
    roles.grant(&admin).await.unwrap();

    folder.run("UPDATE auth_credentials SET data = zeroblob(8193)").await;
    assert_corrupt(accounts.find(&password(&ann()).key).await, "data");
    assert_corrupt(CredentialStore::list(&accounts, &ann(), Page::first()).await, "data");
    folder.run("UPDATE auth_credentials SET data = x'', last_used_at = -5").await;
    assert_corrupt(accounts.find(&password(&ann()).key).await, "last_used_at");
    folder.run("UPDATE auth_accounts SET status = 'admin'").await;
    assert_corrupt(accounts.by_id(&ann()).await, "status");
    folder.run("UPDATE auth_accounts SET status = 'active', login = 'ANN'").await;
    assert_corrupt(accounts.by_id(&ann()).await, "login");
    folder.run("UPDATE auth_accounts SET login = 'ann', sweep_pending = 1, created_at = -1").await;
    assert_corrupt(accounts.sweeps_pending(Page::first()).await, "created_at");
    folder.run("UPDATE auth_tokens SET subject = char(10)").await;
    let key = token(b"t", "ann").key;
    assert_corrupt(tokens.peek(&key, NOW).await, "subject");
    // Taken all the same, and nobody gets it.
    assert!(matches!(tokens.take(&key, NOW).await, Err(StoreError::Unknown(_))));
    assert_eq!(tokens.peek(&key, NOW).await.unwrap(), None);
    folder.run("UPDATE auth_assignments SET role = ''").await;
    assert_corrupt(roles.roles_of(&ann()).await, "role");
    folder.run("UPDATE auth_assignments SET realm = 'no realm'").await;
    assert_corrupt(roles.list(Page::first()).await, "realm");
    folder.run("DELETE FROM auth_assignments_version").await;
    assert_corrupt(roles.version().await, "version");
}
