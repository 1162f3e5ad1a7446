//! A table as the catalogue has it.

use std::collections::BTreeMap;

use pegasus_common::AppId;

/// Where a table stands in its life, as far as it is durable. Creating and dropping are states of
/// an administrator's request, not of the table: one transaction takes each of them through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableStatus {
    /// In service; its partitions may still be waiting for their first members.
    Available,
    /// Dropped: out of service, its replicas kept until `expire_second`.
    Dropped,
}

/// The attributes of one table (meta-server.md section 6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// From 1, never reused.
    pub id: AppId,
    /// Unique among available tables.
    pub name: String,
    /// Which storage serves it; only `pegasus` is usable.
    pub app_type: String,
    /// Where it stands in its life.
    pub status: TableStatus,
    /// A power of two.
    pub partition_count: i32,
    /// Partitions at creation, before any split.
    pub init_partition_count: i32,
    /// Settings by key.
    pub envs: BTreeMap<String, String>,
    /// Always true in practice.
    pub is_stateful: bool,
    /// Replicas that each partition should have.
    pub max_replica_count: i32,
    /// Unix time of the creation.
    pub create_second: i64,
    /// Unix time of the drop; 0 while available.
    pub drop_second: i64,
    /// Unix time from which the data of a dropped table may go; 0 is never.
    pub expire_second: i64,
    /// Whether atomic operations travel as idempotent writes.
    pub atomic_idempotent: bool,
}

impl Table {
    /// Whether its replicas may be removed: it was dropped, and the time to recall it is over.
    #[must_use]
    pub fn is_expired(&self, unix_seconds: i64) -> bool {
        self.status == TableStatus::Dropped
            && self.expire_second > 0
            && self.expire_second <= unix_seconds
    }
}
