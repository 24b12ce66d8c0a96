//! Fetching over the network, from a server that answers what it is told to.

use std::{
    error::Error,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use auth_jwt::{
    Algorithm, FetchError, FetchKeySet, Freshness, HttpsFetcher, HttpsFetcherError, KeySet, RemoteKeySet,
    RemoteVerifier, danger,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{poll_once, signing_key, token_of};
use crate::support::*;

/// A server on a loopback port, what it was asked, and how many bytes it could send.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    sent: Arc<AtomicUsize>,
}

impl Server {
    /// Answers each request with `answer`, repeated `times` times, and then closes or stays silent.
    async fn start(answer: impl Into<String>, then: Then) -> Self {
        let (listener, answer) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), answer.into());
        let server =
            Self { address: listener.local_addr().unwrap(), requests: Arc::default(), sent: Arc::default() };
        let (requests, sent) = (Arc::clone(&server.requests), Arc::clone(&server.sent));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !matches!(then, Then::Blurt) && !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    if stream.read_exact(&mut byte).await.is_err() {
                        break;
                    }
                    request.push(byte[0]);
                }
                requests.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
                stream.write_all(answer.as_bytes()).await.ok();
                match then {
                    Then::Close | Then::Blurt => {}
                    Then::Linger => {
                        stream.read_to_end(&mut Vec::new()).await.ok();
                        sent.fetch_add(answer.len(), Ordering::SeqCst);
                    }
                    Then::Hang => std::future::pending().await,
                    Then::Flood => {
                        let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
                        while stream.write_all(chunk.as_bytes()).await.is_ok() {
                            sent.fetch_add(0x1000, Ordering::SeqCst);
                        }
                    }
                }
            }
        });
        server
    }

    fn url(&self) -> String {
        format!("http://{}/jwks?key=secret", self.address)
    }

    fn fetcher(&self) -> HttpsFetcher {
        danger::http_on_loopback(&self.url()).unwrap()
    }

    fn asked(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

#[derive(Clone, Copy)]
enum Then {
    Close,
    /// Waits until the client closes.
    Linger,
    /// Does not even wait for the request.
    Blurt,
    Hang,
    Flood,
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let len = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {len}\r\nconnection: close\r\n{headers}\r\n{body}")
}

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// The outcome of fetching from a server that answers this.
fn fetched(text: String, then: Then) -> Result<auth_jwt::FetchedKeySet, FetchError> {
    run(async { Server::start(text, then).await.fetcher().fetch().await })
}

#[test]
fn a_key_set_is_fetched_and_its_freshness_read() {
    let text = answer("200 OK", "Cache-Control: public, max-age=300\r\nAge: 100\r\n", r#"{"keys":[]}"#);
    let fetched = fetched(text, Then::Close).unwrap();
    let expected = auth_jwt::FetchedKeySet::new(r#"{"keys":[]}"#, Freshness::of(Duration::from_secs(200)));
    assert_eq!(fetched, expected);
}

#[test]
fn a_token_is_verified_under_keys_from_a_server() {
    let key = signing_key("a");
    let json = KeySet::new([key.verifying_key()]).unwrap().to_jwks().unwrap();
    run(async {
        let server = Server::start(answer("200 OK", "", &json), Then::Close).await;
        let keys = RemoteKeySet::new(server.fetcher(), [Algorithm::EdDsa]).unwrap();
        let verifier = RemoteVerifier::new(Arc::new(keys), policy());
        for _ in 0..3 {
            assert!(verifier.verify::<()>(&token_of(&key), NOW).await.is_ok());
        }
        assert_eq!(server.asked(), 1);
    });
}

/// A client that hangs up leaves the fetch which it began to whoever comes next. Its time is over by then, but not
/// for an answer that was there in time: otherwise tokens of made-up keys, sent and left again and again, would keep
/// the keys from ever being fetched.
#[test]
fn a_request_goes_on_though_nobody_polls_it() {
    let (old, new) = (signing_key("a"), signing_key("b"));
    let json = KeySet::new([old.verifying_key(), new.verifying_key()]).unwrap().to_jwks().unwrap();
    run(async {
        let server = Server::start(answer("200 OK", "", &json), Then::Linger).await;
        let keys = RemoteKeySet::new(server.fetcher(), [Algorithm::EdDsa]).unwrap();
        let verifier = RemoteVerifier::new(Arc::new(keys), policy());
        let made_up = token_of(&signing_key("made-up"));
        let mut left = Box::pin(verifier.verify::<()>(&made_up, NOW));
        assert!(poll_once(&mut left).is_pending());
        drop(left);
        let answered = async {
            while server.sent.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), answered).await.expect("the server is not asked");
        // The client has closed, so it has the answer; whoever waits for that gets a turn.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        tokio::time::pause();
        tokio::time::advance(HttpsFetcher::TIMEOUT + Duration::from_secs(1)).await;
        for key in [&old, &new] {
            assert!(verifier.verify::<()>(&token_of(key), NOW).await.is_ok());
        }
        assert_eq!(server.asked(), 1);
    });
}

/// Nothing is sent that nobody asked for: no cookies, no offer to compress.
#[test]
fn the_request_says_no_more_than_it_has_to() {
    let request = run(async {
        let server = Server::start(answer("200 OK", "set-cookie: a=b\r\n", "{}"), Then::Close).await;
        let fetcher = server.fetcher();
        fetcher.fetch().await.unwrap();
        fetcher.fetch().await.unwrap();
        server.requests.lock().unwrap()[1].to_ascii_lowercase()
    });
    let mut lines: Vec<_> = request.lines().filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    let names: Vec<_> = lines.iter().map(|line| line.split([':', ' ']).next().unwrap()).collect();
    assert_eq!(names, ["accept", "get", "host", "user-agent"], "{request}");
}

/// Redirects are refused, whatever they say and wherever they go (GHSA-9v7f-9g4p-ffgj).
#[test]
fn a_redirect_is_not_followed() {
    run(async {
        let target = Server::start(answer("200 OK", "", r#"{"keys":[]}"#), Then::Close).await;
        for status in [301, 302, 303, 307, 308] {
            let location = format!("location: http://{}/\r\n", target.address);
            let server = Server::start(answer(&format!("{status} X"), &location, ""), Then::Close).await;
            let error = server.fetcher().fetch().await.unwrap_err();
            assert!(matches!(error, FetchError::Redirect(found) if found == status), "{error:?}");
            assert_eq!(server.asked(), 1);
        }
        assert_eq!(target.asked(), 0);
    });
}

#[test]
fn only_status_200_is_an_answer() {
    for status in [201, 203, 204, 206, 400, 401, 404, 429, 500, 503] {
        let error = fetched(answer(&format!("{status} X"), "", ""), Then::Close).unwrap_err();
        assert!(matches!(error, FetchError::Status(found) if found == status), "{error:?}");
    }
}

/// The body is capped, also where no length is announced and it never ends.
#[test]
fn a_body_that_is_too_long_is_not_read() {
    let whole = "x".repeat(KeySet::MAX_JSON_LEN);
    assert_eq!(
        fetched(answer("200 OK", "", &whole), Then::Close).unwrap(),
        auth_jwt::FetchedKeySet::new(whole.clone(), Freshness::UNKNOWN)
    );
    let long = answer("200 OK", "", &format!("{whole}x"));
    let too_large = |error| matches!(error, FetchError::TooLarge { max } if max == KeySet::MAX_JSON_LEN);
    assert!(too_large(fetched(long, Then::Close).unwrap_err()));
    let endless = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    run(async {
        let server = Server::start(endless, Then::Flood).await;
        assert!(too_large(server.fetcher().fetch().await.unwrap_err()));
        // What the sockets' buffers hold, and no more: the connection is closed, not drained.
        assert!(server.sent.load(Ordering::SeqCst) < 64 * KeySet::MAX_JSON_LEN);
    });
}

/// The time is for the whole answer, so a server that drips bytes gains nothing.
#[test]
fn a_server_that_is_too_slow_is_not_waited_for() {
    for text in ["", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"keys\""] {
        let error = run(async {
            let fetcher = Server::start(text, Then::Hang).await.fetcher();
            // With nothing left to do, a clock that stands still goes to the next deadline.
            tokio::time::pause();
            fetcher.fetch().await.unwrap_err()
        });
        assert!(matches!(error, FetchError::Timeout), "{error:?}");
    }
}

#[test]
fn a_server_that_breaks_off_is_out_of_reach() {
    for text in ["", "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"keys\":[]}", "SSH-2.0-x\r\n\r\n"] {
        let error = fetched(text.to_owned(), Then::Close).unwrap_err();
        assert!(matches!(error, FetchError::Unreachable(_)), "{error:?}");
        // Neither the error nor what caused it tells of the query.
        let mut cause: Option<&dyn Error> = Some(&error);
        while let Some(error) = cause {
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
            cause = error.source();
        }
    }
    let nobody = run(async {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        danger::http_on_loopback(&format!("http://{address}/")).unwrap().fetch().await.unwrap_err()
    });
    assert!(matches!(nobody, FetchError::Unreachable(_)), "{nobody:?}");
}

/// A server without TLS at an `https` address is no server.
#[test]
fn https_is_never_anything_less() {
    let error = run(async {
        let server = Server::start(answer("200 OK", "", r#"{"keys":[]}"#), Then::Blurt).await;
        let fetcher = HttpsFetcher::new(&format!("https://{}/jwks", server.address)).unwrap();
        fetcher.without_proxies().unwrap().fetch().await.unwrap_err()
    });
    assert!(matches!(error, FetchError::Unreachable(_)), "{error:?}");
}

/// Other schemes are refused (GHSA-993g-76c3-p5m4).
#[test]
fn only_https_urls_are_taken() {
    assert!(HttpsFetcher::new("https://id.example/jwks?x=1").is_ok());
    assert!(HttpsFetcher::new("HTTPS://[2001:db8::1]:8443/").is_ok());
    for bad in ["http://id.example/jwks", "http://127.0.0.1/", "ws://id.example", "ftp://id.example/x"] {
        assert!(matches!(HttpsFetcher::new(bad), Err(HttpsFetcherError::NotHttps)), "{bad}");
    }
    for bad in
        ["", "id.example/jwks", "/jwks", "https://", "file:///etc/passwd", "data:,{}", "mailto:a@b.example"]
    {
        assert!(matches!(HttpsFetcher::new(bad), Err(HttpsFetcherError::Url)), "{bad}");
    }
    for bad in ["https://a:b@id.example/", "https://a@id.example/", "http://127.0.0.1:80@id.example/"] {
        assert!(matches!(HttpsFetcher::new(bad), Err(HttpsFetcherError::Credentials)), "{bad}");
    }
}

#[test]
fn plain_http_goes_to_this_machine_only() {
    for good in ["http://127.0.0.1:8080/jwks", "http://127.1.2.3/", "http://[::1]:8080/"] {
        assert!(danger::http_on_loopback(good).is_ok(), "{good}");
    }
    for bad in [
        "http://localhost/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "http://127.0.0.1.example/",
        "http://[::]/",
        "https://127.0.0.1/",
    ] {
        assert!(matches!(danger::http_on_loopback(bad), Err(HttpsFetcherError::NotLoopback)), "{bad}");
    }
}

#[test]
fn settings_are_bounded() {
    let fetcher = || HttpsFetcher::new("https://id.example/").unwrap();
    for bad in [Duration::ZERO, Duration::from_millis(999), Duration::from_secs(31)] {
        assert!(matches!(fetcher().with_timeout(bad), Err(HttpsFetcherError::Timeout { .. })));
    }
    assert!(fetcher().with_timeout(Duration::from_secs(30)).is_ok());
    for bad in ["", "no certificates", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(fetcher().with_root_certificates(bad.as_bytes()).is_err(), "{bad}");
    }
    let debug = format!("{:?}", HttpsFetcher::new("https://id.example/?key=secret").unwrap());
    assert!(debug.contains("id.example") && !debug.contains("secret"));
}
