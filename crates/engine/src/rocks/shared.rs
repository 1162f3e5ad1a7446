//! What all engines of a process share: cache, memtable budget, rate limiter, background threads.

use rust_rocksdb::{
    BlockBasedOptions, Cache, Env, LogLevel, Options, RateLimiterMode, WriteBufferManager,
};

use super::key_prefix;
use crate::error::EngineError;
use crate::options::{BlockCacheKind, Compression, EngineOptions};

/// How often the rate limiter hands out budget, microseconds (upstream's 100 ms).
const LIMITER_REFILL_US: i64 = 100_000;
/// How often low-priority requests win over high-priority ones: 1 in this many.
const LIMITER_FAIRNESS: i32 = 10;
/// Charge of one cache entry for the sizing of the hyper-clock table; 0 lets it grow dynamically.
const CACHE_ENTRY_CHARGE: usize = 0;
/// Files in level 0 of the meta column family that start a compaction.
const META_LEVEL0_TRIGGER: i32 = 10;

/// Built once per process; every [`super::Engine`] is opened with it.
pub struct Shared {
    options: EngineOptions,
    cache: Cache,
    write_buffer_manager: Option<WriteBufferManager>,
    /// Database options with everything shared in them; engines open with clones. A clone shares
    /// the rate limiter, which the binding cannot hand out by itself.
    pub(super) database: Options,
    pub(super) meta: Options,
}

/// Memory that all engines use together, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharedUsage {
    /// Bytes in the block cache.
    pub block_cache_bytes: usize,
    /// Bytes in the block cache that cannot be evicted now.
    pub block_cache_pinned_bytes: usize,
    /// Bytes of all memtables.
    pub memtable_bytes: usize,
    /// Bytes of the memtables that still take writes.
    pub mutable_memtable_bytes: usize,
}

impl Shared {
    /// Prepares everything that is shared.
    ///
    /// # Errors
    /// When RocksDB has no environment to offer.
    pub fn new(options: &EngineOptions) -> Result<Self, EngineError> {
        let env = environment(options)?;
        let cache = match options.block_cache_kind {
            BlockCacheKind::HyperClock => {
                Cache::new_hyper_clock_cache(options.block_cache_capacity, CACHE_ENTRY_CHARGE)
            }
            BlockCacheKind::Lru => Cache::new_lru_cache(options.block_cache_capacity),
        };
        let write_buffer_manager = write_buffer_manager(options);
        let mut database = common_options(options, &env, &cache);
        if let Some(manager) = &write_buffer_manager {
            database.set_write_buffer_manager(manager);
        }
        let mut meta = database.clone();
        add_data_options(options, &mut database);
        add_meta_options(&mut meta);
        Ok(Self {
            options: options.clone(),
            cache,
            write_buffer_manager,
            database,
            meta,
        })
    }

    /// The options that it was built from.
    #[must_use]
    pub const fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// Memory in use now.
    #[must_use]
    pub fn usage(&self) -> SharedUsage {
        let manager = self.write_buffer_manager.as_ref();
        SharedUsage {
            block_cache_bytes: self.cache.get_usage(),
            block_cache_pinned_bytes: self.cache.get_pinned_usage(),
            memtable_bytes: manager.map_or(0, WriteBufferManager::get_usage),
            mutable_memtable_bytes: manager
                .map_or(0, WriteBufferManager::get_mutable_memtable_memory_usage),
        }
    }
}

fn environment(options: &EngineOptions) -> Result<Env, EngineError> {
    let mut env = Env::new().map_err(|source| EngineError::RocksDb {
        action: "make an environment for",
        path: std::path::PathBuf::from("RocksDB"),
        source,
    })?;
    env.set_high_priority_background_threads(options.max_background_flushes);
    env.set_low_priority_background_threads(options.max_background_compactions);
    Ok(env)
}

fn write_buffer_manager(options: &EngineOptions) -> Option<WriteBufferManager> {
    // Without stalls: over budget, RocksDB flushes the largest memtables; the writer never waits.
    let budget = options.total_size_across_write_buffer;
    (budget > 0).then(|| WriteBufferManager::new_write_buffer_manager(budget, false))
}

