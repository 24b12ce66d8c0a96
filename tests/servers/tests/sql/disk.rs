//! SQLite on a disk that is full, and on one that may only be read: a small file system in memory, in a name space of its
//! own.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use auth_core::{
    AuthEpoch, EndAll, Inserted, KeyName, KeyRing, Secret, SessionBlob, SessionOwner, SessionRecord,
    SessionStore, StoreError, Updated, Version, Written,
};
use auth_sql::{Sqlite, SqliteOptions};

use crate::support::{NOW, after, ann, session};

const FOLDER: &str = "SQLITE_DISK_FOLDER";
const ROLE: &str = "SQLITE_DISK_ROLE";

/// Runs `test` again, in a mount name space of its own with 2 MiB in memory mounted at a folder.
fn on_a_small_disk(test: &str) {
    let above = tempfile::tempdir().unwrap();
    let script = format!(r#"mount -t tmpfs -o size=2m,mode=700 tmpfs "${FOLDER}" && exec "$@""#);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-c", &script, "sh"]);
    passes(again(&mut command, test, above.path(), "disk"));
}

/// Has a command run this program once more, for one test, which finds by [`told`] what it is told here.
fn again<'a>(command: &'a mut Command, test: &str, folder: &Path, role: &str) -> &'a mut Command {
    command
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(ROLE, role)
}

fn told() -> Option<(PathBuf, String)> {
    Some((std::env::var_os(FOLDER)?.into(), std::env::var(ROLE).unwrap()))
}

fn passes(command: &mut Command) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

async fn open(folder: &Path) -> Sqlite {
    Sqlite::open(folder.join("auth.db"), SqliteOptions::default()).await.unwrap()
}

fn large(record: SessionRecord) -> SessionRecord {
    SessionRecord { data: SessionBlob::empty().with_slot("large", 1, &[7; 30_000]).unwrap(), ..record }
}

fn owner() -> SessionOwner {
    let ring = KeyRing::new(KeyName::from_static("k"), Secret::new((0..32).collect())).unwrap();
    SessionOwner::new(ann(), &ring)
}

/// Takes all the room that a disk has left.
fn fill(file: &Path) {
    let mut file = File::create(file).unwrap();
    for size in [4_096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

/// Nothing that was answered is lost, nothing is half written, nobody is logged in; and with room, all goes on.
#[tokio::test]
async fn a_full_disk_is_an_error_and_changes_nothing_in_sqlite() {
    let Some((folder, _)) = told() else {
        return on_a_small_disk("disk::a_full_disk_is_an_error_and_changes_nothing_in_sqlite");
    };
    let sessions = open(&folder).await.sessions();
    let kept = [large(session(&ann(), 0)), session(&ann(), 0)];
    for record in &kept {
        assert_eq!(sessions.insert(record, None, NOW).await.unwrap(), Inserted::Stored { ended: 0 });
    }
    fill(&folder.join("filler"));

    let refused = large(session(&ann(), 0));
    let larger = large(kept[1].clone()).data;
    for _ in 0..3 {
        let errors = [
            sessions.insert(&refused, None, NOW).await.map(drop).unwrap_err(),
            sessions.update(&kept[1].id, Version::FIRST, &larger).await.map(drop).unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, StoreError::Full), "{error:?}");
        }
        for record in &kept {
            assert_eq!(sessions.load(&record.id, NOW).await.unwrap().as_ref(), Some(record));
        }
        assert_eq!(sessions.load(&refused.id, NOW).await.unwrap(), None);
    }

    fs::remove_file(folder.join("filler")).unwrap();
    assert_eq!(sessions.insert(&refused, None, NOW).await.unwrap(), Inserted::Stored { ended: 0 });
    let updated = sessions.update(&kept[1].id, Version::FIRST, &larger).await.unwrap();
    assert_eq!(updated, Updated::Updated);
    assert!(sessions.remove(&kept[0].id).await.unwrap());
    drop(sessions);
    let again = open(&folder).await.sessions();
    assert_eq!(again.load(&kept[0].id, NOW).await.unwrap(), None);
    assert_eq!(again.load(&refused.id, NOW).await.unwrap(), Some(refused));
    assert_eq!(again.load(&kept[1].id, NOW).await.unwrap().unwrap().data, larger);
}

/// A file system that may only be read, under the database of a process that writes it elsewhere: who is logged in stays
/// so, and every change is an error that says that nothing was written.
#[tokio::test]
async fn a_disk_that_may_only_be_read_is_an_error_for_each_write_in_sqlite() {
    const TEST: &str = "disk::a_disk_that_may_only_be_read_is_an_error_for_each_write_in_sqlite";
    let Some((folder, role)) = told() else { return on_a_small_disk(TEST) };
    if role == "reads" {
        return only_reads(&folder).await;
    }
    let (writable, readable) = (folder.join("rw"), folder.join("ro"));
    for folder in [&writable, &readable] {
        fs::create_dir(folder).unwrap();
    }
    let sessions = open(&writable).await.sessions();
    let record = SessionRecord { id: auth_core::SessionId::from_bytes([9; 24]), ..session(&ann(), 0) };
    assert_eq!(sessions.insert(&record, None, NOW).await.unwrap(), Inserted::Stored { ended: 0 });
    for mount in [["--bind", writable.to_str().unwrap()], ["-o", "remount,bind,ro"]] {
        assert!(Command::new("mount").args(mount).arg(&readable).status().unwrap().success());
    }
    let tokio = tokio::runtime::Handle::current();
    tokio
        .spawn_blocking(move || passes(again(&mut Command::new("env"), TEST, &readable, "reads")))
        .await
        .unwrap();
    let found = sessions.load(&record.id, NOW).await.unwrap().unwrap();
    assert_eq!(found.version, Version::FIRST, "nothing was written");
}

async fn only_reads(folder: &Path) {
    let sessions = open(folder).await.sessions();
    let id = auth_core::SessionId::from_bytes([9; 24]);
    let record = sessions.load(&id, NOW).await.unwrap().expect("what the other process has written");
    let (next, owner) = (record.secret.confirmed(), owner());
    let everything = EndAll { owner: &owner, except: None, epoch: AuthEpoch::new(1) };
    let errors = [
        sessions.insert(&session(&ann(), 0), None, NOW).await.map(drop).unwrap_err(),
        sessions.update(&id, record.version, &record.data).await.map(drop).unwrap_err(),
        sessions.rotate(&id, record.version, &next).await.map(drop).unwrap_err(),
        sessions.touch(&id, after(200), after(1)).await.map(drop).unwrap_err(),
        sessions.remove(&id).await.map(drop).unwrap_err(),
        sessions.end_all(everything, NOW).await.map(drop).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, StoreError::NotWritten(_)), "{error:?}");
        assert_eq!(error.written(), Written::No);
    }
    assert_eq!(sessions.load(&id, NOW).await.unwrap(), Some(record));
}
