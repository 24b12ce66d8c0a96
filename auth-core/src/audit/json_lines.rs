//! Audit events in a file, a JSON object a line.

mod chained;

use std::{
    borrow::Cow,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
};

use self::chained::Links;
use crate::{
    KeyRing, StoreError, UnixTime,
    audit::{AuditEvent, AuditSink, ChainError, ChainExtent, ChainHead, DurableAudit},
};

/// The most older files.
const MAX_KEPT: u8 = 100;

/// Writes events to a file, a JSON object a line, on a thread of its own.
///
/// As an [`AuditSink`] it never waits: events queue, and when [`QUEUE`](Self::QUEUE) of them wait, or the disk is
/// full, events are dropped and counted, and a line `audit.dropped` says how many before the next that can be written, at
/// the next [`flush`](Self::flush), or when the sink is dropped. As a [`DurableAudit`] it waits until the events are on the
/// disk.
///
/// A file that has grown to its limit is renamed to `<file>.1`, that one to `<file>.2`, and so on; the oldest goes. While
/// no new file can be begun in its place, the full one goes on. A file that it makes may be read by the owner of the
/// process alone; one that is there keeps its mode. One process writes to one file.
///
/// [Chained](Self::open_chained), each line also has the fields `entry`, `before` and `hash`, by which
/// [`verify`](Self::verify) finds out what was changed, removed, added or moved since, also across files and restarts.
pub struct JsonLinesAudit {
    queue: Option<SyncSender<Job>>,
    head: Option<Arc<Mutex<ChainHead>>>,
    losses: Arc<Losses>,
    writer: Option<JoinHandle<()>>,
}

/// When a file of a [`JsonLinesAudit`] is put aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// The most bytes of a file; a single line may be longer.
    pub max_bytes: u64,
    /// How many older files are kept, at most 100. With 0, a full file is begun anew.
    pub keep: u8,
}

/// 64 MiB a file, and nine older ones.
impl Default for Rotation {
    fn default() -> Self {
        Self { max_bytes: 64 << 20, keep: 9 }
    }
}

/// Events that were dropped and that the file does not tell of yet.
#[derive(Default)]
struct Losses {
    count: AtomicU64,
    /// When the latest of them happened.
    at: AtomicU64,
}

impl Losses {
    fn add(&self, at: UnixTime, count: u64) {
        self.at.fetch_max(at.as_secs(), Ordering::Relaxed);
        // After the time, which whoever finds the count goes on to read.
        self.count.fetch_add(count, Ordering::Release);
    }

    fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// How many there were until when. They are told of by whoever asked.
    fn take(&self) -> Option<(UnixTime, u64)> {
        let count = self.count.swap(0, Ordering::Acquire);
        (count > 0).then(|| (UnixTime::from_secs(self.at.load(Ordering::Relaxed)), count))
    }
}

enum Job {
    Event(UnixTime, Vec<u8>),
    /// Written and on the disk before the answer.
    Durable(Vec<u8>, SyncSender<io::Result<()>>),
    Flush(SyncSender<io::Result<()>>),
}

impl JsonLinesAudit {
    /// How many events may wait.
    pub const QUEUE: usize = 4_096;

    /// Appends to the file at `path`, which is made if it is not there.
    ///
    /// # Errors
    /// The file cannot be opened, or the operating system has no thread left.
    pub fn open(path: &Path, rotation: Rotation) -> io::Result<Self> {
        Self::start(Output::open(path, rotation)?)
    }

