//! The mutation log of one data directory, shared by all replicas that live there.
//!
//! One log thread writes what every producer (shard) hands over, as one batch with one write and,
//! under [`Durability::Fsync`], one `fdatasync`; then it tells each producer how far the log is
//! safe. One flush serves every replica of the disk: that is what makes "durable by default"
//! affordable (design section 4).
//!
//! This crate knows files, records and replicas' positions. It knows nothing of replication, of
//! storage engines or of sockets: what a payload means, and which replica may come back as a
//! member, is the host's business. It gives the host the facts for that decision (I6) in
//! [`RecoveryReport`].
//!
//! # Use
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use pegasus_log::{Log, LogFailure, LogObserver, LogOptions, OpenMode, Record};
//! # struct Shard;
//! # impl LogObserver for Shard {
//! #     fn on_safe(&self, _ticket: u64) {}
//! #     fn on_failed(&self, _failure: &LogFailure) {}
//! # }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let options = LogOptions::new("/data/1/log");
//! let (log, report) = Log::open(options, OpenMode::Create, &mut |record: Record| {
//!     // Give the record to its replica.
//! })?;
//! let mut handle = log.register(Arc::new(Shard));
//! let ticket = handle.submit(Vec::new())?; // the observer hears when `ticket` is safe
//! # Ok(())
//! # }
//! ```
//!
//! # Layout on disk
//!
//! `docs/formats/mutation-log.md` has the tables of every byte; the modules repeat their own. In
//! short: the directory holds `LOCK`, `MARKER`, numbered segments and spares. A segment is an array
//! of 512-byte *sectors*, each with its own checksum over its place in the file and the segment's
//! present life. Sectors form *batches*: one batch is what one write and one flush put there.
//! Batches contain records. A recycled file is not zeroed again: a sector of an earlier life is
//! recognised as such by the life in it.
//!
//! # What recovery promises
//!
//! A write that was not flushed leaves each sector as it was before or as it was written (a file
//! that ends early counts as not written). Under that model:
//!
//! * A batch that was not completely written is cut, without alarm, only if it is the last one and
//!   each of its sectors is valid, unwritten (zeros, or valid in an earlier life of the file) or
//!   the one sector at which the file was cut. So nothing acknowledged is lost by a cut.
//! * A changed byte anywhere before the end of the last flush is reported as [`Damage`]: a sector
//!   whose checksum does not fit, and which is not unwritten, was written and has changed since.
//! * Not distinguishable: a disk that replaces whole sectors of the *very last* flushed batch with
//!   zeros or with their earlier content. Anywhere earlier that is reported too.

mod active_segment;
mod batch;
mod directory;
mod error;
pub mod file_layer;
pub mod fuzzing;
mod header;
mod log;
mod marker;
mod observer;
mod opening;
mod options;
mod own_record;
pub mod planted;
mod queue;
mod reader;
mod record;
mod recovery;
mod report;
mod sector;
mod segment_file;
mod segment_table;
mod spares;
mod standing;
mod stats;
mod stretches;
mod suspects;
mod writer;

pub use error::{LogFailure, OpenError, SubmitError};
pub use log::Log;
pub use observer::{LogHandle, LogObserver};
pub use options::{Durability, LogOptions, OpenMode};
pub use reader::{LogReader, ReadError};
pub use record::{MutationRecord, Record};
pub use report::{Cut, Damage, DamageKind, DamagedFile, PreviousRun, RecoveryReport};
pub use stats::LogStats;
pub use suspects::Suspects;
