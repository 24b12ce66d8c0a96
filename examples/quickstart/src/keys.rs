//! The file of the server's master key.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

use auth_web::core::{KeyName, KeyRing, SystemEntropy};

/// Reads the key ring, or makes one on the first start.
///
/// The file is readable by its owner only, and appears whole or not at all: a crash in between leaves no
/// half a key, and of two servers that start at once one wins.
pub fn load_or_create(path: &Path) -> io::Result<KeyRing> {
    match fs::read_to_string(path) {
        Ok(text) => {
            refuse_if_others_may_read(path)?;
            return KeyRing::parse(&text).map_err(|error| named(path, error));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let ring = KeyRing::generate(KeyName::from_static("first"), &SystemEntropy).map_err(io::Error::other)?;
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let written =
        write_privately(&draft, ring.expose_file().as_bytes()).and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    match written {
        Ok(()) => Ok(ring),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => load_or_create(path),
        Err(error) => Err(error),
    }
}

fn write_privately(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(unix)]
fn refuse_if_others_may_read(path: &Path) -> io::Result<()> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path)?.permissions());
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(named(path, "others may read the key file; run chmod 600 on it"))
}

#[cfg(not(unix))]
fn refuse_if_others_may_read(_: &Path) -> io::Result<()> {
    Ok(())
}

fn named(path: &Path, error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
}
