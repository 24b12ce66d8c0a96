//! The application's data, written by several requests at once.

use auth_core::{BlobError, testing::block_on};
use auth_session::{CommitError, DataError, RotateError, SessionData};
use serde::{Deserialize, Serialize};

use crate::support::{App, Browser, Cart, Visits};

/// Different keys, both kept (fastify-session#237, flask-session#71).
#[test]
fn two_writers_of_different_slots_are_both_kept() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let (mut a, mut b) = (app.open(&browser), app.open(&browser));
    a.set(&Cart(vec![1])).unwrap();
    b.set(&Visits(2)).unwrap();
    assert!(block_on(a.commit()).saved().is_ok());
    assert!(block_on(b.commit()).saved().is_ok());
    app.request(&mut browser, |session| {
        assert_eq!(session.get::<Cart>().unwrap(), Some(Cart(vec![1])));
        assert_eq!(session.get::<Visits>().unwrap(), Some(Visits(2)));
    });
}

/// The same key is never last-writer-wins in silence.
#[test]
fn two_writers_of_one_slot_conflict_and_the_first_is_kept() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    app.request(&mut browser, |session| session.set(&Cart(vec![0])).unwrap());
    let write: [fn(&mut auth_session::Session); 2] =
        [|session| session.set(&Cart(vec![0, 2])).unwrap(), |session| session.remove::<Cart>()];
    for second in write {
        let (mut a, mut b) = (app.open(&browser), app.open(&browser));
        a.set(&Cart(vec![0, 1])).unwrap();
        second(&mut b);
        b.set(&Visits(1)).unwrap();
        assert!(block_on(a.commit()).saved().is_ok());
        let outgoing = block_on(b.commit());
        assert!(matches!(outgoing.saved(), Err(CommitError::Conflict { slot }) if &**slot == "cart"));
        app.request(&mut browser, |session| {
            assert_eq!(session.get::<Cart>().unwrap(), Some(Cart(vec![0, 1])));
            assert_eq!(session.get::<Visits>().unwrap(), None, "all of a request or nothing");
            session.set(&Cart(vec![0])).unwrap();
        });
    }
}

#[test]
fn two_writers_of_the_same_value_agree() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let (mut a, mut b) = (app.open(&browser), app.open(&browser));
    a.set(&Visits(1)).unwrap();
    b.set(&Visits(1)).unwrap();
    assert!(block_on(a.commit()).saved().is_ok());
    assert!(block_on(b.commit()).saved().is_ok());
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Tally(u32);

impl SessionData for Tally {
    const SLOT: &'static str = "tally";
    const VERSION: u16 = 1;

    fn merge(base: Option<Self>, ours: Self, theirs: Self) -> Option<Self> {
        let added = ours.0.checked_sub(base.map_or(0, |base| base.0))?;
        theirs.0.checked_add(added).map(Self)
    }
}

fn count(session: &mut auth_session::Session) {
    let before = session.get::<Tally>().unwrap().map_or(0, |tally| tally.0);
    session.set(&Tally(before + 1)).unwrap();
}

/// Several tabs that count at once: a type that says how two changes go together loses none, although each
/// wrote the same number.
#[test]
fn changes_of_one_slot_are_merged_where_its_type_says_how() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    for round in 0..3 {
        let mut open: Vec<_> = (0..4).map(|_| app.open(&browser)).collect();
        for session in &mut open {
            count(session);
        }
        open[3].set(&Visits(round)).unwrap();
        for session in open {
            assert!(block_on(session.commit()).saved().is_ok());
        }
        app.request(&mut browser, |session| {
            assert_eq!(session.get::<Tally>().unwrap(), Some(Tally(4 * (round + 1))));
            assert_eq!(session.get::<Visits>().unwrap(), Some(Visits(round)));
        });
    }
}

/// Where it says that two changes do not go together, or one of them is that the slot is gone, nothing is lost
/// in silence.
#[test]
fn what_is_not_merged_is_a_conflict() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    app.request(&mut browser, |session| session.set(&Tally(5)).unwrap());
    let back: fn(&mut auth_session::Session) = |session| session.set(&Tally(1)).unwrap();
    let away: fn(&mut auth_session::Session) = |session| session.remove::<Tally>();
    for (first, second) in [(count as fn(&mut _), back), (count, away), (away, count)] {
        app.request(&mut browser, |session| session.set(&Tally(5)).unwrap());
        let (mut a, mut b) = (app.open(&browser), app.open(&browser));
        first(&mut a);
        second(&mut b);
        assert!(block_on(a.commit()).saved().is_ok());
        let outgoing = block_on(b.commit());
        assert!(matches!(outgoing.saved(), Err(CommitError::Conflict { slot }) if &**slot == "tally"));
    }
}

