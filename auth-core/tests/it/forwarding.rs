//! A reference, a box or an `Arc` of a store is that store: what an engine holds is `Arc<dyn ..>`.

use std::sync::Arc;

use auth_core::{
    Account, AccountChange, AccountEpochs, AccountStatus, AccountStore, Applied, AssignmentStore, AuthEpoch,
    CounterStore, Created, CredentialStore, EpochBump, EpochSource, LoginName, PrincipalId, SessionStore,
    TokenStore, UnixTime,
    conformance::{
        Threads, account_store, assignment_store, counter_store, credential_store,
        reference::{
            ReferenceAccounts, ReferenceAssignments, ReferenceCounters, ReferenceSessions, ReferenceTokens,
        },
        session_store, token_store,
    },
    testing::block_on,
};

/// One round of everything: it is about what is called, not about races.
fn race() -> Threads {
    Threads::new().with_rounds(1)
}

macro_rules! forwards {
    ($($name:ident: $suite:path, $trait:ident, $store:ty;)*) => { $(
        #[test]
        fn $name() {
            let boxed = || async { Box::new(<$store>::default()) as Box<dyn $trait> };
            block_on($suite(boxed, &race())).assert_passed();
            let shared = || async { Arc::new(<$store>::default()) as Arc<dyn $trait> };
            block_on($suite(shared, &race())).assert_passed();
            let lent = || async { &*Box::leak(Box::new(<$store>::default())) as &'static dyn $trait };
            block_on($suite(lent, &race())).assert_passed();
            let nested = || async { Arc::new(Box::new(<$store>::default())) };
            block_on($suite(nested, &race())).assert_passed();
        }
    )* };
}

forwards! {
    pointers_to_a_session_store_are_one: session_store, SessionStore, ReferenceSessions;
    pointers_to_a_token_store_are_one: token_store, TokenStore, ReferenceTokens;
    pointers_to_a_counter_store_are_one: counter_store, CounterStore, ReferenceCounters;
    pointers_to_an_assignment_store_are_one: assignment_store, AssignmentStore, ReferenceAssignments;
}

#[test]
fn pointers_to_an_account_and_a_credential_store_are_ones() {
    type Pair = (Arc<dyn AccountStore>, Box<dyn CredentialStore>);
    let pair = || async {
        let both = Arc::<ReferenceAccounts>::default();
        let pair: Pair = (Arc::clone(&both) as _, Box::new(both));
        pair
    };
    block_on(account_store(pair, &race())).assert_passed();
    block_on(credential_store(pair, &race())).assert_passed();
    let lent = || async {
        let both: &'static ReferenceAccounts = Box::leak(Box::default());
        (Box::new(both as &dyn AccountStore), both as &dyn CredentialStore)
    };
    block_on(account_store(lent, &race())).assert_passed();
    block_on(credential_store(lent, &race())).assert_passed();
}

/// The backstop that ends sessions whose end was missed: a disabled or removed account has no epoch.
#[test]
fn accounts_tell_the_epoch_of_those_who_may_be_used() {
    block_on(async {
        let accounts = Arc::<ReferenceAccounts>::default();
        let source: Box<dyn EpochSource> = Box::new(AccountEpochs(Arc::clone(&accounts)));
        let (ann, login) = (PrincipalId::local_user("ann").unwrap(), LoginName::parse("ann").unwrap());
        assert_eq!(source.epoch_of(&ann).await.unwrap(), None);
        let account = Account::new(ann.clone(), login, UnixTime::EPOCH);
        assert_eq!(accounts.create(&account, &[]).await.unwrap(), Created::Created);
        assert_eq!(source.epoch_of(&ann).await.unwrap(), Some(AuthEpoch::ZERO));
        let bumped = accounts.apply(&ann, account.version, &[], EpochBump::Bump).await.unwrap();
        let Applied::Applied(bumped) = bumped else { panic!("{bumped:?}") };
        assert_eq!(source.epoch_of(&ann).await.unwrap(), Some(AuthEpoch::new(1)));
        let disabled = [AccountChange::Status(AccountStatus::Disabled)];
        let disabled = accounts.apply(&ann, bumped.version, &disabled, EpochBump::Keep).await.unwrap();
        assert!(matches!(disabled, Applied::Applied(_)));
        assert_eq!(source.epoch_of(&ann).await.unwrap(), None);
    });
}
