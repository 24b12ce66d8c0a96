//! Files of secrets: of the server's master key, and of a password.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

use auth_web::core::{KeyName, KeyRing, Secret, SystemEntropy, entropy_array};

/// Reads the key ring, or makes one on the first start.
///
/// The file is readable by its owner only, and appears whole or not at all: a crash in between leaves no
/// half a key, and of two servers that start at once one wins.
pub fn load_or_create(path: &Path) -> io::Result<KeyRing> {
    // Twice: another server may make the file between the look and the link.
    for _ in 0..2 {
        match File::open(path) {
            Ok(file) => return read(path, file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(named(path, error)),
        }
        let ring =
            KeyRing::generate(KeyName::from_static("first"), &SystemEntropy).map_err(io::Error::other)?;
        let nonce = u64::from_be_bytes(entropy_array(&SystemEntropy).map_err(io::Error::other)?);
        let draft = path.with_added_extension(format!("{nonce:016x}"));
        write_privately(&draft, ring.expose_file().as_bytes()).map_err(|error| named(&draft, error))?;
        let linked = fs::hard_link(&draft, path);
        fs::remove_file(&draft).map_err(|error| named(&draft, error))?;
        match linked {
            Ok(()) => return Ok(ring),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(named(path, error)),
        }
    }
    Err(named(path, "it exists and cannot be opened; is it a broken link?"))
}

/// Reads a password: the file, without the end of its line.
pub fn read_password(path: &Path) -> io::Result<Secret> {
    let mut file = File::open(path).map_err(|error| named(path, error))?;
    refuse_if_others_may_read(path, &file)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| named(path, error))?;
    while bytes.last().is_some_and(|last| matches!(last, b'\r' | b'\n')) {
        bytes.pop();
    }
    Ok(Secret::new(bytes))
}

fn read(path: &Path, mut file: File) -> io::Result<KeyRing> {
    refuse_if_others_may_read(path, &file)?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|error| named(path, error))?;
    KeyRing::parse(&text).map_err(|error| named(path, error))
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
fn refuse_if_others_may_read(path: &Path, file: &File) -> io::Result<()> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata()?.permissions());
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(named(path, "others may read this secret; run chmod 600 on it"))
}

#[cfg(not(unix))]
fn refuse_if_others_may_read(_: &Path, _: &File) -> io::Result<()> {
    Ok(())
}

fn named(path: &Path, error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
}
