//! One replica's storage: the handle that the host holds.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use pegasus_common::{Decree, StorageStatus};
use rust_rocksdb::{
    BoundColumnFamily, DB, DBPinnableSlice, DEFAULT_COLUMN_FAMILY_NAME, FlushOptions, ReadOptions,
};

use super::apply::ApplyState;
use super::listener::{BackgroundFailure, ListenerState, SpaceState};
use super::mark::{AppliedMark, MARK_KEY};
use super::storage_status;
use crate::current_values::Lookup;
use crate::error::EngineError;
use crate::options::RangeLimits;
use crate::read::{ContextTable, ReadOutcome, ReadTier};
use crate::settings::SettingsHandle;

/// The column family of [`AppliedMark`] and the data version.
pub(super) const META_COLUMN_FAMILY: &str = "pegasus_meta_cf";

/// Whether a flush is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlushMode {
    /// Return when everything applied before the call is on disk. Blocks.
    Wait,
    /// Only start it; [`crate::EngineListener::on_flushed`] tells the end.
    Background,
}

/// What happens to unflushed data at the end. Either way the mutation log has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseMode {
    /// Flush first, so that the next start replays nothing.
    Flush,
    /// Leave it to the log.
    Quick,
}

/// The storage of one open replica.
///
/// Reads may come from any thread; [`Engine::apply`] from one at a time, the replica's shard.
/// Dropping it closes the database without a flush.
pub struct Engine {
    pub(crate) database: Arc<Database>,
    pub(super) listener: Arc<ListenerState>,
    pub(super) apply_state: Mutex<ApplyState>,
    pub(crate) settings: SettingsHandle,
    pub(crate) limits: RangeLimits,
    pub(crate) contexts: Mutex<ContextTable>,
}

/// The RocksDB behind an engine. Scan contexts and callbacks hold it too.
pub(crate) struct Database {
    pub(crate) db: DB,
    pub(super) path: PathBuf,
    pub(super) meta_id: u32,
    pub(super) listener: Arc<ListenerState>,
    pub(super) cached_reads: ReadOptions,
    pub(super) all_reads: ReadOptions,
    pub(super) persisted_reads: ReadOptions,
}

impl Engine {
    /// The last mutation that this engine has applied.
    #[must_use]
    pub fn applied(&self) -> AppliedMark {
        self.apply_state.lock().applied
    }

    /// The decree up to which everything is on disk: what the mutation log may forget.
    #[must_use]
    pub fn flushed(&self) -> Decree {
        self.listener.flushed()
    }

    /// Whether the disk has refused space to a flush or compaction and RocksDB waits for it. RocksDB
    /// says so before it refuses the first write, and says that there is space again shortly *after*
    /// it takes writes: a write that succeeds may come before this changes. Costs one atomic load.
    #[must_use]
    pub fn space(&self) -> SpaceState {
        self.listener.space()
    }

    /// The replica's data directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.database.path
    }

    /// Handle to the settings of the table.
    #[must_use]
    pub const fn settings(&self) -> &SettingsHandle {
        &self.settings
    }

    /// Writes the memtables of both column families to disk. With [`FlushMode::Wait`] it blocks, and
    /// the host's `on_flushed` may be called on this thread.
    ///
    /// # Errors
    /// When RocksDB cannot write.
    pub fn flush(&self, mode: FlushMode) -> Result<(), EngineError> {
        let mut options = FlushOptions::default();
        options.set_wait(mode == FlushMode::Wait);
        // Otherwise the call itself waits until a flush would hold no writer back; ours never wait.
        options.set_allow_write_stall(true);
        let data = self.database.data()?;
        let meta = self.database.meta()?;
        self.database
            .db
            .flush_cfs_opt(&[&data, &meta], &options)
            .map_err(|source| self.database.failed("flush", source))?;
        if mode == FlushMode::Wait {
            self.listener.refresh();
        }
        Ok(())
    }

    /// Ends the engine. Scan contexts are lost; a checkpoint or scan batch under way on another
    /// thread finishes first, since it shares the engine.
    ///
    /// # Errors
    /// When the flush fails; the engine is closed all the same.
    pub fn close(self, mode: CloseMode) -> Result<(), EngineError> {
        match mode {
            CloseMode::Flush => self.flush(FlushMode::Wait),
            CloseMode::Quick => Ok(()),
        }
    }

    /// The current value of a raw key, for evaluation.
    #[must_use]
    pub fn lookup(&self, raw_key: &[u8], tier: ReadTier) -> Lookup {
        match self.database.stored(raw_key, tier) {
            ReadOutcome::NeedsDisk => Lookup::NotCached,
            ReadOutcome::Done(Err(status)) => Lookup::Failed(status),
            ReadOutcome::Done(Ok(None)) => Lookup::Absent,
            ReadOutcome::Done(Ok(Some(stored))) => Lookup::Value(Bytes::copy_from_slice(&stored)),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.listener.detach();
        self.contexts.get_mut().clear();
    }
}

