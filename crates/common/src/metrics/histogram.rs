//! A histogram that many threads record into without a lock.
//!
//! Buckets are log-linear: exact below 32, then 32 buckets for every power of two, so that a
//! quantile is at most 1/32 (3.1 %) off over the whole range of `u64`. The buckets of a power of
//! two come into being with its first value (256 bytes): a latency histogram holds about 2 KB, and
//! an unused one under 1 KB, which counts with thousands of replicas.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

const SUB_BUCKET_BITS: u32 = 5;
const SUB_BUCKETS: usize = 1 << SUB_BUCKET_BITS;
/// Octave 0 holds the values below 32 one by one, octave n those of `[2^(n+4), 2^(n+5))`.
const OCTAVES: usize = 64 - SUB_BUCKET_BITS as usize + 1;

/// The quantiles of expositions, with upstream's names for them.
pub const QUANTILES: [(f64, &str); 5] = [
    (0.5, "p50"),
    (0.9, "p90"),
    (0.95, "p95"),
    (0.99, "p99"),
    (0.999, "p999"),
];

type Octave = [AtomicU64; SUB_BUCKETS];

/// A handle to a distribution. Cheap to clone; clones record together.
#[derive(Clone, Debug)]
pub struct Histogram(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    octaves: [OnceLock<Box<Octave>>; OCTAVES],
    sum: AtomicU64,
    /// What was taken out of `octaves` at the last rotation.
    rotated: Mutex<Rotated>,
}

#[derive(Debug, Default)]
struct Rotated {
    /// The previous window: bucket number and count, ascending, none empty.
    window: Vec<(usize, u64)>,
    /// Values recorded before the current window.
    count: u64,
}

/// What a histogram holds at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistogramSnapshot {
    /// Values recorded since the start.
    pub count: u64,
    /// Their sum, modulo 2^64.
    pub sum: u64,
    /// Previous and current window: highest value of the bucket and count, ascending.
    recent: Vec<(u64, u64)>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self(Arc::new(Inner {
            octaves: [const { OnceLock::new() }; OCTAVES],
            sum: AtomicU64::new(0),
            rotated: Mutex::new(Rotated::default()),
        }))
    }
}

impl Histogram {
    /// Records one value.
    pub fn record(&self, value: u64) {
        let bucket = bucket_of(value);
        let octave = self.0.octaves[bucket / SUB_BUCKETS]
            .get_or_init(|| Box::new([const { AtomicU64::new(0) }; SUB_BUCKETS]));
        octave[bucket % SUB_BUCKETS].fetch_add(1, Ordering::Relaxed);
        self.0.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Ends the current window: it becomes the previous one, which is forgotten.
    pub(super) fn rotate(&self) {
        let mut rotated = self.0.rotated.lock();
        rotated.window = self.buckets(|count| count.swap(0, Ordering::Relaxed));
        rotated.count += rotated.window.iter().map(|(_, count)| count).sum::<u64>();
    }

    /// Count and sum since the start, and the recent values for quantiles.
    #[must_use]
    pub fn snapshot(&self) -> HistogramSnapshot {
        let rotated = self.0.rotated.lock();
        let current = self.buckets(|count| count.load(Ordering::Relaxed));
        let current_count: u64 = current.iter().map(|(_, count)| count).sum();
        HistogramSnapshot {
            count: rotated.count + current_count,
            sum: self.0.sum.load(Ordering::Relaxed),
            recent: merge(&rotated.window, &current),
        }
    }

    /// The non-empty buckets, ascending.
    fn buckets(&self, read: impl Fn(&AtomicU64) -> u64) -> Vec<(usize, u64)> {
        let mut buckets = Vec::new();
        for (octave, counts) in self.0.octaves.iter().enumerate() {
            let Some(counts) = counts.get() else { continue };
            for (sub_bucket, count) in counts.iter().enumerate() {
                let count = read(count);
                if count > 0 {
                    buckets.push((octave * SUB_BUCKETS + sub_bucket, count));
                }
            }
        }
        buckets
    }
}

fn merge(previous: &[(usize, u64)], current: &[(usize, u64)]) -> Vec<(u64, u64)> {
    let mut all: Vec<(usize, u64)> = previous.iter().chain(current).copied().collect();
    all.sort_unstable_by_key(|(bucket, _)| *bucket);
    all.into_iter()
        .map(|(bucket, count)| (highest_value_of(bucket), count))
        .collect()
}

impl HistogramSnapshot {
    /// The value that a share `quantile` (0 to 1) of the recent values does not exceed; 0 without
    /// recent values. At most 3.1 % above the true one.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank rounded to 53 bits is exact enough"
    )]
    pub fn quantile(&self, quantile: f64) -> u64 {
        let total: u64 = self.recent.iter().map(|(_, count)| count).sum();
        let rank = ((total as f64 * quantile).ceil() as u64).max(1);
        let mut seen = 0;
        for &(value, count) in &self.recent {
            seen += count;
            if seen >= rank {
                return value;
            }
        }
        0
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "below OCTAVES * SUB_BUCKETS, see the test"
)]
fn bucket_of(value: u64) -> usize {
    if value < SUB_BUCKETS as u64 {
        return value as usize;
    }
    let exponent = u64::BITS - 1 - value.leading_zeros();
    let shift = exponent - SUB_BUCKET_BITS;
    let sub_bucket = (value >> shift) as usize & (SUB_BUCKETS - 1);
    (shift as usize + 1) * SUB_BUCKETS + sub_bucket
}

