//! The server dies in the middle of a call: after it was sent, and before it was answered.

use auth_core::{
    AccountChange, AccountStatus, AuthEpoch, EndAll, EpochBump, Inserted, KeyName, KeyRing, PrincipalId, Put,
    Rotated, Secret, SecretHash, SessionBlob, SessionLimit, SessionOwner, SessionRecord, StoreError,
    TokenRecord, Updated, Version, WhenReached,
};
use tokio::{
    task::{JoinHandle, block_in_place},
    time::{Duration, Instant, sleep},
};

use crate::support::{NOW, Server, Stores, account, after, ann, on_every_server, password, session, token};

on_every_server!(a_call_that_a_crash_cuts_in_two_has_not_happened_at_all);

/// Longer than a test takes to find that the call waits, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is in the store before each call: two sessions, a token and an account.
struct Before {
    stores: Stores,
    here: SessionRecord,
    there: SessionRecord,
    old: TokenRecord,
}

fn owner() -> SessionOwner {
    let keys = KeyRing::new(KeyName::from_static("a"), Secret::new((7..).take(32).collect())).unwrap();
    SessionOwner::new(ann(), &keys)
}

/// The marker without the end of the sessions, the new token beside the old, an old secret and a new version: none of
/// it may be what is left. Each call is stopped at the row that it changes, and the server is killed there.
async fn a_call_that_a_crash_cuts_in_two_has_not_happened_at_all<S: Server>() {
    let mut server = S::own();
    let url = server.create().await;
    let stores = S::open(&url, PATIENCE).await.unwrap();
    let before = Before {
        here: session(&ann(), 0),
        there: session(&ann(), 0),
        old: token(b"old", "ann"),
        stores: stores.clone(),
    };
    for record in [&before.here, &before.there] {
        let _ = stores.sessions.insert(record, None, NOW).await.unwrap();
    }
    assert_eq!(stores.tokens.put(&before.old, NOW).await.unwrap(), Put::Stored);
    let _ = stores.accounts.create(&account(&ann()), &[password(&ann())]).await.unwrap();

    let (sessions, tokens, accounts) = ("auth_sessions", "auth_tokens", "auth_accounts");
    before.cut(&mut server, &url, sessions, update).await;
    before.cut(&mut server, &url, sessions, rotate).await;
    before.cut(&mut server, &url, sessions, touch).await;
    before.cut(&mut server, &url, sessions, end_all).await;
    before.cut(&mut server, &url, sessions, insert_under_a_limit).await;
    before.cut(&mut server, &url, tokens, replace).await;
    before.cut(&mut server, &url, accounts, change_password).await;
    // And all of it can still be done.
    for call in [update, rotate, touch, end_all, insert_under_a_limit, replace, change_password] {
        call(&stores, &before.here, &before.there).await.unwrap().unwrap();
    }
}

type Call = JoinHandle<Result<(), StoreError>>;

impl Before {
    async fn cut<S: Server>(
        &self,
        server: &mut S,
        url: &str,
        table: &str,
        call: fn(&Stores, &SessionRecord, &SessionRecord) -> Call,
    ) {
        let holding = S::hold(url, table).await;
        let call = call(&self.stores, &self.here, &self.there);
        let end = Instant::now() + PATIENCE / 2;
        while !S::waits(url).await {
            assert!(!call.is_finished(), "the call does not wait for {table}");
            assert!(Instant::now() < end, "nobody is seen to wait for {table}");
            sleep(Duration::from_millis(5)).await;
        }
        block_in_place(|| server.kill());
        assert!(call.await.unwrap().is_err(), "what was not done was answered");
        drop(holding);
        block_in_place(|| server.restart());
        self.assert_nothing_happened().await;
    }

    async fn assert_nothing_happened(&self) {
        let Stores { sessions, tokens, accounts, credentials, .. } = &self.stores;
        for record in [&self.here, &self.there] {
            assert_eq!(sessions.load(&record.id, NOW).await.unwrap().as_ref(), Some(record));
        }
        assert_eq!(sessions.list(&owner(), auth_core::Page::first(), NOW).await.unwrap().len(), 2);
        assert_eq!(tokens.peek(&self.old.key, NOW).await.unwrap(), Some(self.old.clone()));
        assert_eq!(tokens.peek(&token(b"new", "ann").key, NOW).await.unwrap(), None);
        assert_eq!(accounts.by_id(&ann()).await.unwrap(), Some(account(&ann())));
        assert!(credentials.find(&password(&ann()).key).await.unwrap().is_some());
        // No marker was left: a login of the epoch of now is let in.
        let login = session(&ann(), 0);
        let stored = sessions.insert(&login, None, NOW).await.unwrap();
        assert_eq!(stored, Inserted::Stored { ended: 0 });
        assert!(sessions.remove(&login.id).await.unwrap());
    }
}

fn update(stores: &Stores, here: &SessionRecord, _: &SessionRecord) -> Call {
    let (sessions, here) = (stores.sessions.clone(), here.clone());
    tokio::spawn(async move {
        let data = SessionBlob::empty().with_slot("n", 1, b"1").unwrap();
        let done = sessions.update(&here.id, here.version, &data).await?;
        assert_eq!(done, Updated::Updated);
        Ok(())
    })
}

fn rotate(stores: &Stores, _: &SessionRecord, there: &SessionRecord) -> Call {
    let (sessions, there) = (stores.sessions.clone(), there.clone());
    tokio::spawn(async move {
        let next = there.secret.rotated(SecretHash::of(b"next"), NOW);
        assert_eq!(sessions.rotate(&there.id, there.version, &next).await?, Rotated::Rotated);
        Ok(())
    })
}

fn touch(stores: &Stores, here: &SessionRecord, _: &SessionRecord) -> Call {
    let (sessions, id) = (stores.sessions.clone(), here.id);
    tokio::spawn(async move {
        assert!(sessions.touch(&id, after(500), NOW).await?);
        Ok(())
    })
}

fn end_all(stores: &Stores, here: &SessionRecord, _: &SessionRecord) -> Call {
    let (sessions, id) = (stores.sessions.clone(), here.id);
    tokio::spawn(async move {
        let what = EndAll { owner: &owner(), except: Some(&id), epoch: AuthEpoch::new(1) };
        assert_eq!(sessions.end_all(what, NOW).await?, 1);
        Ok(())
    })
}

fn insert_under_a_limit(stores: &Stores, _: &SessionRecord, _: &SessionRecord) -> Call {
    let sessions = stores.sessions.clone();
    tokio::spawn(async move {
        let limit = SessionLimit { max: 1, when_reached: WhenReached::EndOldest };
        let stored = sessions.insert(&session(&ann(), 1), Some(&limit), NOW).await?;
        assert!(matches!(stored, Inserted::Stored { ended: 1 }), "{stored:?}");
        Ok(())
    })
}

fn replace(stores: &Stores, _: &SessionRecord, _: &SessionRecord) -> Call {
    let tokens = stores.tokens.clone();
    tokio::spawn(async move {
        assert_eq!(tokens.replace(&token(b"new", "ann"), NOW).await?, Put::Stored);
        Ok(())
    })
}

fn change_password(stores: &Stores, _: &SessionRecord, _: &SessionRecord) -> Call {
    let accounts = stores.accounts.clone();
    tokio::spawn(async move {
        let id: PrincipalId = ann();
        let changes = [
            AccountChange::RemoveCredential(password(&id).key),
            AccountChange::Status(AccountStatus::Disabled),
        ];
        let _ = accounts.apply(&id, Version::FIRST, &changes, EpochBump::Bump).await?;
        Ok(())
    })
}
