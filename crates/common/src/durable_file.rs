//! Files that are there as a whole or not at all, also after a power loss.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// Gives the file at `path` this content. Until then it is what it was before, and afterwards it stays;
/// meanwhile the content is in `unfinished`, in the same directory.
///
/// # Errors
/// The file system refuses.
pub fn replace(path: &Path, unfinished: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(unfinished, path)?;
    sync_parent(path)
}

/// Makes a change of names in the directory of `path` survive a power loss.
///
/// # Errors
/// The file system refuses.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
