//! The way to a relay, up to where it is safe to speak.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::failure::Failure;

/// Most bytes of an answer before there is TLS: 8 KiB.
const MAX_ANSWER_LEN: usize = 8 * 1024;

/// TLS with one host.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) connector: TlsConnector,
    pub(super) host: ServerName<'static>,
}

impl Tls {
    pub(super) async fn wrap(&self, tcp: TcpStream) -> Result<TlsStream<TcpStream>, Failure> {
        let connected = self.connector.connect(self.host.clone(), tcp).await;
        // What rustls says is inside of an error of that kind; else it was the connection.
        connected.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => Failure::Tls,
            _ => Failure::Connection,
        })
    }
}

/// Asks for TLS in clear (RFC 3207), and says nothing else.
///
/// Ours, because whatever somebody on the way adds to the answer in clear must not be taken for an answer that came
/// through TLS (CVE-2021-38371, in Exim): here each byte beyond the answer ends it.
///
/// A refusal in clear may be anybody's on the way, so it is not the last word.
pub(super) async fn ask_for_tls(tcp: &mut TcpStream, client: &str) -> Result<(), Failure> {
    greet_for_tls(tcp, client).await.map_err(Failure::in_clear)
}

async fn greet_for_tls(tcp: &mut TcpStream, client: &str) -> Result<(), Failure> {
    answer(tcp).await?;
    tcp.write_all(format!("EHLO {client}\r\n").as_bytes()).await.map_err(lost)?;
    let offered = answer(tcp).await?;
    if !offered.lines().filter_map(|line| line.get(4..)).any(|word| word.eq_ignore_ascii_case("STARTTLS")) {
        return Err(Failure::NoStartTls);
    }
    tcp.write_all(b"STARTTLS\r\n").await.map_err(lost)?;
    answer(tcp).await.map(drop)
}

/// Reads one answer and not a byte more.
async fn answer(tcp: &mut TcpStream) -> Result<String, Failure> {
    let (mut read, mut chunk) = (Vec::new(), [0; 1024]);
    loop {
        let len = tcp.read(&mut chunk).await.map_err(lost)?;
        let new = chunk.get(..len).filter(|new| !new.is_empty()).ok_or(Failure::Connection)?;
        read.extend_from_slice(new);
        if read.len() > MAX_ANSWER_LEN {
            return Err(Failure::Malformed);
        }
        if read.ends_with(b"\n") {
            let text = std::str::from_utf8(&read).map_err(|_| Failure::Malformed)?;
            if is_complete(text)? {
                return match text.get(..3).and_then(|code| code.parse().ok()) {
                    Some(200..=299) => Ok(text.to_owned()),
                    Some(code @ 400..=599) => Err(Failure::Refused(code)),
                    _ => Err(Failure::Malformed),
                };
            }
        }
    }
}

/// Whether these whole lines are one answer: `250-`, `250-`, `250 ` (RFC 5321 section 4.2.1). An error if they are more.
fn is_complete(text: &str) -> Result<bool, Failure> {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let (code, rest) = line.split_at_checked(3).ok_or(Failure::Malformed)?;
        if !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Failure::Malformed);
        }
        match rest.bytes().next() {
            Some(b'-') => {}
            None | Some(b' ') if lines.peek().is_none() => return Ok(true),
            _ => return Err(Failure::Malformed),
        }
    }
    Ok(false)
}

fn lost(_: io::Error) -> Failure {
    Failure::Connection
}

/// A connection that one may speak on.
#[derive(Debug)]
pub(super) struct Connection {
    /// What is read first. After `STARTTLS` a relay does not greet again, and lettre waits for that.
    greeting: &'static [u8],
    stream: Stream,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection {
    pub(super) fn plain(tcp: TcpStream) -> Self {
        Self { greeting: b"", stream: Stream::Plain(tcp) }
    }

    pub(super) fn tls(tls: TlsStream<TcpStream>) -> Self {
        Self { greeting: b"", stream: Stream::Tls(Box::new(tls)) }
    }

    pub(super) fn greeted(self) -> Self {
        Self { greeting: b"220 TLS\r\n", ..self }
    }
}

impl AsyncTokioStream for Connection {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.stream {
            Stream::Plain(tcp) => tcp.peer_addr(),
            Stream::Tls(tls) => tls.get_ref().0.peer_addr(),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.greeting.is_empty() {
            let (now, later) = this.greeting.split_at(this.greeting.len().min(buf.remaining()));
            buf.put_slice(now);
            this.greeting = later;
            return Poll::Ready(Ok(()));
        }
        match &mut this.stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Stream::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Stream::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_complete_with_its_last_line_and_nothing_follows() {
        for (text, complete) in [
            ("220 ready\r\n", true),
            ("220\r\n", true),
            ("250-a\r\n", false),
            ("250-a\r\n250-STARTTLS\r\n250 b\r\n", true),
        ] {
            assert_eq!(is_complete(text), Ok(complete), "{text:?}");
        }
        for bad in [
            "220 ready\r\n250 forged\r\n",
            "220 a\r\n\r\n",
            "hi\r\n",
            "2x0 a\r\n",
            "ä20 a\r\n",
            "220a\r\n",
            "\r\n",
        ] {
            assert_eq!(is_complete(bad), Err(Failure::Malformed), "{bad:?}");
        }
    }
}
