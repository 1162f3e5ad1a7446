//! Applying committed mutations: one RocksDB write for a run of them.

use bytes::Bytes;
use pegasus_common::{Ballot, Decree, StorageStatus};
use rust_rocksdb::{WriteBatch, WriteOptions};

use super::engine::Engine;
use super::mark::{AppliedMark, MARK_KEY};
use super::open::without_log;
use super::{is_out_of_space, storage_status};
use crate::payload::{self, PayloadError, PayloadView};

/// Header of a RocksDB batch: 8 bytes of sequence number, which RocksDB fills, and the count.
const BATCH_HEADER_LEN: usize = 12;
const BATCH_COUNT_AT: usize = 8;
/// The buffer is given back above this size: one large run must not cost memory for ever.
const SCRATCH_LEN_MAX: usize = 1 << 20;

/// A committed mutation, in decree order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedMutation {
    /// Its position.
    pub decree: Decree,
    /// Rolling digest of every payload up to and including this one.
    pub digest: u64,
    /// The ballot that it was proposed in.
    pub ballot: Ballot,
    /// Its timestamp, microseconds since the Unix epoch.
    pub timestamp_us: u64,
    /// Its effects, format of [`crate::payload`].
    pub payload: Bytes,
}

/// Why mutations were not applied. Nothing of the run has been then.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// RocksDB holds writes back (see [`crate::EngineListener::on_stall_changed`]). Try the same run
    /// again later.
    #[error("storage takes no writes now: flushes or compactions lag")]
    Stalled,
    /// The disk is full and RocksDB waits for space; it goes on by itself. Try the same run again
    /// later.
    #[error("storage waits for space on its disk")]
    SpaceExhausted,
    /// The run does not continue where the engine is: the host has lost its place.
    #[error("decree {found} does not follow {applied}, which is applied")]
    OutOfOrder {
        /// What the engine has.
        applied: Decree,
        /// What came.
        found: Decree,
    },
    /// A payload is damaged: it must never have been committed.
    #[error("payload of decree {decree} is malformed")]
    Malformed {
        /// The mutation.
        decree: Decree,
        /// What is wrong.
        source: PayloadError,
    },
    /// The disk or RocksDB failed: the replica cannot go on.
    #[error("cannot apply mutations up to decree {decree}: {status:?}")]
    Storage {
        /// The last mutation of the run.
        decree: Decree,
        /// The kind.
        status: StorageStatus,
        /// RocksDB's text.
        source: rust_rocksdb::Error,
    },
}

/// Where the engine is, and what it applies with.
pub(super) struct ApplyState {
    pub(super) applied: AppliedMark,
    scratch: Vec<u8>,
    write_options: WriteOptions,
}

impl ApplyState {
    pub(super) fn new(applied: AppliedMark) -> Self {
        let mut write_options = without_log();
        // A write stall must not stop the shard: RocksDB refuses instead.
        write_options.set_no_slowdown(true);
        Self {
            applied,
            scratch: Vec::new(),
            write_options,
        }
    }

    /// Puts the run into `scratch` as one RocksDB batch; gives the mark after it.
    fn encode(
        &mut self,
        mutations: &[AppliedMutation],
        meta_id: u32,
    ) -> Result<AppliedMark, ApplyError> {
        self.scratch.clear();
        self.scratch.resize(BATCH_HEADER_LEN, 0);
        let mut mark = self.applied;
        let mut count = 1_u32;
        for mutation in mutations {
            if mutation.decree != mark.decree.next() {
                let applied = mark.decree;
                return Err(ApplyError::OutOfOrder {
                    applied,
                    found: mutation.decree,
                });
            }
            let view =
                PayloadView::parse(&mutation.payload).map_err(|source| ApplyError::Malformed {
                    decree: mutation.decree,
                    source,
                })?;
            self.scratch.extend_from_slice(view.encoded_records());
            count = count.saturating_add(view.record_count());
            mark = AppliedMark {
                decree: mutation.decree,
                digest: mutation.digest,
                ballot: mutation.ballot,
                timestamp_us: mutation.timestamp_us,
            };
        }
        payload::append_column_family_put(&mut self.scratch, meta_id, MARK_KEY, &mark.encode());
        self.scratch[BATCH_COUNT_AT..BATCH_HEADER_LEN].copy_from_slice(&count.to_le_bytes());
        Ok(mark)
    }
}

impl Engine {
    /// Applies a run of mutations whose decrees follow the applied one without gap, as one atomic
    /// write together with the new [`AppliedMark`], which it gives. Never waits for a write stall.
    /// An empty run does nothing.
    ///
    /// # Errors
    /// [`ApplyError`]; nothing has been applied then.
    pub fn apply(&self, mutations: &[AppliedMutation]) -> Result<AppliedMark, ApplyError> {
        let mut state = self.apply_state.lock();
        if mutations.is_empty() {
            return Ok(state.applied);
        }
        let mark = state.encode(mutations, self.database.meta_id)?;
        let batch = WriteBatch::from_data(&state.scratch);
        let outcome = self.database.db.write_opt(&batch, &state.write_options);
        if state.scratch.capacity() > SCRATCH_LEN_MAX {
            state.scratch = Vec::new();
        }
        match outcome {
            Ok(()) => {
                state.applied = mark;
                Ok(mark)
            }
            Err(source) if is_out_of_space(&source) => Err(ApplyError::SpaceExhausted),
            Err(source) => Err(match storage_status(&source) {
                StorageStatus::Incomplete => ApplyError::Stalled,
                status => ApplyError::Storage {
                    decree: mark.decree,
                    status,
                    source,
                },
            }),
        }
    }
}
