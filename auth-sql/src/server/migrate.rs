//! What migrations of every server have in common.

use std::time::Duration;

use crate::SetupError;

/// How long a process waits for another one to migrate, in seconds.
pub(crate) const LOCK_SECS: u32 = 60;

/// How long a migration may take. Beyond that, the server is taken to be gone.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// Waits for a step of opening a database.
pub(crate) async fn within<T>(
    time: Duration,
    step: impl Future<Output = Result<T, SetupError>>,
) -> Result<T, SetupError> {
    let late = |_| SetupError::Unusable("database did not answer in time".into());
    tokio::time::timeout(time, step).await.map_err(late)?
}

/// The migration that leads from the version `found` to the next, with that version, or `None` if there is none.
pub(crate) fn next<M>(migrations: &[M], found: u64) -> Result<Option<(u64, &M)>, SetupError> {
    let known = u64::try_from(migrations.len()).unwrap_or(u64::MAX);
    if found > known {
        return Err(SetupError::NewerSchema { found, known });
    }
    let next = usize::try_from(found).ok().and_then(|found| migrations.get(found));
    Ok(next.map(|migration| (found.saturating_add(1), migration)))
}
