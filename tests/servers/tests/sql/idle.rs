//! Programs that stand still in the middle of a transaction.

use std::{future::poll_fn, task::Poll, time::Duration};

use auth_core::{
    AuthEpoch, EndAll, KeyName, KeyRing, PrincipalId, Secret, SessionLimit, SessionOwner, WhenReached,
};

use crate::support::{NOW, Server, TIMEOUT, on_every_server, session};

on_every_server!(a_transaction_that_stands_still_is_ended_by_the_server);

/// A host that is paused, or gone without a word, must not keep its locks until somebody notices. It is as if the
/// call were never polled again: its own timeout does not help.
async fn a_transaction_that_stands_still_is_ended_by_the_server<S: Server>() {
    let server = S::shared();
    let url = server.create().await;
    let other = S::open(&url, TIMEOUT * 5).await.unwrap();
    let keys = KeyRing::new(KeyName::from_static("a"), Secret::new((7..).take(32).collect())).unwrap();
    let limit = SessionLimit { max: 1, when_reached: WhenReached::EndOldest };
    let mut standing = Vec::new();
    for polls in 1..20 {
        let principal = PrincipalId::local_user(&format!("user-{polls}")).unwrap();
        let (sessions, limit) =
            (S::open(&url, Duration::from_secs(1)).await.unwrap().sessions, limit.clone());
        let record = session(&principal, 0);
        let mut call = Box::pin(async move { sessions.insert(&record, Some(&limit), NOW).await.map(|_| ()) });
        let mut left = polls;
        let ended = poll_fn(|context| {
            left -= 1;
            match call.as_mut().poll(context) {
                Poll::Pending if left > 0 => Poll::Pending,
                poll => Poll::Ready(poll.is_ready()),
            }
        });
        if !ended.await {
            standing.push((principal, call));
        }
    }
    assert!(standing.len() > 1, "{} stand still", standing.len());
    for (principal, _) in &standing {
        let owner = SessionOwner::new(principal.clone(), &keys);
        let nothing = EndAll { owner: &owner, except: None, epoch: AuthEpoch::ZERO };
        assert_eq!(other.sessions.end_all(nothing, NOW).await.unwrap(), 0);
    }
}