impl Database {
    /// The stored value of a raw key, pinned where it lies.
    pub(crate) fn stored(
        &self,
        raw_key: &[u8],
        tier: ReadTier,
    ) -> ReadOutcome<Result<Option<DBPinnableSlice<'_>>, StorageStatus>> {
        let options = match tier {
            ReadTier::CacheOnly => &self.cached_reads,
            ReadTier::All => &self.all_reads,
        };
        match self.db.get_pinned_opt(raw_key, options) {
            Ok(stored) => ReadOutcome::Done(Ok(stored)),
            Err(error) => match (storage_status(&error), tier) {
                (StorageStatus::Incomplete, ReadTier::CacheOnly) => ReadOutcome::NeedsDisk,
                (status, _) => {
                    self.report_read_failure(&error);
                    ReadOutcome::Done(Err(status))
                }
            },
        }
    }

    /// A read has failed. What the disk no longer holds as it was written concerns the whole replica.
    pub(crate) fn report_read_failure(&self, error: &rust_rocksdb::Error) {
        tracing::error!(path = %self.path.display(), %error, "cannot read from storage");
        let status = storage_status(error);
        if matches!(status, StorageStatus::Corruption | StorageStatus::IoError) {
            self.listener.on_read_failure(BackgroundFailure {
                status,
                during: "read",
                message: error.to_string(),
            });
        }
    }

    /// The mark that is on disk; memtables are left out.
    pub(super) fn flushed_mark(&self) -> Result<AppliedMark, EngineError> {
        self.mark(&self.persisted_reads)
    }

    /// The mark as written last.
    pub(super) fn latest_mark(&self) -> Result<AppliedMark, EngineError> {
        self.mark(&self.all_reads)
    }

    fn mark(&self, options: &ReadOptions) -> Result<AppliedMark, EngineError> {
        let meta = self.meta()?;
        let stored = self
            .db
            .get_pinned_cf_opt(&meta, MARK_KEY, options)
            .map_err(|source| self.failed("read the applied mark of", source))?;
        stored
            .and_then(|stored| AppliedMark::decode(&stored))
            .ok_or_else(|| self.broken("the applied mark is missing or damaged"))
    }

    pub(super) fn data(&self) -> Result<Arc<BoundColumnFamily<'_>>, EngineError> {
        self.db
            .cf_handle(DEFAULT_COLUMN_FAMILY_NAME)
            .ok_or_else(|| self.broken("the data column family is missing"))
    }

    pub(super) fn meta(&self) -> Result<Arc<BoundColumnFamily<'_>>, EngineError> {
        self.db
            .cf_handle(META_COLUMN_FAMILY)
            .ok_or_else(|| self.broken("the meta column family is missing"))
    }

    pub(super) fn failed(&self, action: &'static str, source: rust_rocksdb::Error) -> EngineError {
        EngineError::RocksDb {
            action,
            path: self.path.clone(),
            source,
        }
    }

    pub(super) fn broken(&self, what: &'static str) -> EngineError {
        EngineError::BrokenMetadata {
            path: self.path.clone(),
            what,
        }
    }
}
