//! What is in the folder: ours, somebody else's, damaged, left behind.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use auth_core::{
    AuthEpoch, EndAll, Inserted, KeyName, KeyRing, Page, Rotated, Secret, SecretHash, SessionLimit,
    SessionOwner, SessionRecord, SessionStore, StoreError, Updated, WhenReached, Written, testing::block_on,
};
use auth_session::{FileDurability, FileOptions, FileSessions, FileStoreError};

use super::{after, blob, file_of, insert, load, open, options, owner, place, session};
use crate::support::user;

const DAY: u64 = 24 * 3_600;

fn refused(folder: &Path) -> FileStoreError {
    FileSessions::open(folder, FileOptions::default()).unwrap_err()
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_in(&path)) } else { files.push(path) }
    }
    files.sort_unstable();
    files
}

/// Who can write there logs in as anybody.
#[test]
fn a_folder_that_others_can_write_to_is_refused() {
    let (_above, folder) = place();
    for mode in [0o777, 0o770, 0o702] {
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
        assert!(matches!(refused(&folder), FileStoreError::NotPrivate), "{mode:o}");
        fs::remove_dir(&folder).unwrap();
    }
    drop(open(&folder));
    fs::set_permissions(folder.join("7"), Permissions::from_mode(0o722)).unwrap();
    assert!(matches!(refused(&folder), FileStoreError::NotPrivate));
}

/// A wrong path in a configuration must not scatter files over somebody's home.
#[test]
fn a_folder_with_other_things_in_it_is_refused_and_left_alone() {
    let (_above, folder) = place();
    fs::create_dir(&folder).unwrap();
    for name in ["tmp", "thesis.txt"] {
        fs::write(folder.join(name), "ten years").unwrap();
        let before = files_in(&folder);
        assert!(matches!(refused(&folder), FileStoreError::Foreign));
        assert_eq!(files_in(&folder), before);
        assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), "ten years");
    }

    let file = folder.join("thesis.txt");
    assert!(matches!(refused(&file), FileStoreError::Foreign));
    assert!(matches!(refused(&folder.join("missing").join("sessions")), FileStoreError::Io(_)));
}

/// Whoever died while it made a store leaves no folder that is refused for ever.
#[test]
fn a_store_that_was_begun_is_made_by_the_next_who_opens_it() {
    let (_above, folder) = place();
    fs::create_dir(&folder).unwrap();
    for (name, content) in [("lock", ""), ("format.00ff", "auth-ses")] {
        fs::write(folder.join(name), content).unwrap();
    }
    let record = session(&owner("ann"), 0);
    insert(&open(&folder), &record);
    assert_eq!(load(&open(&folder), &record.id), Some(record));
    let begun = files_in(&folder).iter().filter(|path| path.parent() == Some(&folder)).count();
    assert_eq!(begun, 3, "opening leaves nothing behind");
}

#[test]
fn a_store_of_another_version_is_refused() {
    let (_above, folder) = place();
    drop(open(&folder));
    fs::write(folder.join("format"), "auth-session files 2\n").unwrap();
    assert!(matches!(refused(&folder), FileStoreError::Version));
}

/// A folder of the store that is a link leads out of what was checked.
#[test]
fn a_folder_that_is_a_link_is_refused() {
    let (above, folder) = place();
    drop(open(&folder));
    let elsewhere = above.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::remove_dir_all(folder.join("3")).unwrap();
    symlink(&elsewhere, folder.join("3")).unwrap();
    assert!(matches!(refused(&folder), FileStoreError::Foreign));
}

#[test]
fn nobody_else_can_read_what_is_written() {
    let (_above, folder) = place();
    let store = open(&folder);
    insert(&store, &session(&owner("ann"), 0));
    let what = EndAll { owner: &owner("bob"), except: None, epoch: AuthEpoch::new(1) };
    assert_eq!(block_on(store.end_all(what, after(0))).unwrap(), 0);
    let files = files_in(&folder);
    assert!(files.len() > 17, "{}", files.len());
    for path in files.iter().chain([&folder, &folder.join("0")]) {
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path:?}");
    }
}

