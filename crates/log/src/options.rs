//! How a log is opened.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pegasus_common::Gpid;

use crate::file_layer::{FileLayer, OsFiles};

/// What a log promises before it calls a record safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Durability {
    /// Written and flushed with `fdatasync`: survives power loss.
    #[default]
    Fsync,
    /// Given to the operating system with one write: survives the end of the process, not that of
    /// the machine.
    Os,
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fsync => "fsync",
            Self::Os => "os",
        })
    }
}

/// Whether an empty directory is acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// The host knows of no data here yet: a directory without a log gets one. A log that is there
    /// is opened and recovered.
    Create,
    /// The host knows that there was data here: a directory without a log is an error, never an
    /// empty start (I6).
    MustExist,
}

/// Where a log lives, what it promises, and its limits.
#[derive(Clone)]
pub struct LogOptions {
    /// The log's own directory. Its parent must exist.
    pub directory: PathBuf,
    /// What "safe" means.
    pub durability: Durability,
    /// Size of a segment file in bytes; rounded up to whole sectors. Default 32 MiB: a tenth of a
    /// second of a fast disk, and a useful grain for removal.
    pub segment_bytes: u64,
    /// The queue takes submissions while fewer payload and header bytes than this wait in it; so it
    /// overshoots by at most one submission per producer. Default 64 MiB.
    pub queue_bytes_max: u64,
    /// A batch is closed when its records pass this size. Default 4 MiB: beyond it, one flush
    /// costs much more than the fixed cost that it shares out.
    pub batch_bytes_max: usize,
    /// When all segment files together pass this size, [`crate::Log::pinning`] names the replicas
    /// whose memtables should be flushed. Default 1 GiB. Writes go on.
    pub size_limit: u64,
    /// How many unused segment files are kept ready. Default 2.
    pub spares_max: usize,
    /// Between two tries to go on when the disk is full. Default 200 ms.
    pub space_retry_interval: Duration,
    /// The replicas whose storage is in the data directory, if the host knows: doubts then concern
    /// only them. Without it, damage of which nothing else is known puts every replica in doubt,
    /// also one that is made here later, until it is reset.
    pub replicas: Option<BTreeSet<Gpid>>,
    /// The files and the machine; tests put faults here.
    pub files: Arc<dyn FileLayer>,
}

impl LogOptions {
    /// The defaults, for a log in `directory`.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            durability: Durability::Fsync,
            segment_bytes: 32 << 20,
            queue_bytes_max: 64 << 20,
            batch_bytes_max: 4 << 20,
            size_limit: 1 << 30,
            spares_max: 2,
            space_retry_interval: Duration::from_millis(200),
            replicas: None,
            files: Arc::new(OsFiles),
        }
    }
}

impl fmt::Debug for LogOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogOptions")
            .field("directory", &self.directory)
            .field("durability", &self.durability)
            .field("segment_bytes", &self.segment_bytes)
            .field("queue_bytes_max", &self.queue_bytes_max)
            .field("batch_bytes_max", &self.batch_bytes_max)
            .field("size_limit", &self.size_limit)
            .field("spares_max", &self.spares_max)
            .field("space_retry_interval", &self.space_retry_interval)
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}
