//! Entries of an audit log that vouch for each other.

pub(super) mod verify;

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

use crate::{KeyRing, Purpose};

const PURPOSE: Purpose = Purpose::new("audit-chain");

/// Numbers the entries of an audit log and gives each a hash that covers the one before it, so that nobody changes,
/// removes, adds or moves an entry unseen.
///
/// The hash is an HMAC-SHA-256 under a key of the [`KeyRing`]: whoever can write the log, and has not the key, cannot make
/// it whole again. What no log can show by itself is that its end is missing: note its [head](ChainHead) elsewhere now
/// and then, and hand it to the [`ChainVerifier`](crate::ChainVerifier).
///
/// Keep retired keys in the ring as long as the entries that were written under them.
#[derive(Debug, Clone)]
pub struct AuditChain {
    ring: Arc<KeyRing>,
    head: ChainHead,
}

/// The last entry of a chained log: its number and its hash. It is no secret; as text it is `<number>.<hash>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// Which entry it is, counted from 1; 0 before the first one.
    pub entry: u64,
    /// Its hash; zeros before the first one.
    pub hash: [u8; 32],
}

/// One entry of a chained log, as it is kept.
#[derive(Debug, Clone, Copy)]
pub struct ChainEntry<'a> {
    /// Which it is, counted from 1.
    pub number: u64,
    /// The hash of the one before it.
    pub before: [u8; 32],
    /// Its hash, which covers the other three.
    pub hash: [u8; 32],
    /// What it says.
    pub content: &'a [u8],
}

impl AuditChain {
    /// A chain that goes on after `head`, which is [`ChainHead::START`] of a new log.
    #[must_use]
    pub fn new(ring: Arc<KeyRing>, head: ChainHead) -> Self {
        Self { ring, head }
    }

    /// The entry that says `content`, after the last one. It is part of the log once it is [kept](Self::kept).
    #[must_use]
    pub fn next<'a>(&self, content: &'a [u8]) -> ChainEntry<'a> {
        let (number, before) = (self.head.entry.saturating_add(1), self.head.hash);
        let hash = self.ring.mac(PURPOSE, &[&number.to_be_bytes(), &before, content]);
        ChainEntry { number, before, hash, content }
    }

    /// Goes on after an entry, which is written.
    pub fn kept(&mut self, entry: &ChainEntry<'_>) {
        self.head = ChainHead { entry: entry.number, hash: entry.hash };
    }

    /// The last entry.
    #[must_use]
    pub const fn head(&self) -> ChainHead {
        self.head
    }
}

impl ChainEntry<'_> {
    /// Whether it was made under a key of this ring and is as it was made.
    fn is_genuine(&self, ring: &KeyRing) -> bool {
        let parts: [&[u8]; 3] = [&self.number.to_be_bytes(), &self.before, self.content];
        let current = std::iter::once_with(|| ring.mac(PURPOSE, &parts));
        current.chain(ring.retired_macs(PURPOSE, &parts)).any(|hash| hash.ct_eq(&self.hash).into())
    }
}

impl ChainHead {
    /// Before the first entry.
    pub const START: Self = Self { entry: 0, hash: [0; 32] };

    /// Reads the text form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (entry, hash) = text.split_once('.')?;
        Some(Self { entry: number(entry.as_bytes())?, hash: hash_of(hash.as_bytes())? })
    }
}

impl fmt::Display for ChainHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.entry, URL_SAFE_NO_PAD.encode(self.hash))
    }
}

/// The fields that chain a line of JSON, behind those that it has.
pub(super) mod line {
    use super::{ChainEntry, hash_of, number};
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    /// Letters of a hash.
    const HASH: usize = 43;

    /// The entry as a line, whose content is a JSON object that is not empty.
    pub(in super::super) fn write(entry: &ChainEntry<'_>) -> Vec<u8> {
        let mut line = entry.content.strip_suffix(b"}").unwrap_or(entry.content).to_vec();
        let (before, hash) = (URL_SAFE_NO_PAD.encode(entry.before), URL_SAFE_NO_PAD.encode(entry.hash));
        let chained = format!(",\"entry\":{},\"before\":\"{before}\",\"hash\":\"{hash}\"}}\n", entry.number);
        line.extend_from_slice(chained.as_bytes());
        line
    }

