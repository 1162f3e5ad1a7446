//! The replica server's half of failure detection: until when it may serve (design invariant I4).
//!
//! The lease counts from the *sending* of a beacon that the leading meta server acknowledged, on this
//! machine's monotonic clock; the meta server's grace counts from the receipt and is longer. So this
//! server stops serving before its partitions are given away, whatever the network does.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

/// Until when this server may serve as primary. Written by the node's beacon task, read on every
/// read and before every acknowledgement, by any thread.
#[derive(Debug)]
pub struct Lease {
    epoch: Instant,
    length: Duration,
    /// Milliseconds after `epoch`; 0 is "never held".
    expires_ms: AtomicU64,
}

impl Lease {
    /// No lease held yet; each acknowledged beacon gives `length`.
    #[must_use]
    pub fn new(length: Duration) -> Self {
        Self { epoch: Instant::now(), length, expires_ms: AtomicU64::new(0) }
    }

    /// The leading meta server acknowledged the beacon that was sent at `sent`. A late answer to an
    /// older beacon never shortens the lease.
    pub fn extend(&self, sent: Instant) {
        let expires = self.offset_ms(sent + self.length);
        self.expires_ms.fetch_max(expires, Ordering::AcqRel);
    }

    /// Gives the lease up: this server says goodbye.
    pub fn surrender(&self) {
        self.expires_ms.store(0, Ordering::Release);
    }

    /// Whether this server may serve at `now`.
    #[must_use]
    pub fn is_held(&self, now: Instant) -> bool {
        self.offset_ms(now) < self.expires_ms.load(Ordering::Acquire)
    }

    fn offset_ms(&self, at: Instant) -> u64 {
        let offset = at.saturating_duration_since(self.epoch);
        u64::try_from(offset.as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lease_counts_from_the_sending_and_never_shrinks() {
        let lease = Lease::new(Duration::from_secs(10));
        let start = lease.epoch;
        assert!(!lease.is_held(start));
        lease.extend(start + Duration::from_secs(5));
        lease.extend(start + Duration::from_secs(1));
        assert!(lease.is_held(start + Duration::from_millis(14_999)));
        assert!(!lease.is_held(start + Duration::from_secs(15)));
        lease.surrender();
        assert!(!lease.is_held(start + Duration::from_secs(6)));
    }
}
