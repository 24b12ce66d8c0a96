//! The tokens of one login against a model, over every short history.

use auth_core::{RejectionReason, Unavailable, testing::block_on};
use auth_session::{RefreshError, RefreshToken, RefreshTokens};

use crate::{
    refresh::{Api, counter, ring, secs, text},
    support::Failing,
};

/// What may happen. A refresh presents the current token or one of before it, if a client was ever given it.
#[derive(Debug, Clone, Copy)]
enum Event {
    Refresh {
        back: u64,
    },
    /// The process dies between the write and the answer.
    Crash {
        back: u64,
    },
    Wait(u64),
    /// The ring gets another current key; the one before is retired.
    NewKey,
    /// The ring loses its retired keys.
    DropRetired,
}

const EVENTS: [Event; 10] = [
    Event::Refresh { back: 0 },
    Event::Refresh { back: 1 },
    Event::Refresh { back: 2 },
    Event::Crash { back: 0 },
    Event::Crash { back: 1 },
    Event::Wait(20),
    Event::Wait(31),
    Event::Wait(570),
    Event::NewKey,
    Event::DropRetired,
];
const DEPTH: u32 = 4;

/// What the words of the design come to. A token is its counter.
#[derive(Debug)]
struct Model {
    alive: bool,
    now: u64,
    current: u64,
    rotated_at: u64,
    reissued: u32,
    reissued_at: u64,
    /// The key that made each token.
    made_by: Vec<u8>,
    /// The keys of the ring, the current one first.
    ring: Vec<u8>,
    /// Re-issues and replays that were written down.
    audited: (usize, usize),
}

#[derive(Debug, PartialEq)]
enum Answer {
    /// The token of this counter.
    Token(u64),
    Refused(RejectionReason),
    /// 503: the process died, or the key of the successor is not known.
    Unavailable,
}

impl Model {
    fn knows_key_of(&self, counter: u64) -> bool {
        self.ring.contains(&self.made_by[usize::try_from(counter).unwrap()])
    }

    fn present(&mut self, counter: u64, crash: bool) -> Answer {
        if !self.knows_key_of(counter) {
            return Answer::Refused(RejectionReason::Signature);
        }
        if !self.alive {
            return Answer::Refused(RejectionReason::Unknown);
        }
        if counter == self.current {
            self.current += 1;
            self.made_by.push(self.ring[0]);
            (self.rotated_at, self.reissued) = (self.now, 0);
            return if crash { Answer::Unavailable } else { Answer::Token(self.current) };
        }
        let age = self.now - self.rotated_at;
        let just_now = self.reissued > 0 && self.now - self.reissued_at <= 30;
        let is_previous = counter + 1 == self.current;
        if is_previous && (age <= 30 || (age <= 600 && just_now)) {
            return if self.knows_key_of(self.current) {
                Answer::Token(self.current)
            } else {
                Answer::Unavailable
            };
        }
        if is_previous && age <= 600 && self.reissued < 2 {
            if !self.knows_key_of(self.current) {
                return Answer::Unavailable;
            }
            self.reissued += 1;
            self.reissued_at = self.now;
            if crash {
                return Answer::Unavailable;
            }
            self.audited.0 += 1;
            return Answer::Token(self.current);
        }
        self.alive = false;
        self.audited.1 += 1;
        Answer::Refused(RejectionReason::Replayed)
    }
}

/// Every history of [`DEPTH`] events, after a login, and after two and three refreshes.
#[test]
fn every_short_history_of_refreshes_goes_as_the_design_says() {
    for number in 0..EVENTS.len().pow(DEPTH) {
        let mut rest = number;
        let history: Vec<_> = (0..DEPTH)
            .map(|_| {
                let event = EVENTS[rest % EVENTS.len()];
                rest /= EVENTS.len();
                event
            })
            .collect();
        let refresh = Event::Refresh { back: 0 };
        check(&history);
        check(&[&[refresh, refresh], &history[..]].concat());
        check(&[&[refresh, refresh, Event::Wait(31), Event::Refresh { back: 1 }], &history[..]].concat());
    }
}

fn check(history: &[Event]) {
    let api = Api::new();
    let mut tokens = api.tokens.clone();
    // By counter: what a client was given, if it was.
    let mut given: Vec<Option<RefreshToken>> = vec![Some(api.log_in("ann"))];
    let mut model = Model {
        alive: true,
        now: 0,
        current: 0,
        rotated_at: 0,
        reissued: 0,
        reissued_at: 0,
        made_by: vec![7],
        ring: vec![7],
        audited: (0, 0),
    };
    for event in history {
        let (back, crash) = match *event {
            Event::Wait(by) => {
                api.app.step(secs(by));
                model.now += by;
                continue;
            }
            Event::NewKey => {
                model.ring.insert(0, model.ring[0] + 1);
                tokens = api.with_keys(ring(&model.ring));
                continue;
            }
            Event::DropRetired => {
                model.ring.truncate(1);
                tokens = api.with_keys(ring(&model.ring));
                continue;
            }
            Event::Refresh { back } => (back, false),
            Event::Crash { back } => (back, true),
        };
        let Some(presented) = model.current.checked_sub(back) else { continue };
        let Some(token) = given.get(usize::try_from(presented).unwrap()).cloned().flatten() else { continue };
        assert_eq!(counter(&token), presented);
        let expected = model.present(presented, crash);
        given.resize(model.made_by.len(), None);
        api.app.store.fail(crash.then_some(("rotate", Failing::After)));
        let found = answer(&tokens, &token, &mut given);
        api.app.store.fail(None);
        assert_eq!(found, expected, "{history:?} at {event:?}: {model:?}");
    }
    assert_eq!(api.app.rows() == 1, model.alive, "{history:?}");
    let events = api.app.audit.events();
    let count = |name: &str| events.iter().filter(|(_, event)| event.name() == name).count();
    assert_eq!((count("session.reissued"), count("session.replayed")), model.audited, "{history:?}");
}

/// Presents a token, and keeps what comes out. A token that was given before is the same one.
fn answer(tokens: &RefreshTokens, token: &RefreshToken, given: &mut [Option<RefreshToken>]) -> Answer {
    match block_on(tokens.refresh(token)) {
        Ok(refreshed) => {
            let number = counter(&refreshed.token);
            let place = &mut given[usize::try_from(number).unwrap()];
            let before = place.replace(refreshed.token.clone());
            assert!(before.is_none_or(|before| text(&before) == text(&refreshed.token)));
            Answer::Token(number)
        }
        Err(RefreshError::Rejected(rejection)) => Answer::Refused(rejection.reason()),
        Err(RefreshError::Unavailable(Unavailable::Store(_) | Unavailable::Keys(_))) => Answer::Unavailable,
        Err(other) => panic!("{other:?}"),
    }
}
