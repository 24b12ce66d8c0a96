//! Mail through a relay with certificates, good and bad ones.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

#[path = "support/authority.rs"]
mod authority;
// The one of `auth-credentials`, behind TLS here.
#[path = "../../auth-credentials/tests/it/support/smtp_server.rs"]
mod smtp_server;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use auth_core::{MemoryAccounts, MemoryAudit, MemoryCounters, MemoryTokens, Secret};
use auth_credentials::{
    AccountLinks, AccountStores, Accounts, LinkBase, MailAddress, MailSender, MemoryNotifier, Message,
    Notifier, PasswordCredential, SmtpCounts, SmtpNotifier, SmtpRelay,
};
use rcgen::{CertificateParams, date_time_ymd};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use self::{
    authority::{Authority, acceptor, authority},
    smtp_server::{Answers, HANG_UP, Heard, SILENCE, converse},
};

const PASSWORD: &str = "correct horse";

/// Which side begins with TLS.
#[derive(Clone, Copy, PartialEq)]
enum Start {
    Implicit,
    Asked,
}

/// A relay on one port.
struct Relay {
    port: u16,
    start: Start,
    /// What was heard in clear, and what through TLS, of each connection.
    heard: Arc<Mutex<Vec<(Heard, Heard)>>>,
    authority: Authority,
}

/// What is answered in clear, and through TLS.
#[derive(Clone, Copy)]
struct Script {
    clear: Answers,
    tls: Answers,
}

const OFFERED: Answers = &[("EHLO", "250-relay.example\r\n250 STARTTLS\r\n")];
const GOOD: Script = Script { clear: OFFERED, tls: &[] };

impl Relay {
    async fn start(start: Start, script: Script) -> Self {
        Self::named(start, script, "127.0.0.1", |_| {}).await
    }

    /// With a certificate for this name. Each connection is answered by the same script.
    async fn named(
        start: Start,
        script: Script,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let authority = authority();
        let acceptor = acceptor(&authority, name, change);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let tell = Arc::clone(&heard);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let of_one = serve(stream, start, &acceptor, script).await;
                tell.lock().unwrap().push(of_one);
            }
        });
        Self { port, start, heard, authority }
    }

    /// How it is spoken to, by whoever trusts this authority.
    fn trusted(&self, authority: &Authority) -> SmtpRelay {
        let relay = match self.start {
            Start::Implicit => SmtpRelay::implicit_tls("127.0.0.1"),
            Start::Asked => SmtpRelay::starttls("127.0.0.1"),
        };
        let relay = relay.unwrap().with_port(self.port);
        relay.with_root_certificates(authority.pem().as_bytes()).unwrap()
    }

    fn with_password(&self) -> SmtpRelay {
        let password = Secret::from(PASSWORD.to_owned());
        self.trusted(&self.authority).with_credentials("app", password).unwrap()
    }

    /// Speaks to it, and yields what came of one message and of how many connections.
    async fn deliver(&self, relay: SmtpRelay) -> (SmtpCounts, Vec<(Heard, Heard)>) {
        let from = MailSender::new("App", &MailAddress::canonical("no-reply@app.example").unwrap()).unwrap();
        let (notifier, delivery) = SmtpNotifier::new(relay, from, Arc::new(MemoryAudit::new(10)));
        let running = tokio::spawn(delivery.with_retries(&[Duration::ZERO]).unwrap().run());
        notifier.notify(&message().await).unwrap();
        while notifier.counts().waiting > 0 {
            tokio::task::yield_now().await;
        }
        let counts = notifier.counts();
        drop(notifier);
        running.await.unwrap();
        (counts, std::mem::take(&mut *self.heard.lock().unwrap()))
    }
}

/// One connection after the other.
async fn serve(
    mut stream: TcpStream,
    start: Start,
    acceptor: &TlsAcceptor,
    script: Script,
) -> (Heard, Heard) {
    let (mut clear, mut through_tls) = (Heard::default(), Heard::default());
    if start == Start::Asked {
        let Some(same) = converse(stream, true, script.clear, &mut clear).await else {
            return (clear, through_tls);
        };
        stream = same;
    }
    // A client that does not trust us goes away.
    if let Ok(stream) = acceptor.accept(stream).await {
        converse(stream, start == Start::Implicit, script.tls, &mut through_tls).await;
    }
    (clear, through_tls)
}

/// A message with a link to verify an address.
async fn message() -> Message {
    let stores = AccountStores::new(Arc::new(MemoryAccounts::new(10)));
    let counters = Arc::new(MemoryCounters::new(1_000));
    let accounts = Accounts::password_only(stores, counters.clone(), Arc::new(MemoryAudit::new(10))).unwrap();
    let form = PasswordCredential::typed("ann@example.com", "velvet otters at dawn".to_owned(), None);
    accounts.sign_up(form).await.unwrap();
    let notifier = Arc::new(MemoryNotifier::default());
    let base = LinkBase::parse("https://app.example").unwrap();
    let tokens = Arc::new(MemoryTokens::new(10));
    let links = AccountLinks::new(accounts, tokens, notifier.clone(), base, counters);
    links.ask_to_verify("ann@example.com", None).await.unwrap();
    notifier.take().remove(0)
}

fn delivered(counts: SmtpCounts) -> bool {
    (counts.sent, counts.lost) == (1, 0)
}

fn lost(counts: SmtpCounts) -> bool {
    (counts.sent, counts.lost) == (0, 1)
}

