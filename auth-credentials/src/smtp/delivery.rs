//! Sending what is in the queue.

use std::{collections::BTreeMap, fmt, future::pending, sync::Arc, time::Duration};

use auth_core::{AuditSink, Clock, Entropy, UnixTime, entropy_array};
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc::UnboundedReceiver, watch},
    time::{Instant, sleep_until},
};

use super::{
    counts::Counts,
    failure::Failure,
    letter::{Letter, LetterError, LetterWriter, Mail, MailSender},
    relay::SmtpRelay,
};
use crate::links::message::{Message, Recipient};

/// What notifier and delivery share.
pub(super) struct Shared {
    /// One for each message that is taken over, so that trying again takes no further room.
    pub(super) places: Arc<Semaphore>,
    pub(super) counts: Counts,
    /// When to be done, once that is known.
    pub(super) closing: watch::Sender<Option<Instant>>,
    pub(super) audit: Arc<dyn AuditSink>,
    pub(super) clock: Arc<dyn Clock>,
}

/// The other half of a [`SmtpNotifier`](crate::SmtpNotifier): what sends.
#[must_use = "nothing is sent until it is run"]
pub struct SmtpDelivery {
    relay: Arc<SmtpRelay>,
    from: MailSender,
    writer: Arc<dyn LetterWriter>,
    retries: Box<[Duration]>,
    entropy: Arc<dyn Entropy>,
    messages: UnboundedReceiver<Pending>,
    shared: Arc<Shared>,
    closed: watch::Receiver<Option<Instant>>,
    /// Gone when the delivery is.
    running: watch::Sender<()>,
}

/// Too many pauses between tries, or too long ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {max} pauses between tries, or one longer than an hour", max = SmtpDelivery::MAX_RETRIES)]
pub struct SmtpRetriesError;

impl SmtpDelivery {
    /// How many mails are under way at once, so that one which hangs does not stop the others: four.
    pub const CONNECTIONS: usize = 4;
    /// The pauses between tries: 5 and 30 seconds, then 2, 5 and 10 minutes. Together, long enough for greylisting.
    pub const RETRIES: [Duration; 5] = [
        Duration::from_secs(5),
        Duration::from_secs(30),
        Duration::from_secs(120),
        Duration::from_secs(300),
        Duration::from_secs(600),
    ];
    /// Most pauses that can be set, each of an hour at most.
    pub const MAX_RETRIES: usize = 16;

    pub(super) fn new(
        relay: SmtpRelay,
        from: MailSender,
        entropy: Arc<dyn Entropy>,
        messages: UnboundedReceiver<Pending>,
        shared: Arc<Shared>,
        closed: watch::Receiver<Option<Instant>>,
        running: watch::Sender<()>,
    ) -> Self {
        let writer = Arc::new(|message: &Message| Letter::english(&message.notice));
        let (relay, retries) = (Arc::new(relay), Self::RETRIES.into());
        Self { relay, from, writer, retries, entropy, messages, shared, closed, running }
    }

    /// The same with your own words instead of [`Letter::english`].
    pub fn with_letters(mut self, writer: impl LetterWriter + 'static) -> Self {
        self.writer = Arc::new(writer);
        self
    }

    /// The same with other pauses between tries: as many tries more as there are pauses. A try that would come when the
    /// link or code no longer works ([`Notice::life`](crate::Notice::life)) is not made.
    ///
    /// # Errors
    /// [`SmtpRetriesError`] for more than [`MAX_RETRIES`](Self::MAX_RETRIES), or one of more than an hour.
    pub fn with_retries(mut self, pauses: &[Duration]) -> Result<Self, SmtpRetriesError> {
        if pauses.len() > Self::MAX_RETRIES || pauses.iter().any(|pause| pause.as_secs() > 3_600) {
            return Err(SmtpRetriesError);
        }
        self.retries = pauses.into();
        Ok(self)
    }

    /// Sends, until [`SmtpNotifier::shut_down`](crate::SmtpNotifier::shut_down) or until every notifier is gone and
    /// nothing waits. Spawn it on the runtime. Where it is dropped before, what waits is lost, and written down as such.
    pub async fn run(self) {
        let Self { relay, from, writer, retries, entropy, mut messages, shared, mut closed, running } = self;
        let mut tries = FuturesUnordered::new();
        let mut later = Later::default();
        let mut end = None;
        let mut open = true;
        while open || !tries.is_empty() || !later.is_empty() {
            let room = tries.len() < Self::CONNECTIONS;
            tokio::select! {
                biased;
                () = at(end) => break,
                _ = closed.changed(), if end.is_none() => {
                    end = *closed.borrow_and_update();
                    messages.close();
                    later.hurry();
                }
                Some((letter, outcome)) = tries.next(), if !tries.is_empty() => match outcome {
                    Ok(()) => Written::sent(letter),
                    Err(failure) => {
                        if let Some((when, letter)) = Written::again(letter, failure, &retries, end) {
                            later.put(when, letter);
                        }
                    }
                },
                letter = later.due(), if room => tries.push(try_to_send(Arc::clone(&relay), letter)),
                taken = messages.recv(), if room && open => match taken {
                    None => open = false,
                    Some(pending) => match pending.written(&*writer, &from, &*entropy) {
                        Ok(letter) => tries.push(try_to_send(Arc::clone(&relay), letter)),
                        Err(error) => tracing::warn!(target: "auth", %error, "mail was not written"),
                    },
                },
            }
        }
        // Before whoever waits for the end is told, what is left has to be counted.
        drop((tries, later, messages));
        drop(shared);
        drop(running);
    }
}