    /// Reads a line without its line feed. `content` is room for what the entry says. In one spelling only: what is
    /// written otherwise was not written here.
    pub(in super::super) fn read<'a>(line: &[u8], content: &'a mut Vec<u8>) -> Option<ChainEntry<'a>> {
        let rest = line.strip_suffix(b"\"}")?;
        let (rest, hash) = rest.split_at_checked(rest.len().checked_sub(HASH)?)?;
        let rest = rest.strip_suffix(b"\",\"hash\":\"")?;
        let (rest, before) = rest.split_at_checked(rest.len().checked_sub(HASH)?)?;
        let rest = rest.strip_suffix(b",\"before\":\"")?;
        let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let (rest, digits) = rest.split_at_checked(rest.len().checked_sub(digits)?)?;
        // A quote within a string is escaped, so this is a field.
        let rest = rest.strip_suffix(b",\"entry\":")?;
        content.clear();
        content.extend_from_slice(rest);
        content.push(b'}');
        Some(ChainEntry { number: number(digits)?, before: hash_of(before)?, hash: hash_of(hash)?, content })
    }
}

/// A number in its one spelling.
fn number(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn hash_of(text: &[u8]) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyName, Secret};

    pub(super) fn ring(seed: u8) -> Arc<KeyRing> {
        let secret = Secret::new((seed..).take(32).collect());
        Arc::new(KeyRing::new(KeyName::parse(&format!("k{seed}")).unwrap(), secret).unwrap())
    }

    #[test]
    fn a_line_has_one_spelling() {
        let mut chain = AuditChain::new(ring(1), ChainHead::START);
        for content in [&br#"{"at":1,"name":"x"}"#[..], br#"{"at":2,"name":",\"entry\":7,\"before\":\""}"#] {
            let entry = chain.next(content);
            let line = line::write(&entry);
            let line = line.strip_suffix(b"\n").unwrap();
            let mut room = Vec::new();
            let read = line::read(line, &mut room).unwrap();
            assert_eq!((read.number, read.before, read.hash), (entry.number, entry.before, entry.hash));
            assert_eq!(read.content, content);
            assert!(read.is_genuine(&ring(1)) && !read.is_genuine(&ring(2)));
            chain.kept(&entry);
            let text = std::str::from_utf8(line).unwrap();
            let spelled = [
                text.replace("\"entry\":", "\"entry\":0"),
                text.replace("\"entry\":", "\"entry\": "),
                text.replace("\"entry\":", "\"entry\":-"),
                format!("{text} "),
                format!(" {text}"),
                text.replace("\"hash\"", "\"Hash\""),
            ];
            for other in spelled {
                let read = line::read(other.as_bytes(), &mut room);
                assert!(read.is_none_or(|entry| !entry.is_genuine(&ring(1))), "{other}");
            }
            for at in 0..line.len() {
                assert!(line::read(&line[..at], &mut room).is_none());
            }
        }
        assert_eq!(chain.head().entry, 2);
    }

    #[test]
    fn a_head_is_noted_as_text() {
        let chain = AuditChain::new(ring(1), ChainHead::START);
        let entry = chain.next(b"{}");
        let head = ChainHead { entry: entry.number, hash: entry.hash };
        assert_eq!(ChainHead::parse(&head.to_string()), Some(head));
        assert_eq!(ChainHead::parse(&ChainHead::START.to_string()), Some(ChainHead::START));
        for bad in ["", "1", "1.", ".x", "01.AAAA", "-1.AAAA", &format!("+{head}"), &format!("{head}A")] {
            assert_eq!(ChainHead::parse(bad), None, "{bad}");
        }
    }

    /// What was written before a key was changed stays verifiable while the ring has the old one.
    #[test]
    fn a_retired_key_still_vouches() {
        let old = AuditChain::new(ring(1), ChainHead::START);
        let entry = old.next(b"{}");
        let secret = Secret::new((1..).take(32).collect());
        let both = Arc::unwrap_or_clone(ring(2)).with_retired(KeyName::parse("k1").unwrap(), secret).unwrap();
        assert!(entry.is_genuine(&both) && !entry.is_genuine(&ring(2)));
    }
}
