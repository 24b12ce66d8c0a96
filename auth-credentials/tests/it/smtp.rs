//! Mail through a relay, without TLS. What is said through TLS is in `tests/tls`, and a real server in `tests/interop`.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use auth_core::{AuditEvent, MemoryAudit, testing::block_on};
use auth_credentials::{
    AccountLinks, Letter, LetterError, LinkBase, LinkPurpose, MailAddress, MailSender, Message, NotSent,
    Notice, Notifier, SmtpCounts, SmtpDelivery, SmtpNotifier, SmtpRelay, SmtpRetriesError, danger,
};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinHandle,
};

use crate::support::{
    address,
    counters::TestCounters,
    mail::{ANN, Post},
    smtp_server::{Answers, HANG_UP, Heard, SILENCE, converse},
};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A relay that one listens to.
struct Listening {
    address: SocketAddr,
    heard: UnboundedReceiver<Heard>,
    accepting: JoinHandle<()>,
}

impl Listening {
    /// What was heard on all connections, in the order in which they ended.
    async fn all(mut self) -> Vec<Heard> {
        self.accepting.abort();
        let mut all = Vec::new();
        while let Some(heard) = self.heard.recv().await {
            all.push(heard);
        }
        all
    }
}

/// Answers one connection after the other, the last of these again and again.
async fn serve(script: &'static [Answers]) -> Listening {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, (tell, heard)) = (listener.local_addr().unwrap(), unbounded_channel());
    let accepting = tokio::spawn(async move {
        for n in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            let (tell, answers) = (tell.clone(), script[n.min(script.len() - 1)]);
            tokio::spawn(async move {
                let mut heard = Heard::default();
                converse(stream, true, answers, &mut heard).await;
                tell.send(heard).ok();
            });
        }
    });
    Listening { address, heard, accepting }
}

fn sender() -> MailSender {
    MailSender::new("Бюро", &MailAddress::canonical("no-reply@app.example").unwrap()).unwrap()
}

fn relay(address: SocketAddr) -> SmtpRelay {
    danger::relay_on_loopback(address).unwrap()
}

/// With little time for one that does not answer.
fn hasty(address: SocketAddr) -> SmtpRelay {
    relay(address).with_timeout(*SmtpRelay::TIMEOUT_BOUNDS.start()).unwrap()
}

struct Sending {
    notifier: SmtpNotifier,
    delivery: SmtpDelivery,
    audit: Arc<MemoryAudit>,
}

fn sending(relay: SmtpRelay) -> Sending {
    let audit = Arc::new(MemoryAudit::new(2_000));
    let (notifier, delivery) = SmtpNotifier::new(relay, sender(), audit.clone());
    Sending { notifier, delivery: delivery.with_retries(&[Duration::ZERO; 2]).unwrap(), audit }
}

/// A message with a link that sets a new password, for half an hour.
fn message() -> Message {
    let post = Post::new();
    block_on(post.links.ask_to_reset(ANN, Some(address(1)))).unwrap();
    post.messages().remove(0)
}

/// Hands one message over, and yields what became of it, and what the relay heard.
fn deliver(script: &'static [Answers]) -> (SmtpCounts, Vec<Heard>, Arc<MemoryAudit>) {
    deliver_with(script, relay, |delivery| delivery)
}

fn deliver_with(
    script: &'static [Answers],
    relay: fn(SocketAddr) -> SmtpRelay,
    change: impl FnOnce(SmtpDelivery) -> SmtpDelivery,
) -> (SmtpCounts, Vec<Heard>, Arc<MemoryAudit>) {
    let message = message();
    runtime().block_on(async {
        let server = serve(script).await;
        let Sending { notifier, delivery, audit } = sending(relay(server.address));
        notifier.notify(&message).unwrap();
        let watch = notifier.clone();
        drop(notifier);
        let running = tokio::spawn(change(delivery).run());
        // Tries come to their end by themselves, and the last notifier after them.
        while watch.counts().waiting > 0 {
            tokio::task::yield_now().await;
        }
        let counts = watch.counts();
        drop(watch);
        running.await.unwrap();
        (counts, server.all().await, audit)
    })
}

