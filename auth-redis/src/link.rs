//! The seam to the server: what a store asks goes through here, and only here. A cluster or a sentinel would be
//! another way to find the connection for a request; all keys of a request are in one slot already.

mod together;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth_core::StoreError;
use redis::{AsyncConnectionConfig, Client, Cmd, Pipeline, RedisError, Value, aio::MultiplexedConnection};
use tokio::time::{Instant, timeout};

use crate::{
    RedisOptions, SetupError,
    failure::{Intent, is_broken, is_demoted, is_unknown_script, store_error},
    link::together::Waiting,
    probe,
    script::Script,
};

/// The pause after the first attempt to connect that led to no answer; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How many requests may be on their way from tasks to the connection.
const QUEUE: usize = 1_024;

/// One multiplexed connection, made anew when it breaks.
pub(crate) struct Link {
    client: Client,
    config: AsyncConnectionConfig,
    connect_timeout: Duration,
    trust_unchecked: bool,
    state: Mutex<State>,
    /// Held by whoever connects, so that a thousand requests make one attempt.
    connecting: tokio::sync::Mutex<()>,
    waiting: Mutex<Waiting>,
    response_timeout: Duration,
}

#[derive(Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    /// Counts the connections: a failure speaks of the one that it happened on.
    number: u64,
    /// When it was made.
    since: Option<Instant>,
    /// Attempts since one led to a server that may be used.
    failures: u32,
    not_before: Option<Instant>,
}

/// No connection, so nothing was sent.
#[derive(Debug, Clone, thiserror::Error)]
enum Unconnected {
    #[error("redis server does not accept a connection in time")]
    Slow,
    #[error("redis server could not be reached a moment ago")]
    Pausing,
    #[error("redis server cannot be reached, or must not be used")]
    Failed(#[source] Arc<SetupError>),
}

impl State {
    /// An attempt led to nothing: the next is after a pause.
    fn fail(&mut self) {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.not_before = Instant::now().checked_add(pause);
    }
}

/// The connection for a request.
struct Current {
    connection: MultiplexedConnection,
    number: u64,
}

/// A request did not get its answer.
#[derive(Debug, Clone)]
enum Failure {
    Unconnected(Unconnected),
    Failed(RedisError),
}

impl Failure {
    fn into_store_error(self, intent: Intent) -> StoreError {
        match self {
            Self::Unconnected(unconnected) => StoreError::not_written(unconnected),
            Self::Failed(error) => store_error(error, intent),
        }
    }

    /// Whether a new connection might answer what this one did not.
    fn is_dropped(&self) -> bool {
        matches!(self, Self::Failed(error) if is_broken(error) && !error.is_timeout())
    }
}

impl Link {
    /// A link that connects when it is first used.
    pub(crate) fn new(client: Client, options: &RedisOptions) -> Self {
        let RedisOptions { timeout, connect_timeout, trust_unchecked, .. } = *options;
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(Some(timeout))
            .set_connection_timeout(Some(connect_timeout))
            .set_pipeline_buffer_size(QUEUE);
        let (state, connecting) = (Mutex::default(), tokio::sync::Mutex::default());
        let (waiting, response_timeout) = (Mutex::default(), timeout);
        Self {
            client,
            config,
            connect_timeout,
            trust_unchecked,
            state,
            connecting,
            waiting,
            response_timeout,
        }
    }

    /// Makes the connection, unless there is one.
    pub(crate) async fn connect(&self) -> Result<(), SetupError> {
        match self.connection().await {
            Ok(_) => Ok(()),
            Err(Unconnected::Failed(error)) => {
                Err(Arc::try_unwrap(error).unwrap_or_else(|error| SetupError::Unreachable(error.into())))
            }
            Err(error) => Err(SetupError::Unreachable(error.into())),
        }
    }

    /// Asks something that changes nothing. If the connection was dropped, it is asked once more on a new one.
    pub(crate) async fn read(&self, command: &Cmd) -> Result<Value, StoreError> {
        let answer = self.attempt_twice(Request::One(command)).await;
        answer.map_err(|failure| failure.into_store_error(Intent::Read))
    }

    /// Asks several things that change nothing at once. An answer may be an error.
    pub(crate) async fn read_all(&self, commands: &Pipeline) -> Result<Vec<Value>, StoreError> {
        let answer = self.attempt_twice(Request::Many(commands)).await;
        match answer.map_err(|failure| failure.into_store_error(Intent::Read))? {
            Value::Array(values) => Ok(values),
            _ => Err(StoreError::corrupt("redis answer")),
        }
    }

