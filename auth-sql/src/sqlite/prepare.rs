//! From a path to a database with the right schema.

use std::{
    fs::OpenOptions,
    io::{self, ErrorKind},
    path::PathBuf,
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions, Connection,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};

use super::{migrate::migrate, statement};
use crate::SetupError;

/// Makes the file if there is none, before SQLite does so with the process's umask. The log and the shared
/// memory beside it get the mode of the file from SQLite.
pub(super) async fn create_private(path: PathBuf) -> Result<(), SetupError> {
    let created = tokio::task::spawn_blocking(move || {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)
    });
    match created.await.map_err(io::Error::other).flatten() {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(SetupError::File(error)),
        _ => Ok(()),
    }
}

/// Turns on the write-ahead log and migrates, on a connection of its own.
pub(super) async fn prepare(connect: &SqliteConnectOptions, wait: Duration) -> Result<(), SetupError> {
    let mut connection = connect.connect().await.map_err(unusable)?;
    log_ahead(&mut connection, wait).await?;
    migrate(&mut connection).await?;
    connection.close().await.map_err(unusable)
}

/// The mode is a property of the file. Changing it takes a lock that SQLite does not wait for, and another
/// process may be changing it just now.
async fn log_ahead(connection: &mut SqliteConnection, wait: Duration) -> Result<(), SetupError> {
    const PAUSE: Duration = Duration::from_millis(10);
    let started = Instant::now();
    loop {
        let mode = sqlx::query_scalar::<_, String>("PRAGMA journal_mode = WAL").fetch_one(&mut *connection);
        match mode.await {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(SetupError::Unusable(format!("no write-ahead log, only {mode}").into()));
            }
            Err(error) if statement::is_locked(&error) && started.elapsed() < wait => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(unusable(error)),
        }
    }
}

pub(super) fn unusable(error: sqlx::Error) -> SetupError {
    if statement::is_locked(&error) {
        SetupError::Locked(Box::new(error))
    } else {
        SetupError::Unusable(Box::new(error))
    }
}
