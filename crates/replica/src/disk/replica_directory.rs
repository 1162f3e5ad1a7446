//! `reps/<app>.<index>.pegasus`: the directory of one replica.

use std::ffi::OsStr;
use std::fs;
use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use pegasus_common::Gpid;
use pegasus_common::clock::WallMicros;
use tracing::warn;

use super::REPLICAS_DIRECTORY;
use super::app_info_file;
use super::app_info_file::AppInfoError;
use super::app_info_file::StoredAppInfo;

const SUFFIX: &str = ".pegasus";
const DATABASE_DIRECTORY: &str = "rdb";
/// Endings of directories that were put aside and are never loaded.
const PUT_ASIDE: [&str; 5] = ["err", "gar", "bak", "tmp", "ori"];

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
    AppInfo(#[from] AppInfoError),
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

    /// Where its RocksDB is.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE_DIRECTORY)
    }

    /// What it belongs to.
    ///
    /// # Errors
    /// `.app-info` is missing or damaged, or belongs to another table.
    pub fn app_info(&self) -> Result<StoredAppInfo, AppInfoError> {
        let info = app_info_file::read(&self.path)?;
        if info.id() == self.gpid.app_id && self.gpid.partition_index.0 < info.partition_count {
            return Ok(info);
        }
        Err(AppInfoError::Malformed {
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

    /// Puts the directory aside under a name that is never loaded: `err` for what cannot be used,
    /// `gar` for what nobody needs. It stays there until somebody removes it.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn put_aside(&self, ending: &'static str) -> Result<PathBuf, CreateError> {
        debug_assert!(
            PUT_ASIDE.contains(&ending),
            "'{ending}' would be loaded again"
        );
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{}.{ending}", WallMicros::now().0));
        let aside = PathBuf::from(name);
        fs::rename(&self.path, &aside)
            .and_then(|()| sync_parent(&self.path))
            .map_err(|source| CreateError::Io {
                path: self.path.clone(),
                source,
            })?;
        Ok(aside)
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
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
            .is_some_and(|ending| PUT_ASIDE.contains(&ending));
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

    fn info() -> StoredAppInfo {
        StoredAppInfo {
            app_id: 2,
            app_name: "temp".to_owned(),
            partition_count: 8,
            max_replica_count: 3,
        }
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
        let aside = directory.put_aside("gar").unwrap();
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