fn counts(sent: u64, lost: u64) -> impl Fn(SmtpCounts) -> bool {
    move |counts| (counts.waiting, counts.sent, counts.lost, counts.refused) == (0, sent, lost, 0)
}

fn not_sent(audit: &MemoryAudit, what: &str) -> usize {
    let lost = |event: &AuditEvent| matches!(event, AuditEvent::NotSent { what: of } if *of == what);
    audit.events().iter().filter(|(_, event)| lost(event)).count()
}

fn message_id(heard: &Heard) -> &str {
    heard.text.lines().find(|line| line.starts_with("Message-ID: ")).unwrap()
}

/// From a forgotten password to a new one, by mail.
#[test]
fn a_link_that_is_mailed_works() {
    let post = Post::new();
    let text = runtime().block_on(async {
        let mut server = serve(&[&[]]).await;
        let Sending { notifier, delivery, .. } = sending(relay(server.address));
        let running = tokio::spawn(delivery.run());
        let links = AccountLinks::new(
            post.accounts.clone(),
            post.tokens.clone(),
            Arc::new(notifier.clone()),
            LinkBase::parse("https://app.example").unwrap(),
            Arc::<TestCounters>::clone(&post.app.counters),
        );
        block_on(links.ask_to_reset(ANN, Some(address(1)))).unwrap();
        assert!(counts(1, 0)(notifier.shut_down(LONG).await));
        running.await.unwrap();
        let heard = server.heard.recv().await.unwrap();
        assert_eq!(
            heard.commands,
            [
                "EHLO app.example",
                "MAIL FROM:<no-reply@app.example>",
                "RCPT TO:<ann@example.com>",
                "DATA",
                "QUIT"
            ]
        );
        heard.text
    });
    for line in [
        "To: ann@example.com",
        "Subject: Set a new password",
        "Auto-Submitted: auto-generated",
        "From: =?utf-8?b?",
    ] {
        assert!(text.contains(&format!("\r\n{line}")) || text.starts_with(line), "{line}: {text}");
    }
    // Quoted-printable, for the words are in one long line.
    let plain = text.replace("=\r\n", "").replace("=3D", "=");
    let token = plain.split_once("https://app.example/reset-password?token=").unwrap().1;
    let token: String = token.chars().take_while(|c| !c.is_whitespace()).collect();
    assert!(post.works(LinkPurpose::ResetPassword, &token));
    assert!(text.is_ascii());
}

/// RFC 5321 section 4.2.1: a code of 400 is of the moment. It is one mail, however often it is sent.
#[test]
fn what_fails_for_the_moment_is_tried_again() {
    for first in [
        &[("GREETING", "421 busy\r\n")] as Answers,
        &[("GREETING", HANG_UP)],
        &[("GREETING", "hello?\r\n")],
        &[("MAIL", "451 later\r\n")],
        &[("RCPT", "450 greylisted\r\n")],
        &[("DATA", HANG_UP)],
    ] {
        let script: &'static [Answers] = Box::leak(Box::new([first, &[]]));
        let (became, heard, audit) = deliver(script);
        assert!(counts(1, 0)(became) && heard.len() == 2, "{first:?}: {became:?} {heard:?}");
        assert!(audit.events().is_empty());
    }
    let (became, heard, _) = deliver(&[&[("TEXT", "452 full\r\n")], &[("TEXT", HANG_UP)], &[]]);
    assert!(counts(1, 0)(became) && heard.len() == 3, "{became:?} {heard:?}");
    assert!(heard.iter().all(|again| message_id(again) == message_id(&heard[0])));
}

/// And a code of 500 is for good: whoever goes on is taken for a sender of spam.
#[test]
fn what_is_refused_for_good_is_not_tried_again() {
    for answers in [
        &[("GREETING", "554 no\r\n")] as Answers,
        &[("EHLO", "502 no\r\n")],
        &[("MAIL", "550 no\r\n")],
        &[("RCPT", "550 5.1.1 <ann@example.com>\r\n")],
        &[("DATA", "554 no\r\n")],
        &[("TEXT", "554 spam\r\n")],
    ] {
        let script: &'static [Answers] = Box::leak(Box::new([answers]));
        let (became, heard, audit) = deliver(script);
        assert!(counts(0, 1)(became) && heard.len() == 1, "{answers:?}: {became:?} {heard:?}");
        assert_eq!(not_sent(&audit, "reset"), 1);
    }
}

