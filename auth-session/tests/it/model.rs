//! The secrets of one session against a model, over every short history.

use std::time::Duration;

use auth_core::testing::block_on;
use auth_session::{CookiePolicy, EpochCheck, SessionPolicy};

use crate::support::{ABSOLUTE, App, Browser, ROTATION, name_of};

/// What may happen. A request presents the n-th of the secrets that were handed out so far.
#[derive(Debug, Clone, Copy)]
enum Event {
    Request { secret: usize },
    PrivilegeChange { secret: usize },
    Wait(u64),
}

const EVENTS: [Event; 9] = [
    Event::Request { secret: 0 },
    Event::Request { secret: 1 },
    Event::Request { secret: 2 },
    Event::PrivilegeChange { secret: 0 },
    Event::PrivilegeChange { secret: 1 },
    Event::Wait(1),
    Event::Wait(10),
    Event::Wait(31),
    Event::Wait(600),
];
const DEPTH: u32 = 4;

/// What the words of the design come to.
#[derive(Debug)]
struct Model {
    alive: bool,
    now: u64,
    rotated_at: u64,
    current: usize,
    previous: Option<usize>,
    seen: bool,
    issued: usize,
}

impl Model {
    /// Whether a request with this secret is let in, and whether it is handed another.
    fn present(&mut self, secret: usize, privilege_change: bool) -> (bool, bool) {
        if !self.alive {
            return (false, false);
        }
        let age = self.now - self.rotated_at;
        let is_previous = self.previous == Some(secret);
        if is_previous && self.seen && age > 30 {
            self.alive = false;
            return (false, false);
        }
        if secret != self.current && !is_previous {
            return (false, false);
        }
        if secret == self.current {
            self.seen |= self.previous.is_some();
        }
        let reissue = is_previous && !self.seen && age >= 10;
        let by_age = secret == self.current && age >= ROTATION.as_secs();
        if !privilege_change && !reissue && !by_age {
            return (true, false);
        }
        if privilege_change {
            self.previous = None;
        } else if by_age {
            self.previous = Some(self.current);
        }
        self.current = self.issued;
        self.issued += 1;
        self.rotated_at = self.now;
        self.seen = false;
        (true, true)
    }
}

/// Every history of [`DEPTH`] events after a login and a rotation, and once more without the rotation.
#[test]
fn every_short_history_goes_as_the_design_says() {
    let histories = EVENTS.len().pow(DEPTH);
    for number in 0..histories * 2 {
        let mut rest = number / 2;
        let mut history: Vec<_> = (0..DEPTH)
            .map(|_| {
                let event = EVENTS[rest % EVENTS.len()];
                rest /= EVENTS.len();
                event
            })
            .collect();
        if number % 2 == 0 {
            history.splice(0..0, [Event::Wait(600), Event::Request { secret: 0 }]);
        }
        check(&history);
    }
}

fn check(history: &[Event]) {
    // Being idle is another test's.
    let patient = SessionPolicy::new(ABSOLUTE, ABSOLUTE, CookiePolicy::default()).unwrap();
    let patient = patient.rotate_every(ROTATION).unwrap();
    let app = App::with(patient, EpochCheck::by_session_store_only());
    let mut first = Browser::new();
    app.log_in(&mut first, "ann");
    let mut handed_out = vec![first];
    let mut model =
        Model { alive: true, now: 0, rotated_at: 0, current: 0, previous: None, seen: false, issued: 1 };
    for event in history {
        let (secret, privilege_change) = match *event {
            Event::Wait(secs) => {
                app.step(Duration::from_secs(secs));
                model.now += secs;
                continue;
            }
            Event::Request { secret } => (secret, false),
            Event::PrivilegeChange { secret } => (secret, true),
        };
        let Some(browser) = handed_out.get(secret) else { continue };
        let expected = model.present(secret, privilege_change);
        let mut session = app.open(browser);
        let is_in = name_of(&session).is_some();
        if privilege_change && is_in {
            block_on(session.rotate()).unwrap();
        }
        let mut after = browser.clone();
        after.take(block_on(session.commit())).unwrap();
        let is_new = after.0.is_some() && after != *browser;
        assert_eq!((is_in, is_new), expected, "{history:?} at {event:?}: {model:?}");
        if is_new {
            handed_out.push(after);
        }
    }
    assert_eq!(app.rows() == 1, model.alive, "{history:?}");
}