/// What both column families and the database itself need.
fn common_options(options: &EngineOptions, env: &Env, cache: &Cache) -> Options {
    let mut database = Options::default();
    database.set_env(env);
    database.set_atomic_flush(true);
    // The default; said here because it is relied on: metadata that does not verify is an error.
    database.set_paranoid_checks(true);
    // Closing is not flushing: the host says when to flush, and a quick end must be quick.
    database.set_avoid_flush_during_shutdown(true);
    // RocksDB gives a quarter of the jobs to flushes; the pools of the environment bound both.
    database.set_max_background_jobs(
        options
            .max_background_flushes
            .saturating_add(options.max_background_compactions),
    );
    database.set_max_open_files(options.max_open_files);
    database.set_compaction_readahead_size(options.compaction_readahead_size);
    database.set_write_buffer_size(options.write_buffer_size);
    database.set_max_write_buffer_number(options.max_write_buffer_number);
    // No timers and no statistics files: thousands of replicas would each pay for them.
    database.set_stats_dump_period_sec(0);
    database.set_stats_persist_period_sec(0);
    // One process, one log: RocksDB's own LOG files are replaced, and only warnings pass.
    database.set_callback_logger(LogLevel::Warn, forward_log_line);
    if options.limiter_max_write_megabytes_per_sec > 0 {
        let bytes_per_s = i64::from(options.limiter_max_write_megabytes_per_sec) << 20;
        database.set_ratelimiter_with_mode(
            bytes_per_s,
            LIMITER_REFILL_US,
            LIMITER_FAIRNESS,
            RateLimiterMode::KWritesOnly,
            options.limiter_auto_tune,
        );
    }
    database.set_block_based_table_factory(&table_options(options, cache));
    database
}

fn table_options(options: &EngineOptions, cache: &Cache) -> BlockBasedOptions {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_block_size(options.block_size);
    table.set_format_version(options.format_version);
    table.set_cache_index_and_filter_blocks(options.cache_index_and_filter_blocks);
    table.set_cache_index_and_filter_blocks_with_high_priority(true);
    table.set_pin_top_level_index_and_filter(true);
    if options.bloom_filter_bits_per_key > 0.0 {
        table.set_bloom_filter(options.bloom_filter_bits_per_key, false);
        // Beside the prefixes: point reads are the common case.
        table.set_whole_key_filtering(true);
    }
    table
}

fn add_data_options(options: &EngineOptions, data: &mut Options) {
    data.set_prefix_extractor(key_prefix::extractor());
    data.set_memtable_prefix_bloom_ratio(options.memtable_prefix_bloom_ratio);
    data.set_num_levels(options.num_levels);
    data.set_target_file_size_base(options.target_file_size_base);
    data.set_target_file_size_multiplier(options.target_file_size_multiplier);
    data.set_max_bytes_for_level_base(options.max_bytes_for_level_base);
    data.set_max_bytes_for_level_multiplier(options.max_bytes_for_level_multiplier);
    data.set_max_compaction_bytes(options.target_file_size_base.saturating_mul(25));
    data.set_level_zero_file_num_compaction_trigger(options.level0_file_num_compaction_trigger);
    data.set_level_zero_slowdown_writes_trigger(options.level0_slowdown_writes_trigger);
    data.set_level_zero_stop_writes_trigger(options.level0_stop_writes_trigger);
    data.set_compression_per_level(&compression_per_level(options));
    // Their defaults move between RocksDB releases. Fixed level sizes keep what operators know of
    // the original, whose per-level compression assumes them.
    data.set_level_compaction_dynamic_level_bytes(false);
    data.set_periodic_compaction_seconds(options.periodic_compaction_seconds);
    data.set_ttl(0);
}

fn compression_per_level(options: &EngineOptions) -> Vec<rust_rocksdb::DBCompressionType> {
    (0..options.num_levels.max(1))
        .map(|level| {
            if level < 2 {
                Compression::None
            } else {
                options.compression
            }
        })
        .map(Compression::to_rocksdb)
        .collect()
}

fn add_meta_options(meta: &mut Options) {
    meta.set_level_zero_file_num_compaction_trigger(META_LEVEL0_TRIGGER);
    meta.set_compression_type(rust_rocksdb::DBCompressionType::None);
    meta.set_level_compaction_dynamic_level_bytes(false);
    meta.set_periodic_compaction_seconds(0);
    meta.set_ttl(0);
}

fn forward_log_line(level: LogLevel, line: &str) {
    match level {
        LogLevel::Debug | LogLevel::Info | LogLevel::Header => tracing::debug!("{line}"),
        LogLevel::Warn => tracing::warn!("{line}"),
        LogLevel::Error | LogLevel::Fatal => tracing::error!("{line}"),
    }
}
