//! Values at the edges of what columns hold.

use auth_core::{
    Account, Created, LoginName, PrincipalId, PrincipalKind, Realm, SecretHash, SecretState, SessionBlob,
    StoreError, UnixTime, Updated, Version,
};

use crate::support::{NOW, Server, TIMEOUT, ann, on_every_server, password, session, token};

on_every_server!(
    the_largest_numbers_survive,
    the_longest_names_survive,
    names_compare_byte_by_byte,
    a_damaged_token_that_was_taken_is_no_token_that_is_still_there,
);

/// "Never" and the largest counters must come back as they are: integers of a database are signed.
async fn the_largest_numbers_survive<S: Server>() {
    const LARGEST: u64 = i64::MAX as u64;
    let server = S::shared();
    let stores = S::open(&server.create().await, TIMEOUT).await.unwrap();
    let mut record = session(&ann(), LARGEST);
    (record.idle_until, record.absolute_until) = (UnixTime::MAX, UnixTime::MAX);
    record.version = Version::new(LARGEST);
    record.secret = SecretState {
        current: SecretHash::from_bytes([0; 32]),
        previous: Some(SecretHash::from_bytes([255; 32])),
        rotated_at: UnixTime::MAX,
        seen: true,
        generation: LARGEST,
        reissued: u32::MAX,
    };
    let _ = stores.sessions.insert(&record, None, NOW).await.unwrap();
    assert_eq!(stores.sessions.load(&record.id, NOW).await.unwrap(), Some(record.clone()));
    assert_eq!(
        stores.sessions.load(&record.id, UnixTime::MAX).await.unwrap(),
        None,
        "a deadline itself is over"
    );
    // A version that cannot go up stays, and is no error.
    let large = SessionBlob::empty().with_slot("s", 1, &vec![7; SessionBlob::MAX_LEN - 8]).unwrap();
    let updated = stores.sessions.update(&record.id, record.version, &large).await.unwrap();
    assert_eq!(updated, Updated::Updated);
    let found = stores.sessions.load(&record.id, NOW).await.unwrap().unwrap();
    assert_eq!((found.version, found.data), (record.version, large));

    let mut never = token(b"never", "ann");
    (never.expires_at, never.payload) = (UnixTime::MAX, Vec::new());
    let _ = stores.tokens.put(&never, NOW).await.unwrap();
    let late = UnixTime::from_secs(1 << 40);
    assert_eq!(stores.tokens.take(&never.key, late).await.unwrap(), Some(never));
}

/// Indexes of servers have a limit for what they hold, and a name that did not fit would be an account that cannot be
/// made.
async fn the_longest_names_survive<S: Server>() {
    let server = S::shared();
    let stores = S::open(&server.create().await, TIMEOUT).await.unwrap();
    let realm = Realm::parse(&format!("local:{}", "~".repeat(Realm::MAX_LEN - 6))).unwrap();
    let id = PrincipalId::new(realm, PrincipalKind::Service, &"z".repeat(PrincipalId::MAX_LEN)).unwrap();
    let account = Account::new(id.clone(), LoginName::parse(&"l".repeat(LoginName::MAX_LEN)).unwrap(), NOW);
    let mut credential = password(&id);
    credential.key.lookup = vec![255; auth_core::CredentialKey::MAX_LOOKUP].into();
    let created = stores.accounts.create(&account, std::slice::from_ref(&credential)).await.unwrap();
    assert_eq!(created, Created::Created);
    assert_eq!(stores.credentials.find(&credential.key).await.unwrap().unwrap().credential, credential);
    let record = session(&id, 0);
    let _ = stores.sessions.insert(&record, None, NOW).await.unwrap();
    assert_eq!(stores.sessions.load(&record.id, NOW).await.unwrap(), Some(record));
}

/// Names that look alike to a person, a collation or a LIKE are different.
async fn names_compare_byte_by_byte<S: Server>() {
    let server = S::shared();
    let accounts = S::open(&server.create().await, TIMEOUT).await.unwrap().accounts;
    let ids =
        ["ann", "Ann", "ann ", "änn", "a\u{308}nn", "a%", "ann\\", "ann'; DROP TABLE auth_accounts; --"];
    let mut made = Vec::new();
    for realm in [Realm::LOCAL, Realm::local("DEFAULT").unwrap(), Realm::issuer("default").unwrap()] {
        for id in ids {
            let id = PrincipalId::new(realm.clone(), PrincipalKind::User, id).unwrap();
            let login = LoginName::parse(&format!("login-{}", made.len())).unwrap();
            let account = Account::new(id, login, NOW);
            assert_eq!(accounts.create(&account, &[]).await.unwrap(), Created::Created, "{:?}", account.id);
            made.push(account);
        }
    }
    for account in made {
        let found = accounts.by_id(&account.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&account));
        assert_eq!(accounts.by_login(account.id.realm(), &account.login).await.unwrap(), found);
    }
}

/// An error that says that nothing was written would be a lie: the token is gone.
async fn a_damaged_token_that_was_taken_is_no_token_that_is_still_there<S: Server>() {
    let server = S::shared();
    let url = server.create().await;
    let stores = S::open(&url, TIMEOUT).await.unwrap();
    let token = token(b"t", "ann");
    let _ = stores.tokens.put(&token, NOW).await.unwrap();
    S::run(&url, "UPDATE auth_tokens SET subject = ''").await;
    assert!(matches!(stores.tokens.peek(&token.key, NOW).await, Err(StoreError::Corrupt("subject"))));
    assert!(matches!(stores.tokens.take(&token.key, NOW).await, Err(StoreError::Unknown(_))));
    assert_eq!(stores.tokens.peek(&token.key, NOW).await.unwrap(), None);
}
