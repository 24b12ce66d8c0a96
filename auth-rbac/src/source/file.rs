//! Policies in files.

use std::{
    fs::File,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use super::{Loaded, PolicySource, Revision, SourceError, aside};
use crate::document::{DocumentError, PolicyDocument};

/// A policy in a file, which is read whenever somebody looks.
///
/// Replace the file as a whole, by renaming another one over it. What it says is taken only when two looks in a row, a
/// quarter of a second apart at least, have found the same in it, the first policy too: half a policy, which is what a
/// file may hold that is written in place, may lack what forbids.
#[derive(Debug)]
pub struct PolicyFile {
    pub(super) path: PathBuf,
    read: fn(&str) -> Result<PolicyDocument, DocumentError>,
    pub(super) found: Arc<Mutex<Found>>,
}

/// What the last look found.
#[derive(Debug, Default)]
pub(super) struct Found {
    revision: Option<Revision>,
    /// Whether it waits to be found again.
    pub(super) settles: bool,
}

impl PolicyFile {
    /// How long a file must stay the same.
    pub const SETTLING: Duration = Duration::from_millis(250);

    /// A file in TOML.
    #[cfg(feature = "toml")]
    #[must_use]
    pub fn toml(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), read: PolicyDocument::from_toml, found: Arc::default() }
    }

    /// A file in JSON.
    #[cfg(feature = "json")]
    #[must_use]
    pub fn json(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), read: PolicyDocument::from_json, found: Arc::default() }
    }
}

#[async_trait]
impl PolicySource for PolicyFile {
    async fn load(&self, known: Option<&Revision>) -> Result<Loaded, SourceError> {
        let (path, read) = (self.path.clone(), self.read);
        let (found, known) = (Arc::clone(&self.found), known.cloned());
        aside(move || {
            let text = contents(&path).map_err(SourceError::Read);
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.settles = false;
            let text = text?;
            let revision = revision(&text);
            let before = found.revision.replace(revision.clone());
            if known.as_ref() == Some(&revision) {
                return Ok(Loaded::Unchanged);
            }
            if before.as_ref() != Some(&revision) {
                found.settles = true;
                return Ok(Loaded::Changing(Self::SETTLING));
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
