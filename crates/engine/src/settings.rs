//! The settings of a table that change while its replicas are open.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use pegasus_common::partition_hash;

/// What the engine has to know of a table's environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableSettings {
    /// `default_ttl`, seconds; 0 = none.
    pub default_ttl_s: u32,
    /// `replica.rocksdb_iteration_threshold_time_ms`, when the table sets it. Zero = unlimited.
    pub iteration_time_max: Option<Duration>,
    /// `replica.split.validate_partition_hash`: which records belong here. `None` = all.
    pub partition: Option<PartitionShare>,
}

/// The keys that belong to one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionShare {
    /// The partition.
    pub index: u32,
    /// Partitions of the table.
    pub count: u32,
}

impl PartitionShare {
    /// Whether a raw key belongs to the partition. Malformed ones belong nowhere.
    #[must_use]
    pub fn contains(self, raw_key: &[u8]) -> bool {
        partition_hash::of_raw_key(raw_key)
            .is_ok_and(|hash| partition_hash::partition_index(hash, self.count) == self.index)
    }
}

/// A handle that the host keeps to change the settings of an open engine; readers and compactions
/// see the change at their next start.
#[derive(Clone, Debug, Default)]
pub struct SettingsHandle(Arc<ArcSwap<TableSettings>>);

impl SettingsHandle {
    /// A handle with these settings.
    #[must_use]
    pub fn new(settings: TableSettings) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(settings)))
    }

    /// Replaces the settings.
    pub fn set(&self, settings: TableSettings) {
        self.0.store(Arc::new(settings));
    }

    /// The settings now.
    #[must_use]
    pub fn get(&self) -> TableSettings {
        **self.0.load()
    }
}