    /// The same with an [`AuditChain`](crate::AuditChain) through the lines. Begin it with a path where no log is, and
    /// keep at least one older file: a chain whose past is thrown away proves little.
    ///
    /// # Errors
    /// As [`open`](Self::open); the kind is [`InvalidInput`](io::ErrorKind::InvalidInput) if no older file is kept.
    pub fn open_chained(path: &Path, rotation: Rotation, ring: Arc<KeyRing>) -> io::Result<Self> {
        if rotation.keep == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a chained log keeps older files"));
        }
        let mut out = Output::open(path, rotation)?;
        out.links = Some(Links::resume(path, ring)?);
        Self::start(out)
    }

    /// Checks a chained log with all of its files. `known` is an entry that was its [`head`](Self::head) once, and was
    /// noted where whoever writes the log does not write: without one, a log whose end was cut off is whole.
    ///
    /// While it is written, it can be checked as far as it goes, unless a file is put aside meanwhile. It blocks: call it
    /// from a tool, and not within a request.
    ///
    /// # Errors
    /// [`ChainError::Broken`] says where it is not as it was written.
    pub fn verify(path: &Path, ring: &KeyRing, known: Option<ChainHead>) -> Result<ChainExtent, ChainError> {
        chained::verify(path, ring, known)
    }

    fn start(out: Output) -> io::Result<Self> {
        let head = out.links.as_ref().map(Links::head);
        let (queue, jobs) = sync_channel(Self::QUEUE);
        let losses = Arc::new(Losses::default());
        let told = Arc::clone(&losses);
        let writer =
            thread::Builder::new().name("auth-audit".to_owned()).spawn(move || out.work(&jobs, &told))?;
        Ok(Self { queue: Some(queue), head, losses, writer: Some(writer) })
    }

    /// The last entry of a chained log, which was written and is on the disk once it was [flushed](Self::flush). Note it
    /// elsewhere now and then: it tells that the end of the log is missing.
    #[must_use]
    pub fn head(&self) -> Option<ChainHead> {
        self.head.as_ref().map(|head| *head.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many events were dropped and are not in the file's `audit.dropped` lines yet.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.losses.count()
    }

    /// Waits until everything that was recorded so far is written, and how many events were dropped: before a program
    /// ends, or reads the file. Dropping the sink does the same.
    ///
    /// # Errors
    /// It could not be brought to the disk.
    pub fn flush(&self) -> io::Result<()> {
        self.ask(Job::Flush)
    }

    /// Sends a job that is answered, and waits for the answer.
    fn ask(&self, job: impl FnOnce(SyncSender<io::Result<()>>) -> Job) -> io::Result<()> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let (answer, answered) = sync_channel(1);
        self.queue.as_ref().ok_or_else(gone)?.send(job(answer)).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }
}

impl AuditSink for JsonLinesAudit {
    fn record(&self, at: UnixTime, event: &AuditEvent) {
        let sent = match &self.queue {
            Some(queue) => queue.try_send(Job::Event(at, line(at, event))),
            None => return,
        };
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = sent {
            self.losses.add(at, 1);
        }
    }
}

impl DurableAudit for JsonLinesAudit {
    fn append(&self, at: UnixTime, events: &[AuditEvent]) -> Result<(), StoreError> {
        let lines = events.iter().flat_map(|event| line(at, event)).collect();
        // It may be there, and not on the disk.
        self.ask(|answer| Job::Durable(lines, answer)).map_err(StoreError::unknown)
    }
}

impl Drop for JsonLinesAudit {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(writer) = self.writer.take() {
            // It ends when the queue is empty; one that panicked has nothing more to write.
            let _ = writer.join();
        }
    }
}

impl fmt::Debug for JsonLinesAudit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLinesAudit").field("dropped", &self.dropped()).finish_non_exhaustive()
    }
}

/// An event with a line feed behind it.
fn line(at: UnixTime, event: &AuditEvent) -> Vec<u8> {
    let mut line = event.to_json(at).into_bytes();
    line.push(b'\n');
    line
}

/// The file, on the thread that writes.
struct Output {
    path: PathBuf,
    rotation: Rotation,
    file: File,
    size: u64,
    /// The last write failed, so half a line may be there.
    torn: bool,
    links: Option<Links>,
}

impl Output {
    fn open(path: &Path, rotation: Rotation) -> io::Result<Self> {
        let file = open(path)?;
        sync_folder(path)?;
        let size = file.metadata()?.len();
        let torn = size > 0 && !ends_a_line(path, size);
        Ok(Self { path: path.to_owned(), rotation, file, size, torn, links: None })
    }

