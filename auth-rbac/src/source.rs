//! Where policies come from, and how they get into force.

use std::{fmt, io, thread, time::Duration};

use async_trait::async_trait;
use auth_core::{PolicyVersion, StoreError};
use futures_channel::oneshot;

use crate::{
    document::{DocumentError, PolicyDocument},
    live::LivePolicy,
    rbac::Outdated,
};

#[cfg(any(feature = "json", feature = "toml"))]
mod file;

#[cfg(all(feature = "watch", any(feature = "json", feature = "toml")))]
mod watch;

#[cfg(any(feature = "json", feature = "toml"))]
pub use file::PolicyFile;
#[cfg(all(feature = "watch", any(feature = "json", feature = "toml")))]
pub use watch::PolicyWatch;

/// Keeps a policy: a file, a database.
///
/// Writing one? Answer a whole policy of one moment, or an error: a part of a policy may lack what forbids. Run the suite
/// of the feature `conformance` against it: `conformance::policy_source`.
#[async_trait]
pub trait PolicySource: Send + Sync {
    /// The policy, unless it still is the one that `known` stands for.
    ///
    /// # Errors
    /// [`SourceError`]; what is in force then stays in force.
    async fn load(&self, known: Option<&Revision>) -> Result<Loaded, SourceError>;
}

macro_rules! forward {
    ($($pointer:ty),*) => { $(
        #[async_trait]
        impl<T: PolicySource + ?Sized> PolicySource for $pointer {
            async fn load(&self, known: Option<&Revision>) -> Result<Loaded, SourceError> {
                (**self).load(known).await
            }
        }
    )* };
}
forward!(&T, Box<T>, std::sync::Arc<T>);

/// A state of a [`PolicySource`], in whatever words the source tells its states apart by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision(Box<str>);