/// Whatever a file holds, nothing panics, nobody is logged in, and no list fails for it.
#[test]
fn a_damaged_file_is_an_error_for_its_session_and_no_others() {
    let (_above, folder) = place();
    let store = open(&folder);
    let ann = owner("ann");
    let (whole, damaged) = (session(&ann, 0), session(&ann, 0));
    insert(&store, &whole);
    insert(&store, &damaged);
    let path = file_of(&folder, &damaged.id);
    let good = fs::read(&path).unwrap();
    let of_another = fs::read(file_of(&folder, &whole.id)).unwrap();
    for content in [&good[..good.len() / 2], b"", b"{}", &[0xff; 300_000], &of_another] {
        fs::write(&path, content).unwrap();
        let next = damaged.secret.replaced(SecretHash::of(b"next"), after(0));
        let errors = [
            block_on(store.load(&damaged.id, after(0))).map(drop).unwrap_err(),
            block_on(store.update(&damaged.id, damaged.version, &blob(1))).map(drop).unwrap_err(),
            block_on(store.rotate(&damaged.id, damaged.version, &next)).map(drop).unwrap_err(),
            block_on(store.touch(&damaged.id, after(9), after(1))).map(drop).unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
        }
        assert_eq!(block_on(store.insert(&damaged, None, after(0))).unwrap(), Inserted::Collision);
        let listed = block_on(store.list(&ann, Page::first(), after(0))).unwrap();
        assert_eq!(listed, [whole.summary()]);
        assert_eq!(block_on(store.purge(after(400 * DAY), 0)).unwrap(), 0);
        assert_eq!(fs::read(&path).unwrap(), content, "left as it is");
    }
    // Not what looks like ours and is not, either.
    assert_eq!(block_on(store.purge(after(400 * DAY), 100)).unwrap(), 1);
    assert!(path.exists() && !file_of(&folder, &whole.id).exists());
    // Who asks for it by its id is rid of it.
    assert!(block_on(store.remove(&damaged.id)).unwrap() && !path.exists());
    assert!(!block_on(store.remove(&damaged.id)).unwrap());
}

/// While versions change, one writes what the other cannot read. A password change that the older one serves ends the
/// newer one's sessions too, however long nobody who can read them comes by.
#[test]
fn what_nobody_here_can_read_has_ended_with_the_rest() {
    let (_above, folder) = place();
    let store = open(&folder);
    let ann = owner("ann");
    let hers = session(&ann, 0);
    insert(&store, &hers);
    let path = file_of(&folder, &hers.id);
    let newer = fs::read(&path).unwrap();
    fs::write(&path, "{}").unwrap();
    let what = EndAll { owner: &ann, except: None, epoch: AuthEpoch::new(1) };
    assert_eq!(block_on(store.end_all(what, after(0))).unwrap(), 0);
    let late = after(DAY + 1);
    assert_eq!(block_on(store.purge(late, 100)).unwrap(), 0);

    fs::write(&path, newer).unwrap();
    assert_eq!(block_on(store.load(&hers.id, late)).unwrap(), None);
    // Who can read it removes both.
    let files = files_in(&folder).len();
    assert_eq!(block_on(store.purge(late, 100)).unwrap(), 0);
    assert_eq!(files_in(&folder).len(), files - 2);
}

