//! What a check is made of: a bench to work at, and a verdict that explains itself.

use std::{
    collections::BTreeSet,
    error::Error,
    fmt::Debug,
    future::poll_fn,
    panic::{AssertUnwindSafe, Location, catch_unwind},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use auth_core::{
    NameError, PolicyVersion, PrincipalId, RoleName,
    conformance::{Contender, Race},
};

use super::said::said;
use crate::{
    admin::PolicyChange,
    document::PolicyDocument,
    role_ref::RoleKey,
    source::{Loaded, Revision},
    store::{PolicyStore, Saved},
};

/// What a check found wrong.
pub(super) struct Wrong(pub(super) String);

pub(super) type Verdict = Result<(), Wrong>;

impl Wrong {
    #[track_caller]
    pub(super) fn new(why: &str) -> Self {
        Self(format!("{why} (at {})", Location::caller()))
    }
}

/// Any error ends a check, but for those that it looks at.
impl<E: Error> From<E> for Wrong {
    #[track_caller]
    fn from(error: E) -> Self {
        let mut why = format!("failed: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            why.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        Self::new(&why)
    }
}

/// What `what` says must hold.
#[track_caller]
pub(super) fn ensure(holds: bool, what: &str) -> Verdict {
    if holds { Ok(()) } else { Err(Wrong::new(&format!("does not hold: {what}"))) }
}

/// `found` must be `wanted`.
#[track_caller]
pub(super) fn expect<T: PartialEq + Debug>(what: &str, found: &T, wanted: &T) -> Verdict {
    ensure(found == wanted, &format!("{what}: found {found:?}, wanted {wanted:?}"))
}

/// `found` must say what `wanted` says, and nothing else.
#[track_caller]
pub(super) fn expect_policy(what: &str, found: &PolicyDocument, wanted: &PolicyDocument) -> Verdict {
    let (found, wanted) = (said(found), said(wanted));
    let first = |one: &BTreeSet<String>, other: &BTreeSet<String>| one.difference(other).next().cloned();
    if let Some(missing) = first(&wanted, &found) {
        return Err(Wrong::new(&format!("{what}: missing: {missing}")));
    }
    match first(&found, &wanted) {
        Some(more) => Err(Wrong::new(&format!("{what}: nobody said: {more}"))),
        None => Ok(()),
    }
}

/// A fresh, empty store, and the way in which calls are raced.
pub(super) struct Bench<'a> {
    pub(super) store: Arc<dyn PolicyStore>,
    pub(super) race: &'a dyn Race,
}

/// A call to be made at once with others.
pub(super) type Call<T> = Pin<Box<dyn Future<Output = Result<T, Wrong>> + Send>>;

impl Bench<'_> {
    /// Puts a document in the place of the policy of that version.
    pub(super) async fn save(&self, expected: u64, document: &PolicyDocument) -> Verdict {
        let saved = self.store.save(version(expected), document).await?;
        expect("what was saved", &saved, &Saved::Saved(document.version))
    }

    /// Makes a change to the policy of that version.
    pub(super) async fn change(&self, expected: u64, changes: &[PolicyChange]) -> Verdict {
        let saved = self.store.change(version(expected), changes).await?;
        expect("what was changed", &saved, &Saved::Saved(version(expected).next()))
    }

    /// What is stored.
    pub(super) async fn loaded(&self) -> Result<(Revision, PolicyDocument), Wrong> {
        loaded(&*self.store).await
    }

    /// What is stored must be `wanted`.
    pub(super) async fn expect(&self, what: &str, wanted: &PolicyDocument) -> Verdict {
        expect_policy(what, &self.loaded().await?.1, wanted)
    }

    /// Runs calls at once, and answers what they answered.
    pub(super) async fn race<T: Send + 'static>(&self, calls: Vec<Call<T>>) -> Result<Vec<T>, Wrong> {
        let (answers, contenders): (Vec<_>, Vec<_>) = calls.into_iter().map(contend).unzip();
        self.race.run(vec![contenders]).await;
        answers.into_iter().map(answer).collect()
    }
}

/// What a store has.
pub(super) async fn loaded(store: &dyn PolicyStore) -> Result<(Revision, PolicyDocument), Wrong> {
    match store.load(None).await? {
        Loaded::Changed { revision, document } => Ok((revision, *document)),
        other => Err(Wrong::new(&format!("a store has a policy or none, and said {other:?}"))),
    }
}

pub(super) fn version(number: u64) -> PolicyVersion {
    PolicyVersion::new(number)
}

pub(super) fn role(name: &str) -> Result<RoleKey, NameError> {
    RoleName::parse(name).map(RoleKey::from)
}

pub(super) fn user(id: &str) -> Result<PrincipalId, NameError> {
    PrincipalId::local_user(id)
}

type Slot<T> = Arc<Mutex<Option<Result<T, Wrong>>>>;

/// A call as a contender, and where it leaves its answer.
fn contend<T: Send + 'static>(call: Call<T>) -> (Slot<T>, Contender) {
    let slot = Slot::default();
    let filled = Arc::clone(&slot);
    let contender = Box::pin(async move {
        let mut call = pin!(call);
        let end = poll_fn(|context| {
            // A panic must not leave the others waiting at the next barrier.
            match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context))) {
                Ok(poll) => poll.map(Some),
                Err(_) => Poll::Ready(None),
            }
        });
        let end = end.await;
        *filled.lock().unwrap_or_else(PoisonError::into_inner) = end;
    });
    (slot, contender)
}

fn answer<T>(slot: Slot<T>) -> Result<T, Wrong> {
    slot.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take()
        .unwrap_or_else(|| Err(Wrong::new("a call did not end: it panicked, or its task was dropped")))
}
