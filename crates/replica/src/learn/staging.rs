//! Where a learner gathers the files of a checkpoint: a directory beside the replica's own, under a
//! name that is never loaded.
//!
//! ```text
//! <app>.<index>.pegasus.learn.tmp/
//!     .learn-manifest     which checkpoint of whom, and its files
//!     .app-info           which table
//!     .learning           the replica that this becomes has still to learn
//!     rdb/<file>          complete and flushed
//!     rdb/<file>.part     being fetched
//! ```
//!
//! After a crash, files that were complete are kept if the same checkpoint is offered again.

use std::fs;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use pegasus_engine::EngineError;
use pegasus_engine::checkpoint_mark;
use pegasus_pacifica::DigestAt;
use serde::Deserialize;
use serde::Serialize;

use super::shelf::CheckpointFile;
use crate::disk::CheckedFileError;
use crate::disk::CreateError;
use crate::disk::FileFormat;
use crate::disk::ReplicaDirectory;
use crate::disk::StoredAppInfo;
use crate::disk::checked_file;

const MANIFEST_FILE: &str = ".learn-manifest";
const MANIFEST_FORMAT: FileFormat = FileFormat {
    magic: "pegasus-learn-manifest",
    version: 1,
};
/// Files that a checkpoint may have. A replica has some thousands at most.
const FILES_MAX: usize = 100_000;
const NAME_LENGTH_MAX: usize = 200;

/// Which checkpoint is being fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The server that has it.
    pub from: String,
    /// Its number there.
    pub checkpoint_id: i64,
    /// Its last decree.
    pub decree: i64,
    /// The digest there.
    pub digest: u64,
    /// What it consists of.
    pub files: Vec<CheckpointFile>,
}

impl Manifest {
    /// Bytes of all files. A peer may list any sizes.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        let add = |sum: u64, file: &CheckpointFile| sum.saturating_add(file.size);
        self.files.iter().fold(0, add)
    }

    /// Whether every name can be a file of the staging directory, and nothing else.
    #[must_use]
    pub fn is_acceptable(&self) -> bool {
        let plain = |name: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            !name.is_empty()
                && name.len() <= NAME_LENGTH_MAX
                && !name.starts_with('.')
                && name.bytes().all(allowed)
        };
        let sum = |sum: u64, file: &CheckpointFile| sum.checked_add(file.size);
        self.files.len() <= FILES_MAX
            && self.files.iter().all(|file| plain(&file.name))
            && self.files.iter().try_fold(0, sum).is_some()
    }
}

/// The staging directory cannot be used, or does not hold what it should.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// The server that offers the checkpoint lists files that it cannot have.
    #[error("the list of files is refused: it has too many, or names that are no file names")]
    BadList,
    /// The file system refuses.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// One of the small files.
    #[error(transparent)]
    File(#[from] CheckedFileError),
    /// The directory.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The database cannot be read.
    #[error(transparent)]
    Storage(#[from] EngineError),
    /// A file is missing or has another size than listed.
    #[error("{path}: {count} files are missing or have another size")]
    Incomplete {
        /// The staging directory.
        path: PathBuf,
        /// How many.
        count: usize,
    },
    /// The files are not the checkpoint that was offered.
    #[error("the checkpoint holds {found:?} instead of {offered:?}")]
    OtherContent {
        /// As offered.
        offered: DigestAt,
        /// As found.
        found: DigestAt,
    },
}

/// The staging directory of one replica.
#[derive(Debug)]
pub struct Staging {
    directory: ReplicaDirectory,
    manifest: Manifest,
}

impl Staging {
    /// Prepares the staging directory beside a replica's own. What another attempt has left there is
    /// kept if it is of the same checkpoint, and removed otherwise. Blocks.
    ///
    /// # Errors
    /// The list of files is not acceptable, or the file system refuses.
    pub fn prepare(
        replica: &ReplicaDirectory,
        manifest: Manifest,
        app: &StoredAppInfo,
    ) -> Result<Self, StagingError> {
        if !manifest.is_acceptable() {
            return Err(StagingError::BadList);
        }
        let directory = replica.staging();
        let staging = Self {
            directory,
            manifest,
        };
        let path = staging.directory.path.join(MANIFEST_FILE);
        let earlier = checked_file::read::<Manifest>(&path, MANIFEST_FORMAT);
        if !earlier.is_ok_and(|earlier| earlier == staging.manifest) {
            staging.directory.remove().map_err(staging.failed())?;
            fs::create_dir_all(staging.directory.database()).map_err(staging.failed())?;
            staging.directory.write_app_info(app)?;
            staging.directory.mark_learning()?;
            // Last: what it says is there from now on.
            checked_file::write(&path, MANIFEST_FORMAT, &staging.manifest)?;
        }
        Ok(staging)
    }

    /// The directory itself.
    #[must_use]
    pub fn directory(&self) -> &ReplicaDirectory {
        &self.directory
    }

    /// The files that are not complete yet.
    #[must_use]
    pub fn missing(&self) -> Vec<CheckpointFile> {
        let files = self.manifest.files.iter();
        files
            .filter(|file| !self.is_complete(file))
            .cloned()
            .collect()
    }

    fn is_complete(&self, file: &CheckpointFile) -> bool {
        fs::metadata(self.path_of(&file.name)).is_ok_and(|found| found.len() == file.size)
    }

    fn path_of(&self, name: &str) -> PathBuf {
        self.directory.database().join(name)
    }

    fn part_of(&self, name: &str) -> PathBuf {
        self.directory.database().join(format!("{name}.part"))
    }

    fn failed(&self) -> impl Fn(io::Error) -> StagingError + '_ {
        |source| StagingError::Io {
            path: self.directory.path.clone(),
            source,
        }
    }

    /// Opens a file to be filled, empty. Blocks.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn begin_file(&self, file: &CheckpointFile) -> Result<Arc<File>, StagingError> {
        let part = File::create(self.part_of(&file.name)).map_err(self.failed())?;
        Ok(Arc::new(part))
    }

    /// A file has all its bytes: it is flushed and gets its name. Blocks.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn complete_file(&self, file: &CheckpointFile, part: &File) -> Result<(), StagingError> {
        part.sync_all()
            .and_then(|()| fs::rename(self.part_of(&file.name), self.path_of(&file.name)))
            .map_err(self.failed())
    }

    /// Makes sure that the directory is exactly the checkpoint that was offered and survives a power
    /// loss. Blocks.
    ///
    /// # Errors
    /// It is not, or cannot be read.
    pub fn verify(&self, offered: DigestAt) -> Result<(), StagingError> {
        let sync = |path: PathBuf| File::open(path)?.sync_all();
        sync(self.directory.database())
            .and_then(|()| sync(self.directory.path.clone()))
            .map_err(self.failed())?;
        let count = self.missing().len();
        if count > 0 {
            return Err(StagingError::Incomplete {
                path: self.directory.path.clone(),
                count,
            });
        }
        let mark = checkpoint_mark(&self.directory.database())?;
        let found = DigestAt {
            decree: mark.decree,
            digest: mark.digest,
        };
        if found != offered {
            return Err(StagingError::OtherContent { offered, found });
        }
        Ok(())
    }

    /// Removes everything: it would fail again. Blocks.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn discard(&self) -> Result<(), StagingError> {
        self.directory.remove().map_err(self.failed())
    }
}