/// What is kept beside files that cannot be read keeps nothing else from being forgotten, however few one call may forget.
#[test]
fn what_must_stay_takes_no_place_of_what_may_go() {
    let (_above, folder) = place();
    let store = open(&folder);
    let of_folder = |owner: &SessionOwner| owner.tag().as_bytes()[0].is_multiple_of(16);
    let owners: Vec<_> = (0..1_000).map(|n| owner(&format!("ann{n}"))).filter(of_folder).take(9).collect();
    let (bob, others) = owners.split_first().unwrap();
    let end = |owner| {
        let what = EndAll { owner, except: None, epoch: AuthEpoch::new(1) };
        block_on(store.end_all(what, after(0))).unwrap();
    };
    for owner in others {
        end(owner);
        // As a newer version of the program would have left it.
        let newer = session(owner, 1);
        insert(&store, &newer);
        fs::write(file_of(&folder, &newer.id), "{}").unwrap();
    }
    end(bob);
    let files = files_in(&folder).len();
    assert_eq!(block_on(store.purge(after(DAY + 1), 1)).unwrap(), 0);
    assert_eq!(files_in(&folder).len(), files - 1, "bob's marker");
}

/// Who is told that nothing was written need not ask again whether it was.
#[test]
fn an_end_of_everything_that_fails_half_way_may_have_happened() {
    let (_above, folder) = place();
    let store = open(&folder);
    let secret = |from: u8| Secret::new((from..).take(32).collect());
    let keys = KeyRing::new(KeyName::from_static("new"), secret(1)).unwrap();
    let keys = keys.with_retired(KeyName::from_static("old"), secret(2)).unwrap();
    let folders =
        |owner: &SessionOwner| -> Vec<u8> { owner.tags().map(|tag| tag.as_bytes()[0] % 16).collect() };
    let mut owners = (0..100).map(|n| SessionOwner::new(user(&format!("ann{n}")), &keys));
    let two_folders =
        |owner: &SessionOwner| owner.tags().is_sorted() && folders(owner)[0] != folders(owner)[1];
    let ann = owners.find(two_folders).unwrap();
    // Where a file is to be written in the second folder, something is in the way.
    fs::create_dir(folder.join(format!("{:x}", folders(&ann)[1])).join("tmp")).unwrap();
    let what = EndAll { owner: &ann, except: None, epoch: AuthEpoch::new(1) };
    let error = block_on(store.end_all(what, after(0))).unwrap_err();
    assert_eq!(error.written(), Written::Unknown, "{error:?}");
    assert_eq!(block_on(store.insert(&session(&ann, 0), None, after(0))).unwrap(), Inserted::Outdated);
}

/// A link may lead to a file that the process may read and others may not; a pipe never answers.
#[test]
fn what_is_no_file_is_neither_followed_nor_waited_for() {
    let (above, folder) = place();
    let store = open(&folder);
    let record = session(&owner("ann"), 0);
    insert(&store, &record);
    let path = file_of(&folder, &record.id);
    let elsewhere = above.path().join("elsewhere");
    fs::rename(&path, &elsewhere).unwrap();
    let corrupt = || matches!(block_on(store.load(&record.id, after(0))), Err(StoreError::Corrupt(_)));

    symlink(&elsewhere, &path).unwrap();
    assert!(corrupt());
    assert!(matches!(block_on(store.remove(&record.id)), Err(StoreError::Corrupt(_))));
    fs::remove_file(&path).unwrap();
    symlink(above.path().join("nowhere"), &path).unwrap();
    assert!(corrupt());
    fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(corrupt());
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(corrupt());
    fs::remove_dir(&path).unwrap();
    assert!(load(&store, &record.id).is_none());

    fs::rename(&elsewhere, &path).unwrap();
    // Where the next write goes, too: the link is replaced, not written through.
    let precious = above.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    symlink(&precious, path.with_file_name("tmp")).unwrap();
    assert_eq!(block_on(store.update(&record.id, record.version, &blob(1))).unwrap(), Updated::Updated);
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
}

