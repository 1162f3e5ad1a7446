//! Figures of one engine, for metrics. They come from RocksDB's properties, which cost nothing until
//! asked for; RocksDB's `Statistics` object stays off, since it costs memory per replica and time
//! per operation.

use super::engine::Engine;

/// A snapshot of one engine's figures. Upstream's metric is named where there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// `rdb_estimated_keys`.
    pub estimated_keys: u64,
    /// `rdb_total_sst_size_mb`, here in bytes.
    pub data_file_bytes: u64,
    /// `rdb_memtable_mem_usage_bytes`.
    pub memtable_bytes: u64,
    /// `rdb_index_and_filter_blocks_mem_usage_bytes`.
    pub index_and_filter_bytes: u64,
    /// Memtables that wait for a flush.
    pub immutable_memtables: u64,
    /// Bytes that compactions should rewrite.
    pub pending_compaction_bytes: u64,
    /// Compactions running.
    pub running_compactions: u64,
    /// Flushes running.
    pub running_flushes: u64,
    /// Failures in the background since the engine was opened.
    pub background_errors: u64,
    /// Scan contexts held.
    pub scan_contexts: usize,
}

impl Engine {
    /// The figures now. A figure that RocksDB does not give is 0.
    #[must_use]
    pub fn stats(&self) -> EngineStats {
        let property = |name: &str| {
            self.database
                .db
                .property_int_value(name)
                .ok()
                .flatten()
                .unwrap_or_default()
        };
        EngineStats {
            estimated_keys: property("rocksdb.estimate-num-keys"),
            data_file_bytes: property("rocksdb.total-sst-files-size"),
            memtable_bytes: property("rocksdb.cur-size-all-mem-tables"),
            index_and_filter_bytes: property("rocksdb.estimate-table-readers-mem"),
            immutable_memtables: property("rocksdb.num-immutable-mem-table"),
            pending_compaction_bytes: property("rocksdb.estimate-pending-compaction-bytes"),
            running_compactions: property("rocksdb.num-running-compactions"),
            running_flushes: property("rocksdb.num-running-flushes"),
            background_errors: property("rocksdb.background-errors"),
            scan_contexts: self.contexts.lock().len(),
        }
    }
}