impl Revision {
    /// The state of this name.
    #[must_use]
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a [`PolicySource`] answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loaded {
    /// It still is the policy that was known.
    Unchanged,
    /// It is being changed right now: ask again after this long.
    Changing(Duration),
    /// It is another one.
    Changed {
        /// The state of the source.
        revision: Revision,
        /// The policy.
        document: Box<PolicyDocument>,
    },
}

/// Why a [`PolicySource`] has no policy to give.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The file could not be read, or no thread could be started to do so.
    #[error("the policy could not be read")]
    Read(#[source] io::Error),
    /// The database did not answer, or answered what no policy is made of.
    #[error("the policy could not be loaded from the store")]
    Store(#[source] StoreError),
    /// It is not a policy.
    #[error("the policy is refused")]
    Document(#[source] DocumentError),
    /// No policy was ever stored there.
    #[error("there is no policy yet")]
    Nothing,
    /// There is more of it than the source takes.
    #[error("the source takes at most {max} rows of a policy")]
    TooLarge {
        /// The most that it takes.
        max: usize,
    },
}

/// Puts the policies of a [`PolicySource`] in force, each as a whole, whenever it is asked to look.
///
/// It never waits by itself: [`poll`](Self::poll) says when to call it again.
///
/// ```no_run
/// # async fn sleep(_: std::time::Duration) {}
/// # async fn run(source: impl auth_rbac::PolicySource + 'static) {
/// use auth_rbac::{LivePolicy, PolicyReloader};
///
/// let live = LivePolicy::without_policy();
/// let mut reloader = PolicyReloader::new(source, live.clone());
/// // `live` is what the application asks; a task of its own keeps it fresh.
/// loop {
///     let polled = reloader.poll().await;
///     if let Err(error) = &polled.outcome {
///         eprintln!("the policy stays as it was: {error}");
///     }
///     sleep(polled.again_in).await;
/// }
/// # }
/// ```
pub struct PolicyReloader {
    source: Box<dyn PolicySource>,
    live: LivePolicy,
    interval: Duration,
    known: Option<Revision>,
    /// How many looks in a row have found the source changing.
    changing: u32,
}

impl PolicyReloader {
    /// How long to wait between two looks, unless told otherwise: 5 seconds.
    pub const INTERVAL: Duration = Duration::from_secs(5);
    /// How many looks in a row may find that the source is being changed before that is reported as an error.
    pub const MAX_CHANGING: u32 = 40;

    /// Nothing is loaded before the first [`poll`](Self::poll).
    #[must_use]
    pub fn new(source: impl PolicySource + 'static, live: LivePolicy) -> Self {
        Self { source: Box::new(source), live, interval: Self::INTERVAL, known: None, changing: 0 }
    }

    /// The same, looking that often.
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// The policy in force.
    #[must_use]
    pub fn live(&self) -> &LivePolicy {
        &self.live
    }

    /// Looks whether the policy is another one, and if so compiles it on a thread of its own and puts it in force.
    /// Whatever goes wrong, the old one stays. Each look frees what was replaced before and is read no more.
    pub async fn poll(&mut self) -> Polled {
        let looked = self.look().await;
        self.live.free_replaced();
        self.changing = match &looked {
            Ok(Looked::Changing(_)) => self.changing.saturating_add(1),
            _ => 0,
        };
        let (outcome, again_in) = match looked {
            // As long as the source asks for, however often somebody wants to look: it knows when it rests.
            Ok(Looked::Changing(again_in)) if self.changing > Self::MAX_CHANGING => {
                (Err(ReloadError::Unsettled { looks: self.changing }), again_in)
            }
            Ok(Looked::Changing(again_in)) => (Ok(Reloaded::Changing), again_in),
            Ok(Looked::Done(reloaded)) => (Ok(reloaded), self.interval),
            Err(error) => (Err(error), self.interval),
        };
        Polled { outcome, again_in }
    }

    async fn look(&mut self) -> Result<Looked, ReloadError> {
        let (revision, document) = match self.source.load(self.known.as_ref()).await? {
            Loaded::Unchanged => return Ok(Looked::Done(Reloaded::Unchanged)),
            Loaded::Changing(again_in) => return Ok(Looked::Changing(again_in)),
            Loaded::Changed { revision, document } => (revision, document),
        };
        let version = document.version;
        let compiled = aside(move || document.compile()).await.map_err(SourceError::Read)?;
        self.live.replace(compiled.map_err(SourceError::Document)?).map_err(|outdated| {
            if outdated.offered == outdated.in_force {
                return ReloadError::SameVersion(version);
            }
            ReloadError::Outdated(outdated)
        })?;
        self.known = Some(revision);
        Ok(Looked::Done(Reloaded::Replaced(version)))
    }
}

enum Looked {
    Changing(Duration),
    Done(Reloaded),
}

impl fmt::Debug for PolicyReloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyReloader")
            .field("live", &self.live)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

/// What came of a [`PolicyReloader::poll`].
#[derive(Debug)]
#[must_use = "a policy that is not reloaded should not go unnoticed"]
pub struct Polled {
    /// What happened.
    pub outcome: Result<Reloaded, ReloadError>,
    /// When to look again.
    pub again_in: Duration,
}

/// Whether another policy is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reloaded {
    /// The same one.
    Unchanged,
    /// The same one, and the source is being changed: the next look finds more.
    Changing,
    /// One of this version.
    Replaced(PolicyVersion),
}

/// Why the old policy stayed in force.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// There is no policy to put in force.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The contents have changed, and the version is that of the policy in force. It is reported at every look until
    /// the source has a larger version, or again what is in force.
    #[error("the policy has changed without its version, {0}: every change needs a larger one")]
    SameVersion(PolicyVersion),
    /// The policy is older than the one in force.
    #[error(transparent)]
    Outdated(#[from] Outdated),
    /// The source has been changing for more than [`PolicyReloader::MAX_CHANGING`] looks: what it comes to is never taken.
    #[error("the policy has been changing for {looks} looks and is never taken")]
    Unsettled {
        /// How many looks in a row.
        looks: u32,
    },
}

/// Does work that takes its time on a thread of its own, so that no future blocks.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (send, receive) = oneshot::channel();
    thread::Builder::new().name("auth-policy".to_owned()).spawn(move || {
        // Nobody waits any more: there is nothing to do about it.
        let _ = send.send(work());
    })?;
    receive.await.map_err(|_| io::Error::other("the thread ended before its work was done"))
}
