//! What is stored now, looked at by one at a time.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auth_core::StoreError;
use futures_channel::oneshot;

use super::AdminError;
use crate::{
    builder::PolicyBuilder,
    document::DocumentError,
    policy::Policy,
    source::{Loaded, Revision, SourceError, aside},
    store::PolicyStore,
};

/// What is stored, as it was when somebody last looked, compiled and as it was declared.
pub(super) struct Present {
    revision: Revision,
    pub(super) policy: Policy,
    pub(super) roles: PolicyBuilder,
}

/// Looks at what is stored. Anybody who is logged in makes it look, so one look serves all who came before it began, and
/// a policy is loaded and compiled once, one that is refused too.
pub(super) struct Lookout {
    store: Arc<dyn PolicyStore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many looks have begun.
    begun: u64,
    /// Who is told when the look ends, while there is one.
    waiting: Option<Vec<oneshot::Sender<()>>>,
    /// Which look has ended last, and with what.
    ended: Option<(u64, Outcome)>,
    known: Option<Arc<Present>>,
    /// What was found since and is no policy.
    refused: Option<(Revision, DocumentError)>,
}

type Outcome = Result<Arc<Present>, AdminError>;

impl Lookout {
    pub(super) fn new(store: Arc<dyn PolicyStore>) -> Self {
        Self { store, state: Mutex::default() }
    }

    /// What is stored at a moment after this was called.
    pub(super) async fn present(&self) -> Outcome {
        let came = self.state().begun;
        loop {
            let ends = match self.turn(came) {
                Turn::Served(outcome) => return outcome,
                Turn::Looks(look) => {
                    let outcome = self.look().await;
                    look.end(&outcome);
                    return outcome;
                }
                Turn::Waits(ends) => ends,
            };
            // However it ends, with whoever looked having given up perhaps.
            let _ = ends.await;
        }
    }

    fn turn(&self, came: u64) -> Turn<'_> {
        let mut state = self.state();
        if let Some((_, outcome)) = state.ended.as_ref().filter(|(number, _)| *number > came) {
            return Turn::Served(alike(outcome));
        }
        if let Some(waiting) = &mut state.waiting {
            let (send, receive) = oneshot::channel();
            // Those who have given up take no room.
            waiting.retain(|other| !other.is_canceled());
            waiting.push(send);
            return Turn::Waits(receive);
        }
        state.begun = state.begun.saturating_add(1);
        state.waiting = Some(Vec::new());
        Turn::Looks(Look { of: self, number: state.begun })
    }

    async fn look(&self) -> Outcome {
        let (known, refused) = {
            let state = self.state();
            (state.known.clone(), state.refused.clone())
        };
        let newest = refused.as_ref().map(|(revision, _)| revision);
        let newest = newest.or(known.as_deref().map(|known| &known.revision));
        let (revision, document) = match self.store.load(newest).await? {
            Loaded::Changed { revision, document } => (revision, document),
            Loaded::Changing(_) => return Err(AdminError::Superseded),
            Loaded::Unchanged => {
                return match refused {
                    Some((_, error)) => Err(SourceError::Document(error).into()),
                    None => known.ok_or(AdminError::Superseded),
                };
            }
        };
        let compiled = aside(move || Ok::<_, DocumentError>((document.compile()?, document.builder()?)));
        let compiled = compiled.await.map_err(SourceError::Read)?;
        let mut state = self.state();
        match compiled {
            Ok((policy, roles)) => {
                let present = Arc::new(Present { revision, policy, roles });
                state.known = Some(Arc::clone(&present));
                state.refused = None;
                Ok(present)
            }
            Err(error) => {
                state.refused = Some((revision, error.clone()));
                Err(SourceError::Document(error).into())
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Its parts are replaced as a whole, so a panic elsewhere leaves it as it was.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Turn<'a> {
    Served(Outcome),
    Looks(Look<'a>),
    Waits(oneshot::Receiver<()>),
}

/// The only one who looks, until it is dropped.
struct Look<'a> {
    of: &'a Lookout,
    number: u64,
}

impl Look<'_> {
    fn end(self, outcome: &Outcome) {
        self.of.state().ended = Some((self.number, alike(outcome)));
    }
}

/// Whoever waits has a turn again.
impl Drop for Look<'_> {
    fn drop(&mut self) {
        let waiting = self.of.state().waiting.take();
        drop(waiting);
    }
}

/// The same for somebody else. What a store says beyond that it failed is told to the one who looked.
fn alike(outcome: &Outcome) -> Outcome {
    let source = match outcome {
        Ok(present) => return Ok(Arc::clone(present)),
        Err(AdminError::Source(source)) => source,
        Err(_) => return Err(AdminError::Superseded),
    };
    Err(AdminError::Source(match source {
        SourceError::Read(error) => SourceError::Read(io::Error::from(error.kind())),
        SourceError::Store(StoreError::Corrupt(what)) => SourceError::Store(StoreError::Corrupt(what)),
        SourceError::Store(StoreError::Timeout) => SourceError::Store(StoreError::Timeout),
        SourceError::Store(_) => SourceError::Store(StoreError::NotWritten(None)),
        SourceError::Document(error) => SourceError::Document(error.clone()),
        SourceError::Nothing => SourceError::Nothing,
        SourceError::TooLarge { max } => SourceError::TooLarge { max: *max },
    }))
}
