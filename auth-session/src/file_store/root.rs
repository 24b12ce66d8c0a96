//! The folder of a store: whose it is, and what it looks like.

use std::{
    fs::{self, DirBuilder, File, Metadata},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use auth_core::{Entropy as _, SystemEntropy};

use super::{
    FileDurability, FileOptions, FileStoreError,
    folder::{self, Deadline, Folder},
    names::{self, LOCK},
};

/// How many folders sessions are spread over; the lower half of the first byte of an id says which it is in.
pub(super) const FOLDERS: u8 = 16;

const FORMAT: &str = "format";
/// How the names of files begin that are made while a store is opened. A crash may leave one.
const NEW: &str = "format.";
const VERSION: &[u8] = b"auth-session files 1\n";

/// Makes what is missing, refuses what is not ours, and opens every folder.
pub(super) fn open(path: &Path, options: &FileOptions) -> Result<Vec<Folder>, FileStoreError> {
    let made = make_folder(path)?;
    let root = fs::canonicalize(path)?;
    let metadata = check(&root)?;
    refuse_foreign(&root, metadata.uid())?;
    check_owner(&root, &metadata)?;
    let lock = folder::open_lock(&root.join(LOCK))?;
    folder::take(&lock, Deadline::after(options.patience))?;
    if !has_format(&root, metadata.uid())? {
        write_format(&root, options.durability)?;
    }
    let mut folders = Vec::new();
    for number in 0..FOLDERS {
        let path = root.join(name(number));
        make_folder(&path)?;
        // A link in its place would lead out of what was checked.
        if fs::symlink_metadata(&path)?.is_symlink() || check(&path)?.uid() != metadata.uid() {
            return Err(FileStoreError::Foreign);
        }
        folders.push(Folder::open(path, options.durability, metadata.uid())?);
    }
    if options.durability == FileDurability::PowerLoss {
        File::open(&root)?.sync_all()?;
        if let Some(parent) = root.parent().filter(|_| made) {
            File::open(parent)?.sync_all()?;
        }
    }
    Ok(folders)
}

fn name(number: u8) -> String {
    format!("{number:x}")
}

/// Answers whether there was none.
fn make_folder(path: &Path) -> io::Result<bool> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// A folder that only its owner writes to.
fn check(path: &Path) -> Result<Metadata, FileStoreError> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_dir() {
        return Err(FileStoreError::Foreign);
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(FileStoreError::NotPrivate);
    }
    Ok(metadata)
}

/// What we make is ours, so the folder is too if both have one owner.
fn check_owner(root: &Path, of_root: &Metadata) -> Result<(), FileStoreError> {
    let (path, file) = make_new(root)?;
    let made = file.metadata();
    fs::remove_file(path)?;
    if made?.uid() == of_root.uid() { Ok(()) } else { Err(FileStoreError::NotOurs) }
}

fn has_format(root: &Path, owner: u32) -> Result<bool, FileStoreError> {
    match folder::read(&root.join(FORMAT), owner) {
        Ok(found) if found == VERSION => Ok(true),
        Ok(_) => Err(FileStoreError::Version),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A folder with other things in it was named by mistake. Nothing in it is touched.
fn refuse_foreign(root: &Path, owner: u32) -> Result<(), FileStoreError> {
    let mut foreign = false;
    for entry in fs::read_dir(root)? {
        let found = entry?.file_name();
        let found = found.to_str().unwrap_or_default();
        foreign |= found != LOCK && !found.starts_with(NEW);
    }
    // In this order: what another process made of it meanwhile has its format before it has anything else.
    if has_format(root, owner)? || !foreign { Ok(()) } else { Err(FileStoreError::Foreign) }
}

/// Under the lock.
fn write_format(root: &Path, durability: FileDurability) -> io::Result<()> {
    let (path, mut file) = make_new(root)?;
    file.write_all(VERSION)?;
    if durability == FileDurability::PowerLoss {
        file.sync_all()?;
    }
    fs::rename(path, root.join(FORMAT))
}

/// A file that was not there, under a name that nobody else makes up.
fn make_new(root: &Path) -> io::Result<(PathBuf, File)> {
    let mut random = [0; 8];
    SystemEntropy.fill(&mut random).map_err(io::Error::other)?;
    let path = root.join(format!("{NEW}{}", names::hex(&random)));
    let file = folder::create_new(&path)?;
    Ok((path, file))
}
