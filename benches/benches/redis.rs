//! Sessions in Redis, asked by 64 tasks at once: `redis/<case>-64-tasks/<implementation>`. Every answer is asserted.
//!
//! A private `redis-server` without disk. All implementations ask for the same number of sessions in the same random
//! order, over one multiplexed connection each. Beside ours is a bare `GET` of the same bytes through the client
//! library that ours is built on, and a bare `MGET` of the two keys that ours asks for; beside tower-sessions' store a
//! `GET` through the library that that is built on.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use auth_benches::Numbers;
use auth_core::{
    Clock, DiscardAudit, KeyName, KeyRing, PrincipalId, SessionId, SessionStore, SystemClock, SystemEntropy,
    testing::login_as,
};
use auth_redis::{Redis, RedisOptions, RedisSessions};
use auth_session::{CookiePolicy, EpochCheck, Incoming, SessionData, SessionPolicy, Sessions};
use criterion::{Criterion, criterion_group, criterion_main};
use redis::aio::MultiplexedConnection;
use serde::{Deserialize, Serialize};
use servers::RedisServer;
use tokio::runtime::Runtime;
use tower_sessions_core::{
    SessionStore as _,
    session::{Id, Record},
};
use tower_sessions_redis_store::{
    RedisStore,
    fred::prelude::{Builder, Client, ClientLike, Config, KeysInterface},
};

const TASKS: usize = 64;
const SESSIONS: usize = 10_000;
const ROUNDS: usize = 9;
const ASKED_IN_A_ROUND: u64 = 100_000;

/// The application's data, so that a record is not emptier than it would be.
#[derive(Serialize, Deserialize)]
struct Visits(u32);

impl SessionData for Visits {
    const SLOT: &'static str = "visits";
    const VERSION: u16 = 1;
}

/// One session, as each of them knows it.
#[derive(Clone)]
struct One {
    cookie: String,
    id: SessionId,
    /// The same bytes as the row of ours.
    raw: String,
    theirs: Id,
    their_raw: String,
}

#[derive(Clone)]
struct World {
    sessions: Sessions,
    store: RedisSessions,
    connection: MultiplexedConnection,
    row_len: usize,
    tower: RedisStore<Client>,
    fred: Client,
    /// In random order.
    all: Arc<Vec<One>>,
}

