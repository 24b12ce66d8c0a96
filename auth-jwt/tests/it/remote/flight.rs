//! One fetch for all, whoever goes away.

use std::{
    sync::{Arc, Barrier, mpsc},
    thread,
};

use auth_core::testing::block_on;
use auth_jwt::RefreshError;

use super::*;

/// Concurrent misses are one fetch.
#[test]
fn threads_that_all_need_the_keys_fetch_them_once() {
    let (key, gate) = (signing_key("a"), Gate::default());
    let script = Script::default().then_do(gate.clone().then(published(&[&key])));
    let (service, token) = (Service::new(script), token_of(&key));
    let barrier = Barrier::new(17);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    service.accepts(&token)
                })
            })
            .collect();
        barrier.wait();
        thread::yield_now();
        gate.open();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
    });
    assert_eq!(service.asked(), 1);
}

/// The same when the keys are there and all need another one.
#[test]
fn threads_that_all_need_another_key_fetch_it_once() {
    let (old, new, gate) = (signing_key("a"), signing_key("b"), Gate::default());
    let script = Script::default().then(published(&[&old]));
    let script = script.then_do(gate.clone().then(published(&[&old, &new])));
    let (service, token) = (Service::new(script), token_of(&new));
    assert!(service.accepts(&token_of(&old)));
    service.step(30);
    let barrier = Barrier::new(17);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    service.accepts(&token)
                })
            })
            .collect();
        barrier.wait();
        gate.open();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
    });
    assert_eq!(service.asked(), 2);
}

/// Whoever began the fetch may be cancelled: a client that hangs up must not take the others with it.
#[test]
fn the_fetch_survives_the_caller_who_began_it() {
    let (key, gate) = (signing_key("a"), Gate::default());
    let script = Script::default().then_do(gate.clone().then(published(&[&key])));
    let (service, token) = (Service::new(script), token_of(&key));
    let mut first = Box::pin(service.verifier.verify::<()>(&token, NOW));
    let mut second = Box::pin(service.verifier.verify::<()>(&token, NOW));
    assert!(poll_once(&mut first).is_pending() && poll_once(&mut second).is_pending());
    drop(first);
    assert!(poll_once(&mut second).is_pending());
    gate.open();
    assert!(block_on(second).is_ok());
    assert_eq!(service.asked(), 1);
}

/// Going away costs the server nothing: otherwise a client that hangs up again and again makes a fetch each
/// time, or, where that is forbidden, keeps everybody waiting for the cooldown.
#[test]
fn a_fetch_that_everybody_left_is_gone_on_with() {
    let (key, gate) = (signing_key("a"), Gate::default());
    let script = Script::default().then_do(gate.clone().then(published(&[&key])));
    let (service, token) = (Service::new(script), token_of(&key));
    for _ in 0..100 {
        let mut left = Box::pin(service.verifier.verify::<()>(&token, NOW));
        assert!(poll_once(&mut left).is_pending());
    }
    service.step(29);
    gate.open();
    assert!(service.accepts(&token));
    assert_eq!(service.asked(), 1);
}

/// Whoever began the fetch may be alive and never polled again, in a `select!` that looks elsewhere.
#[test]
fn a_caller_who_is_stuck_holds_up_nobody() {
    let (key, gate) = (signing_key("a"), Gate::default());
    let script = Script::default().then_do(gate.clone().then(published(&[&key])));
    let (service, token) = (Service::new(script), token_of(&key));
    let mut stuck = Box::pin(service.verifier.verify::<()>(&token, NOW));
    assert!(poll_once(&mut stuck).is_pending());
    thread::scope(|scope| {
        let waits = scope.spawn(|| service.accepts(&token));
        thread::yield_now();
        gate.open();
        assert!(waits.join().unwrap());
    });
    assert!(block_on(stuck).is_ok());
    assert_eq!(service.asked(), 1);
}