fn highest_value_of(bucket: usize) -> u64 {
    let (octave, sub_bucket) = (bucket / SUB_BUCKETS, (bucket % SUB_BUCKETS) as u64);
    match octave {
        0 => sub_bucket,
        _ => {
            let shift = octave - 1;
            let lowest = (SUB_BUCKETS as u64 + sub_bucket) << shift;
            lowest + ((1 << shift) - 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bucket_holds_its_values_and_is_narrow(value: u64) {
            let bucket = bucket_of(value);
            prop_assert!(bucket < OCTAVES * SUB_BUCKETS);
            let highest = highest_value_of(bucket);
            prop_assert!(highest >= value);
            prop_assert!(highest - value <= value / 32);
            prop_assert!(bucket == 0 || highest_value_of(bucket - 1) < value);
        }
    }

    #[test]
    fn the_ends_of_the_range_have_buckets() {
        for value in [0, 1, 31, 32, 63, 64, u64::MAX - 1, u64::MAX] {
            assert!(highest_value_of(bucket_of(value)) >= value);
        }
        assert_eq!(bucket_of(u64::MAX), OCTAVES * SUB_BUCKETS - 1);
    }

    #[test]
    fn quantiles_cover_the_last_two_windows() {
        let histogram = Histogram::default();
        for value in 1..=100 {
            histogram.record(value);
        }
        let snapshot = histogram.snapshot();
        assert_eq!((snapshot.count, snapshot.sum), (100, 5050));
        assert!((50..=51).contains(&snapshot.quantile(0.5)));
        assert!((99..=101).contains(&snapshot.quantile(0.99)));

        histogram.rotate();
        histogram.record(1000);
        assert!(histogram.snapshot().quantile(1.0) >= 1000);
        assert!(histogram.snapshot().quantile(0.5) <= 51);
        histogram.rotate();
        assert!(histogram.snapshot().quantile(0.1) >= 1000);
        histogram.rotate();
        assert_eq!(histogram.snapshot().quantile(0.5), 0);
        assert_eq!(histogram.snapshot().count, 101);
    }

    #[test]
    fn threads_lose_no_value() {
        let histogram = Histogram::default();
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                let histogram = histogram.clone();
                scope.spawn(move || (0..1000).for_each(|i| histogram.record(thread * 1000 + i)));
            }
            (0..20).for_each(|_| histogram.rotate());
        });
        assert_eq!(histogram.snapshot().count, 4000);
    }
}
