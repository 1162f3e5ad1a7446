//! `reps/<app>.<index>.pegasus`: the directory of one replica.

use std::ffi::OsStr;
use std::fs;
use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use pegasus_common::Gpid;
use pegasus_common::clock::WallMicros;
use pegasus_common::durable_file::sync_parent;
use tracing::warn;

use crate::router::ReplicaHandle;

use super::REPLICAS_DIRECTORY;
use super::app_info_file;
use super::app_info_file::StoredAppInfo;
use super::aside::Aside;
use super::checked_file::CheckedFileError;

const SUFFIX: &str = ".pegasus";
pub(super) const DATABASE_DIRECTORY: &str = "rdb";
const LEARNING_FILE: &str = ".learning";
const RESET_FILE: &str = ".begins-at-reset";
const CHECKPOINTS_DIRECTORY: &str = "checkpoints";
/// Endings of directories that are never loaded: put aside, or unfinished.
const NOT_LOADED: [&str; 5] = ["err", "gar", "bak", "tmp", "ori"];

/// The directory of one replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaDirectory {
    /// Which partition.
    pub gpid: Gpid,
    /// Where it is.
    pub path: PathBuf,
}

/// A replica directory cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// It is there already.
    #[error("{0} exists already")]
    Exists(PathBuf),
    /// The file system refuses.
    #[error("{path}: {source}")]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `.app-info` cannot be written.
    #[error(transparent)]
    AppInfo(#[from] CheckedFileError),
}

impl ReplicaDirectory {
    /// The directory that a partition has, or would have, in a data directory.
    #[must_use]
    pub fn of(disk: &Path, gpid: Gpid) -> Self {
        Self {
            gpid,
            path: disk
                .join(REPLICAS_DIRECTORY)
                .join(format!("{gpid}{SUFFIX}")),
        }
    }

    /// The directory around the storage of a replica that is open.
    #[must_use]
    pub fn around(handle: &ReplicaHandle) -> Self {
        let database = handle.engine.path();
        Self {
            gpid: handle.gpid,
            path: database.parent().unwrap_or(database).to_path_buf(),
        }
    }

    /// Where its RocksDB is.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE_DIRECTORY)
    }

    /// What it belongs to.
    ///
    /// # Errors
    /// `.app-info` is missing or damaged, or belongs to another table.
    pub fn app_info(&self) -> Result<StoredAppInfo, CheckedFileError> {
        let info = app_info_file::read(&self.path)?;
        if info.id() == self.gpid.app_id && self.gpid.partition_index.0 < info.partition_count {
            return Ok(info);
        }
        Err(CheckedFileError::Malformed {
            path: self.path.clone(),
            reason: format!(
                "is for table {} with {} partitions, the directory for {}",
                info.app_id, info.partition_count, self.gpid
            ),
        })
    }

    /// Makes the directory of a new replica: it appears under its name only when it is complete.
    /// `fill` makes its content in the directory that it is given.
    ///
    /// # Errors
    /// It exists, or the file system refuses; what was begun is removed.
    pub fn create<E: From<CreateError>>(
        &self,
        info: &StoredAppInfo,
        fill: impl FnOnce(&Self) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.path.exists() {
            return Err(CreateError::Exists(self.path.clone()).into());
        }
        let unfinished = Self {
            gpid: self.gpid,
            path: self.path.with_extension("pegasus.tmp"),
        };
        let io = |source| {
            E::from(CreateError::Io {
                path: unfinished.path.clone(),
                source,
            })
        };
        if unfinished.path.exists() {
            fs::remove_dir_all(&unfinished.path).map_err(io)?;
        }
        fs::create_dir_all(&unfinished.path).map_err(io)?;
        let filled = app_info_file::write(&unfinished.path, info)
            .map_err(|error| E::from(CreateError::from(error)))
            .and_then(|()| fill(&unfinished));
        if let Err(error) = filled {
            if let Err(left) = fs::remove_dir_all(&unfinished.path) {
                warn!(path = %unfinished.path.display(), error = %left, "cannot be removed");
            }
            return Err(error);
        }
        let publish = || {
            File::open(&unfinished.path)?.sync_all()?;
            fs::rename(&unfinished.path, &self.path)?;
            sync_parent(&self.path)
        };
        publish().map_err(io)
    }

    /// Puts the directory aside under a name that is never loaded. It stays there until it is old
    /// enough to be removed, or somebody removes it.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn put_aside(&self, why: Aside) -> io::Result<PathBuf> {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{}.{}", WallMicros::now().0, why.ending()));
        let aside = PathBuf::from(name);
        fs::rename(&self.path, &aside)?;
        sync_parent(&self.path)?;
        Ok(aside)
    }

    /// Where a learner gathers what shall become this directory.
    #[must_use]
    pub fn staging(&self) -> Self {
        Self {
            gpid: self.gpid,
            path: self.path.with_extension("pegasus.learn.tmp"),
        }
    }

    /// A directory that is complete gets this one's name.
    ///
    /// # Errors
    /// This one exists already, or the file system refuses.
    pub fn take_place_from(&self, complete: &Self) -> io::Result<()> {
        if self.path.exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(&complete.path, &self.path)?;
        sync_parent(&self.path)
    }

    /// Removes the directory with all that is in it, if it is there.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// Records what the directory belongs to.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn write_app_info(&self, info: &StoredAppInfo) -> Result<(), CheckedFileError> {
        app_info_file::write(&self.path, info)
    }

    /// Where a checkpoint of this number is, or would be.
    #[must_use]
    pub fn checkpoint(&self, id: i64) -> PathBuf {
        self.path.join(CHECKPOINTS_DIRECTORY).join(id.to_string())
    }

    /// Records that the replica is to learn: until that is withdrawn it proves nothing (I6), whatever
    /// the log says. Before the directory gets its name.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn mark_learning(&self) -> Result<(), CreateError> {
        let make = |name| File::create(self.path.join(name))?.sync_all();
        make(LEARNING_FILE)
            .and_then(|()| make(RESET_FILE))
            .map_err(|source| CreateError::Io {
                path: self.path.clone(),
                source,
            })
    }

    /// Whether the replica is to learn. Where that cannot be seen it is.
    #[must_use]
    pub fn is_learning(&self) -> bool {
        self.path.join(LEARNING_FILE).try_exists().unwrap_or(true)
    }

    /// Whether the log may have records of an earlier replica of the partition. They end with a reset.
    #[must_use]
    pub fn begins_at_reset(&self) -> bool {
        self.path.join(RESET_FILE).try_exists().unwrap_or(true)
    }

    /// The log has no records of earlier replicas any more.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn forget_reset(&self) -> io::Result<()> {
        remove_marker(&self.path.join(RESET_FILE))
    }

    /// The replica has learned, and its log says so safely.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn unmark_learning(&self) -> io::Result<()> {
        remove_marker(&self.path.join(LEARNING_FILE))
    }

    /// Removes all checkpoints: nobody is left who was offered one.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn remove_checkpoints(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.path.join(CHECKPOINTS_DIRECTORY)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }
}

