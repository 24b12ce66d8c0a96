//! Asking servers with certificates, good and bad ones: for key sets and leaked passwords.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

#[path = "support/authority.rs"]
mod authority;

use std::sync::Arc;

use auth_credentials::{HttpsRanges, IfUnanswered, LeakedError, LeakedPasswords, Password, RangeError};
use auth_jwt::{FetchError, FetchKeySet, FetchedKeySet, Freshness, HttpsFetcher, HttpsFetcherError};
use rcgen::{CertificateParams, date_time_ymd};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use self::authority::{Authority, acceptor, authority};

const KEYS: &str = r#"{"keys":[]}"#;

/// Serves one request with this answer, and yields the port.
async fn serve(
    authority: &Authority,
    name: &str,
    change: impl FnOnce(&mut CertificateParams),
    answer: String,
) -> u16 {
    let acceptor = acceptor(authority, name, change);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // A client that does not trust us goes away.
        let Ok(mut stream) = acceptor.accept(stream).await else { return };
        let mut request = [0; 1024];
        let _read = stream.read(&mut request).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.ok();
    });
    port
}

fn answer(status: &str, headers: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}connection: close\r\n\r\n{KEYS}", KEYS.len())
}

fn ok() -> String {
    answer("200 OK", "")
}

fn fetcher(port: u16) -> HttpsFetcher {
    HttpsFetcher::new(&format!("https://127.0.0.1:{port}/jwks")).unwrap().without_proxies().unwrap()
}

fn trusting(port: u16, authority: &Authority) -> Result<HttpsFetcher, HttpsFetcherError> {
    fetcher(port).with_root_certificates(authority.pem().as_bytes())
}

#[tokio::test]
async fn a_private_authority_is_trusted_by_name_only() {
    let authority = authority();
    let port = serve(&authority, "127.0.0.1", |_| {}, ok()).await;
    let fetched = trusting(port, &authority).unwrap().fetch().await.unwrap();
    assert_eq!(fetched, FetchedKeySet::new(KEYS, Freshness::UNKNOWN));

    let port = serve(&authority, "127.0.0.1", |_| {}, ok()).await;
    let unknown = fetcher(port).fetch().await.unwrap_err();
    assert!(matches!(unknown, FetchError::Unreachable(_)), "{unknown:?}");

    let other = self::authority::authority();
    let port = serve(&authority, "127.0.0.1", |_| {}, ok()).await;
    let unknown = trusting(port, &other).unwrap().fetch().await.unwrap_err();
    assert!(matches!(unknown, FetchError::Unreachable(_)), "{unknown:?}");
}

#[tokio::test]
async fn a_certificate_for_another_name_or_time_is_refused() {
    let authority = authority();
    let wrong = |error: FetchError| matches!(error, FetchError::Unreachable(_));

    let port = serve(&authority, "id.example", |_| {}, ok()).await;
    assert!(wrong(trusting(port, &authority).unwrap().fetch().await.unwrap_err()));

    let expired = |params: &mut CertificateParams| params.not_after = date_time_ymd(2020, 1, 1);
    let port = serve(&authority, "127.0.0.1", expired, ok()).await;
    assert!(wrong(trusting(port, &authority).unwrap().fetch().await.unwrap_err()));

    let early = |params: &mut CertificateParams| params.not_before = date_time_ymd(4000, 1, 1);
    let port = serve(&authority, "127.0.0.1", early, ok()).await;
    assert!(wrong(trusting(port, &authority).unwrap().fetch().await.unwrap_err()));
}

/// A redirect out of TLS, or anywhere, is refused (GHSA-9v7f-9g4p-ffgj).
#[tokio::test]
async fn a_redirect_over_tls_is_refused() {
    let authority = authority();
    for location in ["http://127.0.0.1/jwks", "https://127.0.0.1/jwks", "/other"] {
        let redirect = answer("302 Found", &format!("location: {location}\r\n"));
        let port = serve(&authority, "127.0.0.1", |_| {}, redirect).await;
        let refused = trusting(port, &authority).unwrap().fetch().await.unwrap_err();
        assert!(matches!(refused, FetchError::Redirect(302)), "{refused:?}");
    }
}

/// Whoever is on the way must not be able to say of each password that it did not leak.
#[tokio::test]
async fn leaked_passwords_are_asked_for_over_trusted_tls_alone() {
    let authority = authority();
    // `password`, and an answer that has it.
    let list = "1E4C9B93F3F0682250B6CF8331B7EE68FD8:9";
    let found =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{list}", list.len());
    let redirect = answer("302 Found", "location: /other\r\n");
    let other = self::authority::authority();
    for (trusted, name, text) in [
        (&authority, "127.0.0.1", &found),
        (&other, "127.0.0.1", &found),
        (&authority, "list.example", &found),
        (&authority, "127.0.0.1", &redirect),
    ] {
        let port = serve(&authority, name, |_| {}, text.clone()).await;
        let client = HttpsRanges::new(&format!("https://127.0.0.1:{port}/range")).unwrap();
        let client = client.without_proxies().unwrap();
        let client = client.with_root_certificates(trusted.pem().as_bytes()).unwrap();
        let leaked = LeakedPasswords::new(Arc::new(client), IfUnanswered::Refuse);
        let checked = leaked.check(&Password::new("password".to_owned())).await.unwrap_err();
        let good = std::ptr::eq(trusted, &authority) && name == "127.0.0.1";
        match checked {
            LeakedError::Leaked => assert!(good && text == &found),
            LeakedError::Unanswered(RangeError::Redirect(302)) => assert!(good && text == &redirect),
            LeakedError::Unanswered(RangeError::Unreachable(_)) => assert!(!good),
            error => panic!("{error:?}"),
        }
    }
}
