//! Two processes on one file: two handles share no connection and no lock but SQLite's.

use std::sync::Arc;

use auth_core::{
    AccountChange, AccountStore, Applied, Claim, CounterKey, CounterStore, Created, CredentialStore,
    EpochBump, Realm, SessionStore, TokenStore, Updated, Version, Window,
};

use crate::support::{Folder, NOW, PURPOSE, account, ann, password, session, token};

const ROUNDS: u8 = 20;

/// A token that two servers accept is not single-use.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_two_processes_takes_a_token() {
    let folder = Folder::new();
    let (one, other) = (folder.open().await.tokens(), folder.open().await.tokens());
    for round in 0..ROUNDS {
        let token = Arc::new(token(&[round], "ann"));
        let _ = one.put(&token, NOW).await.unwrap();
        let take = |tokens: &auth_sql::SqliteTokens| {
            let (tokens, token) = (tokens.clone(), Arc::clone(&token));
            tokio::spawn(async move { tokens.take(&token.key, NOW).await.unwrap() })
        };
        let (a, b) = (take(&one), take(&other));
        let winners = [a.await.unwrap(), b.await.unwrap()].into_iter().flatten().count();
        assert_eq!(winners, 1);

        let claim = |tokens: &auth_sql::SqliteTokens| {
            let (tokens, token) = (tokens.clone(), Arc::clone(&token));
            tokio::spawn(async move { tokens.claim(&token.key, token.expires_at, NOW).await.unwrap() })
        };
        let (a, b) = (claim(&one), claim(&other));
        let claims = [a.await.unwrap(), b.await.unwrap()];
        assert_eq!(claims.iter().filter(|claim| **claim == Claim::First).count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_update_of_either_process_is_lost() {
    let folder = Folder::new();
    let (one, other) = (folder.open().await.sessions(), folder.open().await.sessions());
    let record = session(&ann(), 0);
    let _ = one.insert(&record, None, NOW).await.unwrap();
    let write = |sessions: auth_sql::SqliteSessions, name: &'static str| {
        let id = record.id;
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                loop {
                    let found = sessions.load(&id, NOW).await.unwrap().unwrap();
                    let data = found.data.with_slot(&format!("{name}{round}"), 1, b"x").unwrap();
                    // Two processes with 20 slots each: no more than a session may have.
                    let data = data.without_slot(&format!("{name}{}", round.wrapping_sub(10)));
                    match sessions.update(&id, found.version, &data).await.unwrap() {
                        Updated::Updated => break,
                        Updated::Conflict => {}
                        Updated::Gone => panic!("gone"),
                    }
                }
            }
        })
    };
    let (a, b) = (write(one.clone(), "a"), write(other, "b"));
    a.await.unwrap();
    b.await.unwrap();
    let found = one.load(&record.id, NOW).await.unwrap().unwrap();
    assert_eq!(found.data.slots().count(), 1 + 10 + 10);
    assert_eq!(found.version, Version::new(1 + 2 * u64::from(ROUNDS)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_count_and_no_failure_is_lost() {
    let folder = Folder::new();
    let (one, other) = (folder.open().await, folder.open().await);
    let _ = one.accounts().create(&account(&ann()), &[password(&ann())]).await.unwrap();
    let key = CounterKey::new(&Realm::LOCAL, PURPOSE, &[b"ann"]);
    let window = Window::new(std::time::Duration::from_secs(60));
    let count = |database: &auth_sql::Sqlite| {
        let (counters, accounts) = (database.counters(), database.accounts());
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                counters.add(&key, 1, window, NOW).await.unwrap();
                accounts.count_failure(&password(&ann()).key).await.unwrap();
            }
        })
    };
    let (a, b) = (count(&one), count(&other));
    a.await.unwrap();
    b.await.unwrap();
    let counted = one.counters().add(&key, 0, window, NOW).await.unwrap();
    assert_eq!(counted.value, 2 * u64::from(ROUNDS));
    let found = other.accounts().find(&password(&ann()).key).await.unwrap().unwrap();
    assert_eq!(found.credential.failures, 2 * u32::from(ROUNDS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_login_is_given_once_and_an_account_changed_once() {
    let folder = Folder::new();
    let (one, other) = (folder.open().await.accounts(), folder.open().await.accounts());
    for round in 0..ROUNDS {
        let login = auth_core::LoginName::parse(&format!("login-{round}")).unwrap();
        let new = |accounts: &auth_sql::SqliteAccounts, name: &str| {
            let id = auth_core::PrincipalId::local_user(&format!("{name}{round}")).unwrap();
            let account = auth_core::Account::new(id, login.clone(), NOW);
            let accounts = accounts.clone();
            tokio::spawn(async move { accounts.create(&account, &[]).await.unwrap() })
        };
        let (a, b) = (new(&one, "a"), new(&other, "b"));
        let created = [a.await.unwrap(), b.await.unwrap()];
        assert!(created.contains(&Created::Created) && created.contains(&Created::LoginTaken), "{created:?}");

        let winner = one.by_login(&Realm::LOCAL, &login).await.unwrap().unwrap();
        let change = |accounts: &auth_sql::SqliteAccounts| {
            let (accounts, id) = (accounts.clone(), winner.id.clone());
            let changes = [AccountChange::Status(auth_core::AccountStatus::Disabled)];
            tokio::spawn(async move {
                accounts.apply(&id, Version::FIRST, &changes, EpochBump::Bump).await.unwrap()
            })
        };
        let (a, b) = (change(&one), change(&other));
        let applied = [a.await.unwrap(), b.await.unwrap()];
        assert_eq!(applied.iter().filter(|applied| **applied == Applied::Conflict).count(), 1);
        assert_eq!(one.by_id(&winner.id).await.unwrap().unwrap().epoch.get(), 1);
    }
}
