//! The rounds.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::SeqCst},
    time::{Duration, Instant},
};

use auth_core::{
    Clock, KeyName, KeyRing, MemoryAudit, PrincipalId, Secret, SessionLimit, SessionStore, SystemClock,
    UnixTime, WhenReached,
    testing::{SeededEntropy, SteppedClock},
};
use auth_session::{CookiePolicy, EpochCheck, RefreshPolicy, RefreshTokens, SessionPolicy, Sessions};

use crate::{
    check::check,
    model::{Account, Live, Said},
    operations::operate,
    random::Random,
    report::{Log, Report},
};

/// How long a session lives without being used.
const IDLE: Duration = Duration::from_secs(24 * 3_600);
/// How long it lives in any case.
const ABSOLUTE: Duration = Duration::from_secs(30 * 24 * 3_600);
/// How old a secret becomes.
const ROTATION: Duration = Duration::from_secs(600);
/// The most sessions of an account at once.
pub(crate) const LIMIT: u32 = 8;
/// The most sessions at once; beyond it, some are ended.
const CROWD: usize = 400;
/// How many of those that ended are remembered, so that one that comes back long after is noticed.
const REMEMBERED: usize = 5_000;

/// What to do, and how long.
#[derive(Debug, Clone)]
pub struct Options {
    /// Repeats what was done under it, if one task works; what several do depends on who is first.
    pub seed: u64,
    /// How many tasks work at once.
    pub tasks: u32,
    /// How many operations each of them does in a round.
    pub operations: u32,
    /// How many accounts there are.
    pub accounts: u32,
    /// How long it goes on, unless a promise is broken before.
    pub time: Duration,
    /// How many rounds there are at least, however long they take.
    pub rounds: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 1, tasks: 16, operations: 20, accounts: 12, time: Duration::from_secs(10), rounds: 1 }
    }
}

/// What a node has.
#[derive(Debug, Clone)]
pub(crate) struct Engines {
    pub(crate) sessions: Sessions,
    /// The same, with ids that no seed repeats: another run under it may have left its visitors in the store.
    pub(crate) visitors: Sessions,
    pub(crate) refresh: RefreshTokens,
}

/// What all tasks share.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) nodes: Vec<Engines>,
    pub(crate) clock: SteppedClock,
    pub(crate) accounts: Vec<Arc<Account>>,
    sessions: Mutex<Vec<Arc<Live>>>,
    ended: Mutex<VecDeque<Arc<Live>>>,
    pub(crate) log: Log,
}

impl World {
    fn new(stores: Vec<Arc<dyn SessionStore>>, options: &Options) -> Self {
        // Near the real time, for servers that forget rows by their own clock.
        let clock = SteppedClock::new(SystemClock.now());
        let run: [u8; 32] = auth_core::entropy_array(&auth_core::SystemEntropy).unwrap_or([0; 32]);
        // The limit is the same everywhere; what happens beyond it is not.
        let modes = [WhenReached::EndOldest, WhenReached::EndOldest, WhenReached::Refuse].into_iter().cycle();
        let engines = |(n, (store, mode))| engines(store, &clock, mode, SeededEntropy::new(options.seed ^ n));
        let nodes = (1_u64..).zip(stores.into_iter().zip(modes)).map(engines).collect();
        // Accounts of this run alone, so that a store that holds those of another does no harm.
        let name = auth_core::SecretHash::of(&run);
        let prefix: String = name.as_bytes().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let account = |n: u32| PrincipalId::local_user(&format!("{prefix}-{n}")).ok();
        let accounts =
            (0..options.accounts.max(1)).filter_map(account).map(Account::new).map(Arc::new).collect();
        let (sessions, ended, log) = (Mutex::default(), Mutex::default(), Log::default());
        Self { nodes, clock, accounts, sessions, ended, log }
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.clock.now()
    }

    pub(crate) fn sessions(&self) -> Vec<Arc<Live>> {
        self.lock().clone()
    }

    pub(crate) fn one(&self, random: &mut Random) -> Option<Arc<Live>> {
        random.one_of(&self.lock()).cloned()
    }

    /// Adds a session that has begun. Another login may be under way that ends it.
    pub(crate) fn add(&self, live: Live) {
        let mut sessions = self.lock();
        live.may_be_pushed.store(crowded(&sessions, &live.account), SeqCst);
        sessions.push(Arc::new(live));
    }

    /// Whether the sessions that an account has had since the last check, and those that may come to be, are more than
    /// there may be: then a login may end one of them, or be refused.
    pub(crate) fn is_crowded(&self, account: &Account) -> bool {
        crowded(&self.lock(), account)
    }

