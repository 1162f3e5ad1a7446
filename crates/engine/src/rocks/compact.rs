//! Compactions that the host asks for.

use rust_rocksdb::{BottommostLevelCompaction, CompactOptions};

use super::engine::Engine;
use crate::error::EngineError;

impl Engine {
    /// Rewrites all data files, the lowest level too, so that deleted and expired records are gone
    /// from the disk. Blocks, possibly for minutes.
    ///
    /// # Errors
    /// When the column family is missing. RocksDB does not say whether the compaction succeeded;
    /// failures reach [`crate::EngineListener::on_background_error`].
    pub fn compact_all(&self) -> Result<(), EngineError> {
        let mut options = CompactOptions::default();
        options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        options.set_exclusive_manual_compaction(false);
        let data = self.database.data()?;
        self.database
            .db
            .compact_range_cf_opt(&data, None::<&[u8]>, None::<&[u8]>, &options);
        Ok(())
    }
}
