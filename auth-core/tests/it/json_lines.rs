//! The audit log in a file.

mod chained;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Barrier,
    thread,
};

use auth_core::{AuditEvent, AuditSink, DurableAudit, JsonLinesAudit, PrincipalId, Rotation, UnixTime};
use serde_json::Value;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("auth-audit-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn log(&self) -> PathBuf {
        self.0.join("audit.jsonl")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn event(id: &str) -> AuditEvent {
    AuditEvent::AccountCreated { principal: PrincipalId::local_user(id).unwrap() }
}

fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(secs)
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn events_are_lines_in_their_order_and_the_file_is_its_owners() {
    let folder = Folder::new("order");
    for round in 0..2_u64 {
        let log = JsonLinesAudit::open(&folder.log(), Rotation::default()).unwrap();
        for n in 0..100 {
            log.record(at(round * 100 + n), &event("ann"));
        }
        log.flush().unwrap();
        assert_eq!(lines(&folder.log()).len() as u64, (round + 1) * 100);
    }
    let told: Vec<u64> = lines(&folder.log()).iter().map(|line| line["at"].as_u64().unwrap()).collect();
    assert!(told.is_sorted() && told.len() == 200);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(folder.log()).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// A log must not fill the disk, nor lose what was written a moment ago.
#[test]
fn full_files_are_put_aside_and_the_oldest_goes() {
    let folder = Folder::new("rotation");
    let log = JsonLinesAudit::open(&folder.log(), Rotation { max_bytes: 1_000, keep: 2 }).unwrap();
    for n in 0..100 {
        log.record(at(n), &event("ann"));
    }
    drop(log);
    let aside = |n: u8| folder.0.join(format!("audit.jsonl.{n}"));
    let files = [aside(2), aside(1), folder.log()];
    assert!(files.iter().all(|file| fs::metadata(file).unwrap().len() <= 1_000));
    assert!(!aside(3).exists());
    let told: Vec<u64> =
        files.iter().flat_map(|file| lines(file)).map(|l| l["at"].as_u64().unwrap()).collect();
    let first = told[0];
    assert_eq!(told, (first..100).collect::<Vec<_>>(), "what is kept is the latest, whole");
    assert!(first > 0);
}

/// While no new file can be begun, nothing is put aside: each try would push out the oldest file, until none of the
/// history is left.
#[test]
fn a_rotation_that_fails_costs_no_event_and_no_older_file() {
    for keep in [0, 2] {
        let folder = Folder::new(&format!("stuck-{keep}"));
        let log = JsonLinesAudit::open(&folder.log(), Rotation { max_bytes: 1_000, keep }).unwrap();
        let aside = |n: u8| folder.0.join(format!("audit.jsonl.{n}"));
        let older = || [aside(2), aside(1)].map(|file| fs::read_to_string(file).unwrap_or_default());
        for n in 0..100 {
            log.record(at(n), &event("ann"));
        }
        log.flush().unwrap();
        let (before, live) = (older(), lines(&folder.log()).len());
        assert_eq!(before.iter().all(|file| !file.is_empty()), keep == 2);

        // What is in the way cannot be removed like a file.
        let blocked = folder.0.join("audit.jsonl.new");
        fs::create_dir(&blocked).unwrap();
        for n in 100..200 {
            log.record(at(n), &event("ann"));
        }
        log.flush().unwrap();
        assert_eq!(older(), before);
        assert_eq!(lines(&folder.log()).len(), live + 100, "all of them, in the full file");
        assert_eq!(log.dropped(), 0);

        fs::remove_dir(&blocked).unwrap();
        log.append(at(200), &[event("ann")]).unwrap();
        assert_eq!(lines(&folder.log()).len(), 1, "put aside at last");
        assert_eq!(older()[1].lines().count() >= 100, keep == 2);
    }
}

/// Nothing that a request does waits for a disk. What is lost is told, also where no event comes after it: at a flush,
/// and at the end.
#[test]
fn what_is_dropped_is_counted_and_told() {
    let folder = Folder::new("drops");
    let log = JsonLinesAudit::open(&folder.log(), Rotation::default()).unwrap();
    record_too_much(&log);
    log.flush().unwrap();
    assert_eq!((log.dropped(), written_and_told(&folder)), (0, 32_000));
    record_too_much(&log);
    drop(log);
    assert_eq!(written_and_told(&folder), 64_000);
}

/// More than the queue has room for, at once.
fn record_too_much(log: &JsonLinesAudit) {
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                for n in 0..8_000 {
                    log.record(at(n), &event("ann"));
                }
            });
        }
    });
}

fn written_and_told(folder: &Folder) -> u64 {
    let lines = lines(&folder.log());
    let told = lines.iter().filter(|line| line["name"] == "audit.dropped");
    let told: u64 = told.map(|line| line["count"].as_u64().unwrap()).sum();
    told + lines.iter().filter(|line| line["name"] == "account.created").count() as u64
}

/// For what must not happen unseen.
#[test]
fn what_is_appended_is_there_when_the_call_returns() {
    let folder = Folder::new("durable");
    let log = JsonLinesAudit::open(&folder.log(), Rotation::default()).unwrap();
    log.append(at(1), &[event("ann"), event("bob")]).unwrap();
    let ids: Vec<Value> = lines(&folder.log()).iter().map(|line| line["principal"]["id"].clone()).collect();
    assert_eq!(ids, ["ann", "bob"]);
}

/// A process that was killed left half a line; the next one must not be glued to it.
#[test]
fn half_a_line_of_before_spoils_no_other() {
    let folder = Folder::new("torn");
    fs::write(folder.log(), "{\"at\":1}\n{\"at\":2,\"na").unwrap();
    let log = JsonLinesAudit::open(&folder.log(), Rotation::default()).unwrap();
    log.record(at(3), &event("ann"));
    drop(log);
    let text = fs::read_to_string(folder.log()).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((text.lines().count(), last["at"].as_u64()), (3, Some(3)));
}

/// A disk without room: nobody waits and nobody panics, and what is durable says that it is not.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_counted_and_a_durable_event_is_refused() {
    let log = JsonLinesAudit::open(Path::new("/dev/full"), Rotation::default()).unwrap();
    for n in 0..10 {
        log.record(at(n), &event("ann"));
    }
    assert!(log.append(at(1), &[event("ann")]).is_err());
    assert_eq!(log.dropped(), 10);
}
