//! Mail that is sent, through a server with TLS that asks for a password.
#![cfg(unix)]

#[path = "../../../tests/tls/support/authority.rs"]
mod authority;
#[path = "story/people.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod people;
#[path = "story/server.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod server;
// The one of `auth-credentials`, behind TLS here.
#[path = "../../../auth-credentials/tests/it/support/smtp_server.rs"]
#[allow(dead_code, reason = "the tests of mail use the rest")]
mod smtp_server;

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::mpsc, time::Duration};

use authority::{acceptor, authority};
use people::{Browser, sign_up};
use server::Server;
use smtp_server::{Heard, converse};
use tempfile::TempDir;
use tokio::net::TcpListener;

const ANN: &str = "ann@example.com";
const PASSWORD: &str = "correct horse";

/// A mail server; with its port, what it hears, and in the folder the certificate of who vouches for it.
fn relay(folder: &Path) -> (u16, mpsc::Receiver<Heard>) {
    let authority = authority();
    fs::write(folder.join("authority.pem"), authority.pem()).unwrap();
    let acceptor = acceptor(&authority, "127.0.0.1", |_| {});
    let ((tell, heard), (tell_port, port)) = (mpsc::channel(), mpsc::channel());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell_port.send(listener.local_addr().unwrap().port()).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let mut heard = Heard::default();
                if let Ok(stream) = acceptor.accept(stream).await {
                    converse(stream, true, &[], &mut heard).await;
                    tell.send(heard).ok();
                }
            }
        });
    });
    (port.recv().unwrap(), heard)
}

/// With a password in a file that only its owner reads.
fn folder(mode: u32) -> TempDir {
    let folder = TempDir::new().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, format!("{PASSWORD}\n")).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).unwrap();
    folder
}

const FROM: [&str; 4] = ["--mail-from", "no-reply@app.example", "--smtp-password-file", "secret"];

#[test]
fn the_link_that_was_sent_by_mail_works() {
    let folder = folder(0o600);
    let (port, heard) = relay(folder.path());
    let url = format!("smtps://app@127.0.0.1:{port}");
    let authority = folder.path().join("authority.pem");
    let server = Server::start_in(folder, |server| {
        server.args(["--listen", "127.0.0.1:0", "--smtp", &url]).args(FROM).env("SSL_CERT_FILE", authority)
    });
    sign_up(&server, ANN);
    let heard = heard.recv_timeout(Duration::from_secs(20)).unwrap();
    let said = heard.commands.join("\n");
    assert!(said.contains("MAIL FROM:<no-reply@app.example>") && said.contains("RCPT TO:<ann@"), "{said}");
    assert!(said.contains("AUTH PLAIN "), "{said}");
    let text = heard.text.replace("=\r\n", "").replace("=3D", "=");
    let link = text.lines().find_map(|line| line.split_once("/verify?token=")).expect("a link").1;
    let ann = Browser::logged_in(&server, ANN);
    assert_eq!(ann.post("/verify", &[("token", link.trim())]).status, 303);
    assert!(!server.path("quickstart.mail").exists(), "no link is left in a file");
    assert!(!server.said().contains(PASSWORD));
}

#[test]
fn a_password_for_the_mail_server_is_in_a_file_and_nowhere_else() {
    let start = |mode: u32, arguments: &[&str]| {
        let (ok, said) =
            Server::try_start_in(&folder(mode), &[&["--listen", "127.0.0.1:0"], arguments].concat());
        assert!(!ok, "{said}");
        said
    };
    let with = |url: &'static str| [&["--smtp", url][..], &FROM].concat();
    for (mode, url, why) in [
        (0o644, "smtps://app@127.0.0.1", "others may read"),
        (0o600, "smtps://app:correct%20horse@127.0.0.1", "credentials"),
        (0o600, "smtps://127.0.0.1", "credentials"),
        (0o600, "http://app@127.0.0.1", "smtp url"),
    ] {
        let said = start(mode, &with(url));
        assert!(said.contains(why) && !said.contains("correct"), "{said}");
    }
    assert!(start(0o600, &["--smtp", "smtps://127.0.0.1"]).contains("--mail-from"));
    let both = [&with("smtps://app@127.0.0.1")[..], &["--mail-file", "-"]].concat();
    assert!(start(0o600, &both).contains("cannot be used with"));
}
