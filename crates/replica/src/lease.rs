//! The replica server's half of failure detection: until when it may serve (design invariant I4).
//!
//! The lease counts from the *sending* of a beacon that the leading meta server acknowledged, on this
//! machine's monotonic clock; the meta server's grace counts from the receipt and is longer. So this
//! server stops serving before its partitions are given away, whatever the network does.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pegasus_common::clock::MonotonicMillis;

/// Until when this server may serve as primary. Written by the node's beacon task, read on every
/// read and before every acknowledgement, by any thread.
#[derive(Debug)]
pub struct Lease {
    length: Duration,
    /// A [`MonotonicMillis`]; 0 is "never held".
    expires_ms: AtomicU64,
}

impl Lease {
    /// No lease held yet; each acknowledged beacon gives `length`.
    #[must_use]
    pub fn new(length: Duration) -> Self {
        Self {
            length,
            expires_ms: AtomicU64::new(0),
        }
    }

    /// The leading meta server acknowledged the beacon that was sent at `sent`. A late answer to an
    /// older beacon never shortens the lease.
    pub fn extend(&self, sent: MonotonicMillis) {
        self.expires_ms
            .fetch_max(sent.after(self.length).0, Ordering::AcqRel);
    }

    /// Gives the lease up: this server says goodbye.
    pub fn surrender(&self) {
        self.expires_ms.store(0, Ordering::Release);
    }

    /// Whether this server may serve at `now`.
    #[must_use]
    pub fn is_held(&self, now: MonotonicMillis) -> bool {
        now.0 < self.expires_ms.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lease_counts_from_the_sending_and_never_shrinks() {
        let lease = Lease::new(Duration::from_secs(10));
        let start = MonotonicMillis(1_000);
        assert!(!lease.is_held(start));
        lease.extend(start.after(Duration::from_secs(5)));
        lease.extend(start.after(Duration::from_secs(1)));
        assert!(lease.is_held(start.after(Duration::from_millis(14_999))));
        assert!(!lease.is_held(start.after(Duration::from_secs(15))));
        lease.surrender();
        assert!(!lease.is_held(start.after(Duration::from_secs(6))));
    }
}
