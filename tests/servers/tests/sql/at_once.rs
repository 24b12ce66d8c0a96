//! Races that the suites do not run, since in memory they are no races.

use std::time::Duration;

use auth_core::{
    AccountChange, Applied, CounterKey, EpochBump, LoginName, PrincipalId, Realm, UnixTime, Window,
};

use crate::support::{NOW, PURPOSE, Server, TIMEOUT, account, after, ann, on_every_server};

on_every_server!(
    a_login_that_another_took_meanwhile_is_taken,
    of_two_additions_at_once_one_sees_the_other_whatever_their_clocks_say,
);

/// Two people ask for one name at once: each finds it free, and one of them must not get it.
async fn a_login_that_another_took_meanwhile_is_taken<S: Server>() {
    let server = S::shared();
    let accounts = S::open(&server.create().await, TIMEOUT).await.unwrap().accounts;
    let bob = PrincipalId::local_user("bob").unwrap();
    for account in [account(&ann()), account(&bob)] {
        let _ = accounts.create(&account, &[]).await.unwrap();
    }
    for round in 0..20 {
        let login = LoginName::parse(&format!("wanted-{round}")).unwrap();
        let change = |id: PrincipalId| {
            let (accounts, login) = (accounts.clone(), login.clone());
            tokio::spawn(async move {
                let found = accounts.by_id(&id).await.unwrap().unwrap();
                let changes = [AccountChange::Login(login)];
                accounts.apply(&id, found.version, &changes, EpochBump::Keep).await.unwrap()
            })
        };
        let (one, other) = (change(ann()), change(bob.clone()));
        let applied = [one.await.unwrap(), other.await.unwrap()];
        let taken = applied.iter().filter(|applied| **applied == Applied::LoginTaken).count();
        assert_eq!(taken, 1, "{applied:?}");
    }
}

/// Additions to different buckets write different rows, and neither waits for the other by itself: two guesses would
/// each be the first.
async fn of_two_additions_at_once_one_sees_the_other_whatever_their_clocks_say<S: Server>() {
    let server = S::shared();
    let counters = S::open(&server.create().await, TIMEOUT).await.unwrap().counters;
    let window = Window::new(Duration::from_secs(64));
    for round in 0_u8..40 {
        let add = |now: UnixTime| {
            let (counters, key) = (counters.clone(), CounterKey::new(&Realm::LOCAL, PURPOSE, &[&[round]]));
            tokio::spawn(async move { counters.add(&key, 1, window, now).await.unwrap().value })
        };
        let (one, other) = (add(NOW), add(after(8)));
        let (one, other) = (one.await.unwrap(), other.await.unwrap());
        // The earlier window has the later bucket in it too.
        assert_eq!(one.max(other), 2, "{one} and {other} in round {round}");
    }
}
