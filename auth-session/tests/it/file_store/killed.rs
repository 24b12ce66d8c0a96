//! A process that is killed while it writes.

use std::{
    collections::BTreeMap,
    fmt, hint,
    io::{self, BufRead as _, BufReader, Write as _},
    path::Path,
};

use auth_core::{AuthEpoch, EndAll, SessionId, SessionStore, Updated, testing::block_on};
use auth_session::{FileDurability, FileSessions};

use super::{
    NOW, blob, insert, load, number_in, open, options, owner, place,
    processes::{start, told},
    session,
};

/// Writes, and says before and after each write what it is, until somebody kills it.
fn work(folder: &Path, name: &str) {
    let store = FileSessions::open(folder, options(FileDurability::PowerLoss)).unwrap();
    let (ann, bob) = (owner(name), owner("bob"));
    for epoch in 0.. {
        let (kept, removed, hers) = (session(&bob, 0), session(&bob, 0), session(&ann, epoch));
        for (record, verb) in [(&kept, "inserted"), (&removed, "inserted"), (&hers, "hers")] {
            insert(&store, record);
            say(format_args!("{verb} {}", record.id));
        }
        for number in 1..4 {
            let record = load(&store, &kept.id).unwrap();
            let updated = block_on(store.update(&kept.id, record.version, &blob(number))).unwrap();
            assert_eq!(updated, Updated::Updated);
            say(format_args!("updated {} {number}", kept.id));
        }
        say(format_args!("removes {}", removed.id));
        assert!(block_on(store.remove(&removed.id)).unwrap());
        say(format_args!("removed {}", removed.id));
        say(format_args!("removes {}", hers.id));
        let what = EndAll { owner: &ann, except: None, epoch: AuthEpoch::new(epoch + 1) };
        assert_eq!(block_on(store.end_all(what, NOW)).unwrap(), 1);
        say(format_args!("removed {}", hers.id));
    }
}

fn say(what: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    writeln!(out, "{what}").and_then(|()| out.flush()).unwrap();
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Known {
    number: u64,
    hers: bool,
    removes: bool,
    removed: bool,
}

/// Takes what the killed process said, to its last whole line.
fn hear(known: &mut BTreeMap<SessionId, Known>, line: &str) {
    let mut words = line.split(' ');
    let verb = words.next().unwrap();
    if !["inserted", "hers", "updated", "removes", "removed"].contains(&verb) {
        return; // The test runner's own.
    }
    let Some(id) = words.next().and_then(|id| SessionId::parse(id.as_bytes())) else { return };
    let entry = known.entry(id).or_default();
    match verb {
        "updated" => entry.number = words.next().and_then(|number| number.parse().ok()).unwrap_or(0),
        "hers" => entry.hers = true,
        "removes" => entry.removes = true,
        "removed" => entry.removed = true,
        _ => {}
    }
}

/// Killed with signal 9 at another point each time. What it had said was done is done; what it was at is done or not;
/// nothing is half a file, no lock stays, and what ended does not come back.
#[test]
fn a_writer_that_is_killed_loses_nothing_and_leaves_nothing_half_done() {
    if let Some((folder, name)) = told() {
        return work(&folder, &name);
    }
    let (_above, folder) = place();
    let mut known = BTreeMap::new();
    for round in 0..25_usize {
        let name = "file_store::killed::a_writer_that_is_killed_loses_nothing_and_leaves_nothing_half_done";
        let ann = format!("ann{round}");
        let mut child = start(name, &folder, &ann);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
        for _ in 0..round * 3 + 8 {
            hear(&mut known, std::str::from_utf8(&lines.next().unwrap().unwrap()).unwrap());
        }
        // Somewhere into the next write.
        for _ in 0..round * 40_000 {
            hint::spin_loop();
        }
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success(), "it was killed");
        // It said this before it died.
        for line in lines.map_while(Result::ok) {
            hear(&mut known, std::str::from_utf8(&line).unwrap());
        }
        let store = open(&folder);
        for (id, known) in &known {
            let found = load(&store, id);
            match (&found, known.removes, known.removed) {
                (_, true, true) => assert_eq!(found, None, "{id}"),
                (_, true, false) => {}
                (Some(found), ..) => assert!(number_in(&found.data) >= known.number, "{id}"),
                (None, ..) => panic!("{id} was acknowledged"),
            }
        }
        // Whoever was ending all sessions does so again.
        let what = EndAll { owner: &owner(&ann), except: None, epoch: AuthEpoch::new(1_000) };
        let _ = block_on(store.end_all(what, NOW)).unwrap();
        for known in known.values_mut().filter(|known| known.hers) {
            (known.removes, known.removed) = (true, true);
        }
        let _ = block_on(store.purge(NOW, 1_000)).unwrap();
        for name in (0..16).flat_map(|n| std::fs::read_dir(folder.join(format!("{n:x}"))).unwrap()) {
            let name = name.unwrap().file_name();
            assert_ne!(name, "tmp", "swept");
        }
    }
    let removed = known.values().filter(|known| known.removed).count();
    assert!(removed > 50 && known.len() - removed > 50, "{removed} of {}", known.len());
}