#[test]
fn tries_come_to_an_end() {
    let (became, heard, audit) = deliver(&[&[("RCPT", "450 greylisted\r\n")]]);
    assert!(counts(0, 1)(became), "{became:?}");
    assert_eq!((heard.len(), not_sent(&audit, "reset")), (3, 1));
}

/// A reset link works for half an hour.
#[test]
fn nothing_is_tried_again_once_its_link_is_dead() {
    let hour = |delivery: SmtpDelivery| delivery.with_retries(&[Duration::from_secs(3_600)]).unwrap();
    let (became, heard, _) = deliver_with(&[&[("RCPT", "450 greylisted\r\n")]], relay, hour);
    assert!(counts(0, 1)(became) && heard.len() == 1, "{became:?} {heard:?}");
}

#[test]
fn a_relay_that_does_not_answer_has_its_time() {
    for word in ["GREETING", "EHLO", "RCPT", "TEXT"] {
        let first: Answers = Box::leak(Box::new([(word, SILENCE)]));
        let script: &'static [Answers] = Box::leak(Box::new([first, &[]]));
        let (became, heard, _) = deliver_with(script, hasty, |delivery| delivery);
        assert!(counts(1, 0)(became) && heard.len() == 2, "{word}: {became:?} {heard:?}");
    }
}

/// Else everybody has it twice.
#[test]
fn what_was_taken_is_not_sent_again_whatever_follows() {
    for goodbye in [SILENCE, HANG_UP, "500 what\r\n"] {
        let first: Answers = Box::leak(Box::new([("QUIT", goodbye)]));
        let (became, heard, _) = deliver(Box::leak(Box::new([first])));
        assert!(counts(1, 0)(became) && heard.len() == 1, "{goodbye}: {became:?} {heard:?}");
    }
}

/// One that hangs does not stop the others.
#[test]
fn mails_do_not_wait_for_each_other() {
    let message = message();
    runtime().block_on(async {
        let server = serve(&[&[("EHLO", SILENCE)], &[]]).await;
        let Sending { notifier, delivery, .. } = sending(hasty(server.address));
        let delivery = delivery.with_retries(&[]).unwrap();
        for _ in 0..20 {
            notifier.notify(&message).unwrap();
        }
        tokio::spawn(delivery.run());
        while notifier.counts().sent < 19 {
            assert_eq!(notifier.counts().lost, 0);
            tokio::task::yield_now().await;
        }
        assert!(counts(19, 1)(notifier.shut_down(LONG).await));
    });
}

/// Whoever logs in is not kept waiting, and memory has its bounds.
#[test]
fn a_queue_has_an_end_and_what_is_lost_is_written_down() {
    let message = message();
    runtime().block_on(async {
        let Sending { notifier, delivery, audit } = sending(relay("127.0.0.1:9".parse().unwrap()));
        for _ in 0..SmtpNotifier::QUEUE {
            notifier.notify(&message).unwrap();
        }
        assert_eq!(notifier.notify(&message), Err(NotSent));
        let full = notifier.counts();
        assert_eq!((full.waiting, full.refused, full.lost), (SmtpNotifier::QUEUE, 1, 0));
        // Nobody sends any more: a runtime that ended, for one.
        drop(delivery);
        let after = notifier.counts();
        assert_eq!((after.waiting, after.lost), (0, SmtpNotifier::QUEUE as u64));
        assert_eq!(not_sent(&audit, "reset"), SmtpNotifier::QUEUE);
        assert_eq!(notifier.notify(&message), Err(NotSent));
    });
}