impl World {
    async fn new(server: &RedisServer) -> Self {
        let store = Redis::connect(&server.url(), RedisOptions::default()).await.unwrap().sessions();
        let keys = Arc::new(KeyRing::generate(KeyName::from_static("bench"), &SystemEntropy).unwrap());
        let policy = SessionPolicy::aal1(CookiePolicy::default());
        let by_store = EpochCheck::by_session_store_only();
        let sessions = Sessions::new(Arc::new(store.clone()), keys, by_store, Arc::new(DiscardAudit), policy);
        let config = redis::AsyncConnectionConfig::new().set_pipeline_buffer_size(1_024);
        let client = redis::Client::open(server.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
        let fred = Builder::from_config(Config::from_url(&server.url()).unwrap()).build().unwrap();
        fred.init().await.unwrap();
        let tower = RedisStore::new(fred.clone());

        let mut all = Vec::new();
        let mut row_len = 0;
        for user in 0..SESSIONS {
            let (cookie, id) = Self::log_in(&sessions, user).await;
            let text = id.to_string();
            let row: Vec<u8> = redis::cmd("GET")
                .arg(format!("auth:s:{{{}}}{}", &text[..10], &text[10..]))
                .query_async(&mut connection)
                .await
                .unwrap();
            row_len = row_len.max(row.len());
            let raw = format!("raw:{text}");
            let _: () = redis::cmd("SET").arg(&raw).arg(&row).query_async(&mut connection).await.unwrap();
            let theirs = Self::their_session(&tower, user).await;
            let their_raw = theirs.to_string();
            all.push(One { cookie, id, raw, theirs, their_raw });
        }
        let mut numbers = Numbers::new(1);
        for last in (1..all.len()).rev() {
            all.swap(last, numbers.below(last as u64 + 1) as usize);
        }
        Self { sessions, store, connection, row_len, tower, fred, all: Arc::new(all) }
    }

    /// Logs somebody in and yields the `Cookie` line of the next request.
    async fn log_in(sessions: &Sessions, user: usize) -> (String, SessionId) {
        let principal = PrincipalId::local_user(&format!("user{user}")).unwrap();
        let mut session = sessions.open(&Incoming::nothing()).await.unwrap();
        session.start(login_as(&principal, SystemClock.now())).await.unwrap();
        session.set(&Visits(1)).unwrap();
        let outgoing = session.commit().await;
        outgoing.saved().unwrap();
        let cookie = outgoing.cookie().unwrap().expose().split(';').next().unwrap().to_owned();
        // The first use of a secret is written down; the rows are about those after it.
        let session = sessions.open(&sessions.read([cookie.as_bytes()]).unwrap()).await.unwrap();
        assert!(session.authenticated().is_some());
        let (_, value) = cookie.split_once('=').unwrap();
        let id = SessionId::parse(value.split_once('.').unwrap().0.as_bytes()).unwrap();
        (cookie, id)
    }

    /// A session that says as much as ours: who it is, how and when they logged in, the visits.
    async fn their_session(tower: &RedisStore<Client>, user: usize) -> Id {
        let now = SystemClock.now().as_secs();
        let mut record = Record {
            id: Id::default(),
            data: HashMap::from([
                ("user".to_owned(), serde_json::json!(format!("user{user}"))),
                ("methods".to_owned(), serde_json::json!(["pwd"])),
                ("at".to_owned(), serde_json::json!(now)),
                ("visits".to_owned(), serde_json::json!(1)),
            ]),
            expiry_date: time::OffsetDateTime::from_unix_timestamp(now as i64 + 86_400).unwrap(),
        };
        tower.create(&mut record).await.unwrap();
        record.id
    }

    async fn ask(&mut self, what: What, one: &One) {
        match what {
            What::Resume => {
                let incoming = self.sessions.read([one.cookie.as_bytes()]).unwrap();
                assert!(self.sessions.open(&incoming).await.unwrap().authenticated().is_some());
            }
            What::Load => {
                let record = self.store.load(&one.id, SystemClock.now()).await.unwrap().unwrap();
                assert_eq!(record.id, one.id);
            }
            What::RawGet => {
                let get = redis::cmd("GET").arg(&one.raw).to_owned();
                let row: Vec<u8> = get.query_async(&mut self.connection).await.unwrap();
                assert!(!row.is_empty() && row.len() <= self.row_len);
            }
            What::RawMget => {
                let text = one.id.to_string();
                let (shard, rest) = text.split_at(10);
                let mut mget = redis::cmd("MGET");
                mget.arg(format!("auth:s:{{{shard}}}{rest}")).arg(format!("auth:e:{{{shard}}}"));
                let (row, marker): (Vec<u8>, Option<Vec<u8>>) =
                    mget.query_async(&mut self.connection).await.unwrap();
                assert!(!row.is_empty() && row.len() <= self.row_len && marker.is_none());
            }
            What::TowerLoad => {
                let record = self.tower.load(&one.theirs).await.unwrap().unwrap();
                assert_eq!(record.data["visits"], 1);
            }
            What::TowerRawGet => {
                let row: Vec<u8> = self.fred.get(&one.their_raw).await.unwrap();
                assert!(!row.is_empty());
            }
        }
    }

    /// How long 64 tasks take to ask `count` questions.
    async fn all_at_once(&self, what: What, count: u64) -> Duration {
        let each = count.div_ceil(TASKS as u64);
        let start = Instant::now();
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let mut world = self.clone();
                tokio::spawn(async move {
                    let all = Arc::clone(&world.all);
                    let mut next = task * 7_919 % all.len();
                    for _ in 0..each {
                        next = if next + 1 < all.len() { next + 1 } else { 0 };
                        world.ask(what, &all[next]).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        start.elapsed()
    }
}

#[derive(Debug, Clone, Copy)]
enum What {
    Resume,
    Load,
    RawGet,
    RawMget,
    TowerLoad,
    TowerRawGet,
}

fn all(c: &mut Criterion) {
    let server = RedisServer::start();
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(World::new(&server));
    for (name, what) in [
        ("resume-64-tasks/ours", What::Resume),
        ("load-64-tasks/ours", What::Load),
        ("load-64-tasks/raw-get", What::RawGet),
        ("load-64-tasks/raw-mget", What::RawMget),
        ("load-64-tasks/tower-sessions", What::TowerLoad),
        ("load-64-tasks/tower-sessions-raw-get", What::TowerRawGet),
    ] {
        c.bench_function(&format!("redis/{name}"), |b| {
            b.iter_custom(|count| {
                // Each task asks at least once.
                let asked = count.max(TASKS as u64);
                runtime.block_on(world.all_at_once(what, asked)).mul_f64(count as f64 / asked as f64)
            });
        });
    }
    if auth_benches::is_measuring() {
        ratio(&runtime, &world, "resume/ours", What::Resume, What::RawGet);
        ratio(&runtime, &world, "load/ours", What::Load, What::RawGet);
        ratio(&runtime, &world, "load/raw-mget", What::RawMget, What::RawGet);
        ratio(&runtime, &world, "load/tower-sessions", What::TowerLoad, What::TowerRawGet);
    }
}

/// By turns, so that what else the machine does hits both alike; the median of the ratios.
fn ratio(runtime: &Runtime, world: &World, name: &str, what: What, raw: What) {
    let time = |what| runtime.block_on(world.all_at_once(what, ASKED_IN_A_ROUND)).as_secs_f64();
    let mut ratios: Vec<f64> = (0..ROUNDS).map(|_| time(raw) / time(what)).collect();
    ratios.sort_by(f64::total_cmp);
    println!(
        "redis/throughput-{name}: {:.2} x a bare GET over the same client (median of {ROUNDS}, {:.2} to {:.2})",
        ratios[ROUNDS / 2],
        ratios[0],
        ratios[ROUNDS - 1],
    );
}

criterion_group!(benches, all);
criterion_main!(benches);
