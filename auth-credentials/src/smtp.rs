//! Mail through a relay.

mod connection;
mod delivery;
mod failure;
pub(crate) mod letter;
pub(crate) mod relay;

use std::{fmt, sync::Arc, time::Duration};

use auth_core::{AuditEvent, AuditSink, Clock, SystemClock, SystemEntropy};
use tokio::{
    sync::{
        Semaphore,
        mpsc::{self, UnboundedSender},
        watch,
    },
    time::{Instant, timeout},
};

pub use self::delivery::{SmtpDelivery, SmtpRetriesError};
use self::{
    counts::Counts,
    delivery::{Pending, Shared},
    letter::MailSender,
    relay::SmtpRelay,
};
use crate::links::message::{Message, NotSent, Notifier, Recipient};

mod counts;

/// Sends messages as mail, through a relay, by SMTP over TLS. With the feature `smtp`; needs tokio around it.
///
/// A message is put into a queue and [`SmtpDelivery::run`] sends it, so that nobody who logs in waits for a mail server,
/// nor learns by the time it takes whether there is an account. What does not get through is tried again, as long as its
/// link or code works; what the relay refuses for good (a code of 500 or more) is not.
///
/// ```no_run
/// use std::{sync::Arc, time::Duration};
/// use auth_core::{AuditSink, Secret};
/// use auth_credentials::{MailAddress, MailSender, SmtpNotifier, SmtpRelay};
///
/// # async fn demo(audit: Arc<dyn AuditSink>, password: Secret) -> Result<(), Box<dyn std::error::Error>> {
/// let relay = SmtpRelay::implicit_tls("mail.example.com")?.with_credentials("app", password)?;
/// let from = MailSender::new("Example", &MailAddress::canonical("no-reply@example.com")?)?;
/// let (notifier, delivery) = SmtpNotifier::new(relay, from, audit);
/// tokio::spawn(delivery.run());
///
/// // `Arc::new(notifier.clone())` is for `AccountLinks`; and when the program ends:
/// let counts = notifier.shut_down(Duration::from_secs(10)).await;
/// println!("{} sent, {} lost", counts.sent, counts.lost);
/// # Ok(()) }
/// ```
///
/// - *Whoever is on the way* reads nothing and adds nothing: `where_tls_is_not_offered_nothing_is_said`,
///   `a_relay_with_a_wrong_certificate_is_told_nothing`, `an_answer_in_clear_is_none_that_came_through_tls`.
/// - *A line break* in a subject, a name or an address begins no header and no command:
///   `line_breaks_are_refused_before_anything_is_sent`.
/// - *A relay that is down or slow* costs a bounded queue: `a_relay_that_does_not_answer_has_its_time`,
///   `a_queue_has_an_end_and_what_is_lost_is_written_down`.
/// - *A wrong password* for the relay loses each mail at its first try, instead of trying it again:
///   `a_password_that_is_refused_is_not_tried_again`.
///
/// A mail whose relay breaks off after it has the text, and before it says so, is sent again; both have one
/// `Message-ID`. Clones share everything. A message to a telephone is not taken.
#[derive(Clone)]
pub struct SmtpNotifier {
    queue: UnboundedSender<Pending>,
    shared: Arc<Shared>,
    done: watch::Receiver<()>,
}

/// What has become of messages, since the notifier was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SmtpCounts {
    /// How many are in the queue, under way, or wait to be tried again.
    pub waiting: usize,
    /// How many a relay has taken.
    pub sent: u64,
    /// How many were taken over and are lost: refused for good, or tried in vain. Each is in the audit log.
    pub lost: u64,
    /// How many were not taken over, for there was no room, or an end. Whoever handed them over has written that down.
    pub refused: u64,
}

impl SmtpNotifier {
    /// How many messages may wait, those that are tried again among them.
    pub const QUEUE: usize = 1_024;

    /// Sends by this relay, under this name. What is lost is written to `audit`; why, to `tracing`, with target `auth`
    /// and level `WARN`, without the address.
    ///
    /// Nothing is sent until [`SmtpDelivery::run`] is.
    pub fn new(relay: SmtpRelay, from: MailSender, audit: Arc<dyn AuditSink>) -> (Self, SmtpDelivery) {
        Self::with_clock(relay, from, audit, Arc::new(SystemClock))
    }

    /// The same with another clock, for the `Date` of mail and the audit log.
    pub fn with_clock(
        relay: SmtpRelay,
        from: MailSender,
        audit: Arc<dyn AuditSink>,
        clock: Arc<dyn Clock>,
    ) -> (Self, SmtpDelivery) {
        let (queue, messages) = mpsc::unbounded_channel();
        let (running, done) = watch::channel(());
        let places = Arc::new(Semaphore::new(Self::QUEUE));
        let (closing, closed) = watch::channel(None);
        let shared = Arc::new(Shared { places, counts: Counts::default(), closing, audit, clock });
        let entropy = Arc::new(SystemEntropy);
        let delivery =
            SmtpDelivery::new(relay, from, entropy, messages, Arc::clone(&shared), closed, running);
        (Self { queue, shared, done }, delivery)
    }

    /// What has become of messages so far.
    #[must_use]
    pub fn counts(&self) -> SmtpCounts {
        self.shared.counts(Self::QUEUE)
    }

    /// Takes no further message, and waits until those that were taken are sent, or this long. Whatever waits to be tried
    /// again is tried now. What is left then is lost, and written down as such.
    ///
    /// Called again, it waits for the same end.
    pub async fn shut_down(&self, within: Duration) -> SmtpCounts {
        let now = Instant::now();
        let until = now.checked_add(within).unwrap_or(now);
        self.shared.closing.send_if_modified(|closing| {
            let first = closing.is_none();
            closing.get_or_insert(until);
            first
        });
        // With `run` comes an end in time; this is for one that nobody polls any more.
        let mut done = self.done.clone();
        let _ended = timeout(within.saturating_add(Duration::from_secs(1)), done.changed()).await;
        self.counts()
    }
}

impl Notifier for SmtpNotifier {
    /// Takes a message into the queue.
    ///
    /// # Errors
    /// [`NotSent`] if there is no room, the notifier is shut down, its [`SmtpDelivery`] is gone, or the message is for a
    /// telephone.
    fn notify(&self, message: &Message) -> Result<(), NotSent> {
        let taken = match &message.to {
            Recipient::Mail(_) => Pending::new(message, &self.shared),
            Recipient::Phone(_) => None,
        };
        let queued = taken.is_some_and(|pending| match self.queue.send(pending) {
            Ok(()) => true,
            Err(back) => {
                back.0.settle();
                false
            }
        });
        if queued {
            return Ok(());
        }
        self.shared.counts.refuse();
        Err(NotSent)
    }
}

impl fmt::Debug for SmtpNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpNotifier").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

impl Shared {
    fn counts(&self, places: usize) -> SmtpCounts {
        let waiting = places.saturating_sub(self.places.available_permits());
        let (sent, lost, refused) = self.counts.read();
        SmtpCounts { waiting, sent, lost, refused }
    }

    /// Writes down that a message which was taken over is lost.
    fn lost(&self, what: &'static str) {
        self.counts.lose();
        self.audit.record(self.clock.now(), &AuditEvent::NotSent { what });
    }
}
