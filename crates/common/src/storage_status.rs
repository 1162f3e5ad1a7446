//! The numbers in the `error` field of data responses: RocksDB status codes (wire-protocol.md
//! section 8.3).

/// Outcome of a storage operation, as clients see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum StorageStatus {
    /// Success.
    #[default]
    Ok = 0,
    /// The record, or the scan context, does not exist.
    NotFound = 1,
    /// A checksum or a format did not match.
    Corruption = 2,
    /// The operation is not supported.
    NotSupported = 3,
    /// The request makes no sense: malformed key, unknown filter or check type, empty list.
    InvalidArgument = 4,
    /// The disk failed.
    IoError = 5,
    /// A merge is running.
    MergeInProgress = 6,
    /// A limit stopped the operation; what was found is returned.
    Incomplete = 7,
    /// The database is closing.
    ShutdownInProgress = 8,
    /// The operation took too long.
    TimedOut = 9,
    /// The operation was given up.
    Aborted = 10,
    /// A resource is busy.
    Busy = 11,
    /// Expired.
    Expired = 12,
    /// Also: the check of a `check_and_*` operation did not pass.
    TryAgain = 13,
    /// A compaction would be too large.
    CompactionTooLarge = 14,
    /// The column family is gone.
    ColumnFamilyDropped = 15,
}

impl StorageStatus {
    /// Every status, in the order of its number.
    pub const ALL: [Self; 16] = [
        Self::Ok,
        Self::NotFound,
        Self::Corruption,
        Self::NotSupported,
        Self::InvalidArgument,
        Self::IoError,
        Self::MergeInProgress,
        Self::Incomplete,
        Self::ShutdownInProgress,
        Self::TimedOut,
        Self::Aborted,
        Self::Busy,
        Self::Expired,
        Self::TryAgain,
        Self::CompactionTooLarge,
        Self::ColumnFamilyDropped,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// The status of a number from the wire, if it is known.
    #[must_use]
    pub fn from_code(code: i32) -> Option<Self> {
        usize::try_from(code)
            .ok()
            .and_then(|index| Self::ALL.get(index).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_positions() {
        for (position, status) in StorageStatus::ALL.iter().enumerate() {
            assert_eq!(usize::try_from(status.code()).unwrap(), position);
            assert_eq!(StorageStatus::from_code(status.code()), Some(*status));
        }
        assert_eq!(StorageStatus::from_code(-1), None);
        assert_eq!(StorageStatus::from_code(16), None);
    }
}