/// A fetcher without a timeout is wrong, and still no end of everything.
#[test]
fn a_fetch_that_never_ends_is_given_up() {
    let key = signing_key("a");
    let never = std::future::pending();
    let script = Script::default().then_do(never).then(published(&[&key]));
    let (service, token) = (Service::new(script), token_of(&key));
    thread::scope(|scope| {
        let waits = scope.spawn(|| service.accepts(&token));
        while service.asked() == 0 {
            thread::yield_now();
        }
        service.step(35);
        assert!(service.accepts(&token));
        assert!(waits.join().unwrap(), "who waited for the first is served by the second");
    });
    assert_eq!(service.asked(), 2);
}

/// An older answer must not overwrite a newer one (jose 6.2.10).
#[test]
fn an_answer_that_comes_too_late_is_dropped() {
    let (old, new) = (signing_key("a"), signing_key("b"));
    let (began, has_begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let late = published(&[&old]);
    // It holds its thread, so that it cannot be given up before it has its answer.
    let slow = async move {
        began.send(()).unwrap();
        released.recv().unwrap();
        late
    };
    let script = Script::default().then_do(slow).then(published(&[&new]));
    let service = Service::new(script);
    let (token_old, token_new) = (token_of(&old), token_of(&new));
    thread::scope(|scope| {
        let first = scope.spawn(|| service.accepts(&token_old));
        has_begun.recv().unwrap();
        service.step(35);
        assert!(service.accepts(&token_new));
        release.send(()).unwrap();
        assert!(!first.join().unwrap(), "the key had been withdrawn");
    });
    assert!(service.accepts(&token_new));
    assert!(service.verifier.keys().last_error().is_none());
    assert_eq!(service.asked(), 2);
}

/// While one caller fetches, the others do not wait, if the keys got old just now, or the issuer is out of reach
/// anyway: an outage of the issuer is no pause for everybody.
#[test]
fn keys_that_got_old_just_now_are_used_while_somebody_fetches() {
    let (key, first, second) = (signing_key("a"), Gate::default(), Gate::default());
    let script = Script::default().then(published(&[&key]));
    let script = script.then_do(first.clone().then(Err(FetchError::Timeout)));
    let service = Service::new(script.then_do(second.clone().then(Err(FetchError::Timeout))));
    let token = token_of(&key);
    assert!(service.accepts(&token));
    service.step(600);
    for gate in [first, second] {
        let mut fetches = Box::pin(service.verifier.verify::<()>(&token, NOW));
        assert!(poll_once(&mut fetches).is_pending());
        assert!(service.accepts(&token));
        // Once nobody drives it, the next one does.
        drop(fetches);
        let mut fetches = Box::pin(service.verifier.verify::<()>(&token, NOW));
        assert!(poll_once(&mut fetches).is_pending());
        gate.open();
        assert!(block_on(fetches).is_ok());
        service.step(30);
    }
    assert_eq!(service.asked(), 3);
}

/// After a long silence nobody gets by on what was there before it: of two requests that come at once the
/// second would use a key that was withdrawn hours ago.
#[test]
fn keys_that_are_long_old_are_not_used_while_somebody_fetches() {
    let (old, new, gate) = (signing_key("a"), signing_key("b"), Gate::default());
    let script = Script::default().then(published(&[&old])).then(Err(FetchError::Timeout));
    let service = Service::new(script.then_do(gate.clone().then(published(&[&new]))));
    let token = token_of(&old);
    assert!(service.accepts(&token));
    service.step(600);
    assert!(service.accepts(&token), "the issuer is out of reach");
    service.step(3600);
    let mut fetches = Box::pin(service.verifier.verify::<()>(&token, NOW));
    let mut stolen = Box::pin(service.verifier.verify::<()>(&token, NOW));
    assert!(poll_once(&mut fetches).is_pending() && poll_once(&mut stolen).is_pending());
    gate.open();
    assert!(block_on(stolen).is_err() && block_on(fetches).is_err());
    assert_eq!(service.asked(), 3);
}

/// Whatever the observer does, nobody waits for ever.
#[test]
fn an_observer_that_panics_holds_up_nobody() {
    let (key, gate) = (signing_key("a"), Gate::default());
    let script = Script::default().then_do(gate.clone().then(published(&[&key])));
    let service = Service::with(script, |keys| keys.with_observer(|_| panic!("in the observer")));
    let token = token_of(&key);
    let mut other = Box::pin(service.verifier.verify::<()>(&token, NOW));
    assert!(poll_once(&mut other).is_pending());
    gate.open();
    thread::scope(|scope| {
        assert!(scope.spawn(|| service.accepts(&token)).join().is_err());
    });
    assert!(block_on(other).is_ok());
}

/// A fetch that asks to be polled again at once, from within its poll.
#[test]
fn a_fetch_that_wakes_itself_is_polled_again() {
    let key = signing_key("a");
    let answer = published(&[&key]);
    let yielding = async move {
        for _ in 0..1000 {
            let mut yielded = false;
            poll_fn(|context| {
                if std::mem::replace(&mut yielded, true) {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        }
        answer
    };
    let (service, token) = (Service::new(Script::default().then_do(yielding)), token_of(&key));
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| service.accepts(&token))).collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
    });
    assert_eq!(service.asked(), 1);
}

