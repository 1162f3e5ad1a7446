//! Removes expired records when RocksDB rewrites them (storage.md section 6.1).
//!
//! It only removes. Stamping a table's default TTL on older records needs a changed value, which the
//! binding can take only through a lifetime trick; it comes with user-specified compaction.

use std::ffi::CStr;

use pegasus_common::clock::EpochSeconds;
use pegasus_common::value;
use rust_rocksdb::CompactionDecision;
use rust_rocksdb::compaction_filter::CompactionFilter;
use rust_rocksdb::compaction_filter_factory::{CompactionFilterContext, CompactionFilterFactory};

use crate::settings::{SettingsHandle, TableSettings};

/// Makes one filter per compaction, with the settings and the time of its start.
pub(super) struct ExpiryFilterFactory {
    settings: SettingsHandle,
}

impl ExpiryFilterFactory {
    pub(super) const fn new(settings: SettingsHandle) -> Self {
        Self { settings }
    }
}

impl CompactionFilterFactory for ExpiryFilterFactory {
    type Filter = ExpiryFilter;

    fn create(&mut self, _context: CompactionFilterContext) -> ExpiryFilter {
        ExpiryFilter {
            now_s: EpochSeconds::now().0,
            settings: self.settings.get(),
        }
    }

    fn name(&self) -> &CStr {
        c"pegasus.expiry"
    }
}

/// Called from C++ for each record: nothing in here may panic.
pub(super) struct ExpiryFilter {
    now_s: u32,
    settings: TableSettings,
}

impl ExpiryFilter {
    fn is_garbage(&self, raw_key: &[u8], stored: &[u8]) -> bool {
        // A value that cannot be read is kept: deleting is no way to treat corruption.
        let is_expired =
            value::split(stored).is_ok_and(|value| value.expire_ts.is_expired(self.now_s));
        // After a split each half holds the other's records too.
        let is_foreign = self.settings.partition.is_some_and(|share| {
            pegasus_common::key::split(raw_key).is_ok() && !share.contains(raw_key)
        });
        is_expired || is_foreign
    }
}

impl CompactionFilter for ExpiryFilter {
    fn filter(&mut self, _level: u32, raw_key: &[u8], stored: &[u8]) -> CompactionDecision {
        if self.is_garbage(raw_key, stored) {
            CompactionDecision::Remove
        } else {
            CompactionDecision::Keep
        }
    }

    fn name(&self) -> &CStr {
        c"pegasus.expiry"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::PartitionShare;
    use pegasus_common::key;
    use pegasus_common::value::{ExpireTs, TimeTag};

    fn filter(partition: Option<PartitionShare>) -> ExpiryFilter {
        let settings = TableSettings {
            partition,
            ..TableSettings::default()
        };
        ExpiryFilter {
            now_s: 100,
            settings,
        }
    }

    fn stored(expire_ts: u32) -> Vec<u8> {
        value::header(ExpireTs(expire_ts), TimeTag(0)).to_vec()
    }

    #[test]
    fn only_expired_records_are_garbage() {
        let raw_key = key::encode(b"h", b"s").unwrap();
        assert!(filter(None).is_garbage(&raw_key, &stored(100)));
        assert!(!filter(None).is_garbage(&raw_key, &stored(101)));
        assert!(!filter(None).is_garbage(&raw_key, &stored(0)));
        assert!(!filter(None).is_garbage(b"", b"short"));
    }

    #[test]
    fn foreign_records_are_garbage_once_the_table_says_so() {
        let raw_key = key::encode(b"hk1", b"s").unwrap();
        let is_garbage = |index| {
            filter(Some(PartitionShare { index, count: 8 })).is_garbage(&raw_key, &stored(0))
        };
        assert!(!is_garbage(5));
        assert!(is_garbage(4));
        assert!(!filter(Some(PartitionShare { index: 4, count: 8 })).is_garbage(b"", &stored(0)));
    }
}
