use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicUsize},
    thread,
};

use proptest::prelude::*;

use super::*;

fn place(table: &Table, n: usize) -> Place {
    table.place(&table.prefix("https://id.example"), 0, &n.to_string())
}

fn insert(table: &Table, n: usize, ends: u64, now: u64) -> Result<bool, Full> {
    table.insert(place(table, n), UnixTime::from_secs(ends), UnixTime::from_secs(now))
}

fn find(table: &Table, n: usize) -> Option<u64> {
    table.find(place(table, n)).map(UnixTime::as_secs)
}

/// It must not be full before it is, however names fall on sets, and must not forget to make room.
#[test]
fn a_table_holds_as_many_as_it_says_and_no_more() {
    for capacity in [1, 2, 15, 16, 17, 40, 1_000, 20_000] {
        let table = Table::new(capacity);
        for n in 0..capacity {
            assert_eq!(insert(&table, n, 10 + n as u64 % 2, 0), Ok(true), "{n} of {capacity}");
        }
        assert_eq!((insert(&table, capacity, 10, 9), table.len()), (Err(Full), capacity));
        assert!((0..capacity).all(|n| find(&table, n) == Some(10 + n as u64 % 2)), "{capacity}");
        assert_eq!(find(&table, capacity), None);
        // The even ones end; the odd ones stay, and the room of the others is there again.
        let freed = capacity.div_ceil(2);
        for n in capacity..capacity + freed {
            assert_eq!(insert(&table, n, 20, 10), Ok(true), "{n} of {capacity}");
        }
        assert_eq!(insert(&table, 2 * capacity, 20, 10), Err(Full));
        assert!(
            (1..capacity).step_by(2).chain(capacity..capacity + freed).all(|n| find(&table, n).is_some())
        );
    }
}

proptest! {
    /// Whatever is put in, in whatever order, with time going on: what has not ended is found with the latest of
    /// its ends, and what was never put in is not found.
    #[test]
    fn what_has_not_ended_is_found(
        capacity in 1_usize..60,
        steps in proptest::collection::vec((0_usize..80, 1_u64..40, 0_u64..3), 0..300),
    ) {
        let table = Table::new(capacity);
        let mut model: BTreeMap<usize, u64> = BTreeMap::new();
        let mut now = 0;
        for (n, life, pause) in steps {
            now += pause;
            model.retain(|_, end| *end > now);
            let ends = now + life;
            match insert(&table, n, ends, now) {
                Ok(_) => {
                    let end = model.entry(n).or_default();
                    *end = ends.max(*end);
                }
                Err(Full) => prop_assert_eq!(model.len(), capacity),
            }
            prop_assert!(table.len() <= capacity);
            prop_assert_eq!(find(&table, n).filter(|end| *end > now), model.get(&n).copied());
        }
        for n in 0..80 {
            prop_assert_eq!(find(&table, n).filter(|end| *end > now), model.get(&n).copied());
        }
    }
}

/// A `jti` must not be found as a `sid`, nor with another issuer, nor where issuer and name run together.
#[test]
fn names_of_other_kinds_and_issuers_are_other_names() {
    let table = Table::new(100);
    let place = |issuer: &str, kind, name: &str| table.place(&table.prefix(issuer), kind, name);
    table.insert(place("a", 1, "bc"), UnixTime::MAX, UnixTime::EPOCH).unwrap();
    assert!(table.find(place("a", 1, "bc")).is_some());
    for other in [place("a", 0, "bc"), place("a", 2, "bc"), place("ab", 1, "c"), place("", 1, "abc")] {
        assert_eq!(table.find(other), None);
    }
}

/// Both sets of a name must be its own choice: with one and the same, half of the room would be out of reach.
#[test]
fn the_two_sets_of_a_name_differ() {
    for capacity in [1, 100, 1_000] {
        let table = Table::new(capacity);
        let mut used = std::collections::BTreeSet::new();
        for n in 0..10_000 {
            let Place { sets: [first, second], .. } = place(&table, n);
            assert!(first != second && first.max(second) < table.sets.len());
            used.extend([first, second]);
        }
        assert_eq!(used.len(), table.sets.len());
    }
}

/// Readers take no lock, so a cell that is given to another name under their eyes must not hide one that stays,
/// nor lend it the other one's end.
#[test]
fn readers_find_what_stays_while_others_come_and_go() {
    const STAYING: usize = 20;
    let table = Table::new(40);
    for n in 0..STAYING {
        insert(&table, n, 1_000_000 + n as u64, 0).unwrap();
    }
    let (done, reads) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    for n in 0..STAYING {
                        assert_eq!(find(&table, n), Some(1_000_000 + n as u64));
                    }
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // Each lives for a second of a clock that goes on with each.
        for n in 0..20_000_u64 {
            insert(&table, STAYING + n as usize, n + 1, n).unwrap();
            if n == 10_000 {
                while reads.load(Ordering::Relaxed) == 0 {
                    thread::yield_now();
                }
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn the_end_of_time_is_no_panic() {
    let table = Table::new(1);
    insert(&table, 1, u64::MAX, u64::MAX).unwrap();
    assert_eq!(find(&table, 1), Some(u64::MAX));
    assert_eq!(insert(&table, 2, 0, u64::MAX), Ok(true));
}
