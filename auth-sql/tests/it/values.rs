//! Values at the edges of what columns hold.

use auth_core::{
    AccountChange, AccountStore, Applied, AuthEpoch, CredentialStore, EndAll, EpochBump, EpochSource,
    Inserted, LoginName, Page, PrincipalId, PrincipalKind, Realm, SecretHash, SecretState, SessionBlob,
    SessionStore, TokenStore, UnixTime, Updated, Version, Written,
};

use crate::support::{Folder, NOW, account, after, ann, anonymous, owner, password, session, token};

/// "Never" and the largest counters must come back as they are: SQLite's integers are signed.
#[tokio::test]
async fn the_largest_numbers_survive() {
    let folder = Folder::new();
    let database = folder.open().await;
    let sessions = database.sessions();
    const LARGEST: u64 = i64::MAX as u64;
    let mut record = session(&ann(), LARGEST);
    record.idle_until = UnixTime::MAX;
    record.absolute_until = UnixTime::MAX;
    record.version = Version::new(LARGEST);
    record.secret = SecretState {
        current: SecretHash::from_bytes([0; 32]),
        previous: Some(SecretHash::from_bytes([255; 32])),
        rotated_at: UnixTime::MAX,
        seen: true,
        generation: LARGEST,
        reissued: u32::MAX,
    };
    let _ = sessions.insert(&record, None, NOW).await.unwrap();
    assert_eq!(sessions.load(&record.id, NOW).await.unwrap(), Some(record.clone()));
    assert_eq!(sessions.load(&record.id, UnixTime::MAX).await.unwrap(), None, "a deadline itself is over");
    // A version that cannot go up stays, and is no error.
    let data = SessionBlob::empty();
    assert_eq!(sessions.update(&record.id, record.version, &data).await.unwrap(), Updated::Updated);
    assert_eq!(sessions.load(&record.id, NOW).await.unwrap().unwrap().version, record.version);

    let mut never = token(b"never", "ann");
    never.expires_at = UnixTime::MAX;
    let _ = database.tokens().put(&never, NOW).await.unwrap();
    assert_eq!(database.tokens().take(&never.key, after(1 << 40)).await.unwrap(), Some(never));
}

#[tokio::test]
async fn the_smallest_and_the_largest_data_survive() {
    let folder = Folder::new();
    let database = folder.open().await;
    let mut record = anonymous();
    record.data = SessionBlob::empty();
    (record.created_at, record.last_used_at) = (UnixTime::EPOCH, UnixTime::EPOCH);
    let _ = database.sessions().insert(&record, None, NOW).await.unwrap();
    assert_eq!(database.sessions().load(&record.id, NOW).await.unwrap(), Some(record.clone()));
    let large = SessionBlob::empty().with_slot("s", 1, &vec![7; SessionBlob::MAX_LEN - 8]).unwrap();
    assert_eq!(large.as_bytes().len(), SessionBlob::MAX_LEN);
    let _ = database.sessions().update(&record.id, record.version, &large).await.unwrap();
    assert_eq!(database.sessions().load(&record.id, NOW).await.unwrap().unwrap().data, large);

    let mut empty = token(b"empty", "ann");
    empty.payload = Vec::new();
    let _ = database.tokens().put(&empty, NOW).await.unwrap();
    assert_eq!(database.tokens().take(&empty.key, NOW).await.unwrap(), Some(empty));

    let mut credential = password(&ann());
    credential.key.lookup = vec![0; auth_core::CredentialKey::MAX_LOOKUP].into();
    let _ = database.accounts().create(&account(&ann()), std::slice::from_ref(&credential)).await.unwrap();
    assert_eq!(database.accounts().find(&credential.key).await.unwrap().unwrap().credential, credential);
}

/// Names that look alike to a person, a collation or a LIKE are different.
#[tokio::test]
async fn names_compare_byte_by_byte() {
    let folder = Folder::new();
    let accounts = folder.open().await.accounts();
    let ids = ["ann", "Ann", "ann ", "änn", "a\u{308}nn", "a%", "ann'; DROP TABLE auth_accounts; --"];
    let realms = [Realm::LOCAL, Realm::local("DEFAULT").unwrap(), Realm::issuer("default").unwrap()];
    let kinds = [PrincipalKind::User, PrincipalKind::Service];
    let mut made = Vec::new();
    for realm in &realms {
        for kind in kinds {
            for id in ids {
                let id = PrincipalId::new(realm.clone(), kind, id).unwrap();
                let login = LoginName::parse(&format!("login-{}", made.len())).unwrap();
                let account = auth_core::Account::new(id, login, NOW);
                assert_eq!(accounts.create(&account, &[]).await.unwrap(), auth_core::Created::Created);
                made.push(account);
            }
        }
    }
    for account in made {
        let found = accounts.by_id(&account.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&account));
        assert_eq!(accounts.by_login(account.id.realm(), &account.login).await.unwrap(), found);
    }
}

