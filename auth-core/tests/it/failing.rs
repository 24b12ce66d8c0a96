//! The store that fails on demand fails as it says.

use std::sync::Arc;

use auth_core::{
    Account, AccountStore, Assignment, AssignmentStore, CounterKey, CounterStore, CredentialKey,
    CredentialKind, CredentialStore, LoginName, PrincipalId, Purpose, Put, Realm, RoleName, SecretHash,
    StoreError, TokenKey, TokenRecord, TokenStore, TokenSubject, UnixTime, Window, Written,
    conformance::{
        Report, Threads, account_store, assignment_store, counter_store, credential_store,
        reference::{
            ReferenceAccounts, ReferenceAssignments, ReferenceCounters, ReferenceSessions, ReferenceTokens,
        },
        session_store, token_store,
    },
    testing::{FailWith, FailingStore, block_on},
};

const NOW: UnixTime = UnixTime::from_secs(1_000);

fn token(n: u8) -> TokenRecord {
    TokenRecord {
        key: TokenKey { realm: Realm::LOCAL, purpose: Purpose::new("test"), hash: SecretHash::of(&[n]) },
        subject: TokenSubject::parse("ann").unwrap(),
        expires_at: UnixTime::MAX,
        payload: Vec::new(),
    }
}

/// A lost answer is the one failure after which something was written.
#[test]
fn each_failure_is_the_one_that_was_asked_for() {
    let cases = [
        (FailWith::NotWritten, Written::No, false),
        (FailWith::Full, Written::No, false),
        (FailWith::Timeout, Written::Unknown, false),
        (FailWith::LostAnswer, Written::Unknown, true),
    ];
    for (n, (how, written, done)) in (0..).zip(cases) {
        let store = FailingStore::new(ReferenceTokens::default());
        let token = token(n);
        store.fail_with(Some(how));
        let error = block_on(store.put(&token, NOW)).unwrap_err();
        assert_eq!(error.written(), written, "{how:?}");
        assert_eq!(matches!(error, StoreError::Full), how == FailWith::Full);
        assert_eq!(block_on(store.inner().peek(&token.key, NOW)).unwrap().is_some(), done, "{how:?}");
        assert!(block_on(store.peek(&token.key, NOW)).is_err());
        store.fail_with(None);
        let again = if done { Put::Collision } else { Put::Stored };
        assert_eq!(block_on(store.put(&token, NOW)).unwrap(), again, "{how:?}");
        assert_eq!(block_on(store.take(&token.key, NOW)).unwrap(), Some(token));
    }
}

/// A damaged row stands in the way of whoever reads it, and can be removed.
#[test]
fn a_row_that_is_corrupt_is_not_read_and_can_be_removed() {
    let store = FailingStore::new(ReferenceTokens::default());
    let token = token(1);
    store.fail_with(Some(FailWith::Corrupt));
    assert_eq!(block_on(store.put(&token, NOW)).unwrap(), Put::Stored);
    assert!(matches!(block_on(store.peek(&token.key, NOW)), Err(StoreError::Corrupt(_))));
    assert!(matches!(block_on(store.take(&token.key, NOW)), Err(StoreError::Corrupt(_))));
    let TokenKey { realm, purpose, .. } = &token.key;
    assert_eq!(block_on(store.revoke(realm, *purpose, &token.subject, NOW)).unwrap(), 1);
}

#[test]
fn every_trait_fails_when_told_to() {
    let ann = PrincipalId::local_user("ann").unwrap();
    let account = Account::new(ann.clone(), LoginName::parse("ann").unwrap(), NOW);
    let credential = CredentialKey::only(&ann, CredentialKind::PASSWORD);
    let assignment = Assignment { principal: ann, role: RoleName::from_static("reader") };
    let counter = CounterKey::new(&Realm::LOCAL, Purpose::new("test"), &[]);

    let accounts = FailingStore::new(ReferenceAccounts::default());
    let counters = FailingStore::new(ReferenceCounters::default());
    let assignments = FailingStore::new(ReferenceAssignments::default());
    accounts.fail_with(Some(FailWith::NotWritten));
    counters.fail_with(Some(FailWith::NotWritten));
    assignments.fail_with(Some(FailWith::NotWritten));
    block_on(async {
        assert!(accounts.create(&account, &[]).await.is_err());
        assert!(accounts.find(&credential).await.is_err());
        assert!(counters.add(&counter, 1, Window::new(std::time::Duration::ZERO), NOW).await.is_err());
        assert!(assignments.grant(&assignment).await.is_err());
    });
}

/// A store that does not fail is the store inside.
#[test]
fn until_it_is_told_to_fail_it_conforms() {
    let race = Threads::new().with_rounds(1);
    let sessions = || async { FailingStore::new(ReferenceSessions::default()) };
    block_on(session_store(sessions, &race)).assert_passed();
    let tokens = || async { FailingStore::new(ReferenceTokens::default()) };
    block_on(token_store(tokens, &race)).assert_passed();
}

fn failed<S>(store: S) -> FailingStore<S> {
    let store = FailingStore::new(store);
    store.fail_with(Some(FailWith::NotWritten));
    store
}

/// A suite ends with a report, whatever the store does; each failure says what the store said.
#[test]
fn a_store_that_is_down_passes_nothing_and_panics_nowhere() {
    let race = Threads::new().with_rounds(2);
    let both = || async {
        let both = Arc::new(failed(ReferenceAccounts::default()));
        (Arc::clone(&both), both)
    };
    let reports: [Report; 6] = block_on(async {
        [
            session_store(|| async { failed(ReferenceSessions::default()) }, &race).await,
            token_store(|| async { failed(ReferenceTokens::default()) }, &race).await,
            counter_store(|| async { failed(ReferenceCounters::default()) }, &race).await,
            account_store(both, &race).await,
            credential_store(both, &race).await,
            assignment_store(|| async { failed(ReferenceAssignments::default()) }, &race).await,
        ]
    });
    for report in reports {
        assert!(report.passed.is_empty(), "{report}");
        for failure in &report.failed {
            assert!(failure.why.contains("store did nothing: told to fail"), "{failure:?}");
        }
        let panics = std::panic::catch_unwind(|| report.assert_passed());
        assert!(panics.is_err(), "a report with failures ends the test");
    }
}
