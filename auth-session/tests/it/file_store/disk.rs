//! A disk that is full, and one that may only be read: a small file system in memory, in a name space of its own.

use std::{path::Path, process::Command};

use auth_core::{
    Inserted, SessionBlob, SessionRecord, SessionStore, StoreError, Updated, Written, testing::block_on,
};
use auth_session::{FileOptions, FileSessions, FileStoreError};

use super::{NOW, after, blob, load, owner, place, processes::told, session};

fn large() -> SessionRecord {
    let data = SessionBlob::empty().with_slot("large", 1, &[7; 30_000]).unwrap();
    SessionRecord { data, ..session(&owner("ann"), 0) }
}

/// Runs `test` again in a mount name space of its own, with 512 KiB in memory mounted at `folder`.
fn start_on_small_disk(test: &str, folder: &Path) {
    let script = r#"mount -t tmpfs -o size=512k,mode=700 tmpfs "$AUTH_FILE_STORE_FOLDER" && exec "$@""#;
    let output = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env("AUTH_FILE_STORE_FOLDER", folder)
        .env("AUTH_FILE_STORE_ARGUMENT", "")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Nothing is lost, nobody is logged in, and a logout still works.
#[test]
fn a_full_disk_is_an_error_and_changes_nothing() {
    let Some((folder, _)) = told() else {
        let (_above, folder) = place();
        std::fs::create_dir(&folder).unwrap();
        return start_on_small_disk("file_store::disk::a_full_disk_is_an_error_and_changes_nothing", &folder);
    };
    let store = FileSessions::open(&folder, FileOptions::default()).unwrap();
    let mut stored = Vec::new();
    let refused = loop {
        let record = large();
        match block_on(store.insert(&record, None, NOW)) {
            Ok(inserted) => {
                assert_eq!(inserted, Inserted::Stored { ended: 0 });
                stored.push(record);
            }
            Err(error) => {
                assert!(matches!(error, StoreError::Full), "{error:?}");
                break record;
            }
        }
    };
    assert!((5..20).contains(&stored.len()), "{}", stored.len());
    assert!(load(&store, &refused.id).is_none());
    let larger = stored[0].data.with_slot("more", 1, &[8; 30_000]).unwrap();
    let error = block_on(store.update(&stored[0].id, stored[0].version, &larger)).unwrap_err();
    assert!(matches!(error, StoreError::Full), "{error:?}");
    for record in &stored {
        assert_eq!(load(&store, &record.id).as_ref(), Some(record));
    }
    for record in &stored[..3] {
        assert!(block_on(store.remove(&record.id)).unwrap());
    }
    assert_eq!(block_on(store.insert(&refused, None, NOW)).unwrap(), Inserted::Stored { ended: 0 });
}

/// A file system that had an error is mounted for reading only. Who is logged in stays so; nothing else happens.
#[test]
fn a_disk_that_may_only_be_read_is_an_error_for_each_write() {
    let Some((folder, _)) = told() else {
        let (_above, folder) = place();
        std::fs::create_dir(&folder).unwrap();
        let name = "file_store::disk::a_disk_that_may_only_be_read_is_an_error_for_each_write";
        return start_on_small_disk(name, &folder);
    };
    let store = FileSessions::open(&folder, FileOptions::default()).unwrap();
    let record = session(&owner("ann"), 0);
    assert_eq!(block_on(store.insert(&record, None, NOW)).unwrap(), Inserted::Stored { ended: 0 });
    let remount = |how| Command::new("mount").args(["-o", how]).arg(&folder).status().unwrap().success();
    // The locks are open for writing, which a clean remount would refuse; a new mount over it does not ask.
    drop(store);
    assert!(remount("remount,ro"));
    let error = FileSessions::open(&folder, FileOptions::default()).unwrap_err();
    assert!(matches!(error, FileStoreError::Io(_)), "{error}");
    assert!(remount("remount,rw"));

    let store = FileSessions::open(&folder, FileOptions::default()).unwrap();
    std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let folder_of_it = super::file_of(&folder, &record.id);
    let folder_of_it = folder_of_it.parent().unwrap();
    // One folder of the store, mounted over itself for reading only.
    for arguments in [&["--bind"][..], &["-o", "remount,bind,ro"]] {
        let mut mount = Command::new("mount");
        mount.args(arguments).arg(folder_of_it);
        if arguments == ["--bind"] {
            mount.arg(folder_of_it);
        }
        assert!(mount.status().unwrap().success());
    }
    let next = record.secret.replaced(auth_core::SecretHash::of(b"next"), NOW);
    let errors = [
        block_on(store.insert(&session(&owner("ann"), 0), None, NOW)).map(drop).unwrap_err(),
        block_on(store.update(&record.id, record.version, &blob(1))).map(drop).unwrap_err(),
        block_on(store.rotate(&record.id, record.version, &next)).map(drop).unwrap_err(),
        block_on(store.touch(&record.id, after(8 * 24 * 3_600), after(1))).map(drop).unwrap_err(),
        block_on(store.remove(&record.id)).map(drop).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, StoreError::NotWritten(_)), "{error:?}");
        assert_eq!(error.written(), Written::No);
    }
    assert_eq!(load(&store, &record.id), Some(record.clone()));
    assert!(Command::new("umount").arg(folder_of_it).status().unwrap().success());
    assert_eq!(block_on(store.update(&record.id, record.version, &blob(1))).unwrap(), Updated::Updated);
}