/// Callers come and go on many threads while another thread wakes the fetch: no wake-up is lost, and nobody who
/// stays waits for ever.
#[test]
fn callers_who_come_and_go_lose_no_wake_up() {
    for _ in 0..20 {
        let key = signing_key("a");
        let answer = published(&[&key]);
        let slow = async move {
            for _ in 0..100 {
                let mut woken = false;
                poll_fn(|context| {
                    if std::mem::replace(&mut woken, true) {
                        return Poll::Ready(());
                    }
                    let waker = context.waker().clone();
                    thread::spawn(move || waker.wake());
                    Poll::Pending
                })
                .await;
            }
            answer
        };
        let (service, token) = (Service::new(Script::default().then_do(slow)), token_of(&key));
        thread::scope(|scope| {
            for stays in [true, false, true, false] {
                let (service, token) = (&service, &token);
                scope.spawn(move || {
                    for round in 0..20 {
                        let mut leaves = Box::pin(service.verifier.verify::<()>(token, NOW));
                        for _ in 0..round % 3 {
                            if poll_once(&mut leaves).is_ready() {
                                break;
                            }
                        }
                    }
                    assert!(!stays || service.accepts(token));
                });
            }
        });
        assert_eq!(service.asked(), 1);
    }
}

/// A panic in a fetcher is a failed fetch: not a poisoned lock, not a wait without end.
#[test]
fn a_fetcher_that_panics_has_failed() {
    let key = signing_key("a");
    let script = Script::default().then_do(async { panic!("in the fetcher") }).then(published(&[&key]));
    let (service, token) = (Service::new(script), token_of(&key));
    assert!(matches!(service.verify(&token), Err(RemoteVerifyError::Unavailable(_))));
    assert!(matches!(*service.verifier.keys().last_error().unwrap(), RefreshError::Panicked));
    service.step(30);
    assert!(service.accepts(&token));
}

/// An `Arc` of a fetcher is one, so that the fetcher may be shared and its type be left open.
#[test]
fn fetchers_are_forwarded_through_pointers() {
    let key = signing_key("a");
    let fetcher: Box<dyn FetchKeySet> = Box::new(Arc::new(Script::default().then(published(&[&key]))));
    let keys = RemoteKeySet::new(fetcher, [Algorithm::EdDsa]).unwrap();
    let verifier = RemoteVerifier::new(Arc::new(keys), policy());
    assert!(block_on(verifier.verify::<()>(&token_of(&key), NOW)).is_ok());
}