#[tokio::test]
async fn mail_and_password_go_through_tls() {
    for start in [Start::Implicit, Start::Asked] {
        let relay = Relay::start(start, GOOD).await;
        let (counts, heard) = relay.deliver(relay.with_password()).await;
        let [(clear, through_tls)] = &*heard else { panic!("{heard:?}") };
        assert!(delivered(counts) && clear.text.is_empty(), "{counts:?} {heard:?}");
        let expected: &[&str] = match start {
            Start::Implicit => &[],
            Start::Asked => &["EHLO app.example", "STARTTLS"],
        };
        assert_eq!(clear.commands, expected);
        // `\0app\0correct horse` in Base64 (RFC 4616).
        assert!(through_tls.commands.contains(&"AUTH PLAIN AGFwcABjb3JyZWN0IGhvcnNl".to_owned()));
        assert!(through_tls.text.contains("Subject: Confirm your address\r\n"), "{}", through_tls.text);
    }
}

/// RFC 3207 section 6: whoever is on the way takes the offer out, and waits for a client that goes on in clear.
#[tokio::test]
async fn where_tls_is_not_offered_nothing_is_said() {
    for clear in [
        &[("EHLO", "250-relay.example\r\n250 AUTH PLAIN\r\n")] as Answers,
        &[("EHLO", "250-relay.example\r\n250 XSTARTTLS\r\n")],
        &[("EHLO", "250-relay.example\r\n250 STARTTLS\r\n"), ("STARTTLS", "454 not now\r\n")],
        &[("EHLO", "250-relay.example\r\n250 STARTTLS\r\n"), ("STARTTLS", "502 what\r\n")],
        &[("GREETING", "hello\r\n")],
    ] {
        let relay = Relay::start(Start::Asked, Script { clear, tls: &[] }).await;
        let (counts, heard) = relay.deliver(relay.with_password()).await;
        assert!(lost(counts), "{clear:?}: {counts:?}");
        for (clear, through_tls) in heard {
            let harmless = |command: &String| ["EHLO app.example", "STARTTLS"].contains(&&**command);
            assert!(clear.commands.iter().all(harmless) && through_tls.commands.is_empty(), "{clear:?}");
        }
    }
}

/// What is added to the last answer in clear would be taken for what was said through TLS (CVE-2021-38371): an answer
/// that a mail was taken, for one.
#[tokio::test]
async fn an_answer_in_clear_is_none_that_came_through_tls() {
    let forged =
        "220 go on\r\n250-forged\r\n250 AUTH PLAIN\r\n235 in\r\n250 a\r\n250 b\r\n354 c\r\n250 taken\r\n";
    let clear: Answers = Box::leak(Box::new([OFFERED[0], ("STARTTLS", forged)]));
    let relay = Relay::start(Start::Asked, Script { clear, tls: &[("EHLO", SILENCE)] }).await;
    let (counts, heard) = relay.deliver(relay.with_password()).await;
    assert!(lost(counts), "{counts:?}");
    assert!(heard.iter().all(|(_, through_tls)| through_tls.commands.is_empty()), "{heard:?}");
}

#[tokio::test]
async fn a_relay_with_a_wrong_certificate_is_told_nothing() {
    let nobody_heard = |counts, heard: Vec<(Heard, Heard)>| {
        lost(counts) && heard.iter().all(|(_, through_tls)| through_tls.commands.is_empty())
    };
    for start in [Start::Implicit, Start::Asked] {
        let relay = Relay::start(start, GOOD).await;
        let other = authority();
        let (counts, heard) = relay.deliver(relay.trusted(&other)).await;
        assert!(nobody_heard(counts, heard), "another authority");

        let relay = Relay::named(start, GOOD, "mail.example", |_| {}).await;
        let (counts, heard) = relay.deliver(relay.with_password()).await;
        assert!(nobody_heard(counts, heard), "another name");

        let expired = |params: &mut CertificateParams| params.not_after = date_time_ymd(2020, 1, 1);
        let relay = Relay::named(start, GOOD, "127.0.0.1", expired).await;
        let (counts, heard) = relay.deliver(relay.with_password()).await;
        assert!(nobody_heard(counts, heard), "another time");
    }
}

/// Trying a wrong password again and again gets the account locked.
#[tokio::test]
async fn a_password_that_is_refused_is_not_tried_again() {
    for (tls, connections) in [
        (&[("AUTH", "535 5.7.8 no\r\n")] as Answers, 1),
        (&[("AUTH", "454 4.7.0 later\r\n")], 2),
        (&[("AUTH", HANG_UP)], 2),
        // One that asks for nobody's password: our mail would be refused later on, or be sent as a stranger's.
        (&[("EHLO", "250 relay.example\r\n")], 1),
        (&[("EHLO", "250-relay.example\r\n250 AUTH XOAUTH2 GSSAPI\r\n")], 1),
    ] {
        let relay = Relay::start(Start::Implicit, Script { clear: &[], tls }).await;
        let (counts, heard) = relay.deliver(relay.with_password()).await;
        assert!(lost(counts) && heard.len() == connections, "{tls:?}: {counts:?} {heard:?}");
        let told = |(_, tls): &(Heard, Heard)| tls.commands.iter().any(|command| command.starts_with("MAIL"));
        assert!(!heard.iter().any(told), "{heard:?}");
    }
}

/// A server of TLS that is spoken to in clear, and the other way round.
#[tokio::test]
async fn one_that_expects_the_other_start_is_told_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 relay.example\r\n").await.unwrap();
        let mut said = Vec::new();
        stream.read_to_end(&mut said).await.ok();
        said
    });
    let relay = Relay::start(Start::Implicit, GOOD).await;
    let clear = relay.with_password().with_port(port);
    let (counts, _) = relay.deliver(clear).await;
    assert!(lost(counts), "{counts:?}");
    // A handshake of TLS, and no word of SMTP.
    let said = server.await.unwrap();
    assert!(said.starts_with(&[22, 3]) && !said.windows(4).any(|word| word == b"EHLO"));
}
