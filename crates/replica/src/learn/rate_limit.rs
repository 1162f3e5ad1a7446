//! How fast bytes may go to or from a disk: a token bucket that tells its callers how long to wait
//! instead of holding them up.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use pegasus_common::clock::MonotonicMicros;

/// What may go at once, as a time at the rate: enough to keep several transfers going, and little beside
/// what clients wait for.
const BURST: Duration = Duration::from_millis(100);
const MICROS_PER_SECOND: u64 = 1_000_000;

/// A rate that all transfers of one kind share.
#[derive(Debug)]
pub struct RateLimit {
    /// Bytes per second; 0 is no limit.
    rate: AtomicU64,
    /// When everything that was admitted will have been paid for.
    paid_at: Mutex<MonotonicMicros>,
}

impl RateLimit {
    /// A limit of `megabytes` per second (2^20 bytes each); 0 is none.
    #[must_use]
    pub fn of_megabytes(megabytes: u64) -> Self {
        Self {
            rate: AtomicU64::new(megabytes << 20),
            paid_at: Mutex::new(MonotonicMicros(0)),
        }
    }

    /// Changes the rate; for what is admitted from now on.
    pub fn set_megabytes(&self, megabytes: u64) {
        self.rate.store(megabytes << 20, Ordering::Relaxed);
    }

    /// Admits `bytes` and says how long to wait before moving them.
    #[must_use]
    pub fn admit(&self, bytes: u64, now: MonotonicMicros) -> Duration {
        let rate = self.rate.load(Ordering::Relaxed);
        if rate == 0 {
            return Duration::ZERO;
        }
        let cost = bytes.saturating_mul(MICROS_PER_SECOND) / rate;
        let mut paid_at = self.paid_at.lock();
        *paid_at = (*paid_at).max(now).after(Duration::from_micros(cost));
        paid_at.since(now).saturating_sub(BURST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn without_a_limit_nobody_waits() {
        let limit = RateLimit::of_megabytes(0);
        let now = MonotonicMicros(5);
        assert_eq!(limit.admit(1 << 40, now), Duration::ZERO);
    }

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let limit = RateLimit::of_megabytes(10);
        let start = MonotonicMicros(1_000_000);
        assert_eq!(limit.admit(MIB, start), Duration::ZERO);
        assert_eq!(limit.admit(MIB, start), Duration::from_millis(100));
        assert_eq!(limit.admit(MIB, start), Duration::from_millis(200));
        let later = start.after(Duration::from_millis(300));
        assert_eq!(limit.admit(MIB, later), Duration::ZERO);
        limit.set_megabytes(1);
        assert_eq!(limit.admit(2 * MIB, later), Duration::from_secs(2));
    }
}
