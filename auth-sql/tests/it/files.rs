//! The file: who may read it, and what it keeps.

use auth_core::{
    AccountStore, Assignment, AssignmentStore, CounterKey, CounterStore, CredentialStore, Realm, RoleName,
    SessionStore, TokenStore, Window,
};
use auth_sql::{SetupError, Sqlite, SqliteOptions};

use crate::support::{Folder, NOW, PURPOSE, account, ann, password, session, token};

/// Password hashes must not be readable by every user of the host because of a umask.
#[cfg(unix)]
#[tokio::test]
async fn a_new_database_is_its_owners_alone() {
    use std::{fs, os::unix::fs::PermissionsExt};

    let folder = Folder::new();
    let database = folder.open().await;
    let _ = database.sessions().insert(&session(&ann(), 0), None, NOW).await.unwrap();
    let _ = database.sessions().insert(&session(&ann(), 0), None, NOW).await.unwrap();
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 3, "database, log, shared memory");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
    }
}

/// A group that was given access on purpose keeps it.
#[cfg(unix)]
#[tokio::test]
async fn an_existing_file_keeps_its_mode() {
    use std::{fs, os::unix::fs::PermissionsExt};

    let folder = Folder::new();
    fs::File::create(folder.file()).unwrap();
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o660)).unwrap();
    folder.open().await;
    assert_eq!(fs::metadata(folder.file()).unwrap().permissions().mode() & 0o777, 0o660);
}

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let folder = Folder::new();
    let (record, reset) = (session(&ann(), 0), token(b"reset", "ann"));
    let (key, window) = (CounterKey::new(&Realm::LOCAL, PURPOSE, &[]), Window::new(NOW.since(NOW)));
    let admin = Assignment { principal: ann(), role: RoleName::from_static("admin") };
    {
        let database = folder.open().await;
        let _ = database.accounts().create(&account(&ann()), &[password(&ann())]).await.unwrap();
        let _ = database.sessions().insert(&record, None, NOW).await.unwrap();
        let _ = database.tokens().put(&reset, NOW).await.unwrap();
        database.counters().add(&key, 3, window, NOW).await.unwrap();
        assert!(database.assignments().grant(&admin).await.unwrap());
    }
    let database = folder.open().await;
    let found = database.accounts().find(&password(&ann()).key).await.unwrap().unwrap();
    assert_eq!(found.credential, password(&ann()));
    assert_eq!(database.accounts().by_id(&ann()).await.unwrap(), Some(account(&ann())));
    assert_eq!(database.sessions().load(&record.id, NOW).await.unwrap(), Some(record));
    assert_eq!(database.tokens().peek(&reset.key, NOW).await.unwrap(), Some(reset));
    assert_eq!(database.counters().add(&key, 0, window, NOW).await.unwrap().value, 3);
    assert_eq!(database.assignments().roles_of(&ann()).await.unwrap(), [admin.role]);
    assert_eq!(database.assignments().version().await.unwrap().get(), 1);
}

/// Backups copy one file: after closing, it must be the whole database.
#[tokio::test]
async fn after_closing_the_file_alone_is_the_database() {
    let folder = Folder::new();
    let record = session(&ann(), 0);
    let database = folder.open().await;
    let sessions = database.sessions();
    let _ = sessions.insert(&record, None, NOW).await.unwrap();
    assert!(sessions.load(&record.id, NOW).await.unwrap().is_some());
    database.close().await;
    assert!(sessions.load(&record.id, NOW).await.is_err());
    assert!(sessions.remove(&record.id).await.is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(folder.open().await.sessions().load(&record.id, NOW).await.unwrap().is_some());
}

/// SQLite takes some names for other things than files. Nothing must be kept in memory by accident.
#[tokio::test]
async fn any_name_is_a_file() {
    let folder = Folder::new();
    for name in [":memory:", "file:x?mode=memory", "näme with % and #.db"] {
        let path = folder.path().join(name);
        Sqlite::open(&path, SqliteOptions::default()).await.unwrap().close().await;
        assert!(path.metadata().unwrap().len() > 0, "{name}");
    }
}

#[tokio::test]
async fn what_is_not_a_database_is_refused_and_left_alone() {
    let folder = Folder::new();
    let text = b"a text file that is long enough for SQLite to look for its header in it".repeat(4);
    std::fs::write(folder.file(), &text).unwrap();
    let error = Sqlite::open(folder.file(), SqliteOptions::default()).await.unwrap_err();
    assert!(matches!(error, SetupError::Unusable(_)), "{error:?}");
    assert_eq!(std::fs::read(folder.file()).unwrap(), text);

    let error = Sqlite::open(folder.path(), SqliteOptions::default()).await.unwrap_err();
    assert!(matches!(error, SetupError::Unusable(_)), "{error:?}");
    let error = Sqlite::open(folder.path().join("no/such/folder"), SqliteOptions::default()).await;
    assert!(matches!(error, Err(SetupError::File(_))));
}
