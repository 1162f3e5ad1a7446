//! The log's directory: its lock, its file names, and its marker.
//!
//! | name | what |
//! |------|------|
//! | `LOCK` | locked (flock) as long as a process has the log open |
//! | `MARKER` | see [`crate::marker`]; `MARKER.new` while it is replaced |
//! | `00000000000000000007.log` | segment 7 |
//! | `00000000000000000007.spare` | a file that is ready to become a segment |
//! | `00000000000000000007.fill` | a future spare that is being filled with zeros |

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pegasus_common::directory_lock::DirectoryLock;

use crate::error::{LogFailure, OpenError};
use crate::file_layer::{Access, FileLayer};
use crate::marker::{MARKER_VERSION, Marker, MarkerState};
use crate::options::OpenMode;

const LOCK: &str = "LOCK";
const MARKER: &str = "MARKER";
const NEW_MARKER: &str = "MARKER.new";
const SEGMENT: &str = "log";
const SPARE: &str = "spare";
const FILLING: &str = "fill";

/// The locked directory. The lock goes with the value, or with the process.
pub(crate) struct Directory {
    path: PathBuf,
    files: Arc<dyn FileLayer>,
    _lock: DirectoryLock,
}

/// What the directory holds.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub marker: bool,
    /// Indexes of the segments, ascending.
    pub segments: Vec<u64>,
    /// Numbers of the spares.
    pub spares: Vec<u64>,
    /// Files that a crash left unfinished.
    pub unfinished: Vec<PathBuf>,
}

impl Directory {
    /// Locks the directory; makes it first if `mode` allows. Waits for nobody: whoever has taken over
    /// the data directory from an earlier process has waited for its end.
    pub fn lock(path: &Path, mode: OpenMode, files: Arc<dyn FileLayer>) -> Result<Self, OpenError> {
        if !path.is_dir() {
            if mode == OpenMode::MustExist {
                return Err(OpenError::Missing {
                    path: path.to_owned(),
                });
            }
            fs::create_dir(path).map_err(OpenError::io("create", path))?;
            if let Some(parent) = path.parent().filter(|parent| *parent != Path::new("")) {
                files
                    .sync_directory(parent)
                    .map_err(OpenError::io("flush", parent))?;
            }
        }
        Ok(Self {
            path: path.to_owned(),
            files,
            _lock: DirectoryLock::acquire(path, LOCK, Duration::ZERO)?,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn files(&self) -> &dyn FileLayer {
        &*self.files
    }

    pub fn marker_path(&self) -> PathBuf {
        self.path.join(MARKER)
    }

    pub fn segment_path(&self, index: u64) -> PathBuf {
        self.path.join(format!("{index:020}.{SEGMENT}"))
    }

    pub fn spare_path(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:020}.{SPARE}"))
    }

    pub fn filling_path(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:020}.{FILLING}"))
    }

    pub fn list(&self) -> Result<Listing, OpenError> {
        let refused = || OpenError::io("list", &self.path);
        let mut listing = Listing::default();
        for item in fs::read_dir(&self.path).map_err(refused())? {
            let item = item.map_err(refused())?;
            let name = item.file_name().to_string_lossy().into_owned();
            let (stem, extension) = name.split_once('.').unwrap_or((&name, ""));
            match (stem.parse::<u64>(), extension) {
                (Ok(index), SEGMENT) => listing.segments.push(index),
                (Ok(number), SPARE) => listing.spares.push(number),
                (Ok(_), FILLING) => listing.unfinished.push(item.path()),
                _ if name == NEW_MARKER => listing.unfinished.push(item.path()),
                _ if name == MARKER => listing.marker = true,
                _ if name == LOCK => {}
                _ => {
                    let directory = self.path.display();
                    tracing::warn!(%directory, name, "foreign file in a log directory");
                }
            }
        }
        listing.segments.sort_unstable();
        listing.spares.sort_unstable();
        Ok(listing)
    }

    /// Reads the marker; the second value is where a bad copy lies.
    pub fn read_marker(&self) -> Result<(Marker, Option<u64>), OpenError> {
        let path = self.marker_path();
        let bytes = fs::read(&path).map_err(OpenError::io("read", &path))?;
        match Marker::decode(&bytes) {
            MarkerState::Valid(marker) => Ok((marker, None)),
            MarkerState::Damaged(marker, at) => Ok((marker, Some(at))),
            MarkerState::Bad => Err(OpenError::MarkerDamaged { path }),
            MarkerState::Unsupported(version) => Err(OpenError::UnsupportedVersion {
                path,
                version,
                supported: MARKER_VERSION,
            }),
        }
    }

    /// Replaces the marker, durably.
    pub fn write_marker(&self, marker: &Marker) -> Result<(), LogFailure> {
        let new = self.path.join(NEW_MARKER);
        let file = self
            .files
            .open(&new, Access::Writable)
            .map_err(LogFailure::new("create", &new))?;
        file.write_at(&marker.encode(), 0)
            .map_err(LogFailure::new("write", &new))?;
        file.sync().map_err(LogFailure::of_flush(&new))?;
        self.rename(&new, &self.marker_path())?;
        self.sync()
    }

    pub fn rename(&self, from: &Path, to: &Path) -> Result<(), LogFailure> {
        fs::rename(from, to).map_err(LogFailure::new("rename", from))
    }

    /// Removes a file; that it is gone already is fine.
    pub fn remove(&self, path: &Path) -> Result<(), LogFailure> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(LogFailure::new("remove", path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Makes creations, renames and removals durable.
    pub fn sync(&self) -> Result<(), LogFailure> {
        self.files
            .sync_directory(&self.path)
            .map_err(LogFailure::of_flush(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use pegasus_common::directory_lock::DirectoryLockError;

    use super::*;
    use crate::file_layer::OsFiles;
    use crate::sector::LogId;

    #[test]
    fn a_second_opener_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("log");
        let lock = |mode| Directory::lock(&path, mode, Arc::new(OsFiles));
        let missing = lock(OpenMode::MustExist).err().unwrap();
        assert!(matches!(missing, OpenError::Missing { .. }));
        assert!(!path.exists());
        let first = lock(OpenMode::Create).unwrap();
        let refused = lock(OpenMode::Create).err().unwrap();
        assert!(
            matches!(refused, OpenError::Lock(DirectoryLockError::InUse { .. })),
            "{refused}"
        );
        drop(first);
        lock(OpenMode::MustExist).unwrap();
    }

    #[test]
    fn names_are_told_apart() {
        let temporary = tempfile::tempdir().unwrap();
        let directory =
            Directory::lock(temporary.path(), OpenMode::Create, Arc::new(OsFiles)).unwrap();
        for path in [
            directory.segment_path(12),
            directory.segment_path(3),
            directory.spare_path(1),
            directory.filling_path(2),
            temporary.path().join("notes.txt"),
        ] {
            fs::write(path, b"").unwrap();
        }
        let marker = Marker {
            log: LogId(1),
            oldest: 3,
            newest: 12,
        };
        directory.write_marker(&marker).unwrap();
        assert_eq!(directory.read_marker().unwrap(), (marker, None));
        let listing = directory.list().unwrap();
        assert!(listing.marker);
        assert_eq!(listing.segments, [3, 12]);
        assert_eq!(listing.spares, [1]);
        assert_eq!(listing.unfinished, [directory.filling_path(2)]);
    }
}
