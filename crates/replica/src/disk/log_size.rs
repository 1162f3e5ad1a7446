//! [`LogSize`]: how large the mutation log of a disk gets.

use crate::config::ReplicationSection;
use crate::disk_health::Space;

/// The log takes at most this share of its disk, whatever the configuration says: on a small disk it
/// would fill the disk with records that storage could have had.
const SHARE_OF_DISK: u64 = 8;
/// A log within its limit has at least so many segments, spares among them: only whole ones are let
/// go of.
const SEGMENTS_MIN: u64 = 8;
const MIB: u64 = 1 << 20;

/// Sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSize {
    /// Of one segment.
    pub segment_bytes: u64,
    /// Of the log, above which replicas are flushed for its sake.
    pub limit_bytes: u64,
}

impl LogSize {
    /// What the configuration wants, or less where the disk is small. A disk whose size cannot be
    /// told (0) counts as large.
    #[must_use]
    pub fn on(space: Space, section: &ReplicationSection) -> Self {
        let share = match space.total_bytes {
            0 => u64::MAX,
            total => (total / SHARE_OF_DISK).max(SEGMENTS_MIN * MIB),
        };
        Self {
            segment_bytes: (section.log_segment_size_mb * MIB).min(share / SEGMENTS_MIN),
            limit_bytes: (section.log_size_limit_mb * MIB).min(share),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_disk_of(total_bytes: u64) -> (u64, u64) {
        let space = Space {
            available_bytes: total_bytes,
            total_bytes,
        };
        let size = LogSize::on(space, &ReplicationSection::default());
        (size.segment_bytes / MIB, size.limit_bytes / MIB)
    }

    #[test]
    fn a_small_disk_has_a_small_log() {
        assert_eq!(on_disk_of(1 << 40), (64, 1_024), "as configured");
        assert_eq!(on_disk_of(0), (64, 1_024), "nobody knows");
        assert_eq!(on_disk_of(768 * MIB), (12, 96));
        assert_eq!(on_disk_of(10 * MIB), (1, 8));
    }
}
