//! A policy that is kept in memory.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use auth_core::{PolicyVersion, StoreError};

use crate::{
    admin::{Administration, PolicyChange},
    document::PolicyDocument,
    source::{Loaded, PolicySource, Revision, SourceError, aside},
    store::{PolicyStore, PolicyStoreError, Saved},
};

/// A [`PolicyStore`] in the memory of one process, for tests and for programs whose policy ends with them. Cheap to
/// clone; all clones share the policy.
#[derive(Clone, Default)]
pub struct MemoryPolicy {
    /// Replaced as a whole.
    stored: Arc<Mutex<Option<Arc<PolicyDocument>>>>,
}

impl MemoryPolicy {
    /// Nothing is stored yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<PolicyDocument>>> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores what compiles, if the policy of version `expected` still is there.
    async fn store(
        &self,
        expected: PolicyVersion,
        document: PolicyDocument,
    ) -> Result<Saved, PolicyStoreError> {
        let offered = document.version;
        if offered <= expected {
            return Err(PolicyStoreError::Version { offered, expected });
        }
        let compiling = aside(move || document.compile().map(|_| document));
        let document = compiling.await.map_err(StoreError::not_written)??;
        let mut stored = self.lock();
        let found = version(stored.as_deref());
        if found != expected {
            return Ok(Saved::Conflict(found));
        }
        *stored = Some(Arc::new(document));
        Ok(Saved::Saved(offered))
    }
}

#[async_trait]
impl PolicySource for MemoryPolicy {
    async fn load(&self, known: Option<&Revision>) -> Result<Loaded, SourceError> {
        let document = self.lock().clone().ok_or(SourceError::Nothing)?;
        // Versions only grow here, so one never stands for two policies.
        let revision = Revision::new(document.version.to_string());
        if known == Some(&revision) {
            return Ok(Loaded::Unchanged);
        }
        Ok(Loaded::Changed { revision, document: Box::new(document.as_ref().clone()) })
    }
}

#[async_trait]
impl PolicyStore for MemoryPolicy {
    async fn save(
        &self,
        expected: PolicyVersion,
        document: &PolicyDocument,
    ) -> Result<Saved, PolicyStoreError> {
        self.store(expected, document.clone()).await
    }

    async fn change(
        &self,
        expected: PolicyVersion,
        changes: &[PolicyChange],
    ) -> Result<Saved, PolicyStoreError> {
        if changes.len() > Administration::MAX_CHANGES {
            return Err(PolicyStoreError::TooMany);
        }
        let stored = self.lock().clone();
        let found = version(stored.as_deref());
        if found != expected {
            return Ok(Saved::Conflict(found));
        }
        let changes = changes.to_vec();
        let changing = aside(move || {
            let nothing = || PolicyDocument::new(PolicyVersion::new(0));
            let mut document = stored.map_or_else(nothing, |stored| stored.as_ref().clone());
            document.apply_all(&changes)?;
            document.version = expected.next();
            Ok::<_, PolicyStoreError>(document)
        });
        let document = changing.await.map_err(StoreError::not_written)??;
        self.store(expected, document).await
    }
}

fn version(document: Option<&PolicyDocument>) -> PolicyVersion {
    document.map_or(PolicyVersion::new(0), |document| document.version)
}

impl fmt::Debug for MemoryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryPolicy").field("version", &version(self.lock().as_deref())).finish()
    }
}
