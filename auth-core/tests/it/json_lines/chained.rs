//! Chained logs, and whoever tampers with them.

use std::{fs, io, sync::Arc};

use auth_core::{
    AuditSink, ChainError, ChainExtent, ChainFaultKind, ChainHead, DurableAudit, JsonLinesAudit, KeyName,
    KeyRing, Rotation, Secret,
};

use super::{Folder, at, event, lines};

const ROTATION: Rotation = Rotation { max_bytes: 2_000, keep: 100 };

fn secret(seed: u8) -> Secret {
    Secret::new((seed..).take(32).collect())
}

fn ring() -> Arc<KeyRing> {
    Arc::new(KeyRing::new(KeyName::from_static("k"), secret(1)).unwrap())
}

/// Adds so many entries to the log, in a process of their own, and answers its end.
fn write(folder: &Folder, entries: u64) -> ChainHead {
    let log = JsonLinesAudit::open_chained(&folder.log(), ROTATION, ring()).unwrap();
    for n in 0..entries {
        log.record(at(n), &event("ann"));
    }
    log.flush().unwrap();
    log.head().unwrap()
}

fn verify(folder: &Folder, known: Option<ChainHead>) -> Result<ChainExtent, Vec<ChainFaultKind>> {
    JsonLinesAudit::verify(&folder.log(), &ring(), known).map_err(|error| match error {
        ChainError::Broken(broken) => broken.faults.iter().map(|fault| fault.kind).collect(),
        other => panic!("{other}"),
    })
}

/// The lines of the file, changed.
fn tamper(folder: &Folder, how: impl FnOnce(&mut Vec<String>)) {
    let text = fs::read_to_string(folder.log()).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    how(&mut lines);
    fs::write(folder.log(), lines.iter().flat_map(|line| [line, "\n"]).collect::<String>()).unwrap();
}

#[test]
fn a_chain_goes_on_through_full_files_and_restarts() {
    let folder = Folder::new("chain");
    let mut heads = Vec::new();
    for _ in 0..5 {
        heads.push(write(&folder, 30));
    }
    assert!(folder.0.join("audit.jsonl.3").exists());
    assert_eq!(heads.iter().map(|head| head.entry).collect::<Vec<_>>(), [30, 60, 90, 120, 150]);
    for known in heads {
        assert_eq!(verify(&folder, Some(known)).unwrap().head.entry, 150);
    }
    let told: Vec<_> = lines(&folder.log()).iter().map(|line| line["entry"].as_u64().unwrap()).collect();
    assert!(told.is_sorted() && told.last() == Some(&150));
    assert_eq!(lines(&folder.log())[0]["principal"]["id"], "ann", "the rest of a line is as it always is");
}

/// Where a file was put aside and nothing was written since, the end is in the one before.
#[test]
fn a_chain_goes_on_where_the_newest_file_is_empty() {
    let folder = Folder::new("chain-empty");
    write(&folder, 5);
    fs::rename(folder.log(), folder.0.join("audit.jsonl.1")).unwrap();
    fs::write(folder.log(), "").unwrap();
    assert_eq!(write(&folder, 5).entry, 10);
    assert_eq!(verify(&folder, None).unwrap().first, 1);
}

/// The oldest files go, and what is left is whole.
#[test]
fn a_log_whose_oldest_files_are_gone_begins_later() {
    let folder = Folder::new("chain-old");
    let early = write(&folder, 40);
    let end = write(&folder, 40);
    let oldest = (1..100).rev().map(|n| folder.0.join(format!("audit.jsonl.{n}"))).find(|path| path.exists());
    fs::remove_file(oldest.unwrap()).unwrap();
    let extent = verify(&folder, Some(early)).unwrap();
    assert!(extent.first > 1 && extent.head == end);
}

