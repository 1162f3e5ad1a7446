//! The storage settings of one server, under upstream's names (storage.md section 5).

use std::time::Duration;

use rust_rocksdb::DBCompressionType;

/// Kind of the block cache that all replicas share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockCacheKind {
    /// Lock-free; RocksDB's recommendation.
    HyperClock,
    /// Upstream's.
    Lru,
}

/// How the blocks of data files are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// Snappy.
    Snappy,
    /// LZ4.
    Lz4,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// The algorithm of a name in the configuration: `none`, `snappy`, `lz4` or `zstd`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "snappy" => Some(Self::Snappy),
            "lz4" => Some(Self::Lz4),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    pub(crate) const fn to_rocksdb(self) -> DBCompressionType {
        match self {
            Self::None => DBCompressionType::None,
            Self::Snappy => DBCompressionType::Snappy,
            Self::Lz4 => DBCompressionType::Lz4,
            Self::Zstd => DBCompressionType::Zstd,
        }
    }
}

/// Settings that all engines of a process share. Names and meanings are upstream's
/// (`[pegasus.server]`), without the prefix `rocksdb_`; where a default differs, the field says why.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineOptions {
    /// Bytes of a memtable. Upstream: 64 MiB; 16 MiB measured faster (fewer cache misses and page
    /// faults) and bounds what a restart replays.
    pub write_buffer_size: usize,
    /// Memtables of one replica, the active one included, before writes stall.
    pub max_write_buffer_number: i32,
    /// Threads for flushes, per process.
    pub max_background_flushes: i32,
    /// Threads for compactions, per process.
    pub max_background_compactions: i32,
    /// Levels of the tree; fixed when a replica is created.
    pub num_levels: i32,
    /// Bytes of a data file.
    pub target_file_size_base: u64,
    /// Growth of the file size per level.
    pub target_file_size_multiplier: i32,
    /// Bytes of the first level below 0.
    pub max_bytes_for_level_base: u64,
    /// Growth of the level size per level.
    pub max_bytes_for_level_multiplier: f64,
    /// Files in level 0 that start a compaction.
    pub level0_file_num_compaction_trigger: i32,
    /// Files in level 0 that slow writes down.
    pub level0_slowdown_writes_trigger: i32,
    /// Files in level 0 that stop writes.
    pub level0_stop_writes_trigger: i32,
    /// Compression from level 2 downwards; levels 0 and 1 stay uncompressed, as they are soon
    /// rewritten.
    pub compression: Compression,
    /// Bytes of the block cache of the process. Upstream: 10 GiB; ours must fit a laptop running
    /// three servers, so that operators raise it rather than newcomers run out of memory.
    pub block_cache_capacity: usize,
    /// Kind of the block cache.
    pub block_cache_kind: BlockCacheKind,
    /// Bits per key of the bloom filters; 0 turns them off.
    pub bloom_filter_bits_per_key: f64,
    /// Share of the memtable spent on a bloom filter of prefixes. Upstream: 0.1; ours is 0, because
    /// RocksDB allocates and clears it when a memtable is made, which would cost every idle replica
    /// 1.6 MB.
    pub memtable_prefix_bloom_ratio: f64,
    /// Format of data files: 2 to 5 can be read by the original server (RocksDB 8.5), so that our
    /// checkpoints stay readable there; RocksDB's own default (7) cannot.
    pub format_version: i32,
    /// Bytes of an uncompressed block.
    pub block_size: usize,
    /// Whether index and filter blocks live in the block cache, rather than in memory for ever.
    pub cache_index_and_filter_blocks: bool,
    /// Bytes of all memtables of the process together; 0 = unlimited. Upstream has
    /// `enable_write_buffer_manager` off; on here, because memory must be bounded. Not charged to the
    /// block cache: a burst of writes would empty it.
    pub total_size_across_write_buffer: usize,
    /// MiB per second that flushes and compactions may write, per process; 0 = unlimited.
    pub limiter_max_write_megabytes_per_sec: u32,
    /// Whether the limiter tunes itself below that rate.
    pub limiter_auto_tune: bool,
    /// Open files per replica; -1 = all of them.
    pub max_open_files: i32,
    /// Bytes read ahead by compactions.
    pub compaction_readahead_size: usize,
    /// Seconds after which a file is rewritten although nothing forces it; 0 = never.
    pub periodic_compaction_seconds: u64,
    /// Limits of range reads.
    pub range_limits: RangeLimits,
    /// Scan contexts of one replica; when full, the oldest goes and its client starts over.
    pub scan_context_count_max: usize,
}

/// Limits of range reads (data-semantics.md section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeLimits {
    /// Records that one `multi_get` visits or returns (`rocksdb_multi_get_max_iteration_count`).
    pub multi_get_count_max: u32,
    /// Bytes that one `multi_get`, one `batch_get` or one batch of a scan returns; the last record may
    /// exceed it; 0 = unlimited (`rocksdb_multi_get_max_iteration_size`). Upstream bounds a `multi_get`
    /// of a range alone.
    pub answer_bytes_max: u64,
    /// Records of a scan batch (`rocksdb_max_iteration_count`).
    pub scan_count_max: u32,
    /// Time of one range read, unless the table says otherwise; `None` = unlimited
    /// (`rocksdb_iteration_threshold_time_ms`).
    pub time_max: Option<Duration>,
}

impl Default for RangeLimits {
    fn default() -> Self {
        Self {
            multi_get_count_max: 3000,
            answer_bytes_max: 30 << 20,
            scan_count_max: 1000,
            time_max: Some(Duration::from_secs(30)),
        }
    }
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            write_buffer_size: 16 << 20,
            max_write_buffer_number: 3,
            max_background_flushes: 4,
            max_background_compactions: 12,
            num_levels: 6,
            target_file_size_base: 64 << 20,
            target_file_size_multiplier: 1,
            max_bytes_for_level_base: 640 << 20,
            max_bytes_for_level_multiplier: 10.0,
            level0_file_num_compaction_trigger: 4,
            level0_slowdown_writes_trigger: 30,
            level0_stop_writes_trigger: 60,
            compression: Compression::Lz4,
            block_cache_capacity: 128 << 20,
            block_cache_kind: BlockCacheKind::HyperClock,
            bloom_filter_bits_per_key: 10.0,
            memtable_prefix_bloom_ratio: 0.0,
            format_version: 5,
            block_size: 4096,
            cache_index_and_filter_blocks: false,
            total_size_across_write_buffer: 256 << 20,
            limiter_max_write_megabytes_per_sec: 500,
            limiter_auto_tune: false,
            max_open_files: -1,
            compaction_readahead_size: 2 << 20,
            periodic_compaction_seconds: 0,
            range_limits: RangeLimits::default(),
            scan_context_count_max: 1024,
        }
    }
}
