//! An SMTP server that answers as it is told to. `tests/tls` puts it behind TLS.

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream};

/// Answers that are not the good one: the word of a command, `GREETING` or `TEXT` (what follows `DATA`), and what is
/// said to it. The first that fits counts.
pub(crate) type Answers = &'static [(&'static str, &'static str)];

/// Says nothing, and keeps the connection.
pub(crate) const SILENCE: &str = "silence";
/// Closes the connection.
pub(crate) const HANG_UP: &str = "hang up";

/// What was heard on one connection.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// The lines of commands, without their ends.
    pub(crate) commands: Vec<String>,
    /// The text that followed `DATA` as it came, with dots as they were doubled.
    pub(crate) text: String,
}

/// Speaks on a connection until the other side goes, or asks for TLS: then the stream is handed back.
pub(crate) async fn converse<S>(stream: S, greet: bool, answers: Answers, heard: &mut Heard) -> Option<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufStream::new(stream);
    if greet {
        say(&mut stream, answers, "GREETING", "220 relay.example\r\n").await?;
    }
    loop {
        let line = line(&mut stream).await?;
        let word = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        heard.commands.push(line);
        let good = match &*word {
            "EHLO" => "250-relay.example\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n",
            "AUTH" => "235 welcome\r\n",
            "DATA" => "354 go on\r\n",
            "STARTTLS" => "220 go on\r\n",
            "QUIT" => "221 bye\r\n",
            _ => "250 fine\r\n",
        };
        say(&mut stream, answers, &word, good).await?;
        match &*word {
            "DATA" => {
                while !heard.text.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut heard.text).await.ok()? == 0 {
                        return None;
                    }
                }
                say(&mut stream, answers, "TEXT", "250 taken\r\n").await?;
            }
            "STARTTLS" => return Some(stream.into_inner()),
            _ => {}
        }
    }
}

async fn line<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufStream<S>) -> Option<String> {
    let mut line = String::new();
    let len = stream.read_line(&mut line).await.ok()?;
    (len > 0).then(|| line.trim_end_matches("\r\n").to_owned())
}

async fn say<S>(stream: &mut BufStream<S>, answers: Answers, word: &str, good: &str) -> Option<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let told = answers.iter().find(|(of, _)| *of == word).map(|(_, answer)| *answer);
    match told.unwrap_or(good) {
        HANG_UP => None,
        SILENCE => {
            // Until the other side has had enough.
            while line(stream).await.is_some() {}
            None
        }
        answer => {
            stream.write_all(answer.as_bytes()).await.ok()?;
            stream.flush().await.ok()
        }
    }
}
