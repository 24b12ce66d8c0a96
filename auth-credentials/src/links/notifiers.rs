//! Notifiers for development and for tests.

use std::{
    fmt,
    fs::OpenOptions,
    io::{self, Write},
    path::Path,
    sync::{
        Mutex, PoisonError,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
};

use super::message::{Message, NotSent, Notifier};

/// Writes messages as text, on a thread of its own: to a console or a file, for development. Links and codes are in
/// there.
pub struct WriterNotifier {
    queue: SyncSender<Message>,
}

impl WriterNotifier {
    /// How many messages may wait.
    pub const QUEUE: usize = 256;

    /// Writes to `writer`, flushing each message.
    ///
    /// # Errors
    /// The operating system has no thread left.
    pub fn start(mut writer: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, messages) = sync_channel::<Message>(Self::QUEUE);
        thread::Builder::new().name("auth-notifier".to_owned()).spawn(move || {
            for message in messages {
                // Nobody is left to be told: what cannot be written is lost, as it is without a console.
                let _ = write_message(&mut writer, &message);
            }
        })?;
        Ok(Self { queue })
    }

    /// Writes to the standard error.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn console() -> io::Result<Self> {
        Self::start(io::stderr())
    }

    /// Appends to a file, which only its owner may read from then on.
    ///
    /// # Errors
    /// The file cannot be opened, or as [`start`](Self::start).
    pub fn file(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        // One that was there before has the mode that it had. A terminal or a pipe is nobody's to change.
        #[cfg(unix)]
        if file.metadata()?.is_file() {
            file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        }
        Self::start(file)
    }
}

impl Notifier for WriterNotifier {
    fn notify(&self, message: &Message) -> Result<(), NotSent> {
        self.queue.try_send(message.clone()).map_err(|_| NotSent)
    }
}

impl fmt::Debug for WriterNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterNotifier").finish_non_exhaustive()
    }
}

/// An address or a number has no line break, so a message is what it looks like.
fn write_message(writer: &mut impl Write, message: &Message) -> io::Result<()> {
    let (to, notice) = (message.to.as_str(), &message.notice);
    writeln!(writer, "To: {to}\nSubject: {}\n\n{}", notice.subject(), notice.text())?;
    if let Some(link) = notice.link() {
        writeln!(writer, "\n{}", link.expose())?;
    }
    if let Some(code) = notice.code() {
        writeln!(writer, "\n{}", code.expose())?;
    }
    writeln!(writer)?;
    writer.flush()
}

/// Keeps messages in memory: for tests.
#[derive(Debug, Default)]
pub struct MemoryNotifier(Mutex<Vec<Message>>);

impl MemoryNotifier {
    /// How many messages are kept; more are not taken.
    pub const CAPACITY: usize = 1_000;

    /// Takes out what has come so far, oldest first.
    #[must_use]
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Notifier for MemoryNotifier {
    fn notify(&self, message: &Message) -> Result<(), NotSent> {
        let mut messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if messages.len() >= Self::CAPACITY {
            return Err(NotSent);
        }
        messages.push(message.clone());
        Ok(())
    }
}
