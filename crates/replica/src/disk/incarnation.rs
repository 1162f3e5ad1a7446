//! [`Incarnation`]: this process as the only holder of its data directories.
//!
//! Holding the locks proves that every earlier process with these directories has ended, and with it
//! its lease: that is what a beacon with a newer start time tells the meta server. So no beacon may
//! be sent before.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use pegasus_common::clock::WallMicros;
use pegasus_common::directory_lock::DirectoryLock;
use pegasus_common::directory_lock::DirectoryLockError;
use tracing::error;

use super::checked_file;
use super::checked_file::CheckedFileError;
use super::checked_file::FileFormat;

const LOCK_FILE: &str = ".pegasus-lock";
const START_FILE: &str = ".pegasus-start";
const FORMAT: FileFormat = FileFormat {
    magic: "pegasus-start",
    version: 1,
};

/// The locks of all data directories, and the number of the process that holds them. The locks go
/// with the value, or with the process.
#[derive(Debug)]
pub struct Incarnation {
    start_time: i64,
    _locks: Vec<DirectoryLock>,
}

/// The data directories cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum IncarnationError {
    /// One is in use by another process, or cannot be locked.
    #[error("data directory {0}")]
    Lock(#[from] DirectoryLockError),
    /// The number of this process cannot be recorded.
    #[error(transparent)]
    Record(#[from] CheckedFileError),
}

impl Incarnation {
    /// Locks all data directories, which are made where they do not exist, and gives this process a
    /// number: `now`, or more where an earlier process had as much, since the wall clock may have
    /// been set back. An earlier process may take `patience` to end.
    ///
    /// # Errors
    /// A directory is in use, or the file system refuses.
    pub fn begin(
        directories: &[&Path],
        now: WallMicros,
        patience: Duration,
    ) -> Result<Self, IncarnationError> {
        let locks = directories
            .iter()
            .map(|directory| DirectoryLock::acquire(directory, LOCK_FILE, patience))
            .collect::<Result<_, _>>()?;
        let files: Vec<PathBuf> = directories.iter().map(|it| it.join(START_FILE)).collect();
        let latest = files.iter().filter_map(|file| recorded(file)).max();
        let start_time = now
            .to_unix_millis()
            .max(latest.map_or(i64::MIN, |latest| latest.saturating_add(1)));
        for file in &files {
            checked_file::write(file, FORMAT, &start_time)?;
        }
        Ok(Self {
            start_time,
            _locks: locks,
        })
    }

    /// Larger than that of every earlier process with any of these directories: Unix milliseconds of
    /// the start, if the wall clock was not set back.
    #[must_use]
    pub fn start_time(&self) -> i64 {
        self.start_time
    }
}

/// The number of the last process, if the file tells. Without it only a clock that was set back can
/// do harm: the meta server then ignores this process until the clock has caught up.
fn recorded(file: &Path) -> Option<i64> {
    match checked_file::read(file, FORMAT) {
        Ok(start_time) => Some(start_time),
        Err(CheckedFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            None
        }
        Err(problem) => {
            error!(%problem, "the start time of the last process is not known");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const NOON: WallMicros = WallMicros(1_000_000_000);

    #[test]
    fn a_second_process_is_refused_until_the_first_has_ended() {
        let one = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let begin = |directories: &[&Path]| Incarnation::begin(directories, NOON, Duration::ZERO);
        let held = begin(&[one.path()]).unwrap();
        let both = [other.path(), one.path()];
        assert!(matches!(
            begin(&both).unwrap_err(),
            IncarnationError::Lock(DirectoryLockError::InUse { directory, .. })
                if directory == one.path()
        ));
        drop(held);
        begin(&both).unwrap();
    }

    #[test]
    fn numbers_grow_even_if_the_clock_is_set_back() {
        let one = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let both = [one.path(), other.path()];
        let start = |directories: &[&Path], now| {
            Incarnation::begin(directories, WallMicros(now), Duration::ZERO)
                .unwrap()
                .start_time()
        };
        assert_eq!(start(&both, 5_000_000), 5_000);
        assert_eq!(start(&both, 1_000_000), 5_001);
        assert_eq!(start(&both, 9_000_000), 9_000);
        // One of the directories was emptied.
        fs::remove_file(one.path().join(START_FILE)).unwrap();
        assert_eq!(start(&both, 9_000_000), 9_001);
        fs::write(one.path().join(START_FILE), "nonsense").unwrap();
        assert_eq!(start(&both, 8_000_000), 9_002);
    }
}