#[test]
fn sessions_and_markers_outlive_the_process() {
    let (_above, folder) = place();
    let (ann, bob) = (owner("ann"), owner("bob"));
    let (hers, late, his) = (session(&ann, 3), session(&ann, 2), session(&bob, 0));
    let store = FileSessions::open(&folder, options(FileDurability::PowerLoss)).unwrap();
    insert(&store, &hers);
    insert(&store, &his);
    let what = EndAll { owner: &ann, except: None, epoch: AuthEpoch::new(3) };
    assert_eq!(block_on(store.end_all(what, after(0))).unwrap(), 0);
    drop(store);

    let store = open(&folder);
    assert_eq!(load(&store, &hers.id), Some(hers));
    assert_eq!(load(&store, &his.id), Some(his));
    assert_eq!(block_on(store.insert(&late, None, after(DAY))).unwrap(), Inserted::Outdated);
}

/// The process died after the marker was left and before the files were removed. Nobody may use what is left, nor
/// bring it back by asking for it to be spared, and it must be gone before the marker is.
#[test]
fn what_a_crash_left_of_an_ended_session_never_comes_back() {
    let (_above, folder) = place();
    let store = open(&folder);
    let ann = owner("ann");
    let record = session(&ann, 4);
    insert(&store, &record);
    let path = file_of(&folder, &record.id);
    let file = fs::read(&path).unwrap();
    let end = |except| {
        let what = EndAll { owner: &ann, except, epoch: AuthEpoch::new(5) };
        block_on(store.end_all(what, after(0))).unwrap()
    };
    assert_eq!(end(None), 1);
    let crash = || fs::write(&path, &file).unwrap();

    crash();
    assert!(load(&store, &record.id).is_none());
    assert_eq!(block_on(store.update(&record.id, record.version, &blob(1))).unwrap(), Updated::Gone);
    let next = record.secret.replaced(SecretHash::of(b"next"), after(0));
    assert_eq!(block_on(store.rotate(&record.id, record.version, &next)).unwrap(), Rotated::Gone);
    assert!(!block_on(store.touch(&record.id, after(9), after(1))).unwrap());
    assert!(block_on(store.list(&ann, Page::first(), after(0))).unwrap().is_empty());
    let limit = SessionLimit { max: 1, when_reached: WhenReached::Refuse };
    let new = session(&ann, 5);
    let inserted = block_on(store.insert(&new, Some(&limit), after(0))).unwrap();
    assert_eq!(inserted, Inserted::Stored { ended: 0 }, "it does not count");
    assert_eq!(end(Some(&record.id)), 0, "it is not spared");
    assert!(!path.exists() && load(&store, &record.id).is_none());

    crash();
    assert!(!block_on(store.remove(&record.id)).unwrap());
    assert!(!path.exists());

    crash();
    assert_eq!(block_on(store.purge(after(DAY), 100)).unwrap(), 0);
    assert!(path.exists());
    assert_eq!(block_on(store.purge(after(DAY + 1), 100)).unwrap(), 0);
    assert!(!path.exists(), "gone with its marker");
    let markers = files_in(&folder).iter().filter(|path| path.file_name().unwrap().len() == 17).count();
    assert_eq!(markers, 0);
    assert!(block_on(store.load(&new.id, after(DAY + 1))).unwrap().is_some());
}

