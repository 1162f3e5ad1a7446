//! A data directory: its lock, its mutation log, and the replica directories in it.
//!
//! ```text
//! <path>/.pegasus-disk          marker: this directory holds data of a replica server
//! <path>/.pegasus-lock          locked while a process has the directory
//! <path>/.pegasus-start         number of the last process that had it
//! <path>/log/                   the mutation log
//! <path>/reps/<app>.<index>.pegasus/
//!     .app-info                 which table
//!     .learning                 the replica proves nothing until its log has a Vouch record (I6)
//!     .begins-at-reset          the log may have records of an earlier replica; a Reset ends them
//!     rdb/                      RocksDB
//!     checkpoints/<id>/         what learners fetch; removed at every start
//! <path>/reps/<app>.<index>.pegasus.tmp/              a new replica that is not complete
//! <path>/reps/<app>.<index>.pegasus.learn.tmp/        what a learner has fetched
//! <path>/reps/<app>.<index>.pegasus.<µs>.err or .gar/ put aside: see [`aside`]
//! ```

mod app_info_file;
pub mod aside;
pub mod checked_file;
pub mod choice;
mod incarnation;
pub mod log_size;
mod replica_directory;

use std::fs;
use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use pegasus_common::ErrorCode;
use pegasus_log::Log;

use crate::disk_health::DiskHealth;

pub use app_info_file::StoredAppInfo;
pub use aside::Aside;
pub use checked_file::CheckedFileError;
pub use checked_file::FileFormat;
pub use incarnation::Incarnation;
pub use incarnation::IncarnationError;
pub use replica_directory::CreateError;
pub use replica_directory::ReplicaDirectory;
pub use replica_directory::list_replicas;

const MARKER_FILE: &str = ".pegasus-disk";
const LOG_DIRECTORY: &str = "log";
const REPLICAS_DIRECTORY: &str = "reps";

/// A data directory in use.
#[derive(Debug)]
pub struct Disk {
    /// The operator's name for it.
    pub tag: String,
    /// Where it is.
    pub path: PathBuf,
    /// The mutation log of all replicas in it.
    pub log: Log,
    /// Whether it can be used.
    pub health: Arc<DiskHealth>,
}

impl Disk {
    /// The answer to a client's write, if this disk cannot take it now. Costs two atomic loads.
    #[must_use]
    pub fn write_refusal(&self) -> Option<ErrorCode> {
        if self.log.waits_for_space() {
            return Some(ErrorCode::DiskInsufficient);
        }
        self.health.write_refusal()
    }

    /// Whether a new replica may be put here.
    #[must_use]
    pub fn takes_replicas(&self) -> bool {
        self.log.failure().is_none() && self.write_refusal().is_none()
    }
}

/// Whether a data directory was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskState {
    /// Nothing was ever here.
    New,
    /// It holds data: what is missing has been lost.
    Used,
}

/// A data directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("data directory {path}: cannot {action}: {source}")]
pub struct DiskError {
    path: PathBuf,
    action: &'static str,
    source: io::Error,
}

/// Makes sure that a data directory exists, and says whether it was used before. The marker that
/// tells is written by [`mark_used`] when everything else is in place.
///
/// # Errors
/// The file system refuses.
pub fn prepare(path: &Path) -> Result<DiskState, DiskError> {
    let failed = |action| {
        move |source| DiskError {
            path: path.to_path_buf(),
            action,
            source,
        }
    };
    fs::create_dir_all(path.join(REPLICAS_DIRECTORY))
        .map_err(failed("make the replicas directory"))?;
    match fs::metadata(path.join(MARKER_FILE)) {
        Ok(_) => Ok(DiskState::Used),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(DiskState::New),
        Err(error) => Err(failed("look for the marker file")(error)),
    }
}

/// Records, so that it survives a power loss, that the data directory is in use from now on. It may
/// be recorded already.
///
/// # Errors
/// The file system refuses.
pub fn mark_used(path: &Path) -> Result<(), DiskError> {
    let marker = path.join(MARKER_FILE);
    let write = || {
        if marker.try_exists()? {
            return Ok(());
        }
        fs::write(&marker, "data of a Pegasus replica server; do not remove\n")?;
        File::open(&marker)?.sync_all()?;
        File::open(path)?.sync_all()
    };
    write().map_err(|source| DiskError {
        path: path.to_path_buf(),
        action: "write the marker file",
        source,
    })
}

/// Where the mutation log of a data directory is.
#[must_use]
pub fn log_directory(path: &Path) -> PathBuf {
    path.join(LOG_DIRECTORY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_new_until_it_is_marked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data");
        assert_eq!(prepare(&path).unwrap(), DiskState::New);
        assert_eq!(prepare(&path).unwrap(), DiskState::New);
        mark_used(&path).unwrap();
        assert_eq!(prepare(&path).unwrap(), DiskState::Used);
    }
}