/// Where somebody else is always faster, it ends, and says that nothing was written.
#[test]
fn a_write_that_never_gets_its_turn_is_contended() {
    let app = App::new();
    let mut browser = Browser::new();
    let id = app.log_in(&mut browser, "ann");
    app.store.contend(Some(id));
    let (mut writes, mut rotates) = (app.open(&browser), app.open(&browser));
    writes.set(&Visits(1)).unwrap();
    let outgoing = block_on(writes.commit());
    assert!(outgoing.cookie().is_none());
    let error = outgoing.into_parts().1.unwrap_err();
    assert!(matches!(error, CommitError::Contended));
    assert_eq!(auth_core::Refusal::from(error).status(), 503);
    assert!(matches!(block_on(rotates.rotate()), Err(RotateError::Contended)));
    drop(rotates);
    app.store.contend(None);
    app.request(&mut browser, |session| {
        assert_eq!(session.get::<Visits>().unwrap(), None);
        assert_eq!(session.id(), Some(id));
        session.set(&Visits(1)).unwrap();
    });
    assert_eq!(app.request(&mut browser, |session| session.get::<Visits>().unwrap()), Some(Visits(1)));
}

/// A change that is taken back in the same request is none.
#[test]
fn what_ends_as_it_began_is_not_written() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    app.store.writes();
    app.request(&mut browser, |session| {
        session.set(&Visits(1)).unwrap();
        assert!(session.is_changed());
        session.remove::<Visits>();
        assert!(!session.is_changed());
    });
    assert!(app.store.writes().is_empty());
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct CartV2 {
    items: Vec<u32>,
    voucher: Option<String>,
}

impl SessionData for CartV2 {
    const SLOT: &'static str = Cart::SLOT;
    const VERSION: u16 = 2;

    fn migrate(version: u16, bytes: &[u8]) -> Option<Self> {
        let Cart(items) = (version == 1).then(|| serde_json::from_slice(bytes).ok())??;
        Some(Self { items, voucher: None })
    }
}

/// A deployment must not empty everybody's cart, nor panic at one.
#[test]
fn old_data_migrates_when_it_is_read_and_is_rewritten_when_it_is_set() {
    let app = App::new();
    let mut browser = Browser::new();
    app.request(&mut browser, |session| session.set(&Cart(vec![3])).unwrap());
    app.store.writes();
    let migrated = app.request(&mut browser, |session| session.get::<CartV2>().unwrap().unwrap());
    assert_eq!(migrated, CartV2 { items: vec![3], voucher: None });
    assert!(app.store.writes().is_empty(), "reading does not rewrite");
    app.request(&mut browser, |session| session.set(&migrated).unwrap());
    app.request(&mut browser, |session| {
        let refused = session.get::<Cart>().unwrap_err();
        assert!(matches!(refused, DataError::Version { slot: "cart", found: 2, expected: 1 }));
        assert_eq!(auth_core::Refusal::from(refused).status(), 503);
        session.remove::<Cart>();
    });
    assert_eq!(app.request(&mut browser, |session| session.get::<CartV2>().unwrap()), None);
}

#[test]
fn too_much_data_is_refused_where_it_is_set_and_nothing_is_lost() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    app.request(&mut browser, |session| {
        session.set(&Visits(1)).unwrap();
        let huge = Cart(vec![1_000_000_000; 6_000]);
        assert!(matches!(session.set(&huge), Err(DataError::Full(BlobError::TooLarge))));
    });
    app.request(&mut browser, |session| {
        assert_eq!(session.get::<Visits>().unwrap(), Some(Visits(1)));
        assert_eq!(session.get::<Cart>().unwrap(), None);
    });
}

/// Two requests that each had room may have none together: a typed error, and the first is kept.
#[test]
fn data_that_has_no_room_together_is_refused_at_commit() {
    let app = App::new();
    let mut browser = Browser::new();
    app.log_in(&mut browser, "ann");
    let (mut a, mut b) = (app.open(&browser), app.open(&browser));
    a.set(&Cart(vec![1_000_000_000; 5_900])).unwrap();
    b.set(&Padding("x".repeat(2_000))).unwrap();
    assert!(block_on(a.commit()).saved().is_ok());
    assert!(matches!(block_on(b.commit()).saved(), Err(CommitError::Full(BlobError::TooLarge))));
}

#[derive(Debug, Serialize, Deserialize)]
struct Padding(String);

impl SessionData for Padding {
    const SLOT: &'static str = "padding";
    const VERSION: u16 = 1;
}
