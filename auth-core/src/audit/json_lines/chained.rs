//! A chain through the lines of a log and the files that it fills.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use super::{MAX_KEPT, aside};
use crate::{
    KeyRing,
    audit::chain::{
        AuditChain, ChainHead, line,
        verify::{ChainError, ChainExtent, ChainVerifier},
    },
};

/// The most bytes of a line that are looked at.
const MAX_LINE: u64 = 1 << 20;

/// How much of the end of a file is looked at for its last entry.
const TAIL: u64 = 2 << 20;

/// The chain of the log that is written, and its last entry for whoever asks.
pub(super) struct Links {
    chain: AuditChain,
    head: Arc<Mutex<ChainHead>>,
}

impl Links {
    /// The chain goes on where the file ends, or the one that was put aside before it.
    pub(super) fn resume(path: &Path, ring: Arc<KeyRing>) -> io::Result<Self> {
        let last = match last_entry(path)? {
            Some(head) => Some(head),
            None => last_entry(&aside(path, 1))?,
        };
        let head = last.unwrap_or(ChainHead::START);
        Ok(Self { chain: AuditChain::new(ring, head), head: Arc::new(Mutex::new(head)) })
    }

    pub(super) fn head(&self) -> Arc<Mutex<ChainHead>> {
        Arc::clone(&self.head)
    }

    /// These lines as entries, and the chain with them.
    pub(super) fn link(&self, lines: &[u8]) -> (Vec<u8>, AuditChain) {
        let (mut chain, mut linked) = (self.chain.clone(), Vec::new());
        for content in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let entry = chain.next(content);
            linked.extend(line::write(&entry));
            chain.kept(&entry);
        }
        (linked, chain)
    }

    /// Goes on after entries that are written.
    pub(super) fn kept(&mut self, chain: AuditChain) {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = chain.head();
        self.chain = chain;
    }
}

/// The last line of a file that is an entry. Whether it is genuine is for the verifier to say: whatever stands there,
/// the log goes on.
fn last_entry(path: &Path) -> io::Result<Option<ChainHead>> {
    let Some(mut file) = open(path)? else { return Ok(None) };
    // One that is no regular file, such as a device, has no end to read.
    let size = file.metadata()?.len();
    let from = size.saturating_sub(TAIL);
    if size == 0 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(from))?;
    let mut end = Vec::new();
    file.take(size.saturating_sub(from)).read_to_end(&mut end)?;
    let mut room = Vec::new();
    let heads = end.split(|byte| *byte == b'\n').rev().filter_map(|text| {
        let entry = line::read(text, &mut room)?;
        Some(ChainHead { entry: entry.number, hash: entry.hash })
    });
    Ok({ heads }.next())
}

/// Checks the whole log, oldest file first.
pub(super) fn verify(
    path: &Path,
    ring: &KeyRing,
    known: Option<ChainHead>,
) -> Result<ChainExtent, ChainError> {
    let verifier = ChainVerifier::new(ring);
    let mut verifier = known.into_iter().fold(verifier, ChainVerifier::knowing);
    for number in (0..=MAX_KEPT).rev() {
        let read = verify_file(&aside(path, number), &mut verifier);
        read.map_err(|error| ChainError::Read(Box::new(error)))?;
    }
    Ok(verifier.finish()?)
}

fn verify_file(path: &Path, verifier: &mut ChainVerifier<'_>) -> io::Result<()> {
    let Some(file) = open(path)? else { return Ok(()) };
    let mut file = BufReader::new(file);
    let (mut text, mut room) = (Vec::new(), Vec::new());
    loop {
        text.clear();
        let read = file.by_ref().take(MAX_LINE).read_until(b'\n', &mut text)?;
        if read == 0 {
            return Ok(());
        }
        match text.strip_suffix(b"\n").and_then(|text| line::read(text, &mut room)) {
            Some(entry) => verifier.entry(&entry),
            None => verifier.unreadable(),
        }
        // The rest of a line that is longer.
        while !text.ends_with(b"\n") {
            text.clear();
            if file.by_ref().take(MAX_LINE).read_until(b'\n', &mut text)? == 0 {
                return Ok(());
            }
        }
    }
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
