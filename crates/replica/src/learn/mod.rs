//! How replicas come to this server's disks and leave from them: learning (replication.md section 14).
//!
//! A learner is an ordinary replica that takes part in prepares before it counts; what it lacks it
//! gets, in this order of preference, from the primary's prepare list, from the primary's log, or by
//! a checkpoint. The first is the state machine's own business. Here is the rest:
//!
//! * At the primary: [`supply`] reads the log or makes a checkpoint; the [`shelf`] keeps checkpoints
//!   for as long as somebody fetches them; the [`file_service`] hands out their files.
//! * At the learner: [`fetch`] is one attempt: [`source`] and [`download`] bring the files to the
//!   [`staging`] directory, [`install`] puts them in the replica's place. [`newcomer`] makes an empty
//!   replica where there is none.
//! * [`reopening`] gives replicas whose storage has failed another try.
//! * [`thread`] runs all that is the learner's, away from the shards.
//!
//! Client traffic comes first: everything runs on threads of low priority, in small parts, behind a
//! [`rate_limit`].

mod construction;
mod download;
mod fetch;
pub mod file_service;
mod install;
pub mod message;
mod newcomer;
mod rate_limit;
mod reopening;
pub mod shelf;
mod source;
pub mod staging;
pub mod supply;
#[cfg(test)]
mod tests;
pub mod thread;

use std::io;
use std::time::Duration;

use pegasus_common::Gpid;
use pegasus_common::clock::MonotonicMicros;
use tokio::sync::mpsc;
use tracing::warn;

use self::message::LearnMessage;
use self::rate_limit::RateLimit;
use self::shelf::CheckpointShelf;
use self::shelf::Taker;
use crate::config::FileCopySection;
use crate::config::ReplicaServerConfig;
use crate::read_pool::ReadPool;
use crate::read_pool::ReadPoolMetrics;

/// Reads for learners that may wait; the next one is answered ERR_BUSY.
const POOL_QUEUE_MAX: usize = 1_000;

/// What all threads of a server share for learning.
#[derive(Debug)]
pub struct Learning {
    /// Checkpoints for others.
    pub shelf: CheckpointShelf,
    /// Threads of low priority that read for others.
    pub pool: ReadPool,
    /// How fast this server's disks may be read for others.
    pub sending: DiskRates,
    /// How fast they may be written by its own learners.
    pub copying: DiskRates,
    /// The way into the learning thread.
    pub thread: mpsc::UnboundedSender<LearnMessage>,
}

impl Learning {
    /// Starts the pool; `thread` is the way into the learning thread.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub fn start(
        config: &ReplicaServerConfig,
        disks: usize,
        thread: mpsc::UnboundedSender<LearnMessage>,
        metrics: &ReadPoolMetrics,
    ) -> io::Result<Self> {
        let section = &config.replication;
        let (threads, metrics) = (section.learn_pool_threads, metrics.clone());
        let learning = Self {
            shelf: CheckpointShelf::new(section.learn_checkpoint_max_count),
            pool: ReadPool::start_in_background(threads, POOL_QUEUE_MAX, metrics)?,
            sending: DiskRates::unlimited(disks),
            copying: DiskRates::unlimited(disks),
            thread,
        };
        learning.follow(&config.nfs);
        Ok(learning)
    }

    /// Takes the rates of a configuration.
    pub fn follow(&self, section: &FileCopySection) {
        self.sending.set(
            section.max_send_rate_megabytes_per_disk,
            section.max_send_rate_megabytes,
        );
        self.copying.set(
            section.max_copy_rate_megabytes_per_disk,
            section.max_copy_rate_megabytes,
        );
    }

    /// Removes the checkpoints of a partition that nobody takes any more.
    pub fn release(&self, gpid: Gpid, is_present: impl Fn(Taker) -> bool) {
        for checkpoint in self.shelf.retain(gpid, is_present) {
            let path = checkpoint.directory.clone();
            let remove = move || {
                if let Err(error) = checkpoint.remove() {
                    warn!(path = %checkpoint.directory.display(), %error,
                        "a checkpoint of no more use cannot be removed");
                }
            };
            if self.pool.submit(remove).is_err() {
                warn!(path = %path.display(), "a checkpoint stays until the next start");
            }
        }
    }
}

/// One rate for each disk, and one for all of them together.
#[derive(Debug)]
pub struct DiskRates {
    disks: Vec<RateLimit>,
    all: RateLimit,
}

impl DiskRates {
    fn unlimited(disks: usize) -> Self {
        Self {
            disks: (0..disks).map(|_| RateLimit::of_megabytes(0)).collect(),
            all: RateLimit::of_megabytes(0),
        }
    }

    fn set(&self, each: u64, all: u64) {
        for disk in &self.disks {
            disk.set_megabytes(each);
        }
        self.all.set_megabytes(all);
    }

    /// Admits bytes to or from a disk, and says how long to wait before moving them.
    #[must_use]
    pub fn admit(&self, disk: usize, bytes: u64, now: MonotonicMicros) -> Duration {
        let of_disk = self.disks.get(disk).map(|rate| rate.admit(bytes, now));
        of_disk.unwrap_or_default().max(self.all.admit(bytes, now))
    }
}
