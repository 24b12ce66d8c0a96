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
    /// What was replaced while somebody was reading it. Whoever puts the next one in force, or looks whether there is one,
    /// frees it: the last reader, who may have a request to answer, does not.
    replaced: Arc<Mutex<Vec<Arc<T>>>>,
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
        Self { current: Arc::new(ArcSwapOption::new(first)), replaced: Arc::default(), audit: None }
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
        let order = self.in_order();
        let before = self.current.rcu(|current| match current {
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
        drop(order);
        if outcome.is_ok() {
            self.retire(before, 1);
        }
        outcome
    }

    /// Puts `next` in force if `present` still is.
    pub(crate) fn replace_exactly(&self, present: &Arc<T>, next: &Arc<T>) -> bool {
        let order = self.in_order();
        let before = self.current.compare_and_swap(present, Some(Arc::clone(next)));
        let replaced = before.as_ref().is_some_and(|before| Arc::ptr_eq(before, present));
        if replaced {
            self.write_down(next.version());
        }
        drop(order);
        if replaced {
            // The caller has it, too.
            self.retire(Guard::into_inner(before), 2);
        }
        replaced
    }

    /// Frees what was replaced before and is read no more.
    pub(crate) fn free_replaced(&self) {
        self.retire(None, 0);
    }

    /// Frees what was replaced, unless there are more references to it than those of this writer; and what was kept before
    /// and is read no more. No lock is held meanwhile.
    fn retire(&self, before: Option<Arc<T>>, of_writer: usize) {
        let mut replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free: Vec<Arc<T>> =
            replaced.extract_if(.., |policy| Arc::strong_count(policy) == 1).collect();
        match before {
            Some(before) if Arc::strong_count(&before) > of_writer => replaced.push(before),
            before => free.extend(before),
        }
        drop(replaced);
        drop(free);
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
        Self {
            current: Arc::clone(&self.current),
            replaced: Arc::clone(&self.replaced),
            audit: self.audit.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::{Sender, channel},
        thread::{self, ThreadId},
    };

    use super::*;

    /// Tells who freed it.
    struct Numbered(u64, Sender<(u64, ThreadId)>);

    impl Versioned for Numbered {
        fn version(&self) -> PolicyVersion {
            PolicyVersion::new(self.0)
        }
    }

    impl Drop for Numbered {
        fn drop(&mut self) {
            let _ = self.1.send((self.0, thread::current().id()));
        }
    }

    /// A policy may take milliseconds to free, which nobody's request is to wait for.
    #[test]
    fn no_reader_frees_a_policy() {
        let (tell, freed) = channel();
        let policy = |version| Numbered(version, tell.clone());
        let in_force = InForce::new(Some(Arc::new(policy(1))));
        let writer = thread::current().id();

        assert!(in_force.replace(policy(2)).is_ok());
        assert_eq!(freed.try_recv(), Ok((1, writer)), "nobody reads it");
        assert!(in_force.replace(policy(2)).is_err());
        assert_eq!(freed.try_recv().map(|(version, _)| version), Ok(2), "what was refused");

        thread::scope(|scope| {
            let (guard, held) = (in_force.load(), in_force.get());
            assert!(in_force.replace(policy(3)).is_ok());
            scope.spawn(move || drop(held));
            drop(guard);
        });
        assert!(freed.try_recv().is_err());
        assert!(in_force.replace_exactly(&in_force.get().unwrap(), &Arc::new(policy(4))));
        let mut both = [freed.try_recv().unwrap(), freed.try_recv().unwrap()];
        both.sort_unstable_by_key(|(version, _)| *version);
        assert_eq!(both, [(2, writer), (3, writer)]);
    }
}
