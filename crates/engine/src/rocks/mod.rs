//! One replica's RocksDB: opening, applying, flushing, checkpoints.
//!
//! Two column families, flushed atomically: `default` has the data, `pegasus_meta_cf` has the
//! [`AppliedMark`] of the last applied mutation, written in the same batch as the mutation's effects.
//! So whatever survives a crash, the mark on disk says exactly which mutations the data on disk has.
//! RocksDB's own log is off: the mutation log is the log.

mod apply;
mod checkpoint;
mod compact;
mod digest;
mod engine;
mod expiry_filter;
mod key_prefix;
mod listener;
mod mark;
mod open;
mod shared;
mod stats;
mod status;

pub use apply::{AppliedMutation, ApplyError};
pub use checkpoint::{CheckpointFile, CheckpointInfo, checkpoint_mark};
pub use digest::ContentDigest;
pub(crate) use engine::Database;
pub use engine::{CloseMode, Engine, FlushMode};
pub use listener::{BackgroundFailure, EngineListener, SpaceState, StallState};
pub use mark::AppliedMark;
pub(crate) use open::reads;
pub use open::{EngineSetup, OpenMode};
pub use shared::{Shared, SharedUsage};
pub use stats::EngineStats;
pub(crate) use status::is_out_of_space;
pub use status::storage_status;
