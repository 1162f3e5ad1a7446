//! One replica's storage: what a write means, and the RocksDB that holds it.
//!
//! * [`evaluate`](evaluate()) turns requests into effects: pure, on the primary, once.
//!   [`MutationBuilder`] collects the effects of a turn, [`Overlay`] those in flight; [`payload`] is
//!   their format.
//! * [`Engine`] applies effects in decree order and answers reads and scans (`rocks/`, `read/`).
//! * [`Shared`] is what all engines of a process have in common; [`EngineOptions`] configures it.
//!
//! It knows no network, no log and no replication protocol: the host gives it committed mutations
//! and asks it questions.
//!
//! Invariants:
//! * the [`AppliedMark`] in the database and the data beside it always agree, whatever crashes;
//! * mutations are applied without gap or repetition: decree `applied + 1` or an error;
//! * no bytes from a peer or client make it panic, and none reach RocksDB unchecked;
//! * every block that is read is verified: a read that meets a changed byte fails, and the host hears;
//! * a full disk refuses and loses nothing; the engine goes on by itself when there is space;
//! * with [`ReadTier::CacheOnly`] and in [`Engine::apply`] it never waits for the disk.

mod builder;
mod current_values;
mod error;
mod evaluate;
mod options;
mod overlay;
pub mod payload;
mod read;
mod record_index;
mod rocks;
mod settings;
#[cfg(test)]
mod test_vectors;

pub use builder::{EncodedMutation, MutationBuilder};
pub use current_values::{CurrentValues, InFlightValues, Lookup, StoredValues};
pub use error::EngineError;
pub use evaluate::{
    CheckReply, Evaluation, EvaluationTime, WriteOperation, WriteReply, WriteSettings, evaluate,
};
pub use options::{BlockCacheKind, Compression, EngineOptions, RangeLimits};
pub use overlay::Overlay;
pub use read::{Found, PinnedValue, ReadAt, ReadOutcome, ReadTier};
pub use rocks::{
    AppliedMark, AppliedMutation, ApplyError, BackgroundFailure, CheckpointFile, CheckpointInfo,
    CloseMode, ContentDigest, Engine, EngineListener, EngineSetup, EngineStats, FlushMode,
    OpenMode, Shared, SharedUsage, SpaceState, StallState, checkpoint_mark, storage_status,
};
pub use settings::{PartitionShare, SettingsHandle, TableSettings};
