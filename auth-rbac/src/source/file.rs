//! Policies in files.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;

use super::{Loaded, PolicySource, Revision, SourceError, aside};
use crate::document::{DocumentError, PolicyDocument};

/// A policy in a file, which is read whenever somebody looks.
///
/// Replace the file as a whole, by renaming another one over it. What it says is taken only when two looks in a row, a
/// quarter of a second apart at least, have found the same in it, the first policy too: half a policy, which is what a
/// file may hold that is written in place, may lack what forbids. Looks in between, however many, take nothing.
#[derive(Debug)]
pub struct PolicyFile {
    pub(super) path: PathBuf,
    read: fn(&str) -> Result<PolicyDocument, DocumentError>,
    settling: Duration,
    pub(super) found: Arc<Mutex<Found>>,
}

/// What the last look found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Which version, and since when it has been there.
    seen: Option<(Revision, Instant)>,
    /// Whether it waits to be found again.
    pub(super) settles: bool,
}

impl PolicyFile {
    /// How long a file must stay the same, unless told otherwise.
    pub const SETTLING: Duration = Duration::from_millis(250);

    /// A file in TOML.
    #[cfg(feature = "toml")]
    #[must_use]
    pub fn toml(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            read: PolicyDocument::from_toml,
            settling: Self::SETTLING,
            found: Arc::default(),
        }
    }

    /// A file in JSON.
    #[cfg(feature = "json")]
    #[must_use]
    pub fn json(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            read: PolicyDocument::from_json,
            settling: Self::SETTLING,
            found: Arc::default(),
        }
    }

    /// The same, which must stay the same for that long: longer, where files come in slowly, as over a network. With no
    /// time at all, two looks in a row are enough.
    #[must_use]
    pub fn settling(mut self, time: Duration) -> Self {
        self.settling = time;
        self
    }
}

#[async_trait]
impl PolicySource for PolicyFile {
    async fn load(&self, known: Option<&Revision>) -> Result<Loaded, SourceError> {
        let (path, read, settling) = (self.path.clone(), self.read, self.settling);
        let (found, known) = (Arc::clone(&self.found), known.cloned());
        aside(move || {
            let now = Instant::now();
            let text = contents(&path);
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            let before = std::mem::take(&mut *found).seen;
            let text = text.map_err(SourceError::Read)?;
            let revision = revision(&text);
            let since = before.filter(|(before, _)| *before == revision).map(|(_, since)| since);
            // It was read before this moment, and nobody knows how long it had been there.
            found.seen = Some((revision.clone(), since.unwrap_or_else(Instant::now)));
            if known.as_ref() == Some(&revision) {
                return Ok(Loaded::Unchanged);
            }
            let rested = since.map(|since| now.saturating_duration_since(since));
            let left = match rested.map(|rested| settling.checked_sub(rested).filter(|left| !left.is_zero()))
            {
                None => Some(settling),
                Some(left) => left,
            };
            if let Some(left) = left {
                found.settles = true;
                return Ok(Loaded::Changing(left));
            }
            drop(found);
            let document = Box::new(read(&text).map_err(SourceError::Document)?);
            Ok(Loaded::Changed { revision, document })
        })
        .await
        .map_err(SourceError::Read)?
    }
}

fn contents(path: &PathBuf) -> io::Result<String> {
    // To open a pipe waits for who writes to it, for ever perhaps, and a device has no end.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut text = String::new();
    // One byte more than a document may have, so that a longer one is refused as such.
    let most = (PolicyDocument::MAX_LEN as u64).saturating_add(1);
    File::open(path)?.take(most).read_to_string(&mut text)?;
    Ok(text)
}

/// Tells versions of one file apart. Whoever can write it decides everything anyway, so no collision is feared.
fn revision(text: &str) -> Revision {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    Revision::new(format!("{}-{:016x}", text.len(), hasher.finish()))
}
