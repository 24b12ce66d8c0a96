//! How often a stored policy is looked at.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use auth_core::PolicyVersion;
use auth_rbac::{
    AdminError, Loaded, MemoryPolicy, PolicyChange, PolicySource, PolicyStore, PolicyStoreError, Revision,
    Saved, SourceError,
    document::{PolicyDocument, Role},
};

use super::{
    assign, key,
    stored::{administration, document, stored},
};
use crate::support::{V1, user, who};

/// Counts how often a whole policy is loaded, and how often anybody looks; each look takes a while.
struct Counting {
    store: Arc<MemoryPolicy>,
    looks: AtomicU64,
    loads: AtomicU64,
    garbles: bool,
}

#[async_trait]
impl PolicySource for Counting {
    async fn load(&self, known: Option<&Revision>) -> Result<Loaded, SourceError> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        let mut loaded = self.store.load(known).await?;
        if let Loaded::Changed { document, .. } = &mut loaded {
            self.loads.fetch_add(1, Ordering::Relaxed);
            if self.garbles {
                document.roles.push(Role::new(key("reader")));
            }
        }
        Ok(loaded)
    }
}

#[async_trait]
impl PolicyStore for Counting {
    async fn save(
        &self,
        expected: PolicyVersion,
        document: &PolicyDocument,
    ) -> Result<Saved, PolicyStoreError> {
        self.store.save(expected, document).await
    }

    async fn change(
        &self,
        expected: PolicyVersion,
        changes: &[PolicyChange],
    ) -> Result<Saved, PolicyStoreError> {
        self.store.change(expected, changes).await
    }
}

/// Who may change nothing asks as often as they like: a policy is loaded and compiled once, one that is refused too.
#[tokio::test]
async fn many_who_ask_at_once_load_a_policy_once() {
    for garbles in [false, true] {
        let (looks, loads) = (AtomicU64::new(0), AtomicU64::new(0));
        let store = Arc::new(Counting { store: stored(), looks, loads, garbles });
        let (administration, _) = administration(Arc::clone(&store) as _);
        let mut asking = tokio::task::JoinSet::new();
        // One of them gives up while it looks, others while they wait.
        let by = administration.by(&who(&user("zoe")));
        let given_up: Vec<_> = (0..5)
            .map(|_| {
                let by = by.clone();
                tokio::spawn(async move { by.apply(&[assign("zoe", "reader")]).await })
            })
            .collect();
        tokio::task::yield_now().await;
        for task in &given_up[..3] {
            task.abort();
        }
        for _ in 0..50 {
            let by = by.clone();
            asking.spawn(async move { by.apply(&[assign("zoe", "reader")]).await });
        }
        while let Some(outcome) = asking.join_next().await {
            match outcome.unwrap() {
                Err(AdminError::Refused(_)) if !garbles => {}
                Err(AdminError::Source(SourceError::Document(_))) if garbles => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(store.loads.load(Ordering::Relaxed) <= 2, "{:?}", store.loads);
        assert!(store.looks.load(Ordering::Relaxed) <= 4, "{:?}", store.looks);
        // Another policy is looked at anew.
        let mut next = document();
        next.version = V1.next();
        assert!(matches!(store.save(V1, &next).await.unwrap(), Saved::Saved(_)));
        let before = store.loads.load(Ordering::Relaxed);
        let _ = by.apply(&[assign("zoe", "reader")]).await.unwrap_err();
        assert_eq!(store.loads.load(Ordering::Relaxed), before + 1);
    }
}
