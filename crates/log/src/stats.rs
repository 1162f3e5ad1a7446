//! Counters of one log, as plain atomics; the host publishes them as metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How many latency classes [`LogStats::fsync_classes`] has.
pub const FSYNC_CLASSES: usize = 24;

/// What the log did since it was opened. Counters only grow; gauges are named as such.
#[derive(Debug, Default)]
pub struct LogStats {
    /// Batches written.
    pub batches: AtomicU64,
    /// Records written.
    pub records: AtomicU64,
    /// Bytes written in batches, with framing and padding.
    pub bytes: AtomicU64,
    /// Flushes of batches.
    pub fsyncs: AtomicU64,
    /// Time spent in them, nanoseconds.
    pub fsync_ns_sum: AtomicU64,
    /// The longest of them, nanoseconds.
    pub fsync_ns_max: AtomicU64,
    /// How many took less than 2^i microseconds and not less than 2^(i-1); the last class has the
    /// rest.
    pub fsync_classes: [AtomicU64; FSYNC_CLASSES],
    /// Gauge: bytes of records that wait in the queue or are being written.
    pub queue_bytes: AtomicU64,
    /// Submissions that were refused because the queue or the disk was full.
    pub refused: AtomicU64,
    /// Gauge: 1 while the log waits for space on its disk.
    pub waits_for_space: AtomicU64,
    /// Times that a new segment was begun.
    pub segments_begun: AtomicU64,
    /// Segments that were removed.
    pub segments_removed: AtomicU64,
    /// Gauge: bytes of all segment files, without spares.
    pub segment_bytes: AtomicU64,
    /// Gauge: spare files that are ready.
    pub spares: AtomicU64,
}

impl LogStats {
    pub(crate) fn count_fsync(&self, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.fsyncs.fetch_add(1, Ordering::Relaxed);
        self.fsync_ns_sum.fetch_add(nanoseconds, Ordering::Relaxed);
        self.fsync_ns_max.fetch_max(nanoseconds, Ordering::Relaxed);
        let bits = u64::BITS - (nanoseconds / 1000).leading_zeros();
        let class = (bits as usize).min(FSYNC_CLASSES - 1);
        self.fsync_classes[class].fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fsync_times_fall_into_their_classes() {
        let stats = LogStats::default();
        for microseconds in [0, 1, 3, 115, 1 << 40] {
            stats.count_fsync(Duration::from_micros(microseconds));
        }
        let filled: Vec<usize> = (0..FSYNC_CLASSES)
            .filter(|class| stats.fsync_classes[*class].load(Ordering::Relaxed) > 0)
            .collect();
        assert_eq!(filled, [0, 1, 2, 7, FSYNC_CLASSES - 1]);
        assert_eq!(stats.fsyncs.load(Ordering::Relaxed), 5);
    }
}
