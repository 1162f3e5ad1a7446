//! Copies of a replica's storage by hard links.

use std::path::Path;

use rust_rocksdb::checkpoint::Checkpoint;
use rust_rocksdb::{DB, DEFAULT_COLUMN_FAMILY_NAME, Options};

use super::engine::{Engine, META_COLUMN_FAMILY};
use super::mark::{AppliedMark, MARK_KEY};
use crate::error::EngineError;

impl Engine {
    /// Makes a checkpoint in `dir`, which must not exist while its parent does, on the same file
    /// system. Flushes first, so it contains at least everything applied before the call. Blocks.
    ///
    /// Gives the mark inside the checkpoint: which mutations it has, exactly.
    ///
    /// # Errors
    /// When RocksDB cannot write it, or it cannot be read back.
    pub fn checkpoint(&self, dir: &Path) -> Result<AppliedMark, EngineError> {
        Checkpoint::new(&self.database.db)
            .and_then(|checkpoint| checkpoint.create_checkpoint(dir))
            .map_err(|source| self.database.failed("make a checkpoint of", source))?;
        checkpoint_mark(dir)
    }
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
    let db =
        DB::open_cf_for_read_only(&Options::default(), dir, families, false).map_err(failed)?;
    let meta = db.cf_handle(META_COLUMN_FAMILY).ok_or_else(broken)?;
    let stored = db.get_cf(&meta, MARK_KEY).map_err(failed)?;
    stored
        .and_then(|stored| AppliedMark::decode(&stored))
        .ok_or_else(broken)
}