/// Visitors can begin as many sessions as they like: then no more begin, and those that are alive stay.
#[test]
fn a_full_store_takes_no_more_and_throws_no_live_session_away() {
    let (_above, folder) = place();
    let capacity = std::num::NonZeroUsize::new(48).unwrap();
    let options = FileOptions { capacity, ..options(FileDurability::ProcessCrash) };
    let store = FileSessions::open(&folder, options).unwrap();
    let ann = owner("ann");
    let full = |record: &SessionRecord, limit: Option<&SessionLimit>, now| {
        let refused = block_on(store.insert(record, limit, now));
        assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
        assert!(block_on(store.load(&record.id, now)).unwrap().is_none());
    };
    // A sixteenth of the capacity, since all of hers are in one folder.
    let first = SessionRecord { idle_until: after(60), ..session(&ann, 0) };
    let (second, third) = (session(&ann, 0), session(&ann, 0));
    for record in [&first, &second, &third] {
        insert(&store, record);
    }
    full(&session(&ann, 0), None, after(59));
    let many = SessionLimit { max: 9, when_reached: WhenReached::EndOldest };
    full(&session(&ann, 0), Some(&many), after(59));
    for record in [&first, &second, &third] {
        assert!(load(&store, &record.id).is_some());
    }
    // What has expired makes room without a purge, and what a limit ends does too.
    let stored = |record: &SessionRecord, limit: Option<&SessionLimit>, ended| {
        let inserted = block_on(store.insert(record, limit, after(60))).unwrap();
        assert_eq!(inserted, Inserted::Stored { ended });
    };
    let fourth = SessionRecord { created_at: after(60), ..session(&ann, 0) };
    stored(&fourth, None, 0);
    full(&session(&ann, 0), None, after(60));
    let limit = SessionLimit { max: 2, when_reached: WhenReached::EndOldest };
    stored(&SessionRecord { created_at: after(60), ..session(&ann, 0) }, Some(&limit), 2);
    assert!(load(&store, &fourth.id).is_some());
    assert!(block_on(store.remove(&fourth.id)).unwrap());
    stored(&session(&ann, 0), None, 0);
}

/// To look for what has expired takes a while, under the lock that logins wait for. Whoever floods a full folder has
/// that done once a second.
#[test]
fn a_full_folder_is_looked_through_once_a_second() {
    let (_above, folder) = place();
    let capacity = std::num::NonZeroUsize::new(32).unwrap();
    let options = FileOptions { capacity, ..options(FileDurability::ProcessCrash) };
    let store = FileSessions::open(&folder, options).unwrap();
    let ann = owner("ann");
    let (first, second, third) = (session(&ann, 0), session(&ann, 0), session(&ann, 0));
    insert(&store, &first);
    insert(&store, &second);
    let is_full = |at| matches!(block_on(store.insert(&third, None, at)), Err(StoreError::Full));
    assert!(is_full(after(1)));
    // By another process, which this one is not told of.
    fs::remove_file(file_of(&folder, &first.id)).unwrap();
    assert!(is_full(after(1)), "nobody looked");
    let one = SessionLimit { max: 1, when_reached: WhenReached::EndOldest };
    let inserted = block_on(store.insert(&third, Some(&one), after(1))).unwrap();
    assert_eq!(inserted, Inserted::Stored { ended: 1 }, "who takes no more room is not refused");
    assert!(block_on(store.remove(&third.id)).unwrap());
    for record in [&first, &second] {
        assert_eq!(block_on(store.insert(record, None, after(1))).unwrap(), Inserted::Stored { ended: 0 });
    }
    assert!(is_full(after(1)));
    fs::remove_file(file_of(&folder, &first.id)).unwrap();
    // A second later, or earlier: the clock may have been set back.
    assert!(!is_full(after(0)));
    assert!(load(&store, &third.id).is_some());
}

/// Nor while it and its marker are being removed.
#[test]
fn what_a_crash_left_of_an_ended_session_is_served_to_nobody_who_races_its_purge() {
    let (_above, folder) = place();
    let store = open(&folder);
    let ann = owner("ann");
    let record = session(&ann, 4);
    insert(&store, &record);
    let path = file_of(&folder, &record.id);
    let file = fs::read(&path).unwrap();
    let end = || {
        let what = EndAll { owner: &ann, except: None, epoch: AuthEpoch::new(5) };
        block_on(store.end_all(what, after(0))).unwrap()
    };
    assert_eq!(end(), 1);
    for round in 0..1_000 {
        assert_eq!(end(), 0, "leaves the marker");
        fs::write(&path, &file).unwrap();
        thread::scope(|scope| {
            let purge = scope.spawn(|| block_on(store.purge(after(DAY + 1), 100)).unwrap());
            while !purge.is_finished() {
                assert_eq!(load(&store, &record.id), None, "round {round}");
            }
        });
        assert!(!path.exists());
    }
}

