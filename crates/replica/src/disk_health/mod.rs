//! Whether a data directory can be used (storage.md section 10): its space, and whether its device
//! answers. The control thread looks ([`crate::control`]); shards read one atomic per write.

mod probe;

use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use pegasus_common::ErrorCode;

pub use probe::Space;
pub use probe::probe;
pub use probe::space_of;

/// What a data directory is good for. The numbers are upstream's `disk_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum DiskStatus {
    /// Everything.
    Normal = 0,
    /// Reading; it takes no writes of clients and no new replicas until there is space again.
    SpaceInsufficient = 1,
    /// As `SpaceInsufficient`, because the device refuses or does not answer.
    IoError = 2,
}

/// The space of a data directory is less than the ratio of the configuration.
const SHORT_OF_SPACE: u8 = 1;
/// The device has not answered for long.
const OVERDUE: u8 = 2;
/// The device has refused something, or given other bytes than were written. For good: only a restart
/// believes in it again.
const FAILED: u8 = 4;

/// What is known about a data directory. Written by the control thread and by whoever meets a failure,
/// read by all.
#[derive(Debug, Default)]
pub struct DiskHealth {
    problems: AtomicU8,
    available_bytes: AtomicU64,
    total_bytes: AtomicU64,
}

impl DiskHealth {
    /// What the directory is good for. Costs one atomic load.
    #[must_use]
    pub fn status(&self) -> DiskStatus {
        match self.problems.load(Ordering::Relaxed) {
            0 => DiskStatus::Normal,
            SHORT_OF_SPACE => DiskStatus::SpaceInsufficient,
            _ => DiskStatus::IoError,
        }
    }

    /// The answer to a client's write, if it has to be refused.
    #[must_use]
    pub fn write_refusal(&self) -> Option<ErrorCode> {
        match self.status() {
            DiskStatus::Normal => None,
            DiskStatus::SpaceInsufficient => Some(ErrorCode::DiskInsufficient),
            DiskStatus::IoError => Some(ErrorCode::DiskIoError),
        }
    }

    /// The space as it is now; at least `ratio_min` percent should be available.
    pub fn on_space(&self, space: Space, ratio_min: u64) {
        self.available_bytes
            .store(space.available_bytes, Ordering::Relaxed);
        self.total_bytes.store(space.total_bytes, Ordering::Relaxed);
        let wanted = u128::from(space.total_bytes) * u128::from(ratio_min);
        if u128::from(space.available_bytes) * 100 < wanted {
            self.problems.fetch_or(SHORT_OF_SPACE, Ordering::Relaxed);
        } else {
            self.problems.fetch_and(!SHORT_OF_SPACE, Ordering::Relaxed);
        }
    }

    /// The device has refused something.
    pub fn on_failure(&self) {
        self.problems.fetch_or(FAILED, Ordering::Relaxed);
    }

    /// The device has not answered for long.
    pub fn on_overdue(&self) {
        self.problems.fetch_or(OVERDUE, Ordering::Relaxed);
    }

    /// The device has answered, well or not.
    pub fn on_answer(&self) {
        self.problems.fetch_and(!OVERDUE, Ordering::Relaxed);
    }

    /// The last known space.
    #[must_use]
    pub fn space(&self) -> Space {
        Space {
            available_bytes: self.available_bytes.load(Ordering::Relaxed),
            total_bytes: self.total_bytes.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_comes_and_goes_and_failure_stays() {
        let health = DiskHealth::default();
        let space = |available_bytes| Space {
            available_bytes,
            total_bytes: 1000,
        };
        assert_eq!(health.write_refusal(), None);
        health.on_space(space(100), 10);
        assert_eq!(health.status(), DiskStatus::Normal);
        health.on_space(space(99), 10);
        assert_eq!(health.status(), DiskStatus::SpaceInsufficient);
        assert_eq!(health.write_refusal(), Some(ErrorCode::DiskInsufficient));
        health.on_overdue();
        assert_eq!(health.status(), DiskStatus::IoError);
        health.on_answer();
        health.on_space(space(500), 10);
        assert_eq!(health.status(), DiskStatus::Normal);
        assert_eq!(health.space(), space(500));
        health.on_failure();
        health.on_answer();
        assert_eq!(health.write_refusal(), Some(ErrorCode::DiskIoError));
    }

    #[test]
    fn a_ratio_of_zero_is_no_limit() {
        let health = DiskHealth::default();
        health.on_space(Space::default(), 0);
        assert_eq!(health.status(), DiskStatus::Normal);
    }
}
