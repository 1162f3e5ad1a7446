//! From RocksDB's error texts to the numbers that clients see.

use pegasus_common::StorageStatus;
use rust_rocksdb::{Error, ErrorKind};

/// The status of a RocksDB error. Total: RocksDB's C interface passes only text, and a text whose
/// beginning is unknown counts as corruption, so that the replica is examined rather than trusted.
#[must_use]
pub fn storage_status(error: &Error) -> StorageStatus {
    match error.kind() {
        ErrorKind::NotFound => StorageStatus::NotFound,
        ErrorKind::Corruption | ErrorKind::Unknown => StorageStatus::Corruption,
        ErrorKind::NotSupported => StorageStatus::NotSupported,
        ErrorKind::InvalidArgument => StorageStatus::InvalidArgument,
        ErrorKind::IOError => StorageStatus::IoError,
        ErrorKind::MergeInProgress => StorageStatus::MergeInProgress,
        ErrorKind::Incomplete => StorageStatus::Incomplete,
        ErrorKind::ShutdownInProgress => StorageStatus::ShutdownInProgress,
        ErrorKind::TimedOut => StorageStatus::TimedOut,
        ErrorKind::Aborted => StorageStatus::Aborted,
        ErrorKind::Busy => StorageStatus::Busy,
        ErrorKind::Expired => StorageStatus::Expired,
        ErrorKind::TryAgain => StorageStatus::TryAgain,
        ErrorKind::CompactionTooLarge => StorageStatus::CompactionTooLarge,
        ErrorKind::ColumnFamilyDropped => StorageStatus::ColumnFamilyDropped,
    }
}

/// Whether RocksDB was refused space. Its C interface passes only the text, which begins with the
/// code and the subcode.
pub(crate) fn is_out_of_space(error: &Error) -> bool {
    const REFUSALS: [&str; 2] = [
        "IO error: No space left on device",
        "IO error: Space limit reached",
    ];
    REFUSALS
        .iter()
        .any(|refusal| error.as_ref().starts_with(refusal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_rocksdb::{DB, Options, ReadOptions, ReadTier, WriteBatch};

    #[test]
    fn real_errors_map_to_their_numbers() {
        let dir = tempfile::tempdir().unwrap();
        let absent = DB::open(&Options::default(), dir.path().join("absent")).unwrap_err();
        assert_eq!(storage_status(&absent), StorageStatus::InvalidArgument);
        let mut options = Options::default();
        options.create_if_missing(true);
        let db = DB::open(&options, dir.path().join("db")).unwrap();
        let locked = DB::open(&options, dir.path().join("db")).unwrap_err();
        assert_eq!(storage_status(&locked), StorageStatus::IoError);
        let mut truncated = [0; 13];
        truncated[8] = 1;
        truncated[12] = 1;
        let corrupt = db.write(&WriteBatch::from_data(&truncated)).unwrap_err();
        assert_eq!(storage_status(&corrupt), StorageStatus::Corruption);
    }

    #[test]
    fn a_read_that_would_touch_the_disk_is_incomplete() {
        let dir = tempfile::tempdir().unwrap();
        let mut options = Options::default();
        options.create_if_missing(true);
        let db = DB::open(&options, dir.path()).unwrap();
        db.put(b"k", b"v").unwrap();
        db.flush().unwrap();
        let mut cached = ReadOptions::default();
        cached.set_read_tier(ReadTier::BlockCache);
        let Err(error) = db.get_pinned_opt(b"k", &cached) else {
            panic!("the block cannot be cached yet");
        };
        assert_eq!(storage_status(&error), StorageStatus::Incomplete);
    }
}
