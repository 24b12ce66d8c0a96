//! How often a server that does not answer is tried, and by whom.

use std::{
    io::Read,
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use auth_core::{SessionStore, StoreError};
use auth_redis::{Redis, RedisOptions};
use servers::RedisServer;

use crate::support::{now, owner, session};

/// The first pause and the longest, as the README has them.
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

/// What a gate does with who comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Forwards,
    Closes,
    /// Accepts, and lets wait.
    Holds,
}

/// A way to a server that can be shut. It counts who comes.
struct Gate {
    port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

struct State {
    does: Does,
    came: u32,
}

impl Gate {
    fn before(server: &RedisServer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new((Mutex::new(State { does: Does::Forwards, came: 0 }), Condvar::new()));
        let (shared, to) = (Arc::clone(&state), server.port());
        thread::spawn(move || {
            for client in listener.incoming() {
                shared.0.lock().unwrap().came += 1;
                let (shared, client) = (Arc::clone(&shared), client.unwrap());
                thread::spawn(move || serve(client, to, &shared));
            }
        });
        Self { port, state }
    }

    async fn open(&self) -> Redis {
        let url = format!("redis://127.0.0.1:{}/", self.port);
        Redis::connect(&url, RedisOptions::default()).await.unwrap()
    }

    /// What it does from now on, with those that it holds too. Answers how many came until now.
    fn set(&self, does: Does) -> u32 {
        let mut state = self.state.0.lock().unwrap();
        state.does = does;
        self.state.1.notify_all();
        state.came
    }

    fn came(&self) -> u32 {
        self.state.0.lock().unwrap().came
    }
}

fn serve(client: TcpStream, to: u16, state: &(Mutex<State>, Condvar)) {
    let does = state.1.wait_while(state.0.lock().unwrap(), |state| state.does == Does::Holds).unwrap().does;
    if does == Does::Closes {
        return;
    }
    let server = TcpStream::connect(("127.0.0.1", to)).unwrap();
    let both = [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)];
    for (mut from, mut into) in both {
        thread::spawn(move || {
            let _ = std::io::copy(&mut from.by_ref(), &mut into);
            let _ = into.shutdown(Shutdown::Both);
        });
    }
}

/// How many attempts there may be in this time: each pause is twice the one before.
fn most_attempts(mut time: Duration) -> u32 {
    let (mut pause, mut attempts) = (FIRST, 1);
    while time >= pause {
        (time, attempts) = (time - pause, attempts + 1);
        pause = (pause * 2).min(LONGEST);
    }
    attempts
}

/// A server that comes back must not be met by everybody at once, again and again: between attempts to connect there is a
/// pause, which doubles. Calls in it fail at once.
#[tokio::test]
async fn attempts_to_connect_keep_their_distance() {
    assert_eq!(most_attempts(Duration::from_millis(1_000)), 5, "at 0, 50, 150, 350 and 750 ms");
    let server = RedisServer::start();
    let gate = Gate::before(&server);
    let (store, id) = (gate.open().await.sessions(), session(&owner("ann")).id);

    let before = gate.set(Does::Closes);
    let start = Instant::now();
    assert!(server.say(&["CLIENT", "KILL", "TYPE", "normal"]).starts_with(':'));
    let mut calls = 0_u32;
    while start.elapsed() < Duration::from_secs(3) {
        let answer = store.load(&id, now()).await;
        assert!(matches!(answer, Err(StoreError::NotWritten(_))), "{answer:?}");
        calls += 1;
        tokio::task::yield_now().await;
    }
    let (attempts, most) = (gate.came() - before, most_attempts(start.elapsed()));
    assert!((2..=most).contains(&attempts), "{attempts} attempts for {calls} calls, not 2 to {most}");
    assert!(calls > 10 * most, "{calls} calls: none waits for the next attempt");

    // The next attempt finds it, and the pause begins anew.
    gate.set(Does::Forwards);
    let end = Instant::now() + Duration::from_secs(30);
    while let Err(error) = store.load(&id, now()).await {
        assert!(Instant::now() < end, "{error:?}");
        tokio::task::yield_now().await;
    }
}

/// A thousand requests that find no connection make one, or see the one attempt fail.
#[tokio::test]
async fn one_attempt_to_connect_serves_all_who_wait() {
    let server = RedisServer::start();
    let gate = Gate::before(&server);
    let (store, id) = (gate.open().await.sessions(), session(&owner("ann")).id);
    for then in [Does::Forwards, Does::Closes] {
        let before = gate.set(Does::Holds);
        assert!(server.say(&["CLIENT", "KILL", "TYPE", "normal"]).starts_with(':'));
        let calls: Vec<_> = (0..1_000)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.load(&id, now()).await })
            })
            .collect();
        while gate.came() == before {
            tokio::task::yield_now().await;
        }
        // All of them have had their turn on this one thread, and wait.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert!(calls.iter().all(|call| !call.is_finished()), "they wait for the attempt");
        gate.set(then);
        for call in calls {
            let answer = call.await.unwrap();
            let served = matches!(answer, Ok(None));
            let failed = matches!(answer, Err(StoreError::NotWritten(_)));
            assert!(if then == Does::Forwards { served } else { failed }, "{then:?}: {answer:?}");
        }
        assert_eq!(gate.came() - before, 1, "{then:?}");
    }
}
