//! The process dies in the middle of ending everything that an account has begun, at each step that reaches a store.

use std::{
    future::{pending, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use auth_web::{
    core::{
        Account, AccountChange, AccountEpochs, AccountStore, Applied, AuditSink, Created, CredentialBlob,
        CredentialKey, CredentialRecord, CredentialStore, DiscardAudit, EndAll, EpochBump, FoundCredential,
        Inserted, KeyName, KeyRing, Login, LoginGate, LoginName, LoginOutcome, MemoryAccounts,
        MemoryCounters, MemorySessions, Page, PrincipalId, Purpose, Realm, Rotated, Secret, SecretState,
        SessionBlob, SessionId, SessionLimit, SessionOwner, SessionRecord, SessionStore, SessionSummary,
        SessionTerms, StoreError, SystemClock, SystemEntropy, UnixTime, Updated, Version,
    },
    credentials::{
        AccountStores, Accounts, Argon2Params, HashPool, HashPoolSize, OneFactor, Password,
        PasswordAuthenticator, PasswordCredential, PasswordHasher, PasswordPolicy, Throttle, ThrottleLimits,
        danger,
    },
    session::{
        CookiePolicy, EpochCheck, Incoming, RefreshPolicy, RefreshTokens, Session, SessionPolicy, Sessions,
    },
};

const OLD: &str = "velvet otters at dawn";
const NEW: &str = "granite kites by noon";

/// How many more steps the process takes.
#[derive(Debug, Default)]
struct Life {
    is_mortal: AtomicBool,
    left: AtomicU32,
    is_over: AtomicBool,
}

impl Life {
    /// A step before or after a store did something. Past the last one, nothing happens any more.
    async fn step(&self) {
        if !self.is_mortal.load(SeqCst) {
            return;
        }
        if self.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_err() {
            self.is_over.store(true, SeqCst);
            pending::<()>().await;
        }
    }

    /// Runs to the end, or to the end of this life.
    async fn live<T>(&self, steps: u32, act: impl Future<Output = T>) -> Option<T> {
        self.left.store(steps, SeqCst);
        self.is_over.store(false, SeqCst);
        self.is_mortal.store(true, SeqCst);
        let mut act = pin!(act);
        let end = poll_fn(|context| match act.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if self.is_over.load(SeqCst) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await;
        self.is_mortal.store(false, SeqCst);
        end
    }
}

/// A store of a process that may die at each call, before it did something and after.
struct Mortal<S> {
    store: S,
    life: Arc<Life>,
}

macro_rules! mortal {
    ($trait:ident { $(async fn $name:ident(&self $(, $arg:ident: $ty:ty)*) -> $out:ty;)* }) => {
        #[async_trait]
        impl<S: $trait> $trait for Mortal<S> {
            $(
                async fn $name(&self $(, $arg: $ty)*) -> Result<$out, StoreError> {
                    self.life.step().await;
                    let done = self.store.$name($($arg),*).await;
                    self.life.step().await;
                    done
                }
            )*
        }
    };
}

mortal! { SessionStore {
    async fn insert(&self, record: &SessionRecord, limit: Option<&SessionLimit>, now: UnixTime) -> Inserted;
    async fn load(&self, id: &SessionId, now: UnixTime) -> Option<SessionRecord>;
    async fn update(&self, id: &SessionId, expected: Version, data: &SessionBlob) -> Updated;
    async fn touch(&self, id: &SessionId, idle_until: UnixTime, now: UnixTime) -> bool;
    async fn rotate(&self, id: &SessionId, expected: Version, next: &SecretState) -> Rotated;
    async fn remove(&self, id: &SessionId) -> bool;
    async fn list(&self, owner: &SessionOwner, page: Page, now: UnixTime) -> Vec<SessionSummary>;
    async fn end_all(&self, what: EndAll<'_>, now: UnixTime) -> u64;
    async fn purge(&self, now: UnixTime, limit: u32) -> u64;
} }

mortal! { AccountStore {
    async fn create(&self, account: &Account, credentials: &[CredentialRecord]) -> Created;
    async fn by_login(&self, realm: &Realm, login: &LoginName) -> Option<Account>;
    async fn by_id(&self, id: &PrincipalId) -> Option<Account>;
    async fn apply(&self, id: &PrincipalId, expected: Version, changes: &[AccountChange], epoch: EpochBump) -> Applied;
    async fn remove(&self, id: &PrincipalId) -> bool;
    async fn sweeps_pending(&self, page: Page) -> Vec<Account>;
} }

mortal! { CredentialStore {
    async fn find(&self, key: &CredentialKey) -> Option<FoundCredential>;
    async fn list(&self, owner: &PrincipalId, page: Page) -> Vec<CredentialRecord>;
    async fn update(&self, key: &CredentialKey, expected: Version, data: &CredentialBlob) -> Updated;
    async fn consume(&self, key: &CredentialKey, expected: Version) -> bool;
    async fn count_failure(&self, key: &CredentialKey) -> Option<u32>;
    async fn succeeded(&self, key: &CredentialKey, expected: Version, now: UnixTime) -> bool;
} }

/// What outlives a process: what is stored, and what browsers hold.
struct World {
    accounts: Arc<Mortal<Arc<MemoryAccounts>>>,
    sessions: Arc<Mortal<Arc<MemorySessions>>>,
    keys: Arc<KeyRing>,
    pool: HashPool,
    life: Arc<Life>,
}

/// A process.
struct Server {
    accounts: Accounts,
    sessions: Sessions,
}

impl World {
    fn new() -> Self {
        let life = Arc::new(Life::default());
        let params: Argon2Params = danger::allow_weak_params(8, 1, 1).unwrap();
        let hasher = PasswordHasher::new(params, Arc::new(SystemEntropy)).unwrap();
        let size = HashPoolSize { workers: 1.try_into().unwrap(), queue: 16.try_into().unwrap() };
        let secret = Secret::new((7..).take(32).collect());
        Self {
            accounts: Arc::new(Mortal { store: Arc::new(MemoryAccounts::new(10)), life: Arc::clone(&life) }),
            sessions: Arc::new(Mortal { store: Arc::new(MemorySessions::new(10)), life: Arc::clone(&life) }),
            keys: Arc::new(KeyRing::new(KeyName::from_static("k"), secret).unwrap()),
            pool: HashPool::start(hasher, size).unwrap(),
            life,
        }
    }

    /// A new process on what is stored.
    fn start(&self, epochs: EpochCheck) -> Server {
        let audit: Arc<dyn AuditSink> = Arc::new(DiscardAudit);
        let counters = Arc::new(MemoryCounters::new(1_000));
        let throttle =
            Throttle::new(Arc::clone(&counters) as _, Purpose::new("login"), ThrottleLimits::login());
        let authenticator = PasswordAuthenticator::new(
            AccountStores::new(Arc::clone(&self.accounts)),
            self.pool.clone(),
            throttle,
            Arc::clone(&audit),
            Arc::new(SystemClock),
        );
        let gate = LoginGate::new(Arc::new(OneFactor::password()));
        let accounts =
            Accounts::new(authenticator, gate, PasswordPolicy::default(), counters, Arc::new(SystemEntropy));
        let policy = SessionPolicy::aal1(CookiePolicy::default());
        let sessions =
            Sessions::new(Arc::clone(&self.sessions) as _, Arc::clone(&self.keys), epochs, audit, policy);
        Server { accounts, sessions }
    }

    fn by_accounts(&self) -> EpochCheck {
        EpochCheck::every(Arc::new(AccountEpochs(Arc::clone(&self.accounts))), Duration::ZERO).unwrap()
    }
}

impl Server {
    fn refresh_tokens(&self) -> RefreshTokens {
        RefreshTokens::new(&self.sessions, RefreshPolicy::default())
    }

    async fn log_in(&self, password: &str) -> Option<Login> {
        let credential = PasswordCredential::typed("ann", Password::new(password.to_owned()), None);
        match self.accounts.log_in(credential).await.ok()? {
            LoginOutcome::Complete(login) => Some(login),
            LoginOutcome::Pending(_) => panic!("one factor is enough"),
        }
    }

    async fn begin(&self, login: Login) -> Option<String> {
        let mut session = self.sessions.open(&Incoming::nothing()).await.unwrap();
        session.start(login).await.ok()?;
        let (cookie, _) = session.commit().await.into_parts();
        Some(cookie?.expose().split(';').next()?.to_owned())
    }

    async fn open(&self, cookie: &str) -> Session {
        let incoming = self.sessions.read([cookie.as_bytes()]).unwrap();
        self.sessions.open(&incoming).await.unwrap()
    }

    async fn is_in(&self, cookie: &str) -> bool {
        self.open(cookie).await.authenticated().is_some()
    }
}

/// What ends everything of before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    ChangePassword,
    LogOutEverywhere,
    Disable,
}

async fn act(act: Act, server: &Server, cookie: &str) {
    let mut session = server.open(cookie).await;
    let who = session.authenticated().unwrap().clone();
    let raised = match act {
        Act::ChangePassword => {
            let (old, new) = (Password::new(OLD.to_owned()), Password::new(NEW.to_owned()));
            server.accounts.change_password(&who, old, new, None).await.unwrap()
        }
        Act::LogOutEverywhere => server.accounts.log_out_everywhere(who.principal()).await.unwrap(),
        Act::Disable => server.accounts.disable(who.principal()).await.unwrap(),
    };
    if act == Act::ChangePassword {
        session.end_all_others(raised.epoch()).await.unwrap();
    } else {
        server.sessions.end_all(raised.principal(), raised.epoch()).await.unwrap();
    }
    server.accounts.sweep_done(&raised).await.unwrap();
}

/// Whatever the moment of death, either nothing happened, or everything of before is dead at
/// its next use, a login under way included; and once the new process has swept, it is dead for good.
#[tokio::test]
async fn a_death_at_any_step_leaves_no_session_of_before() {
    for what in [Act::ChangePassword, Act::LogOutEverywhere, Act::Disable] {
        let mut changed = [false, false];
        for steps in 0.. {
            let world = World::new();
            let server = world.start(world.by_accounts());
            let credential = PasswordCredential::typed("ann", Password::new(OLD.to_owned()), None);
            server.accounts.sign_up(credential).await.unwrap();
            let here = server.begin(server.log_in(OLD).await.unwrap()).await.unwrap();
            let elsewhere = server.begin(server.log_in(OLD).await.unwrap()).await.unwrap();
            let login = server.log_in(OLD).await.unwrap();
            let client = server.refresh_tokens().issue(login, SessionTerms::new()).await.unwrap().token;
            let under_way = server.log_in(OLD).await.unwrap();
            let before = under_way.authentication().clone();

            let survived = world.life.live(steps, act(what, &server, &here)).await.is_some();
            drop(server);

            let login = LoginName::parse("ann").unwrap();
            let account = world.accounts.store.by_login(&Realm::LOCAL, &login).await.unwrap().unwrap();
            let happened = account.epoch != before.epoch;
            changed[usize::from(happened)] = true;
            let server = world.start(world.by_accounts());
            assert_eq!(server.is_in(&elsewhere).await, !happened, "{what:?} at {steps}");
            let refreshed = server.refresh_tokens().refresh(&client).await;
            assert_eq!(refreshed.is_ok(), !happened, "{what:?} at {steps}: the refresh token");
            // The login that was under way begins a session after all, and it is no good.
            let late = server.begin(under_way).await;
            if let Some(late) = &late {
                assert_eq!(server.is_in(late).await, !happened, "{what:?} at {steps}: the login under way");
            }
            assert!(late.is_some() || happened);

            server.accounts.finish_sweeps(&*world.sessions, &world.keys).await.unwrap();
            let account = world.accounts.store.by_login(&Realm::LOCAL, &login).await.unwrap().unwrap();
            assert!(!account.sweep_pending, "{what:?} at {steps}");
            // From here on, the session store knows by itself.
            let server = world.start(EpochCheck::by_session_store_only());
            assert_eq!(server.is_in(&elsewhere).await, !happened, "{what:?} at {steps}: after the sweep");
            if let Some(late) = late {
                assert_eq!(server.is_in(&late).await, !happened, "{what:?} at {steps}: after the sweep");
            }
            let client = refreshed.map_or(client, |refreshed| refreshed.token);
            let refreshed = server.refresh_tokens().refresh(&client).await;
            assert_eq!(
                refreshed.is_ok(),
                !happened,
                "{what:?} at {steps}: the refresh token after the sweep"
            );
            let (old, new) = (server.log_in(OLD).await.is_some(), server.log_in(NEW).await.is_some());
            match what {
                Act::ChangePassword => assert_eq!((old, new), (!happened, happened), "{what:?} at {steps}"),
                Act::LogOutEverywhere => assert!(old, "{what:?} at {steps}"),
                Act::Disable => assert_eq!(old, !happened, "{what:?} at {steps}"),
            }
            if survived {
                assert!(happened && steps > 4, "{what:?} has {steps} steps");
                break;
            }
        }
        assert_eq!(changed, [true, true], "{what:?} was cut on both sides of the change");
    }
}
