//! Servers that start again and again are left alone until one of their processes has lasted
//! (meta-server.md section 11.3).

use std::time::Duration;

use pegasus_common::clock::MonotonicMillis;

/// When a server restarts too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartRule {
    /// So many starts in a row, each soon after the one before, are too many; 0 is no limit.
    pub unstable_max: u32,
    /// A process that has run so long has lasted.
    pub stable_after: Duration,
}

impl Default for RestartRule {
    /// Upstream waits ten minutes; a server that crashes as it starts shows it within seconds.
    fn default() -> Self {
        Self {
            unstable_max: 5,
            stable_after: Duration::from_secs(5),
        }
    }
}

/// The starts of one server, as far as its beacons told.
#[derive(Clone, Copy, Debug)]
pub(super) struct StartHistory {
    /// When the present process was first heard. Counted on this machine's clock, because the
    /// server's may step.
    first_heard: MonotonicMillis,
    unstable: u32,
}

impl StartHistory {
    pub(super) const fn new(now: MonotonicMillis) -> Self {
        Self {
            first_heard: now,
            unstable: 0,
        }
    }

    /// A new process was heard.
    pub(super) fn restart(&mut self, rule: &RestartRule, now: MonotonicMillis) {
        if now.since(self.first_heard) < rule.stable_after {
            self.unstable += 1;
        } else {
            self.unstable = 0;
        }
        self.first_heard = now;
    }

    /// Whether the present process must last before its beacons are answered.
    pub(super) fn is_unstable(&self, rule: &RestartRule, now: MonotonicMillis) -> bool {
        rule.unstable_max > 0
            && self.unstable >= rule.unstable_max
            && now.since(self.first_heard) < rule.stable_after
    }
}
