//! Files that say when they change.

use std::{
    ffi::OsString,
    fmt, fs,
    future::poll_fn,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};

use super::file::{Found, PolicyFile};

/// Says when the file of a [`PolicyFile`] may be another one, so that whoever polls need not wait for the next look.
///
/// The folder is watched, since most editors and all careful programs put a new file in the place of the old one. That is
/// a hint and no more: a [`PolicyReloader`](crate::PolicyReloader) looks itself, and goes on looking at its intervals, for
/// there are file systems, such as those of other hosts, that report nothing.
///
/// ```no_run
/// # #[cfg(feature = "toml")]
/// # async fn run() -> std::io::Result<()> {
/// use auth_rbac::{LivePolicy, PolicyFile, PolicyReloader, PolicyWatch};
///
/// let file = PolicyFile::toml("policy.toml");
/// let mut watch = PolicyWatch::new(&file)?;
/// let live = LivePolicy::without_policy();
/// let mut reloader = PolicyReloader::new(file, live.clone());
/// loop {
///     let polled = reloader.poll().await;
///     if let Err(error) = &polled.outcome {
///         eprintln!("the policy stays as it was: {error}");
///     }
///     // With tokio: `let _ = timeout(polled.again_in, watch.changed()).await;`
/// #   watch.changed().await;
/// }
/// # }
/// ```
///
/// The folder is watched, so a file that is renamed over the old one, removed and made again, or reached by a link
/// beside it that changes is seen (`a_file_that_is_renamed_over_the_old_one_is_seen`,
/// `a_file_that_is_removed_and_made_again_is_seen`, `a_file_behind_a_link_that_changes_is_seen`). Nobody is woken
/// while a change settles (`nobody_is_told_of_a_change_while_the_file_settles`). Looking at intervals goes on
/// beside it: file systems of other hosts report nothing, and a folder that is replaced as a whole is watched no
/// more.
pub struct PolicyWatch {
    signal: Arc<Signal>,
    found: Arc<Mutex<Found>>,
    /// It ends when this is dropped.
    _watcher: RecommendedWatcher,
}

impl PolicyWatch {
    /// Watches the folder of the file, which there must be; there need be no file yet.
    ///
    /// # Errors
    /// What the operating system says: there is no such folder, or more is watched than it allows.
    pub fn new(file: &PolicyFile) -> io::Result<Self> {
        let path = std::path::absolute(&file.path)?;
        let no_file = || io::Error::new(io::ErrorKind::InvalidInput, "not the path of a file");
        let name = path.file_name().ok_or_else(no_file)?.to_owned();
        let folder = path.parent().ok_or_else(no_file)?.to_owned();
        let signal = Arc::new(Signal::default());
        let watched = Watched { signal: Arc::clone(&signal), path, name };
        let mut watcher = notify::recommended_watcher(watched).map_err(failure)?;
        watcher.watch(&folder, RecursiveMode::NonRecursive).map_err(failure)?;
        Ok(Self { signal, found: Arc::clone(&file.found), _watcher: watcher })
    }

    /// Waits until the file may have changed since this last said so. Changes that come together are one.
    ///
    /// It says nothing while a change is not old enough to be taken: then the time that the poll said counts alone. It may
    /// be dropped and called again at any time, and forgets nothing.
    pub async fn changed(&mut self) {
        poll_fn(|context| self.poll_changed(context)).await;
    }

    fn poll_changed(&self, context: &Context<'_>) -> Poll<()> {
        let settles = self.found.lock().unwrap_or_else(PoisonError::into_inner).settles;
        let mut state = self.signal.state();
        if state.raised && !settles {
            state.raised = false;
            return Poll::Ready(());
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl fmt::Debug for PolicyWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyWatch").field("found", &self.found).finish_non_exhaustive()
    }
}

/// That something happened, and who waits for it.
#[derive(Debug, Default)]
struct Signal(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    raised: bool,
    waker: Option<Waker>,
}

impl Signal {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn raise(&self) {
        let mut state = self.state();
        state.raised = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// What the watcher's own thread calls.
struct Watched {
    signal: Arc<Signal>,
    path: PathBuf,
    name: OsString,
}

impl notify::EventHandler for Watched {
    fn handle_event(&mut self, event: notify::Result<Event>) {
        // What could not be told may have been a change.
        if event.is_ok_and(|event| !concerns(&event, &self.name, &self.path)) {
            return;
        }
        self.signal.raise();
    }
}

/// Whether a file may be another one after an event in its folder.
fn concerns(event: &Event, name: &OsString, path: &Path) -> bool {
    if event.need_rescan() {
        return true;
    }
    // Reading is no change: whoever looks would wake themselves for ever.
    if matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write)) {
        return false;
    }
    event.paths.iter().any(|changed| changed.file_name() == Some(name))
        // What a link leads to may change by another one in the folder, as mounted configuration does.
        || fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

fn failure(error: notify::Error) -> io::Error {
    match error.kind {
        notify::ErrorKind::Io(error) => error,
        _ => io::Error::other(error),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use notify::event::{CreateKind, Flag, ModifyKind, RenameMode};

    use super::*;

    fn happened(kind: EventKind, file: &str) -> bool {
        let path = Path::new("/no/such/folder").join(file);
        concerns(
            &Event::new(kind).add_path(path),
            &"policy.toml".into(),
            Path::new("/no/such/folder/policy.toml"),
        )
    }

    /// Whoever reads the file at each event, and is told of it by an event, never rests.
    #[test]
    fn only_what_may_have_changed_the_file_is_a_change() {
        let renamed = EventKind::Modify(ModifyKind::Name(RenameMode::To));
        let closed = |mode| EventKind::Access(AccessKind::Close(mode));
        for kind in [renamed, closed(AccessMode::Write), EventKind::Create(CreateKind::File), EventKind::Any]
        {
            assert!(happened(kind, "policy.toml"), "{kind:?}");
            assert!(!happened(kind, "policy.toml~"), "{kind:?}");
        }
        for kind in [closed(AccessMode::Read), EventKind::Access(AccessKind::Open(AccessMode::Any))] {
            assert!(!happened(kind, "policy.toml"), "{kind:?}");
        }
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert!(concerns(&lost, &"policy.toml".into(), Path::new("policy.toml")));
    }

    struct Count(AtomicU32);

    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Woken again and again while a file is written, somebody would find the same half of it twice, and take it.
    #[test]
    fn nobody_is_told_of_a_change_while_the_file_settles() {
        let folder = tempfile::tempdir().unwrap();
        let file = PolicyFile::toml(folder.path().join("policy.toml"));
        let watch = PolicyWatch::new(&file).unwrap();
        let woken = Arc::new(Count(AtomicU32::new(0)));
        let waker = Waker::from(Arc::clone(&woken));
        let context = Context::from_waker(&waker);
        assert!(watch.poll_changed(&context).is_pending());
        watch.signal.raise();
        watch.signal.raise();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        file.found.lock().unwrap().settles = true;
        assert!(watch.poll_changed(&context).is_pending());
        file.found.lock().unwrap().settles = false;
        assert!(watch.poll_changed(&context).is_ready(), "it is not forgotten");
        assert!(watch.poll_changed(&context).is_pending(), "it is said once");
    }
}
