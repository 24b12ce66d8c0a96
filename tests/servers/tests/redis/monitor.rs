//! What a server is asked, by its own account (`MONITOR`).

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    time::Duration,
};

use servers::RedisServer;

/// One line of a monitor: a request, or a command of the script before it.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) of_script: bool,
    pub(crate) words: Vec<Vec<u8>>,
}

impl Command {
    pub(crate) fn name(&self) -> String {
        String::from_utf8_lossy(&self.words[0]).to_ascii_uppercase()
    }

    /// The keys that a request names.
    pub(crate) fn keys(&self) -> Vec<&[u8]> {
        let keys: &[Vec<u8>] = match self.name().as_str() {
            "EVALSHA" | "EVAL" => {
                let count: usize = String::from_utf8_lossy(&self.words[2]).parse().unwrap();
                &self.words[3..3 + count]
            }
            "MGET" => &self.words[1..],
            "TIME" | "SCAN" | "PING" | "FLUSHALL" | "INFO" | "CONFIG" | "SCRIPT" | "CLIENT" | "KEYS"
            | "HELLO" => &[],
            _ => &self.words[1..2],
        };
        keys.iter().map(Vec::as_slice).collect()
    }
}

/// A connection that sees every command.
pub(crate) struct Monitor(BufReader<TcpStream>);

impl Monitor {
    pub(crate) fn on(server: &RedisServer) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut monitor = Self(BufReader::new(stream));
        monitor.0.get_mut().write_all(b"MONITOR\r\n").unwrap();
        assert_eq!(monitor.line(), "+OK");
        monitor
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// What was asked until now.
    pub(crate) fn commands(&mut self, server: &RedisServer) -> Vec<Command> {
        assert_eq!(server.say(&["ECHO", "end-of-this-part"]), "$16");
        self.until_the_end()
    }

    /// What is asked until somebody says that it was enough.
    pub(crate) fn until_the_end(&mut self) -> Vec<Command> {
        let mut commands = Vec::new();
        loop {
            let line = self.line();
            let (head, words) = line.split_once("] ").expect("a line of a monitor");
            let command = Command { of_script: head.ends_with(" lua"), words: words_of(words) };
            if command.name() == "ECHO" {
                return commands;
            }
            commands.push(command);
        }
    }
}

/// Reads what `MONITOR` quotes.
fn words_of(line: &str) -> Vec<Vec<u8>> {
    let (mut words, mut bytes) = (Vec::new(), line.bytes());
    while let Some(quote) = bytes.next() {
        if quote != b'"' {
            continue;
        }
        let mut word = Vec::new();
        loop {
            match bytes.next().expect("a closing quote") {
                b'"' => break,
                b'\\' => match bytes.next().unwrap() {
                    b'x' => {
                        let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                        word.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                    }
                    b'n' => word.push(b'\n'),
                    b'r' => word.push(b'\r'),
                    b't' => word.push(b'\t'),
                    b'a' => word.push(7),
                    b'b' => word.push(8),
                    other => word.push(other),
                },
                other => word.push(other),
            }
        }
        words.push(word);
    }
    words
}
