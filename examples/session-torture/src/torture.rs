//! The rounds.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use auth_core::{
    Clock, KeyName, KeyRing, MemoryAudit, PrincipalId, Secret, SessionStore, SystemClock, UnixTime,
    testing::SteppedClock,
};
use auth_session::{CookiePolicy, EpochCheck, SessionPolicy, Sessions};

use crate::{
    check::check,
    model::{Account, Live},
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
/// The most sessions at once; beyond it, some are ended.
const CROWD: usize = 400;

/// What to do, and how long.
#[derive(Debug, Clone)]
pub struct Options {
    /// Repeats what was done under it.
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

/// What all tasks share.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) nodes: Vec<Sessions>,
    pub(crate) clock: SteppedClock,
    pub(crate) accounts: Vec<Arc<Account>>,
    sessions: Mutex<Vec<Arc<Live>>>,
    pub(crate) log: Log,
}

impl World {
    fn new(stores: Vec<Arc<dyn SessionStore>>, options: &Options) -> Self {
        // Near the real time, for servers that forget rows by their own clock.
        let clock = SteppedClock::new(SystemClock.now());
        let run: [u8; 32] = auth_core::entropy_array(&auth_core::SystemEntropy).unwrap_or([0; 32]);
        let nodes = stores.into_iter().map(|store| engine(store, &clock)).collect();
        // Accounts of this run alone, so that a store that holds those of another does no harm.
        let name = auth_core::SecretHash::of(&run);
        let prefix: String = name.as_bytes().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let account = |n: u32| PrincipalId::local_user(&format!("{prefix}-{n}")).ok();
        let accounts =
            (0..options.accounts.max(1)).filter_map(account).map(Account::new).map(Arc::new).collect();
        Self { nodes, clock, accounts, sessions: Mutex::default(), log: Log::default() }
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

    pub(crate) fn add(&self, live: Live) {
        self.lock().push(Arc::new(live));
    }

    pub(crate) fn keep(&self, keep: impl FnMut(&Arc<Live>) -> bool) {
        self.lock().retain(keep);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Live>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        // Now and then everybody's time is up.
        world.clock.step(if random.once_in(20) { ABSOLUTE } else { pause });
    }
}

fn engine(store: Arc<dyn SessionStore>, clock: &SteppedClock) -> Sessions {
    // The nodes share one ring, as servers that share a store must. It guards nothing here.
    let keys = KeyRing::new(KeyName::from_static("torture"), Secret::new((1..=32).collect()));
    let policy = SessionPolicy::new(IDLE, ABSOLUTE, CookiePolicy::default())
        .and_then(|policy| policy.rotate_every(ROTATION));
    let (Ok(keys), Ok(policy)) = (keys, policy) else { unreachable!("both are written above") };
    let audit = Arc::new(MemoryAudit::new(0));
    Sessions::new(store, Arc::new(keys), EpochCheck::by_session_store_only(), audit, policy)
        .with_clock(Arc::new(clock.clone()))
}
