//! Mail to aiosmtpd (Python), which wants TLS and a password, and reads it with Python's own parser. `./scripts/test`
//! installs it; without it these tests fail. No mail leaves the machine.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use auth_core::{MemoryAccounts, MemoryAudit, MemoryCounters, MemoryTokens, Secret};
use auth_credentials::{
    AccountLinks, AccountStores, Accounts, Letter, LetterError, LinkBase, MailAddress, MailSender, Message,
    PasswordCredential, SmtpCounts, SmtpNotifier, SmtpRelay,
};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse, вороной";
const TEXT: &str = "Здравствуйте!\n.\n..\n.a line with a dot before it\n\tand a tab, and a very long line: 世界世界世界世界世界世界世界世界世界世界世界世界\n\n";

struct Peer {
    process: Child,
    lines: BufReader<ChildStdout>,
    ports: Value,
}

impl Peer {
    fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut python = Command::new(root.join("target/peers/python/bin/python"));
        python.arg(root.join("tests/interop/peers/smtp_peer.py"));
        let mut process =
            python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap_or_else(|error| {
                panic!("{python:?} does not start, `./scripts/test` installs it: {error}")
            });
        let lines = BufReader::new(process.stdout.take().unwrap());
        let mut peer = Self { process, lines, ports: Value::Null };
        peer.ports = peer.next();
        peer
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn relay(&self, scheme: &str, password: &str) -> SmtpRelay {
        let url = format!("{scheme}://app@127.0.0.1:{}", self.ports[scheme]);
        let relay = SmtpRelay::parse(&url, Some(Secret::from(password.to_owned()))).unwrap();
        relay.with_root_certificates(self.ports["pem"].as_str().unwrap().as_bytes()).unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Its input ends with it.
        drop(self.process.stdin.take());
        self.process.wait().ok();
    }
}

/// Signs somebody up and has their address verified by mail.
fn deliver(relay: SmtpRelay, letters: fn(&Message) -> Result<Letter, LetterError>) -> SmtpCounts {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stores = AccountStores::new(Arc::new(MemoryAccounts::new(10)));
        let (counters, audit) = (Arc::new(MemoryCounters::new(1_000)), Arc::new(MemoryAudit::new(10)));
        let accounts = Accounts::password_only(stores, counters.clone(), audit.clone()).unwrap();
        let form = PasswordCredential::typed("ann@example.com", "velvet otters at dawn".to_owned(), None);
        accounts.sign_up(form).await.unwrap();

        let from = MailAddress::canonical("no-reply@app.example").unwrap();
        let from = MailSender::new("Бюро \"Ä\" <x@y>, z", &from).unwrap();
        let (notifier, delivery) = SmtpNotifier::new(relay, from, audit);
        tokio::spawn(delivery.with_letters(letters).run());
        let (tokens, queue) = (Arc::new(MemoryTokens::new(10)), Arc::new(notifier.clone()));
        let base = LinkBase::parse("https://app.example").unwrap();
        let links = AccountLinks::new(accounts, tokens, queue, base, counters);
        links.ask_to_verify("ann@example.com", None).await.unwrap();
        notifier.shut_down(Duration::from_secs(60)).await
    })
}

#[test]
fn another_server_takes_our_mail_and_another_parser_reads_it() {
    let mut peer = Peer::start();
    for scheme in ["smtps", "smtp"] {
        let counts = deliver(peer.relay(scheme, PASSWORD), |message| {
            let link = message.notice.link().unwrap().expose();
            Letter::new("Подтвердите адрес — пожалуйста, сегодня же: 確認", format!("{TEXT}{link}"))
        });
        assert_eq!((counts.sent, counts.lost), (1, 0), "{scheme}: {counts:?}");
        let mail = peer.next();
        assert_eq!(mail["authenticated"], json!(true));
        assert_eq!(
            (&mail["from"], &mail["to"]),
            (&json!("no-reply@app.example"), &json!(["ann@example.com"]))
        );
        assert_eq!(mail["defects"], json!([]), "{mail}");
        assert_eq!(mail["sender"], json!(["Бюро \"Ä\" <x@y>, z", "no-reply@app.example"]));
        let headers = &mail["headers"];
        assert_eq!(headers["Subject"], "Подтвердите адрес — пожалуйста, сегодня же: 確認");
        assert_eq!(
            (&headers["To"], &headers["Auto-Submitted"]),
            (&json!("ann@example.com"), &json!("auto-generated"))
        );
        let text = mail["text"].as_str().unwrap().replace("\r\n", "\n");
        let link = text.strip_prefix(TEXT).unwrap_or_else(|| panic!("{text}"));
        assert!(link.starts_with("https://app.example/verify-address?token="), "{link}");
    }
    // And our own words.
    let counts = deliver(peer.relay("smtps", PASSWORD), |message| Letter::english(&message.notice));
    assert_eq!(counts.sent, 1, "{counts:?}");
    let mail = peer.next();
    assert_eq!(mail["headers"]["Subject"], "Confirm your address");
    assert!(
        mail["text"].as_str().unwrap().contains("\r\n\r\nhttps://app.example/verify-address?token="),
        "{mail}"
    );
}

#[test]
fn another_server_takes_nothing_for_a_wrong_password() {
    let peer = Peer::start();
    for scheme in ["smtps", "smtp"] {
        let counts = deliver(peer.relay(scheme, "wrong"), |message| Letter::english(&message.notice));
        assert_eq!((counts.sent, counts.lost), (0, 1), "{scheme}: {counts:?}");
    }
}
