//! One-time codes, recovery codes, links and keys on real databases: what is won once is won once.

mod codes;

use std::{sync::Arc, time::Duration};

use auth_core::{
    Authenticated, Authenticator, Clock, DiscardAudit, KeyName, KeyRing, LoginGate, LoginOutcome,
    MemoryCounters, Method, PendingLogin, Purpose, Scopes, SystemEntropy, testing::SteppedClock,
};
use auth_credentials::{
    AccountLinks, AccountStores, Accounts, ApiKeyCredential, ApiKeyPrefix, ApiKeyTerms, ApiKeys,
    CodeCredential, Confirmed, HashPool, HashPoolSize, Limit, LinkBase, MemoryNotifier, OneFactor, OtpUri,
    Password, PasswordAuthenticator, PasswordCredential, PasswordHasher, PasswordPolicy, SecondFactors,
    Throttle, ThrottleLimits, danger,
};
use auth_sql::{Sqlite, SqliteOptions};
use tokio::{sync::Barrier, task::JoinSet};

use crate::support::{NOW, Server, Stores, TIMEOUT, on_every_server};

const LOGIN: &str = "ann@example.com";
const PASSWORD: &str = "velvet otters at dawn";
const NEXT: &str = "granite kites by noon";
/// As many tries at once.
const TRIES: usize = 32;

on_every_server!(
    a_one_time_code_works_once,
    a_recovery_code_works_once,
    a_link_works_once_and_ends_what_was_before,
    a_key_is_checked_rotated_and_revoked,
);

mod sqlite {
    use super::*;

