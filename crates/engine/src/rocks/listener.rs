//! What RocksDB's background threads tell the host.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use parking_lot::{Mutex, RwLock};
use pegasus_common::{Decree, StorageStatus};
use rust_rocksdb::event_listener::{
    BackgroundErrorRecoveryInfo, DBBackgroundErrorReason, DBWriteStallCondition, EventListener,
    FlushJobInfo, MutableStatus, WriteStallInfo,
};

use super::engine::Database;
use super::{is_out_of_space, storage_status};

/// How far RocksDB holds writes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StallState {
    /// Not at all.
    Normal,
    /// Compaction lags: writes are slowed; with us, refused now and then.
    Delayed,
    /// No write is taken.
    Stopped,
}

/// Whether RocksDB has the space that its flushes and compactions need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpaceState {
    /// It has.
    Enough,
    /// The disk is full: writes are refused ([`crate::ApplyError::SpaceExhausted`]) until there is
    /// space. Nothing is lost, and the replica goes on by itself.
    Exhausted,
}

/// A flush, a compaction or a read failed for good: the disk failed, or does not hold what was
/// written. The replica must not go on. A full disk is no such failure ([`SpaceState`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackgroundFailure {
    /// The kind.
    pub status: StorageStatus,
    /// What RocksDB was doing.
    pub during: &'static str,
    /// RocksDB's text.
    pub message: String,
}

/// The host's side. All methods are called on RocksDB's threads or on a reading one: they must be
/// quick and must not call the engine; usually they send a message to the replica's shard.
pub trait EngineListener: Send + Sync {
    /// Everything up to `decree` is on disk. Decrees ascend.
    fn on_flushed(&self, decree: Decree);
    /// The storage failed. Told once for all failures of reads.
    fn on_background_error(&self, failure: BackgroundFailure);
    /// Writes are held back now, or no longer.
    fn on_stall_changed(&self, state: StallState);
}

/// Shared by the engine and the callbacks of its database.
pub(super) struct ListenerState {
    host: Arc<dyn EngineListener>,
    flushed: AtomicI64,
    is_space_exhausted: AtomicBool,
    has_read_failed: AtomicBool,
    /// What the host knows; locked while it is told. Two column families flush together, and the new
    /// mark may be visible at the report of the first.
    reported: Mutex<Decree>,
    /// The open database. The engine takes it out before it drops its own handle, so that a callback
    /// never holds the last one: closing a database on one of its own threads would deadlock.
    database: RwLock<Option<Arc<Database>>>,
}

impl ListenerState {
    pub(super) fn new(host: Arc<dyn EngineListener>) -> Arc<Self> {
        Arc::new(Self {
            host,
            flushed: AtomicI64::new(0),
            is_space_exhausted: AtomicBool::new(false),
            has_read_failed: AtomicBool::new(false),
            reported: Mutex::new(Decree::ZERO),
            database: RwLock::new(None),
        })
    }

    /// From here on flushes are reported.
    pub(super) fn attach(&self, database: Arc<Database>, flushed: Decree) {
        self.flushed.store(flushed.0, Ordering::Release);
        *self.reported.lock() = flushed;
        *self.database.write() = Some(database);
    }

    /// Waits for a callback under way; later ones report nothing.
    pub(super) fn detach(&self) {
        self.database.write().take();
    }

    /// The decree that is on disk.
    pub(super) fn flushed(&self) -> Decree {
        Decree(self.flushed.load(Ordering::Acquire))
    }

    pub(super) fn space(&self) -> SpaceState {
        if self.is_space_exhausted.load(Ordering::Acquire) {
            SpaceState::Exhausted
        } else {
            SpaceState::Enough
        }
    }

    /// Only RocksDB's own reports come here: what a refused write concludes could be older than the
    /// report that there is space again, and would then stay.
    fn on_space(&self, state: SpaceState) {
        let is_exhausted = state == SpaceState::Exhausted;
        if self.is_space_exhausted.swap(is_exhausted, Ordering::AcqRel) != is_exhausted {
            tracing::warn!(?state, "storage: space on the disk");
        }
    }

    /// The first one counts: many readers may meet the same block.
    pub(super) fn on_read_failure(&self, failure: BackgroundFailure) {
        if !self.has_read_failed.swap(true, Ordering::AcqRel) {
            self.host.on_background_error(failure);
        }
    }

    /// Reads the mark on disk, and tells the host if it has moved.
    pub(super) fn refresh(&self) {
        let database = self.database.read();
        let Some(mark) = database
            .as_deref()
            .and_then(|database| database.flushed_mark().ok())
        else {
            return;
        };
        // The host is called without this lock, so that it cannot hold up the engine's end; but under
        // one of its own, since flushes of several threads must be told in order.
        drop(database);
        let mut reported = self.reported.lock();
        if *reported < mark.decree {
            *reported = mark.decree;
            self.flushed.store(mark.decree.0, Ordering::Release);
            self.host.on_flushed(mark.decree);
        }
    }
}

/// The callbacks. RocksDB is C++: a panic that crossed over would end the process.
pub(super) struct Callbacks(pub(super) Arc<ListenerState>);

fn without_panic(callback: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(callback)).is_err() {
        tracing::error!("storage callback panicked");
    }
}

impl EventListener for Callbacks {
    fn on_flush_completed(&self, _: &FlushJobInfo) {
        without_panic(|| self.0.refresh());
    }

    fn on_stall_conditions_changed(&self, info: &WriteStallInfo) {
        let state = match info.cur() {
            DBWriteStallCondition::KNormal => StallState::Normal,
            DBWriteStallCondition::KDelayed => StallState::Delayed,
            DBWriteStallCondition::KStopped => StallState::Stopped,
        };
        without_panic(|| self.0.host.on_stall_changed(state));
    }

    fn on_background_error(&self, reason: DBBackgroundErrorReason, status: MutableStatus) {
        let Err(error) = status.result() else {
            return;
        };
        if is_out_of_space(error) {
            return without_panic(|| self.0.on_space(SpaceState::Exhausted));
        }
        let failure = BackgroundFailure {
            status: storage_status(error),
            during: match reason {
                DBBackgroundErrorReason::KFlush | DBBackgroundErrorReason::KFlushNoWAL => "flush",
                DBBackgroundErrorReason::KCompaction => "compaction",
                DBBackgroundErrorReason::KManifestWrite
                | DBBackgroundErrorReason::KManifestWriteNoWAL => "manifest write",
                DBBackgroundErrorReason::KWriteCallback | DBBackgroundErrorReason::KMemTable => {
                    "memtable write"
                }
                DBBackgroundErrorReason::KAsyncFileOpen => "file open",
                DBBackgroundErrorReason::KUnknown => "background work",
            },
            message: error.to_string(),
        };
        without_panic(|| self.0.host.on_background_error(failure));
    }

    /// RocksDB looks for space every few seconds while it has none.
    fn on_error_recovery_end(&self, info: &BackgroundErrorRecoveryInfo) {
        let outcome = info.new_bg_error().result();
        without_panic(|| match outcome {
            Ok(()) => self.0.on_space(SpaceState::Enough),
            Err(error) if is_out_of_space(error) => {}
            Err(error) => self.0.host.on_background_error(BackgroundFailure {
                status: storage_status(error),
                during: "recovery",
                message: error.to_string(),
            }),
        });
    }
}