#[test]
fn what_a_crash_left_half_written_is_cleaned_up() {
    let (_above, folder) = place();
    let store = open(&folder);
    let record = session(&owner("ann"), 0);
    let file = file_of(&folder, &record.id);
    let (here, there) = (file.with_file_name("tmp"), folder.join("0").join("tmp"));
    for path in [&here, &there] {
        fs::write(path, "auth-sess").unwrap();
    }
    insert(&store, &record);
    assert!(!here.exists() && load(&store, &record.id).is_some());
    fs::write(&here, "auth-sess").unwrap();
    fs::write(folder.join("0").join("notes"), "not ours").unwrap();
    assert_eq!(block_on(store.purge(after(0), 100)).unwrap(), 0);
    assert!(!here.exists() && !there.exists());
    assert!(folder.join("0").join("notes").exists() && load(&store, &record.id).is_some());
}

/// A process that was stopped while it held a lock must not hang all others: 503, and reading goes on.
#[test]
fn a_lock_that_is_never_released_is_an_error_and_no_hang() {
    let (_above, folder) = place();
    let impatient =
        FileOptions { patience: Duration::from_millis(20), ..options(FileDurability::ProcessCrash) };
    let store = FileSessions::open(&folder, impatient).unwrap();
    let record = session(&owner("ann"), 0);
    insert(&store, &record);
    let lock = File::open(file_of(&folder, &record.id).with_file_name("lock")).unwrap();
    lock.lock().unwrap();
    let error = block_on(store.update(&record.id, record.version, &blob(1))).unwrap_err();
    assert_eq!(error.written(), Written::No);
    assert_eq!(load(&store, &record.id).unwrap(), record);
    drop(lock);
    assert_eq!(block_on(store.update(&record.id, record.version, &blob(1))).unwrap(), Updated::Updated);
}

/// Those who wait for it are done within their patience together, not one after the other, and whoever has nothing to
/// do with that lock does not wait for them.
#[test]
fn a_lock_that_is_held_delays_nobody_beyond_patience_and_no_one_elsewhere() {
    let (_above, folder) = place();
    let patience = Duration::from_secs(3);
    let store =
        FileSessions::open(&folder, FileOptions { patience, ..options(FileDurability::ProcessCrash) })
            .unwrap();
    let record = session(&owner("ann"), 0);
    let lock_of = |record: &SessionRecord| file_of(&folder, &record.id).with_file_name("lock");
    let mut names = (0..).map(|n| session(&owner(&format!("bob{n}")), 0));
    let other = names.find(|other| lock_of(other) != lock_of(&record)).unwrap();
    insert(&store, &record);
    insert(&store, &other);
    let lock = File::open(lock_of(&record)).unwrap();
    lock.lock().unwrap();
    let begun = Instant::now();
    thread::scope(|scope| {
        let writers = [(); 12].map(|()| {
            scope.spawn(|| block_on(store.update(&record.id, record.version, &blob(1))).unwrap_err())
        });
        while !writers.iter().any(thread::ScopedJoinHandle::is_finished) {
            assert!(load(&store, &other.id).is_some() && load(&store, &record.id).is_some());
            assert!(begun.elapsed() < patience, "reading waited");
        }
        assert_eq!(block_on(store.update(&other.id, other.version, &blob(1))).unwrap(), Updated::Updated);
        assert!(begun.elapsed() < patience, "writing elsewhere waited");
        for writer in writers {
            assert_eq!(writer.join().unwrap().written(), Written::No);
        }
    });
    assert!(begun.elapsed() < patience * 2, "{:?}", begun.elapsed());
    drop(lock);
    assert_eq!(block_on(store.update(&record.id, record.version, &blob(1))).unwrap(), Updated::Updated);
}