impl fmt::Debug for SmtpDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpDelivery")
            .field("relay", &self.relay)
            .field("from", &self.from)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}

/// A message that was taken over. Dropped before it is settled, it is lost, and that is written down: whatever the
/// reason, a panic or the end of the runtime among them.
pub(super) struct Pending {
    message: Message,
    taken: Instant,
    at: UnixTime,
    shared: Arc<Shared>,
    settled: bool,
    _place: OwnedSemaphorePermit,
}

impl Pending {
    /// None if there is no room, or an end.
    pub(super) fn new(message: &Message, shared: &Arc<Shared>) -> Option<Self> {
        if shared.closing.borrow().is_some() {
            return None;
        }
        let place = Arc::clone(&shared.places).try_acquire_owned().ok()?;
        let (message, shared) = (message.clone(), Arc::clone(shared));
        let (taken, at) = (Instant::now(), shared.clock.now());
        Some(Self { message, taken, at, shared, settled: false, _place: place })
    }

    /// Ends it, with nothing to write down.
    pub(super) fn settle(mut self) {
        self.settled = true;
    }

    fn written(
        self,
        writer: &dyn LetterWriter,
        from: &MailSender,
        entropy: &dyn Entropy,
    ) -> Result<Written, LetterError> {
        let Recipient::Mail(to) = &self.message.to else { return Err(LetterError::Address) };
        let id = u128::from_be_bytes(entropy_array(entropy)?);
        let mail = from.mail(to, writer.write(&self.message)?, self.at, id)?;
        Ok(Written { pending: self, mail, failed: 0 })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.settled {
            self.shared.lost(self.message.notice.what());
        }
    }
}

/// A message that is mail by now, the same at each try.
struct Written {
    pending: Pending,
    mail: Mail,
    failed: usize,
}

impl Written {
    fn sent(self) {
        self.pending.shared.counts.send();
        self.pending.settle();
    }

    /// When to try again, if ever.
    fn again(
        mut self,
        failure: Failure,
        retries: &[Duration],
        end: Option<Instant>,
    ) -> Option<(Instant, Self)> {
        let pause = retries.get(self.failed).filter(|_| !failure.is_permanent());
        let life = self.pending.message.notice.life();
        let now = Instant::now();
        let when = pause.and_then(|pause| now.checked_add(*pause)).filter(|when| {
            let in_life = life.is_none_or(|life| when.saturating_duration_since(self.pending.taken) < life);
            in_life && end.is_none_or(|end| *when < end)
        });
        self.failed = self.failed.saturating_add(1);
        let (what, reason, code) = (self.pending.message.notice.what(), failure.as_str(), failure.code());
        let (failed, again) = (self.failed, when.is_some());
        tracing::warn!(target: "auth", what, reason, code, failed, again, "mail was not sent");
        when.map(|when| (when, self))
    }
}

async fn try_to_send(relay: Arc<SmtpRelay>, letter: Written) -> (Written, Result<(), Failure>) {
    // It may have waited for others.
    let life = letter.pending.message.notice.life();
    let outcome = match life.is_none_or(|life| letter.pending.taken.elapsed() < life) {
        true => relay.send(&letter.mail).await,
        false => Err(Failure::Dead),
    };
    (letter, outcome)
}

/// What is tried again later, the next first.
#[derive(Default)]
struct Later {
    /// The number tells those apart that are due at one time.
    letters: BTreeMap<(Instant, u64), Written>,
    put: u64,
}

impl Later {
    fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    fn put(&mut self, when: Instant, letter: Written) {
        self.put = self.put.wrapping_add(1);
        self.letters.insert((when, self.put), letter);
    }

    /// Makes all of them due.
    fn hurry(&mut self) {
        let now = Instant::now();
        let letters = std::mem::take(&mut self.letters);
        self.letters = letters.into_iter().map(|((when, n), letter)| ((when.min(now), n), letter)).collect();
    }

    /// Waits for the next one, and takes it out.
    async fn due(&mut self) -> Written {
        at(self.letters.first_key_value().map(|((when, _), _)| *when)).await;
        match self.letters.pop_first() {
            Some((_, letter)) => letter,
            None => pending().await,
        }
    }
}

/// Waits for a time; for ever if there is none.
async fn at(when: Option<Instant>) {
    match when {
        Some(when) => sleep_until(when).await,
        None => pending().await,
    }
}