/// What may be in an authentication must survive its JSON: actor, limits, several methods.
#[tokio::test]
async fn a_whole_authentication_survives() {
    let folder = Folder::new();
    let sessions = folder.open().await.sessions();
    let limits = auth_core::Limits::unlimited()
        .with_scopes(auth_core::Scopes::parse("read write").unwrap())
        .with_tenant(Realm::local("t").unwrap());
    let root = PrincipalId::new(Realm::LOCAL, PrincipalKind::Service, "\"root\"\u{1f511}").unwrap();
    let mut record = session(&ann(), 3);
    let authentication = (**record.authentication.as_ref().unwrap())
        .clone()
        .with_methods(vec![auth_core::Method::PASSWORD, auth_core::Method::HARDWARE_KEY])
        .with_assurance(auth_core::Assurance::Aal3)
        .with_actor(root)
        .with_limits(limits);
    record.authentication = Some(authentication.into());
    let _ = sessions.insert(&record, None, NOW).await.unwrap();
    assert_eq!(sessions.load(&record.id, NOW).await.unwrap(), Some(record.clone()));
    assert_eq!(sessions.list(&owner(ann()), Page::first(), NOW).await.unwrap(), [record.summary()]);
}

/// An error says what became of the sessions: a purge that cannot do the rest has removed none.
#[tokio::test]
async fn a_purge_that_fails_has_removed_no_session() {
    let folder = Folder::new();
    let sessions = folder.open().await.sessions();
    let record = session(&ann(), 1);
    let _ = sessions.insert(&record, None, NOW).await.unwrap();
    let all = EndAll { owner: &owner(ann()), except: None, epoch: AuthEpoch::new(1) };
    assert_eq!(sessions.end_all(all, NOW).await.unwrap(), 0);
    let refuse = "CREATE TRIGGER auth_refuse BEFORE DELETE ON auth_session_epochs BEGIN SELECT RAISE(ABORT, 'no'); END";
    folder.run(refuse).await;
    let late = after(800 * 24 * 3_600);
    let error = sessions.purge(late, 10).await.unwrap_err();
    assert_eq!(error.written(), Written::No, "{error:?}");
    folder.run("DROP TRIGGER auth_refuse").await;
    assert_eq!(sessions.purge(late, 10).await.unwrap(), 1);
}

/// The marker outlives a login that was under way, and is then forgotten, so that the table does not grow.
#[tokio::test]
async fn a_marker_is_kept_for_a_day() {
    const DAY: u64 = 24 * 60 * 60;
    let folder = Folder::new();
    let sessions = folder.open().await.sessions();
    let owner = owner(ann());
    let what = EndAll { owner: &owner, except: None, epoch: AuthEpoch::new(1) };
    sessions.end_all(what, NOW).await.unwrap();
    sessions.purge(after(DAY - 1), 1_000).await.unwrap();
    let mut late = session(&ann(), 0);
    late.absolute_until = after(2 * DAY);
    late.idle_until = late.absolute_until;
    assert_eq!(sessions.insert(&late, None, after(DAY - 1)).await.unwrap(), Inserted::Outdated);
    sessions.purge(after(DAY), 1_000).await.unwrap();
    assert_eq!(sessions.insert(&late, None, after(DAY)).await.unwrap(), Inserted::Stored { ended: 0 });
}

/// The columns of a credential's owner do not hold its realm, which is the key's.
#[tokio::test]
async fn the_same_id_in_another_realm_reaches_no_credential() {
    let folder = Folder::new();
    let accounts = folder.open().await.accounts();
    let _ = accounts.create(&account(&ann()), &[password(&ann())]).await.unwrap();
    let stranger = PrincipalId::new(Realm::local("t").unwrap(), PrincipalKind::User, "ann").unwrap();
    let mut namesake = account(&ann());
    namesake.id = stranger.clone();
    let _ = accounts.create(&namesake, &[]).await.unwrap();
    let remove = [AccountChange::RemoveCredential(password(&ann()).key)];
    let applied = accounts.apply(&stranger, Version::FIRST, &remove, EpochBump::Keep).await.unwrap();
    assert!(matches!(applied, Applied::Applied(_)));
    assert!(accounts.find(&password(&ann()).key).await.unwrap().is_some());
}

#[tokio::test]
async fn the_epoch_of_a_disabled_or_missing_account_is_none() {
    let folder = Folder::new();
    let accounts = folder.open().await.accounts();
    assert_eq!(accounts.epoch_of(&ann()).await.unwrap(), None);
    let _ = accounts.create(&account(&ann()), &[]).await.unwrap();
    assert_eq!(accounts.epoch_of(&ann()).await.unwrap(), Some(AuthEpoch::ZERO));
    let disable = [AccountChange::Status(auth_core::AccountStatus::Disabled)];
    let _ = accounts.apply(&ann(), Version::FIRST, &disable, EpochBump::Bump).await.unwrap();
    assert_eq!(accounts.epoch_of(&ann()).await.unwrap(), None);
    let enable = [AccountChange::Status(auth_core::AccountStatus::Active)];
    let _ = accounts.apply(&ann(), Version::new(2), &enable, EpochBump::Keep).await.unwrap();
    assert_eq!(accounts.epoch_of(&ann()).await.unwrap(), Some(AuthEpoch::new(1)));
}

/// In memory everything is as in a file, for as long as anything of it is held.
#[tokio::test]
async fn a_database_in_memory_lives_with_its_handles() {
    let sessions = auth_sql::Sqlite::in_memory().await.unwrap().sessions();
    let record = session(&ann(), 0);
    let _ = sessions.insert(&record, None, NOW).await.unwrap();
    assert_eq!(sessions.clone().load(&record.id, NOW).await.unwrap(), Some(record));
    let other = auth_sql::Sqlite::in_memory().await.unwrap().sessions();
    assert_eq!(other.list(&owner(ann()), Page::first(), NOW).await.unwrap(), []);
}