    pub(super) async fn fresh() -> (tempfile::TempDir, Stores) {
        let folder = tempfile::tempdir().unwrap();
        let database = Sqlite::open(&folder.path().join("test.db"), SqliteOptions::default()).await.unwrap();
        (folder, Stores::from(database))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_one_time_code_works_once() {
        let (_folder, stores) = fresh().await;
        one_time_code(World::new(&stores).await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_recovery_code_works_once() {
        let (_folder, stores) = fresh().await;
        recovery_code(World::new(&stores).await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_link_works_once_and_ends_what_was_before() {
        let (_folder, stores) = fresh().await;
        link(World::new(&stores).await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_key_is_checked_rotated_and_revoked() {
        let (_folder, stores) = fresh().await;
        key(World::new(&stores).await).await;
    }
}

async fn a_one_time_code_works_once<S: Server>() {
    let (_server, world) = World::on::<S>().await;
    one_time_code(world).await;
}

async fn a_recovery_code_works_once<S: Server>() {
    let (_server, world) = World::on::<S>().await;
    recovery_code(world).await;
}

async fn a_link_works_once_and_ends_what_was_before<S: Server>() {
    let (_server, world) = World::on::<S>().await;
    link(world).await;
}

async fn a_key_is_checked_rotated_and_revoked<S: Server>() {
    let (_server, world) = World::on::<S>().await;
    key(world).await;
}

/// RFC 6238 section 5.2, where two processes read the same row.
async fn one_time_code(world: World) {
    let (uri, _) = world.enrol().await;
    world.clock.step(Duration::from_secs(30));
    let code = uri.device().code_now(world.clock.now()).unwrap().to_string();
    let pending = Arc::new(world.pending().await);
    let passed = at_once(TRIES, |_| {
        let (world, code, pending) = (world.clone(), code.clone(), Arc::clone(&pending));
        async move {
            world.factors.authenticate(CodeCredential::one_time(&pending, code, None)).await.is_ok()
        }
    })
    .await;
    assert_eq!(passed, 1);
}

async fn recovery_code(world: World) {
    let (_, confirmed) = world.enrol().await;
    let code = confirmed.recovery_codes.iter().next().unwrap().expose().to_string();
    let pending = Arc::new(world.pending().await);
    let passed = at_once(TRIES, |_| {
        let (world, code, pending) = (world.clone(), code.clone(), Arc::clone(&pending));
        async move {
            world.factors.authenticate(CodeCredential::recovery(&pending, code, None)).await.is_ok()
        }
    })
    .await;
    assert_eq!(passed, 1);
    assert_eq!(world.factors.recovery_codes_left(pending.principal()).await.unwrap(), 9);
}

/// One of the resets wins; the second factor of whoever made the account before goes with everything else.
async fn link(world: World) {
    let (_, _) = world.enrol().await;
    let stranger = world.pending().await;
    world.links.ask_to_reset(LOGIN, None).await.unwrap();
    let message = world.notifier.take().remove(0);
    let link = message.notice.link().unwrap().expose();
    let token = link.split_once("?token=").unwrap().1.to_owned();
    let won = at_once(8, |_| {
        let (world, token) = (world.clone(), token.clone());
        async move { world.links.reset(&token, Password::new(NEXT.to_owned()), None).await.is_ok() }
    })
    .await;
    assert_eq!(won, 1);
    assert!(world.accounts.enrolled(stranger.principal()).await.unwrap().is_empty());
    assert!(world.links.is_address_verified(stranger.principal()).await.unwrap());
    assert!(matches!(world.log_in(NEXT).await, LoginOutcome::Complete(_)));
}

async fn key(world: World) {
    let LoginOutcome::Complete(login) = world.log_in(PASSWORD).await else { panic!("one factor is enough") };
    let who = Authenticated::assertion(login.into_authentication());
    let terms = ApiKeyTerms::new("job", Scopes::parse("notes.read").unwrap(), Duration::from_secs(86_400));
    let terms = terms.unwrap().only_from(vec!["10.0.0.0/8".parse().unwrap()]);
    let old = world.keys.create(&who, &terms).await.unwrap();
    let credential = |key: &[u8]| ApiKeyCredential::new(key, Some("10.1.2.3".parse().unwrap()));
    assert!(world.keys.authenticate(credential(old.key.expose())).await.is_ok());
    assert_eq!(world.keys.write_uses().await.unwrap(), 1);
    let new = world.keys.rotate(&who, &old.id, Duration::from_secs(60)).await.unwrap();
    world.clock.step(Duration::from_secs(60));
    assert!(world.keys.authenticate(credential(old.key.expose())).await.is_err());
    let acting = world.keys.authenticate(credential(new.key.expose())).await.unwrap();
    assert_eq!(acting.limits().scopes.as_ref().unwrap().to_string(), "notes.read");
    let list = world.keys.list(who.principal()).await.unwrap();
    assert_eq!(list.len(), 2);
    assert!(list.iter().any(|one| one.id == old.id && one.last_used_at.is_some()));
    world.keys.revoke(&who, &new.id).await.unwrap();
    assert!(world.keys.authenticate(credential(new.key.expose())).await.is_err());
}

/// How many of these calls, begun together, say yes.
async fn at_once<F>(count: usize, call: impl Fn(usize) -> F) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(count));
    let mut calls = JoinSet::new();
    for n in 0..count {
        let (barrier, call) = (Arc::clone(&barrier), call(n));
        calls.spawn(async move {
            barrier.wait().await;
            call.await
        });
    }
    calls.join_all().await.into_iter().filter(|said| *said).count()
}

/// An application on one database.
#[derive(Clone)]
struct World {
    accounts: Accounts,
    factors: SecondFactors,
    links: AccountLinks,
    keys: ApiKeys,
    notifier: Arc<MemoryNotifier>,
    clock: SteppedClock,
    stores: Stores,
    ring: Arc<KeyRing>,
    counters: Arc<MemoryCounters>,
}

impl World {
    /// With the server, which is stopped with the last who holds it.
    async fn on<S: Server>() -> (Arc<S>, Self) {
        let server = S::shared();
        // Tasks that wait for each other's rows wait longer than one of them works.
        let stores = S::open(&server.create().await, TIMEOUT * 5).await.unwrap();
        (server, Self::new(&stores).await)
    }

    async fn new(stores: &Stores) -> Self {
        let clock = SteppedClock::new(NOW);
        let entropy = Arc::new(SystemEntropy);
        let counters = Arc::new(MemoryCounters::new(1_000));
        let limit = Limit::new(u32::MAX.try_into().unwrap(), ThrottleLimits::login().pair.window());
        let limits = ThrottleLimits { pair: limit, account: limit, source: limit, global: None };
        let throttle = |name| Throttle::new(counters.clone(), Purpose::new(name), limits);
        let hasher =
            PasswordHasher::new(danger::allow_weak_params(8, 1, 1).unwrap(), entropy.clone()).unwrap();
        let size = HashPoolSize { workers: 1.try_into().unwrap(), queue: 512.try_into().unwrap() };
        let passwords = PasswordAuthenticator::new(
            AccountStores::from_parts(Arc::clone(&stores.accounts), Arc::clone(&stores.credentials)),
            HashPool::start(hasher, size).unwrap(),
            throttle("login"),
            Arc::new(DiscardAudit),
            Arc::new(clock.clone()),
        );
        let gate = LoginGate::new(Arc::new(OneFactor::password().or(Method::MAIL_LINK)));
        let policy = PasswordPolicy::single_factor();
        let accounts = Accounts::new(passwords, gate, policy, counters.clone(), entropy);
        let ring = Arc::new(KeyRing::generate(KeyName::parse("test").unwrap(), &SystemEntropy).unwrap());
        let factors =
            SecondFactors::new(accounts.clone(), Arc::clone(&ring), counters.clone(), "Test").unwrap();
        let notifier = Arc::new(MemoryNotifier::default());
        let links = AccountLinks::new(
            accounts.clone(),
            Arc::clone(&stores.tokens),
            notifier.clone(),
            LinkBase::parse("https://app.example").unwrap(),
            counters.clone(),
        );
        let keys = ApiKeys::new(accounts.clone(), ApiKeyPrefix::parse("acme").unwrap(), counters.clone());
        let factors = factors.with_throttle(throttle("codes"));
        accounts.sign_up(PasswordCredential::typed(LOGIN, PASSWORD.to_owned(), None)).await.unwrap();
        let stores = stores.clone();
        Self { accounts, factors, links, keys, notifier, clock, stores, ring, counters }
    }

    async fn log_in(&self, password: &str) -> LoginOutcome {
        let credential = PasswordCredential::typed(LOGIN, password.to_owned(), None);
        self.accounts.log_in(credential).await.unwrap()
    }

    async fn pending(&self) -> PendingLogin {
        match self.log_in(PASSWORD).await {
            LoginOutcome::Pending(pending) => pending,
            LoginOutcome::Complete(_) => panic!("a second factor is enrolled"),
        }
    }

    async fn enrol(&self) -> (OtpUri, Confirmed) {
        let LoginOutcome::Complete(login) = self.log_in(PASSWORD).await else { panic!("none is enrolled") };
        let who = Authenticated::assertion(login.into_authentication());
        let uri = self.factors.begin(&who).await.unwrap();
        let code = uri.device().code_now(self.clock.now()).unwrap();
        let confirmed = self.factors.confirm(&who, &code).await.unwrap();
        (uri, confirmed)
    }
}
