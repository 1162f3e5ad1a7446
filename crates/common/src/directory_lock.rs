//! [`DirectoryLock`]: a directory that belongs to one process.

use std::fmt;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use crate::predecessor::take_over;

/// An exclusive lock. It goes with the value, or with the process.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

/// The process that holds a lock, as it says itself in the lock's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockHolder {
    /// Its process id.
    Process(u32),
    /// The file does not say.
    Unknown,
}

impl fmt::Display for LockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(pid) => write!(f, "process {pid}"),
            Self::Unknown => f.write_str("another process"),
        }
    }
}

/// A directory cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryLockError {
    /// Somebody has it.
    #[error("{} is in use by {holder}", directory.display())]
    InUse {
        /// The directory.
        directory: PathBuf,
        /// Who.
        holder: LockHolder,
    },
    /// The file system refuses.
    #[error("{} cannot be locked: {source}", directory.display())]
    Io {
        /// The directory.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DirectoryLock {
    /// Locks the file `name` in a directory; both are made where they do not exist. Waits at most
    /// `patience` for a process that has it and may be ending.
    ///
    /// # Errors
    /// Somebody keeps the lock, or the file system refuses.
    pub fn acquire(
        directory: &Path,
        name: &str,
        patience: Duration,
    ) -> Result<Self, DirectoryLockError> {
        let refused = |source| DirectoryLockError::Io {
            directory: directory.to_path_buf(),
            source,
        };
        let file = open(directory, name).map_err(refused)?;
        let is_held = |error: &TryLockError| matches!(error, TryLockError::WouldBlock);
        match take_over(patience, is_held, || file.try_lock()) {
            Ok(()) => {
                record_holder(&file);
                Ok(Self { _file: file })
            }
            Err(TryLockError::WouldBlock) => Err(DirectoryLockError::InUse {
                directory: directory.to_path_buf(),
                holder: recorded_holder(&file),
            }),
            Err(TryLockError::Error(source)) => Err(refused(source)),
        }
    }
}

fn open(directory: &Path, name: &str) -> io::Result<File> {
    fs::create_dir_all(directory)?;
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    options.open(directory.join(name))
}

/// Only error messages need it: a full disk shall not keep a server from starting.
fn record_holder(file: &File) {
    let line = format!("{}\n", std::process::id());
    let _ = file
        .set_len(0)
        .and_then(|()| file.write_all_at(line.as_bytes(), 0));
}

fn recorded_holder(file: &File) -> LockHolder {
    let mut bytes = [0; 16];
    let length = file.read_at(&mut bytes, 0).unwrap_or(0);
    let text = String::from_utf8_lossy(&bytes[..length]);
    text.trim()
        .parse()
        .map_or(LockHolder::Unknown, LockHolder::Process)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    const NAME: &str = "lock";

    #[test]
    fn a_held_directory_is_refused_and_its_holder_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("made");
        let held = DirectoryLock::acquire(&path, NAME, Duration::ZERO).unwrap();
        let refused = DirectoryLock::acquire(&path, NAME, Duration::from_millis(20)).unwrap_err();
        let own = LockHolder::Process(std::process::id());
        assert!(
            matches!(refused, DirectoryLockError::InUse { holder, .. } if holder == own),
            "{refused}"
        );
        drop(held);
        DirectoryLock::acquire(&path, NAME, Duration::ZERO).unwrap();
    }

    #[test]
    fn a_holder_that_goes_is_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let held = DirectoryLock::acquire(directory.path(), NAME, Duration::ZERO).unwrap();
        let path = directory.path().to_path_buf();
        let (tell, waiting) = mpsc::channel();
        let next = thread::spawn(move || {
            tell.send(()).unwrap();
            DirectoryLock::acquire(&path, NAME, Duration::from_secs(60))
        });
        waiting.recv().unwrap();
        drop(held);
        next.join().unwrap().unwrap();
    }

    #[test]
    fn a_file_that_says_nothing_names_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let file = open(directory.path(), NAME).unwrap();
        assert_eq!(recorded_holder(&file), LockHolder::Unknown);
        file.write_all_at(b"\xff\xfe of no number at all", 0)
            .unwrap();
        assert_eq!(recorded_holder(&file), LockHolder::Unknown);
    }
}