#[test]
fn whatever_is_done_to_a_file_is_told_with_its_place() {
    let folder = Folder::new("chain-tampered");
    let end = write(&folder, 6);
    let whole = fs::read_to_string(folder.log()).unwrap();
    let after = |how: &dyn Fn(&mut Vec<String>)| {
        fs::write(folder.log(), &whole).unwrap();
        tamper(&folder, how);
        verify(&folder, Some(end)).unwrap_err()
    };
    use ChainFaultKind::{Changed, Missing, OutOfPlace, Truncated, Unreadable};
    assert_eq!(after(&|lines| lines[2] = lines[2].replace("ann", "bob")), [Changed]);
    assert_eq!(after(&|lines| lines[2] = lines[2].replace("\"entry\":3", "\"entry\":4")), [Changed]);
    assert_eq!(after(&|lines| drop(lines.remove(2))), [Missing { from: 3, to: 3 }]);
    assert_eq!(after(&|lines| lines.swap(2, 3)), [Missing { from: 3, to: 3 }, OutOfPlace]);
    assert_eq!(after(&|lines| lines.insert(4, lines[1].clone())), [OutOfPlace]);
    assert_eq!(after(&|lines| lines.insert(2, "{\"at\":1,\"name\":\"login\"}".to_owned())), [Unreadable]);
    assert_eq!(after(&|lines| lines.truncate(4)), [Truncated { from: 5, to: 6 }]);
    assert_eq!(after(&|lines| lines.clear()), [Truncated { from: 1, to: 6 }]);
    // Whoever has no key cannot chain anew what was changed.
    let others = Folder::new("chain-others");
    let ring = Arc::new(KeyRing::new(KeyName::from_static("x"), secret(9)).unwrap());
    let log = JsonLinesAudit::open_chained(&others.log(), ROTATION, ring).unwrap();
    for n in 0..6 {
        log.record(at(n), &event("bob"));
    }
    drop(log);
    let forged = fs::read_to_string(others.log()).unwrap();
    let changed = after(&|lines| *lines = forged.lines().map(str::to_owned).collect());
    assert_eq!(changed, [Changed; 6]);
}

/// What was cut off while the log is written stays missing, whatever is written after it.
#[test]
fn a_running_log_shows_what_is_cut_off_under_it() {
    let folder = Folder::new("chain-running");
    let log = JsonLinesAudit::open_chained(&folder.log(), Rotation::default(), ring()).unwrap();
    for n in 0..5 {
        log.append(at(n), &[event("ann"), event("bob")]).unwrap();
    }
    tamper(&folder, |lines| lines.truncate(7));
    log.append(at(9), &[event("ann")]).unwrap();
    assert_eq!(verify(&folder, None), Err(vec![ChainFaultKind::Missing { from: 8, to: 10 }]));
    assert_eq!(log.head().unwrap().entry, 11);
}

/// A process that was killed left half a line. The chain goes on after the last whole one, and the half is told.
#[test]
fn half_a_line_is_told_and_costs_no_other() {
    let folder = Folder::new("chain-torn");
    write(&folder, 3);
    let mut text = fs::read_to_string(folder.log()).unwrap();
    text.push_str(r#"{"at":3,"name":"acc"#);
    fs::write(folder.log(), text).unwrap();
    assert_eq!(write(&folder, 2).entry, 5);
    assert_eq!(verify(&folder, None), Err(vec![ChainFaultKind::Unreadable]));
}

/// A line without an end must not fill the memory of whoever verifies.
#[test]
fn an_endless_line_is_one_fault() {
    let folder = Folder::new("chain-endless");
    write(&folder, 2);
    tamper(&folder, |lines| lines.insert(1, "x".repeat(5 << 20)));
    assert_eq!(verify(&folder, None), Err(vec![ChainFaultKind::Unreadable]));
    assert_eq!(write(&folder, 1).entry, 3);
}

#[test]
fn an_older_key_still_verifies_and_an_unchained_log_is_no_log() {
    let folder = Folder::new("chain-keys");
    write(&folder, 3);
    let next = KeyRing::new(KeyName::from_static("next"), secret(5)).unwrap();
    let next = Arc::new(next.with_retired(KeyName::from_static("k"), secret(1)).unwrap());
    let log = JsonLinesAudit::open_chained(&folder.log(), ROTATION, Arc::clone(&next)).unwrap();
    log.append(at(4), &[event("ann")]).unwrap();
    assert_eq!(JsonLinesAudit::verify(&folder.log(), &next, None).unwrap().head, log.head().unwrap());
    drop(log);
    assert_eq!(verify(&folder, None), Err(vec![ChainFaultKind::Changed]));

    let plain = Folder::new("chain-none");
    let log = JsonLinesAudit::open(&plain.log(), ROTATION).unwrap();
    log.append(at(1), &[event("ann")]).unwrap();
    assert_eq!(log.head(), None);
    assert_eq!(verify(&plain, None), Err(vec![ChainFaultKind::Unreadable]));
    let error = JsonLinesAudit::open_chained(&plain.log(), Rotation { keep: 0, ..ROTATION }, ring());
    assert_eq!(error.unwrap_err().kind(), io::ErrorKind::InvalidInput);
}