    /// Notes that a login of the account may end any of its sessions, if it may.
    pub(crate) fn push(&self, account: &Account) {
        let sessions = self.lock();
        if crowded(&sessions, account) {
            for live in sessions.iter().filter(|live| live.account.principal == account.principal) {
                live.may_be_pushed.store(true, SeqCst);
            }
        }
    }

    pub(crate) fn keep(&self, keep: impl FnMut(&Arc<Live>) -> bool) {
        self.lock().retain(keep);
    }

    /// Takes those that are over out of those that live, and remembers them.
    pub(crate) fn bury(&self) {
        let now = self.now();
        let over: Vec<_> = self.lock().extract_if(.., |live| live.said(now) == Said::Over).collect();
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.extend(over);
        let too_many = ended.len().saturating_sub(REMEMBERED);
        ended.drain(..too_many);
    }

    /// Those that are over since an earlier round, as far as they are remembered.
    pub(crate) fn ended(&self) -> Vec<Arc<Live>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Live>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn crowded(sessions: &[Arc<Live>], account: &Account) -> bool {
    let known = sessions.iter().filter(|live| live.account.principal == account.principal).count();
    let others = account.beginning.load(SeqCst).saturating_add(account.strangers.load(SeqCst));
    u32::try_from(known.saturating_add(others)).unwrap_or(u32::MAX) > LIMIT
}

/// Deadlines that the model goes by.
pub(crate) fn idle_until(now: UnixTime) -> UnixTime {
    // A use goes unwritten for a while: it is known to reach no further than this.
    now.saturating_add(IDLE.saturating_sub(SessionPolicy::MAX_TOUCH.saturating_mul(2)))
}

pub(crate) fn absolute_until(now: UnixTime) -> UnixTime {
    now.saturating_add(ABSOLUTE)
}

/// Runs rounds on these nodes, each a store with connections of its own to the same data, until the time is over
/// or a promise was broken.
pub async fn torture(nodes: Vec<Arc<dyn SessionStore>>, options: Options) -> Report {
    let world = Arc::new(World::new(nodes, &options));
    let end = Instant::now().checked_add(options.time);
    let mut random = Random::new(options.seed, u64::MAX);
    let mut round = 0_u64;
    loop {
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..options.tasks.max(1) {
            let world = Arc::clone(&world);
            let stream = round.wrapping_shl(32) | u64::from(task);
            let mut random = Random::new(options.seed, stream);
            let operations = options.operations.max(1);
            tasks.spawn(async move {
                for _ in 0..operations {
                    operate(&world, &mut random).await;
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                world.log.violation(format_args!("a task ended before its time: {error}"));
            }
        }
        check(&world, &mut random, CROWD).await;
        world.log.round();
        round = round.saturating_add(1);
        let is_over = round >= options.rounds && end.is_none_or(|end| Instant::now() >= end);
        if is_over || !world.log.is_clean() {
            return world.log.report();
        }
        let seconds = [0, 0, 3, 15, 45, 601, 7_200];
        let pause = Duration::from_secs(random.one_of(&seconds).copied().unwrap_or(0));
        // Now and then everybody's time is up: that is looked at before a purge makes it true, or found by requests.
        if random.once_in(20) {
            world.clock.step(ABSOLUTE);
            if random.once_in(2) {
                check(&world, &mut random, CROWD).await;
            }
        } else {
            world.clock.step(pause);
        }
    }
}

fn engines(
    store: Arc<dyn SessionStore>,
    clock: &SteppedClock,
    when_reached: WhenReached,
    entropy: SeededEntropy,
) -> Engines {
    // The nodes share one ring, as servers that share a store must. It guards nothing here.
    let keys = KeyRing::new(KeyName::from_static("torture"), Secret::new((1..=32).collect()));
    let policy = SessionPolicy::new(IDLE, ABSOLUTE, CookiePolicy::default())
        .and_then(|policy| policy.rotate_every(ROTATION))
        .and_then(|policy| policy.with_limit(SessionLimit { max: LIMIT, when_reached }));
    let refresh = RefreshPolicy::new(IDLE, ABSOLUTE);
    let (Ok(keys), Ok(policy), Ok(refresh)) = (keys, policy, refresh) else {
        unreachable!("all are written above")
    };
    let audit = Arc::new(MemoryAudit::new(0));
    let sessions = Sessions::new(store, Arc::new(keys), EpochCheck::by_session_store_only(), audit, policy)
        .with_clock(Arc::new(clock.clone()))
        // Ids decide ties: a seed that repeats them repeats what a limit ends. No other run has them under its accounts.
        .with_entropy(Arc::new(entropy));
    let refresh = RefreshTokens::new(&sessions, refresh);
    let visitors = sessions.clone().with_entropy(Arc::new(auth_core::SystemEntropy));
    Engines { sessions, visitors, refresh }
}
