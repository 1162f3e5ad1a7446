//! The log as its host sees it.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use pegasus_common::{Decree, Gpid};

use crate::directory::Directory;
use crate::error::{LogFailure, OpenError};
use crate::observer::{LogHandle, LogObserver};
use crate::opening;
use crate::options::{LogOptions, OpenMode};
use crate::queue::Queue;
use crate::reader::LogReader;
use crate::record::Record;
use crate::report::RecoveryReport;
use crate::segment_table::SegmentTable;
use crate::stats::LogStats;

/// An open log with its thread. Dropping it writes what is waiting and ends the thread.
pub struct Log {
    queue: Arc<Queue>,
    stats: Arc<LogStats>,
    table: Arc<Mutex<SegmentTable>>,
    size_limit: u64,
    reader: LogReader,
    thread: Option<JoinHandle<()>>,
    /// Keeps the lock, also when the thread has ended with a failure.
    _directory: Arc<Directory>,
}

impl Log {
    /// Locks the directory, recovers what is there, and starts the log thread on a fresh segment.
    ///
    /// `replay` gets every record in log order, one batch in memory at a time. First come `Ballot`
    /// records for what is known from removed segments. A replica for which the report then says
    /// that it is not [`proven_complete`](RecoveryReport::proven_complete) may have got records
    /// with a gap between them. Everything delivered is on the medium when this returns.
    ///
    /// # Errors
    /// [`OpenError`]. Damage is not an error: the report names it.
    #[allow(clippy::needless_pass_by_value)] // options are consumed: a log is opened once with them
    pub fn open(
        options: LogOptions,
        mode: OpenMode,
        replay: &mut dyn FnMut(Record),
    ) -> Result<(Self, RecoveryReport), OpenError> {
        let (parts, report) = opening::open(&options, mode, replay)?;
        let log = Self {
            queue: Arc::clone(&parts.queue),
            stats: Arc::clone(&parts.stats),
            table: Arc::clone(&parts.table),
            size_limit: options.size_limit,
            reader: parts.reader(),
            _directory: Arc::clone(&parts.directory),
            thread: Some(opening::spawn(parts)?),
        };
        Ok((log, report))
    }

    /// Adds a producer. `observer` is called on the log thread; if the log has failed already, it
    /// hears so at once.
    #[must_use]
    pub fn register(&self, observer: Arc<dyn LogObserver>) -> LogHandle {
        let producer = self.queue.register(observer);
        LogHandle::new(Arc::clone(&self.queue), producer)
    }

    /// The storage engine has this replica's mutations through `decree` on the medium: the log
    /// need not keep them. Never goes back, except by a `Forget` or `Reset` record of the replica,
    /// which must be submitted before flushes of its new state are told here.
    pub fn set_flushed(&self, gpid: Gpid, decree: Decree) {
        self.queue.set_flushed(gpid, decree);
    }

    /// When the log is larger than `size_limit`: the replicas that keep its oldest segments, and
    /// the decree through which each must be flushed so that they can go. Empty otherwise. A
    /// replica that is no longer here needs a `Forget` record.
    #[must_use]
    pub fn pinning(&self) -> Vec<(Gpid, Decree)> {
        self.table.lock().pinning(self.size_limit)
    }

    /// The segments that hold mutations of this replica, with their smallest and largest decree;
    /// oldest first.
    #[must_use]
    pub fn decrees_of(&self, gpid: Gpid) -> Vec<(u64, RangeInclusive<Decree>)> {
        self.table.lock().spans_of(gpid)
    }

    /// Reads what the log holds, from any thread, while it goes on.
    #[must_use]
    pub fn reader(&self) -> LogReader {
        self.reader.clone()
    }

    /// Whether the log waits for space on its disk: it takes no submissions, what it has taken is
    /// kept, and it goes on by itself when there is space.
    #[must_use]
    pub fn waits_for_space(&self) -> bool {
        self.queue.waits_for_space()
    }

    /// Bytes of all segment files, without spares.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.stats.segment_bytes.load(Ordering::Relaxed)
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> &Arc<LogStats> {
        &self.stats
    }

    /// The failure that ended this log, if one did.
    #[must_use]
    pub fn failure(&self) -> Option<LogFailure> {
        self.queue.failure()
    }

    /// Writes what is waiting, ends the thread and releases the directory.
    ///
    /// # Errors
    /// The failure that ended the log, now or earlier; also that it has no space to write what is
    /// waiting.
    pub fn close(mut self) -> Result<(), LogFailure> {
        self.stop();
        self.queue.failure().map_or(Ok(()), Err)
    }

    fn stop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has failed the queue already.
            let _ = thread.join();
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log")
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
