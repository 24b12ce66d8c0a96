//! Requests that are given up half-way.

use std::{future::poll_fn, pin::pin, task::Poll};

use auth_core::{
    AuthEpoch, EndAll, KeyName, KeyRing, PrincipalId, Secret, SessionLimit, SessionOwner, WhenReached,
};

use crate::support::{NOW, Server, TIMEOUT, on_every_server, session};

on_every_server!(a_dropped_call_happens_entirely_or_not_at_all_and_blocks_nobody);

/// Polls a future up to `polls` times and then drops it. Answers whether it had ended.
async fn cut<T>(polls: usize, call: impl Future<Output = T>) -> bool {
    let mut call = pin!(call);
    let mut left = polls;
    poll_fn(|context| {
        left = left.saturating_sub(1);
        match call.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A client that hangs up drops the handler's future, wherever it is. A transaction that stayed open would hold its
/// locks; one that was half-way must not take half effect.
async fn a_dropped_call_happens_entirely_or_not_at_all_and_blocks_nobody<S: Server>() {
    let server = S::shared();
    let url = server.create().await;
    let (stores, other) = (S::open(&url, TIMEOUT).await.unwrap(), S::open(&url, TIMEOUT).await.unwrap());
    let keys = KeyRing::new(KeyName::from_static("a"), Secret::new((7..).take(32).collect())).unwrap();
    let limit = SessionLimit { max: 1, when_reached: WhenReached::EndOldest };
    let (mut cut_short, mut ended) = (0, 0);
    for polls in 1..40 {
        let principal = PrincipalId::local_user(&format!("user-{polls}")).unwrap();
        let owner = SessionOwner::new(principal.clone(), &keys);
        let (first, second) = (session(&principal, 0), session(&principal, 0));
        let _ = other.sessions.insert(&first, None, NOW).await.unwrap();
        let done = cut(polls, stores.sessions.insert(&second, Some(&limit), NOW)).await;
        *if done { &mut ended } else { &mut cut_short } += 1;
        // Ends nothing, and waits for whatever is still under way for this principal.
        let nothing = EndAll { owner: &owner, except: None, epoch: AuthEpoch::ZERO };
        assert_eq!(other.sessions.end_all(nothing, NOW).await.unwrap(), 0);
        let left = (
            other.sessions.load(&first.id, NOW).await.unwrap().is_some(),
            other.sessions.load(&second.id, NOW).await.unwrap().is_some(),
        );
        assert!(left == (true, false) || left == (false, true), "after {polls} polls: {left:?}");
        assert!(!done || left.1);
    }
    assert!(cut_short > 0 && ended > 0, "{cut_short} cut short, {ended} ended");
}
