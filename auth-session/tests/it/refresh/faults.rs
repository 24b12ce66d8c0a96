//! A store that fails: never a token, and never the end of a login that nobody copied.

use auth_core::{Refusal, SessionTerms, testing::block_on};
use auth_session::{RefreshError, RefreshToken, StartError};

use crate::{
    refresh::{Api, TOUCH, secs, text},
    support::{Failing, login},
};

/// A way to come to a token that is presented next, and whether its login is good.
type Situation = (&'static str, fn(&Api) -> RefreshToken, bool);

const SITUATIONS: [Situation; 5] = [
    ("current", |api| api.log_in("ann"), true),
    (
        "current after a while",
        |api| {
            let token = api.log_in("ann");
            api.app.step(TOUCH);
            token
        },
        true,
    ),
    (
        "previous at once",
        |api| {
            let token = api.log_in("ann");
            let _ = api.next(&token);
            token
        },
        true,
    ),
    (
        "previous after a minute",
        |api| {
            let token = api.log_in("ann");
            let _ = api.next(&token);
            api.app.step(secs(60));
            token
        },
        true,
    ),
    (
        "older",
        |api| {
            let token = api.log_in("ann");
            let second = api.next(&token);
            let _ = api.next(&second);
            token
        },
        false,
    ),
];

#[test]
fn a_store_that_fails_gives_no_token_and_ends_no_login() {
    for (name, prepare, good) in SITUATIONS {
        for call in ["load", "rotate", "touch", "remove"] {
            for how in [Failing::Before, Failing::After] {
                let api = Api::new();
                let token = prepare(&api);
                // What happens if nothing fails tells which calls there are.
                let reached = {
                    let api = Api::new();
                    let token = prepare(&api);
                    api.app.store.writes();
                    let _ = api.refresh(&token);
                    call == "load" || api.app.store.writes().contains_key(call)
                };
                api.app.store.fail(Some((call, how)));
                let result = api.refresh(&token);
                api.app.store.fail(None);
                let told = format!("{name}, {call} {how:?}: {result:?}");
                if reached {
                    let Err(error @ RefreshError::Unavailable(_)) = result else { panic!("{told}") };
                    assert_eq!(Refusal::from(error).status(), 503, "{told}");
                }
                if good {
                    assert_eq!(api.app.rows(), 1, "{told}");
                    assert!(!api.app.has_audit("session.replayed"), "{told}");
                    // The same token again heals it, whatever was written.
                    let healed = api.next(&token);
                    api.next(&healed);
                } else {
                    assert!(api.refresh(&token).is_err(), "{told}");
                    assert_eq!(api.app.rows(), 0, "{told}");
                    // Whenever it was, it was written down.
                    assert!(api.app.has_audit("session.replayed"), "{told}");
                }
            }
        }
    }
}

/// A login whose row may or may not be there gives no token, and leaves no row.
#[test]
fn a_login_that_was_not_stored_gives_no_token() {
    for how in [Failing::Before, Failing::After] {
        let api = Api::new();
        api.app.store.fail(Some(("insert", how)));
        let result = block_on(api.tokens.issue(login("ann"), SessionTerms::new()));
        assert!(matches!(result, Err(StartError::Unavailable(_))), "{result:?}");
        assert_eq!(api.app.rows(), 0);
        assert!(!api.app.has_audit("session.started"));
    }
}

/// Whoever logs out must not be told that they are, if they may not be.
#[test]
fn a_logout_that_fails_says_so_and_can_be_tried_again() {
    for call in ["load", "remove"] {
        let api = Api::new();
        let token = api.log_in("ann");
        api.app.store.fail(Some((call, Failing::Before)));
        assert!(block_on(api.tokens.revoke(&token)).is_err());
        api.app.store.fail(None);
        assert!(block_on(api.tokens.revoke(&token)).unwrap());
        assert!(api.refresh(&token).is_err());
    }
}

/// A refresh that is dropped at any of its waits has happened or not, and the same token goes on from there.
#[test]
fn a_refresh_that_is_dropped_half_way_is_made_good() {
    use std::{
        pin::pin,
        task::{Context, Waker},
    };
    for (name, prepare, good) in SITUATIONS.into_iter().filter(|(.., good)| *good) {
        for polls in 1..20 {
            let api = Api::new();
            let token = prepare(&api);
            api.app.store.be_slow(true);
            let done = {
                let mut refresh = pin!(api.tokens.refresh(&token));
                (0..polls).any(|_| refresh.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready())
            };
            api.app.store.be_slow(false);
            let next = api.next(&token);
            assert_ne!(text(&next), text(&token));
            api.next(&next);
            assert!(good && !api.app.has_audit("session.replayed"), "{name} after {polls}");
            if done {
                break;
            }
            assert!(polls < 19, "{name} is never done");
        }
    }
}
