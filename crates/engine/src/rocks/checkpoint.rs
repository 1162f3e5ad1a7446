//! Copies of a replica's storage by hard links.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rust_rocksdb::checkpoint::Checkpoint;
use rust_rocksdb::{DB, DEFAULT_COLUMN_FAMILY_NAME, Options};

use super::engine::{Engine, META_COLUMN_FAMILY};
use super::mark::{AppliedMark, MARK_KEY};
use super::open::reads;
use crate::error::EngineError;

/// What a checkpoint is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointInfo {
    /// The last mutation in it: read back from the checkpoint itself, so it says exactly what a copy
    /// has, whatever was applied meanwhile.
    pub mark: AppliedMark,
    /// All that a copy needs, by name.
    pub files: Vec<CheckpointFile>,
}

/// One file of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointFile {
    /// Its name in the checkpoint's directory.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

impl Engine {
    /// Makes a checkpoint in `dir`, which must not exist while its parent does, on the same file
    /// system. Flushes first, so it contains at least everything applied before the call. It is
    /// durable when this returns, and opens as an engine wherever its files are moved or copied to.
    /// Blocks.
    ///
    /// # Errors
    /// When RocksDB cannot write it, or it cannot be read back; nothing stays behind.
    pub fn checkpoint(&self, dir: &Path) -> Result<CheckpointInfo, EngineError> {
        Checkpoint::new(&self.database.db)
            .and_then(|checkpoint| checkpoint.create_checkpoint(dir))
            .map_err(|source| self.database.failed("make a checkpoint of", source))?;
        describe(dir).inspect_err(|_| {
            // The error that led here tells more than one of this.
            let _ = fs::remove_dir_all(dir);
        })
    }
}

fn describe(dir: &Path) -> Result<CheckpointInfo, EngineError> {
    // Before it is opened: that leaves a text log.
    let files = flush_files(dir).map_err(|source| EngineError::Io {
        action: "flush the files of",
        path: dir.to_owned(),
        source,
    })?;
    let mark = checkpoint_mark(dir)?;
    Ok(CheckpointInfo { mark, files })
}

/// Makes sure that the files and their names are on the disk, and lists them by name. RocksDB has
/// flushed the data; this costs little, and relies on nothing.
fn flush_files(dir: &Path) -> io::Result<Vec<CheckpointFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let file = File::open(entry.path())?;
        file.sync_all()?;
        let name = entry.file_name().into_string().map_err(|name| {
            let problem = format!("odd file name {}", name.display());
            io::Error::new(io::ErrorKind::InvalidData, problem)
        })?;
        let bytes = file.metadata()?.len();
        files.push(CheckpointFile { name, bytes });
    }
    File::open(dir)?.sync_all()?;
    if let Some(parent) = dir.parent() {
        File::open(parent)?.sync_all()?;
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

/// Which mutations a checkpoint, or a closed database, has.
///
/// # Errors
/// When it cannot be opened or its mark is missing or damaged.
pub fn checkpoint_mark(dir: &Path) -> Result<AppliedMark, EngineError> {
    let failed = |source| EngineError::RocksDb {
        action: "read the mark of",
        path: dir.to_owned(),
        source,
    };
    let broken = || EngineError::BrokenMetadata {
        path: dir.to_owned(),
        what: "the applied mark is missing or damaged",
    };
    let families = [DEFAULT_COLUMN_FAMILY_NAME, META_COLUMN_FAMILY];
    let mut options = Options::default();
    options.set_paranoid_checks(true);
    let db = DB::open_cf_for_read_only(&options, dir, families, false).map_err(failed)?;
    let meta = db.cf_handle(META_COLUMN_FAMILY).ok_or_else(broken)?;
    let verified = reads(rust_rocksdb::ReadTier::All);
    let stored = db.get_cf_opt(&meta, MARK_KEY, &verified).map_err(failed)?;
    stored
        .and_then(|stored| AppliedMark::decode(&stored))
        .ok_or_else(broken)
}