fn remove_marker(marker: &Path) -> io::Result<()> {
    match fs::remove_file(marker) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_parent(marker),
    }
}

/// The replica directories of a data directory. What was put aside is left out; what has no name of
/// a replica is reported and left alone.
///
/// # Errors
/// The directory cannot be read.
pub fn list_replicas(disk: &Path) -> io::Result<Vec<ReplicaDirectory>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(disk.join(REPLICAS_DIRECTORY))? {
        let path = entry?.path();
        let is_aside = path
            .extension()
            .and_then(OsStr::to_str)
            .is_some_and(|ending| NOT_LOADED.contains(&ending));
        if is_aside {
            continue;
        }
        let gpid = path
            .file_name()
            .and_then(OsStr::to_str)
            .and_then(|name| name.strip_suffix(SUFFIX))
            .and_then(|gpid| gpid.parse().ok());
        match gpid {
            Some(gpid) => found.push(ReplicaDirectory { gpid, path }),
            None => warn!(path = %path.display(), "this is no replica directory: left alone"),
        }
    }
    found.sort_by_key(|directory| directory.gpid);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pegasus_wire::layer2::AppInfo;

    fn info() -> StoredAppInfo {
        StoredAppInfo::from(&AppInfo {
            app_id: 2,
            app_name: "temp".to_owned(),
            partition_count: 8,
            max_replica_count: 3,
            ..AppInfo::default()
        })
    }

    fn disk() -> tempfile::TempDir {
        let disk = tempfile::tempdir().unwrap();
        super::super::prepare(disk.path()).unwrap();
        disk
    }

    #[test]
    fn a_created_directory_is_listed_and_knows_its_table() {
        let disk = disk();
        let directory = ReplicaDirectory::of(disk.path(), Gpid::new(2, 7));
        directory
            .create::<CreateError>(&info(), |_| Ok(()))
            .unwrap();
        assert_eq!(
            list_replicas(disk.path()).unwrap(),
            std::slice::from_ref(&directory)
        );
        assert_eq!(directory.app_info().unwrap(), info());
        let again = directory.create::<CreateError>(&info(), |_| Ok(()));
        assert!(matches!(again, Err(CreateError::Exists(_))));
    }

    #[test]
    fn what_fails_half_way_leaves_nothing() {
        let disk = disk();
        let directory = ReplicaDirectory::of(disk.path(), Gpid::new(2, 0));
        let failed = directory.create(&info(), |unfinished| {
            Err(CreateError::Exists(unfinished.path.clone()))
        });
        assert!(failed.is_err());
        assert!(list_replicas(disk.path()).unwrap().is_empty());
        assert_eq!(fs::read_dir(disk.path().join("reps")).unwrap().count(), 0);
    }

    #[test]
    fn what_is_put_aside_is_not_listed() {
        let disk = disk();
        let directory = ReplicaDirectory::of(disk.path(), Gpid::new(2, 0));
        directory
            .create::<CreateError>(&info(), |_| Ok(()))
            .unwrap();
        let aside = directory.put_aside(Aside::Garbage).unwrap();
        assert!(aside.exists());
        assert!(list_replicas(disk.path()).unwrap().is_empty());
    }

    #[test]
    fn a_directory_of_another_table_is_refused() {
        let disk = disk();
        let directory = ReplicaDirectory::of(disk.path(), Gpid::new(3, 0));
        directory
            .create::<CreateError>(&info(), |_| Ok(()))
            .unwrap();
        assert!(
            directory
                .app_info()
                .unwrap_err()
                .to_string()
                .contains("for table 2")
        );
    }
}
