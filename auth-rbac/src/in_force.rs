//! What is in force, and is replaced while requests go on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwapOption, Guard};
use auth_core::{AuditEvent, AuditSink, Clock, PolicyVersion};

use crate::{policy::Policy, rbac::Outdated, snapshot::Snapshot};

/// What has a version.
pub(crate) trait Versioned {
    fn version(&self) -> PolicyVersion;
}

impl Versioned for Snapshot {
    fn version(&self) -> PolicyVersion {
        Self::version(self)
    }
}

impl Versioned for Policy {
    fn version(&self) -> PolicyVersion {
        Self::version(self)
    }
}

/// The policy in force, if there is one, shared by all clones. No reader waits for a writer.
pub(crate) struct InForce<T> {
    current: Arc<ArcSwapOption<T>>,
    audit: Option<Audit>,
}

#[derive(Clone)]
struct Audit {
    sink: Arc<dyn AuditSink>,
    clock: Arc<dyn Clock>,
    /// Held from a swap until it is written down, so that the log has them in the order in which they came into force.
    order: Arc<Mutex<()>>,
}

impl<T: Versioned> InForce<T> {
    pub(crate) fn new(first: Option<Arc<T>>) -> Self {
        Self { current: Arc::new(ArcSwapOption::new(first)), audit: None }
    }

    /// Writes down the present policy, if there is one, and each that takes its place.
    pub(crate) fn with_audit(mut self, sink: Arc<dyn AuditSink>, clock: Arc<dyn Clock>) -> Self {
        self.audit = Some(Audit { sink, clock, order: Arc::default() });
        if let Some(present) = self.get() {
            self.write_down(present.version());
        }
        self
    }

    /// For one look, without counting it.
    #[inline]
    pub(crate) fn load(&self) -> Guard<Option<Arc<T>>> {
        self.current.load()
    }

    pub(crate) fn get(&self) -> Option<Arc<T>> {
        self.current.load_full()
    }

    /// Puts the next one in force, unless one of its version is, or of a larger one.
    pub(crate) fn replace(&self, next: T) -> Result<(), Outdated> {
        let offered = next.version();
        let next = Arc::new(next);
        let mut outcome = Ok(());
        let _order = self.in_order();
        self.current.rcu(|current| match current {
            Some(current) if current.version() >= offered => {
                outcome = Err(Outdated { offered, in_force: current.version() });
                Some(Arc::clone(current))
            }
            _ => {
                outcome = Ok(());
                Some(Arc::clone(&next))
            }
        });
        if outcome.is_ok() {
            self.write_down(offered);
        }
        outcome
    }

    /// Puts `next` in force if `present` still is.
    pub(crate) fn replace_exactly(&self, present: &Arc<T>, next: &Arc<T>) -> bool {
        let _order = self.in_order();
        let before = self.current.compare_and_swap(present, Some(Arc::clone(next)));
        let replaced = before.as_ref().is_some_and(|before| Arc::ptr_eq(before, present));
        if replaced {
            self.write_down(next.version());
        }
        replaced
    }

    /// Keeps other writers waiting where it matters who was first.
    fn in_order(&self) -> Option<MutexGuard<'_, ()>> {
        // It guards nothing that a panic could leave half done.
        self.audit.as_ref().map(|audit| audit.order.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write_down(&self, version: PolicyVersion) {
        if let Some(Audit { sink, clock, order: _ }) = &self.audit {
            sink.record(clock.now(), &AuditEvent::PolicyLoaded { version });
        }
    }
}

/// Whatever `T` is, for it is shared.
impl<T> Clone for InForce<T> {
    fn clone(&self) -> Self {
        Self { current: Arc::clone(&self.current), audit: self.audit.clone() }
    }
}