#[test]
fn an_end_waits_for_what_is_under_way() {
    let message = message();
    runtime().block_on(async {
        let mut server = serve(&[&[("RCPT", "450 later\r\n")], &[]]).await;
        let Sending { notifier, delivery, audit } = sending(relay(server.address));
        // What waits to be tried again is tried at the end.
        let delivery = delivery.with_retries(&[Duration::from_secs(600)]).unwrap();
        let running = tokio::spawn(delivery.run());
        notifier.notify(&message).unwrap();
        server.heard.recv().await.unwrap();
        for _ in 0..9 {
            notifier.notify(&message).unwrap();
        }
        assert!(counts(10, 0)(notifier.shut_down(LONG).await));
        running.await.unwrap();
        assert!(audit.events().is_empty());
        assert_eq!(notifier.notify(&message), Err(NotSent));
        assert_eq!(notifier.shut_down(LONG).await.sent, 10);
    });
}

#[test]
fn an_end_comes_in_time() {
    let message = message();
    runtime().block_on(async {
        let server = serve(&[&[("EHLO", SILENCE)]]).await;
        let Sending { notifier, delivery, audit } = sending(relay(server.address));
        for _ in 0..9 {
            notifier.notify(&message).unwrap();
        }
        tokio::spawn(delivery.run());
        let begun = std::time::Instant::now();
        assert!(counts(0, 9)(notifier.shut_down(Duration::from_millis(50)).await));
        assert!(begun.elapsed() < SmtpRelay::TIMEOUT / 2, "{:?}", begun.elapsed());
        assert_eq!(not_sent(&audit, "reset"), 9);
    });
}

/// A line with a single dot ends a mail, so dots are doubled on the way (RFC 5321 section 4.5.2).
#[test]
fn a_text_arrives_as_it_was_written() {
    let dots = |_: &Message| Letter::new("Привет, мир", "one\n.\n..two\n.three\n\nfour.".to_owned());
    let (became, heard, _) = deliver_with(&[&[]], relay, |delivery| delivery.with_letters(dots));
    assert!(counts(1, 0)(became), "{became:?}");
    let (head, text) = heard[0].text.split_once("\r\n\r\n").unwrap();
    assert_eq!(text, "one\r\n..\r\n...two\r\n..three\r\n\r\nfour.\r\n.\r\n");
    // `Привет, мир` in Base64 (RFC 2047).
    assert!(head.contains("Subject: =?utf-8?b?0J/RgNC40LLQtdGCLCDQvNC40YA=?="), "{head}");
}

/// CWE-93. Neither words nor an address begin a header or a command of their own.
#[test]
fn line_breaks_are_refused_before_anything_is_sent() {
    let bad = |_: &Message| Letter::new("Hi\r\nBcc: eve@evil.example", "text".to_owned());
    let (became, heard, audit) = deliver_with(&[&[]], relay, |delivery| delivery.with_letters(bad));
    assert!(counts(0, 1)(became) && heard.is_empty(), "{became:?} {heard:?}");
    assert_eq!(not_sent(&audit, "reset"), 1);
    for bad in ["a@b>\r\nRCPT TO:<c", "a@b\r\nRCPT TO:<c@d>", "a@b> SIZE=1", "a@b\n", "<a@b>", "a\0@b"] {
        let address = MailAddress::canonical(bad);
        assert!(address.is_err() || !address.unwrap().as_str().contains(['\r', '\n', '>', ' ']), "{bad:?}");
    }
    assert!(MailAddress::canonical("a@b>\r\nRCPT TO:<c").is_err());
}

#[test]
fn words_are_those_of_the_application() {
    let own = |message: &Message| match &message.notice {
        Notice::ResetPassword(link) => Letter::new("Neu", link.expose().to_owned()),
        _ => Err(LetterError::Unwritten("no such letter".into())),
    };
    let (became, heard, _) = deliver_with(&[&[]], relay, |delivery| delivery.with_letters(own));
    assert!(counts(1, 0)(became), "{became:?}");
    assert!(heard[0].text.contains("\r\nSubject: Neu\r\n"), "{}", heard[0].text);
}

#[test]
fn pauses_have_bounds() {
    let delivery = || sending(relay("127.0.0.1:9".parse().unwrap())).delivery;
    assert_eq!(delivery().with_retries(&[Duration::ZERO; 17]).unwrap_err(), SmtpRetriesError);
    assert_eq!(delivery().with_retries(&[Duration::from_secs(3_601)]).unwrap_err(), SmtpRetriesError);
    assert!(delivery().with_retries(&SmtpDelivery::RETRIES).is_ok());
}