/// The manifest of a replica that has been installed is of no more use.
///
/// # Errors
/// The file system refuses.
pub fn forget_manifest(replica: &ReplicaDirectory) -> io::Result<()> {
    match fs::remove_file(replica.path.join(MANIFEST_FILE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use pegasus_common::Gpid;
    use pegasus_wire::layer2::AppInfo;

    use super::*;

    fn manifest(names: &[&str]) -> Manifest {
        let file = |name: &&str| CheckpointFile {
            name: (*name).to_owned(),
            size: 3,
        };
        Manifest {
            from: "127.0.0.1:34801".to_owned(),
            checkpoint_id: 7,
            decree: 5,
            digest: 1,
            files: names.iter().map(file).collect(),
        }
    }

    fn replica(disk: &tempfile::TempDir) -> ReplicaDirectory {
        crate::disk::prepare(disk.path()).unwrap();
        ReplicaDirectory::of(disk.path(), Gpid::new(2, 0))
    }

    fn app() -> StoredAppInfo {
        StoredAppInfo::from(&AppInfo {
            app_id: 2,
            app_name: "temp".to_owned(),
            partition_count: 8,
            max_replica_count: 3,
            ..AppInfo::default()
        })
    }

    fn fill(staging: &Staging, file: &CheckpointFile) {
        let part = staging.begin_file(file).unwrap();
        (&*part).write_all(b"abc").unwrap();
        staging.complete_file(file, &part).unwrap();
    }

    #[test]
    fn complete_files_of_the_same_checkpoint_are_kept() {
        let disk = tempfile::tempdir().unwrap();
        let replica = replica(&disk);
        let manifest = manifest(&["CURRENT", "1.sst"]);
        let staging = Staging::prepare(&replica, manifest.clone(), &app()).unwrap();
        assert_eq!(staging.missing().len(), 2);
        fill(&staging, &manifest.files[1]);
        staging.begin_file(&manifest.files[0]).unwrap();
        let again = Staging::prepare(&replica, manifest.clone(), &app()).unwrap();
        assert_eq!(again.missing(), [manifest.files[0].clone()]);
        let other = Manifest {
            checkpoint_id: 8,
            ..manifest
        };
        let begun = Staging::prepare(&replica, other, &app()).unwrap();
        assert_eq!(begun.missing().len(), 2);
        assert!(crate::disk::list_replicas(disk.path()).unwrap().is_empty());
        begun.discard().unwrap();
        assert!(!replica.staging().path.exists());
    }

    #[test]
    fn sizes_that_no_disk_has_are_refused() {
        let disk = tempfile::tempdir().unwrap();
        let mut absurd = manifest(&["1.sst", "2.sst"]);
        absurd.files[0].size = u64::MAX;
        assert_eq!(absurd.total_bytes(), u64::MAX);
        let refused = Staging::prepare(&replica(&disk), absurd, &app());
        assert!(matches!(refused, Err(StagingError::BadList)));
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let disk = tempfile::tempdir().unwrap();
        let replica = replica(&disk);
        let long = "x".repeat(NAME_LENGTH_MAX + 1);
        for name in ["../x", "a/b", "", ".", "..", ".app-info", "a\0b", &long] {
            let refused = Staging::prepare(&replica, manifest(&[name]), &app());
            assert!(matches!(refused, Err(StagingError::BadList)), "{name}");
        }
        assert!(!replica.staging().path.exists());
    }
}