    fn work(mut self, jobs: &Receiver<Job>, losses: &Losses) {
        for job in jobs {
            match job {
                Job::Event(at, line) => {
                    if self.tell(losses).and_then(|()| self.write(&line)).is_err() {
                        losses.add(at, 1);
                    }
                }
                Job::Durable(lines, answer) => {
                    let written = self.write(&lines).and_then(|()| self.file.sync_data());
                    let _ = answer.send(written);
                }
                Job::Flush(answer) => {
                    let _ = answer.send(self.tell(losses).and_then(|()| self.file.sync_data()));
                }
            }
        }
        // The sink was dropped, and there is no next event. Nobody is left to hear that this failed as well.
        let _ = self.tell(losses);
    }

    /// Says how many events were lost until now, if any were.
    fn tell(&mut self, losses: &Losses) -> io::Result<()> {
        let Some((at, count)) = losses.take() else { return Ok(()) };
        self.write(&line(at, &AuditEvent::EventsDropped { count })).inspect_err(|_| losses.add(at, count))
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let (lines, chain) = match &self.links {
            Some(links) => {
                let (lines, chain) = links.link(lines);
                (Cow::Owned(lines), Some(chain))
            }
            None => (Cow::Borrowed(lines), None),
        };
        self.append(&lines)?;
        if let (Some(links), Some(chain)) = (&mut self.links, chain) {
            links.kept(chain);
        }
        Ok(())
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let len = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        if self.size > 0 && self.size.saturating_add(len) > self.rotation.max_bytes {
            // A file that is too long is better than events that are nowhere; the next event tries again.
            let _ = self.rotate();
        }
        if self.torn {
            self.file.write_all(b"\n")?;
            (self.size, self.torn) = (self.size.saturating_add(1), false);
        }
        let written = self.file.write_all(lines);
        match &written {
            Ok(()) => self.size = self.size.saturating_add(len),
            // All of it or nothing.
            Err(_) => self.torn = self.file.set_len(self.size).is_err(),
        }
        written
    }

    /// Puts the file aside and begins another. Nothing is put aside before the other is there: each try that failed
    /// half-way would push the oldest file out.
    fn rotate(&mut self) -> io::Result<()> {
        let mut next = self.path.clone().into_os_string();
        next.push(".new");
        let next = PathBuf::from(next);
        if let Err(error) = fs::remove_file(&next)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let file = open(&next)?;
        // What is put aside is on the disk before it is out of sight.
        self.file.sync_data()?;
        // It is gone where the last try ended before the last rename.
        if self.path.try_exists()? {
            for number in (0..self.rotation.keep.min(MAX_KEPT)).rev() {
                let (from, to) = (aside(&self.path, number), aside(&self.path, number.saturating_add(1)));
                match fs::rename(from, to) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        fs::rename(&next, &self.path)?;
        (self.file, self.size, self.torn) = (file, 0, false);
        sync_folder(&self.path)
    }
}

/// The path of the file that was put aside so many times; 0 is the one that is written to.
fn aside(path: &Path, number: u8) -> PathBuf {
    if number == 0 {
        return path.to_owned();
    }
    let mut path = path.as_os_str().to_owned();
    path.push(format!(".{number}"));
    path.into()
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Brings the names of files to the disk. Where a folder cannot be opened like a file, the system sees to it.
fn sync_folder(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Whether the last byte is a line feed: a process that was killed may have left half a line.
fn ends_a_line(path: &Path, size: u64) -> bool {
    use std::io::{Read, Seek, SeekFrom};
    let last = || -> io::Result<u8> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(size.saturating_sub(1)))?;
        let mut byte = [0];
        file.read_exact(&mut byte)?;
        let [byte] = byte;
        Ok(byte)
    };
    last().is_ok_and(|byte| byte == b'\n')
}