    /// Runs a command that changes something, once.
    pub(crate) async fn write(&self, command: &Cmd) -> Result<Value, StoreError> {
        self.attempt(Request::One(command)).await.map_err(|failure| failure.into_store_error(Intent::Write))
    }

    /// Runs a script, once: by its hash, and by its text if the server does not know it, which then does.
    pub(crate) async fn run(
        &self,
        script: &Script,
        keys: &[&str],
        arguments: &[&[u8]],
    ) -> Result<Value, StoreError> {
        let by_hash = call("EVALSHA", &script.sha1, keys, arguments);
        match self.attempt(Request::One(&by_hash)).await {
            Err(Failure::Failed(error)) if is_unknown_script(&error) => {
                self.write(&call("EVAL", script.text, keys, arguments)).await
            }
            other => other.map_err(|failure| failure.into_store_error(Intent::Write)),
        }
    }

    /// For what changes nothing: if the connection was dropped, once more on a new one.
    async fn attempt_twice(&self, request: Request<'_>) -> Result<Value, Failure> {
        match self.attempt(request).await {
            Err(failure) if failure.is_dropped() => self.attempt(request).await,
            other => other,
        }
    }

    async fn attempt(&self, request: Request<'_>) -> Result<Value, Failure> {
        let Current { mut connection, number } = self.connection().await.map_err(Failure::Unconnected)?;
        let answer = match request {
            Request::One(command) => command.query_async::<Value>(&mut connection).await,
            Request::Many(commands) => {
                commands.query_async::<Vec<Value>>(&mut connection).await.map(Value::Array)
            }
        };
        answer.map_err(|error| {
            if is_broken(&error) {
                self.drop_connection(number, Duration::ZERO);
            } else if is_demoted(&error) {
                // Behind the same name there may be another server by now. Not for each refusal: it may take a while.
                self.drop_connection(number, LONGEST_PAUSE);
            }
            Failure::Failed(error)
        })
    }

    async fn connection(&self) -> Result<Current, Unconnected> {
        if let Some(found) = self.current()? {
            return Ok(found);
        }
        let _turn = self.connecting.lock().await;
        // Whoever was first has connected meanwhile, or failed.
        if let Some(found) = self.current()? {
            return Ok(found);
        }
        let connected = match timeout(self.connect_timeout, self.checked_connection()).await {
            Ok(connected) => connected.map_err(|error| Unconnected::Failed(Arc::new(error))),
            Err(_) => Err(Unconnected::Slow),
        };
        let mut state = self.state();
        match connected {
            Ok(connection) => {
                state.number = state.number.saturating_add(1);
                state.connection = Some(connection.clone());
                (state.since, state.failures, state.not_before) = (Some(Instant::now()), 0, None);
                Ok(Current { connection, number: state.number })
            }
            Err(error) => {
                state.fail();
                Err(error)
            }
        }
    }

    /// A new connection to a server that may be used: after a failover it may be another one, with other settings. And to
    /// one that says something: a proxy without a server behind it accepts everybody.
    async fn checked_connection(&self) -> Result<MultiplexedConnection, SetupError> {
        let connect = self.client.get_multiplexed_async_connection_with_config(&self.config);
        let mut connection = connect.await.map_err(|error| SetupError::Unreachable(error.into()))?;
        probe::check(&mut connection, self.trust_unchecked).await?;
        Ok(connection)
    }

    /// The connection that there is, or that there will be none for a moment.
    fn current(&self) -> Result<Option<Current>, Unconnected> {
        let state = self.state();
        if let Some(connection) = &state.connection {
            return Ok(Some(Current { connection: connection.clone(), number: state.number }));
        }
        match state.not_before {
            Some(moment) if Instant::now() < moment => Err(Unconnected::Pausing),
            _ => Ok(None),
        }
    }

    /// Gives the connection up, if it is this one and at least so old.
    fn drop_connection(&self, number: u64, age: Duration) {
        let mut state = self.state();
        let is_it = state.number == number && state.connection.is_some();
        if is_it && state.since.is_none_or(|since| since.elapsed() >= age) {
            state.connection = None;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

#[derive(Clone, Copy)]
enum Request<'a> {
    One(&'a Cmd),
    Many(&'a Pipeline),
}

fn call(how: &str, script: &str, keys: &[&str], arguments: &[&[u8]]) -> Cmd {
    let mut command = redis::cmd(how);
    command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
    command
}
