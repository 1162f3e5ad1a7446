//! Tells RocksDB that records of one hash key belong together: its filters then know hash keys.

use pegasus_common::key;
use rust_rocksdb::SliceTransform;

/// The extractor of length prefix and hash key. Its name is stored in data files: filters of files
/// with another name are ignored, so a change of meaning needs a new name.
pub(super) fn extractor() -> SliceTransform {
    SliceTransform::create("pegasus.hash_key", prefix_or_all, Some(is_raw_key))
}

/// Called from C++: must not panic. Keys outside the domain do not get here; they stay whole.
fn prefix_or_all(raw_key: &[u8]) -> &[u8] {
    key::prefix(raw_key).unwrap_or(raw_key)
}

fn is_raw_key(bytes: &[u8]) -> bool {
    key::prefix(bytes).is_ok()
}
