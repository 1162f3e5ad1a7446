//! What a replica server is told at its start. Sections and keys have upstream's names where the
//! meaning is the same.

use std::path::PathBuf;
use std::time::Duration;

use pegasus_common::HostPort;
use pegasus_common::logging::CoreSection;
use pegasus_common::logging::LoggerSection;
use pegasus_engine::Compression;
use pegasus_engine::EngineOptions;
use pegasus_engine::RangeLimits;
use pegasus_rpc::NetworkSection;

pegasus_common::config_choice! {
    /// When a replica may acknowledge what its log has taken.
    Durability {
        /// After `fdatasync`: survives a power loss.
        Fsync = "fsync",
        /// After `write`: survives the death of the process, not of the machine.
        Os = "os",
    }
}

pegasus_common::config_section! {
    /// Replication and the server around it.
    "replication" => ReplicationSection {
        /// Meta servers, `host:port` each.
        meta_servers: Vec<String> = vec!["127.0.0.1:34601".to_owned()],
        /// Data directories, `tag:path` each. A replica lies wholly in one of them; each has one
        /// mutation log.
        data_dirs: Vec<String> = Vec::new(),
        /// Threads that own replicas and connections. 0 is the number of processor cores.
        shards: usize = 1 => 0..=256,
        /// When a write may be acknowledged.
        durability: Durability = Durability::Fsync,
        /// Members that must take part in a write, primary included (invariant I7).
        mutation_2pc_min_replica_count: u32 = 2 => 1..=5,
        /// Mutations that may be in two-phase commit at once, for each replica.
        staleness_for_commit: u32 = 64 => 1..=1_000,
        /// The largest write request body; a larger one is answered ERR_INVALID_DATA, and
        /// in any case one whose effect takes more than 32 MiB. 0 is no other limit. Bytes.
        max_allowed_write_size: u64 = 1_048_576; mutable,
        /// The largest mutation: writes of one turn of the event loop share one until it is reached.
        /// Bytes.
        mutation_size_max_bytes: usize = 1_048_576 => 4_096..=16 << 20,
        /// Between two beacons to the meta server. Milliseconds.
        fd_beacon_interval_ms: u64 = 300 => 10..=60_000,
        /// How long this server may serve after sending the last beacon that was answered; at least
        /// twice fd_beacon_interval_ms. The meta server refuses a server whose lease is not clearly
        /// shorter than its fd_grace_ms. Milliseconds.
        fd_lease_ms: u64 = 2_000 => 100..=3_600_000,
        /// Between two exchanges of the whole configuration with the meta server. Milliseconds.
        config_sync_interval_ms: u64 = 30_000 => 100..=3_600_000,
        /// How long a secondary that the meta server does not list keeps its role. It stays open
        /// afterwards, until the meta server says that nobody needs it. Milliseconds.
        gc_memory_replica_interval_ms: u64 = 600_000,
        /// Between two group checks of an idle primary. Milliseconds.
        group_check_interval_ms: u64 = 10_000 => 100..=3_600_000,
        /// How soon an idle primary tells its secondaries what has been committed. Milliseconds.
        commit_notice_interval_ms: u64 = 100 => 10..=60_000,
        /// Threads for reads that may touch the disk.
        read_pool_threads: usize = 4 => 1..=256,
        /// Reads that may wait for such a thread; the next one is answered ERR_BUSY.
        read_pool_queue_length_max: usize = 10_000 => 1..=1_000_000,
        /// Size of one segment of the mutation log; at most a 64th of its disk. MiB.
        log_segment_size_mb: u64 = 64 => 1..=4_096,
        /// Size of a mutation log above which the replicas that keep it large are flushed; at most an
        /// eighth of its disk. MiB.
        log_size_limit_mb: u64 = 1_024 => 4..=1_048_576,
        /// Share of a disk that must be available: below it, writes of clients to replicas there are
        /// refused with ERR_DISK_INSUFFICIENT and no new replica is put there. 0 is no limit. Percent.
        disk_min_available_space_ratio: u64 = 10 => 0..=99; mutable,
        /// Checkpoints that this server fetches at once; further learners wait.
        learn_app_max_concurrent_count: usize = 5 => 1..=1_000,
        /// Checkpoints that this server keeps for learners at once; further learners ask again.
        learn_checkpoint_max_count: usize = 20 => 1..=10_000,
        /// Mutations that a learner is given from the log at once. Bytes.
        learn_log_bytes_max: usize = 1_048_576 => 4_096..=64 << 20,
        /// Threads, of low priority, that read for learners.
        learn_pool_threads: usize = 2 => 1..=64,
        /// How long the directory of a replica that failed is kept, at least. It stays for longer if
        /// this server has no other replica of the partition. Seconds.
        gc_disk_error_replica_interval_seconds: u64 = 604_800,
        /// How long the directory of a replica that nobody needs is kept. Seconds.
        gc_disk_garbage_replica_interval_seconds: u64 = 86_400,
    }
}

pegasus_common::config_section! {
    /// Copying of checkpoints between replica servers, for learners.
    "nfs" => FileCopySection {
        /// What is asked for at once. Small parts keep the pauses of client traffic short. Bytes.
        nfs_copy_block_bytes: u32 = 262_144 => 4_096..=16 << 20,
        /// Parts that one learner has under way at once.
        max_concurrent_remote_copy_requests: usize = 4 => 1..=1_000,
        /// How fast learners write to each disk of this server; 0 is no limit. More makes copies
        /// complete sooner and clients wait longer meanwhile. MiB per second.
        max_copy_rate_megabytes_per_disk: u64 = 50; mutable,
        /// How fast learners write to all disks of this server together; 0 is no limit. MiB per
        /// second.
        max_copy_rate_megabytes: u64 = 0; mutable,
        /// How fast each disk of this server is read for learners of others; 0 is no limit. MiB per
        /// second.
        max_send_rate_megabytes_per_disk: u64 = 0; mutable,
        /// How fast all disks of this server together are read for learners of others; 0 is no
        /// limit. MiB per second.
        max_send_rate_megabytes: u64 = 0; mutable,
    }
}

pegasus_common::config_section! {
    /// The storage engine, shared by all replicas of the server.
    "pegasus.server" => StorageSection {
        /// Size of a memtable. Bytes.
        rocksdb_write_buffer_size: usize = 16 << 20 => 65_536..=4 << 30,
        /// Size of the block cache that all replicas share. Bytes.
        rocksdb_block_cache_capacity: usize = 128 << 20 => 1 << 20..=1 << 44,
        /// Size of all memtables together; 0 is no limit. Bytes.
        rocksdb_total_size_across_write_buffer: usize = 512 << 20,
        /// Compression from level 2 down: none, snappy, lz4 or zstd.
        rocksdb_compression_type: String = "lz4".to_owned(),
        /// Threads for flushes.
        rocksdb_max_background_flushes: i32 = 4 => 1..=64,
        /// Threads for compactions.
        rocksdb_max_background_compactions: i32 = 4 => 1..=64,
        /// What flushes and compactions may write; 0 is no limit. MiB per second.
        rocksdb_limiter_max_write_megabytes_per_sec: u32 = 500,
        /// Records that one multi_get examines.
        rocksdb_multi_get_max_iteration_count: u32 = 3_000 => 1..=10_000_000,
        /// Bytes that one multi_get, one batch_get or one batch of a scan returns; 0 is no limit.
        rocksdb_multi_get_max_iteration_size: u64 = 30 << 20,
        /// Records of one scan batch.
        rocksdb_max_iteration_count: u32 = 1_000 => 1..=10_000_000,
        /// Time of one range read; 0 is no limit. Milliseconds.
        rocksdb_iteration_threshold_time_ms: u64 = 30_000,
        /// A read that takes longer is logged and counted, unless its table says otherwise.
        /// Nanoseconds.
        rocksdb_slow_query_threshold_ns: u64 = 100_000_000,
    }
}

pegasus_common::config_file! {
    /// What a replica server is told at its start.
    ReplicaServerConfig {
        /// Section `[core]`.
        core: CoreSection,
        /// Section `[network]`.
        network: NetworkSection,
        /// Section `[replication]`.
        replication: ReplicationSection,
        /// Section `[nfs]`.
        nfs: FileCopySection,
        /// Section `[pegasus.server]`.
        storage: StorageSection,
        /// Section `[tools.simple_logger]`.
        logger: LoggerSection,
    }
}

impl StorageSection {
    /// How long a read may take before it is noted.
    #[must_use]
    pub const fn slow_query_threshold(&self) -> Duration {
        Duration::from_nanos(self.rocksdb_slow_query_threshold_ns)
    }

    /// The form that the engine takes.
    ///
    /// # Errors
    /// The compression is none that it knows.
    pub fn engine_options(&self) -> Result<EngineOptions, BadOption> {
        let defaults = EngineOptions::default();
        let time_ms = self.rocksdb_iteration_threshold_time_ms;
        Ok(EngineOptions {
            write_buffer_size: self.rocksdb_write_buffer_size,
            block_cache_capacity: self.rocksdb_block_cache_capacity,
            total_size_across_write_buffer: self.rocksdb_total_size_across_write_buffer,
            compression: Compression::from_name(&self.rocksdb_compression_type).ok_or_else(
                || BadOption {
                    section: "pegasus.server",
                    key: "rocksdb_compression_type",
                    reason: format!(
                        "'{}' is none of none, snappy, lz4 and zstd",
                        self.rocksdb_compression_type
                    ),
                },
            )?,
            max_background_flushes: self.rocksdb_max_background_flushes,
            max_background_compactions: self.rocksdb_max_background_compactions,
            limiter_max_write_megabytes_per_sec: self.rocksdb_limiter_max_write_megabytes_per_sec,
            range_limits: RangeLimits {
                multi_get_count_max: self.rocksdb_multi_get_max_iteration_count,
                answer_bytes_max: self.rocksdb_multi_get_max_iteration_size,
                scan_count_max: self.rocksdb_max_iteration_count,
                time_max: (time_ms > 0).then(|| Duration::from_millis(time_ms)),
            },
            ..defaults
        })
    }
}

/// An option has a value of the right type that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("[{section}] {key}: {reason}")]
pub struct BadOption {
    section: &'static str,
    key: &'static str,
    reason: String,
}

/// One entry of `data_dirs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDirectory {
    /// The operator's name for the disk.
    pub tag: String,
    /// Where it is mounted.
    pub path: PathBuf,
}

impl ReplicationSection {
    /// The data directories.
    ///
    /// # Errors
    /// There is none, an entry is no `tag:path`, or a tag or path stands there twice.
    pub fn data_directories(&self) -> Result<Vec<DataDirectory>, BadOption> {
        let error = |reason| BadOption {
            section: "replication",
            key: "data_dirs",
            reason,
        };
        let mut directories: Vec<DataDirectory> = Vec::new();
        for entry in &self.data_dirs {
            let (tag, path) = entry
                .split_once(':')
                .filter(|(tag, path)| !tag.is_empty() && !path.is_empty())
                .ok_or_else(|| {
                    error(format!(
                        "'{entry}' is no <tag>:<path>, for example ssd1:/data/pegasus"
                    ))
                })?;
            let path = PathBuf::from(path);
            if directories
                .iter()
                .any(|known| known.tag == tag || known.path == path)
            {
                return Err(error(format!(
                    "'{entry}': the tag or the path stands there twice"
                )));
            }
            directories.push(DataDirectory {
                tag: tag.to_owned(),
                path,
            });
        }
        if directories.is_empty() {
            return Err(error(
                "is empty: a replica server needs at least one".to_owned(),
            ));
        }
        Ok(directories)
    }

    /// The meta servers.
    ///
    /// # Errors
    /// There is none, or an entry is no `host:port`.
    pub fn meta_list(&self) -> Result<Vec<HostPort>, BadOption> {
        let error = |reason| BadOption {
            section: "replication",
            key: "meta_servers",
            reason,
        };
        if self.meta_servers.is_empty() {
            return Err(error(
                "is empty: a replica server needs at least one".to_owned(),
            ));
        }
        let parse = |text: &String| {
            text.parse()
                .map_err(|problem: pegasus_common::address::ParseHostPortError| {
                    error(problem.to_string())
                })
        };
        self.meta_servers.iter().map(parse).collect()
    }

    /// How many shards to run on this machine.
    #[must_use]
    pub fn shard_count(&self) -> usize {
        match self.shards {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            shards => shards,
        }
    }

    /// Between two beacons.
    #[must_use]
    pub fn beacon_interval(&self) -> Duration {
        Duration::from_millis(self.fd_beacon_interval_ms)
    }

    /// The lease that an answered beacon gives.
    ///
    /// # Errors
    /// It leaves no time for a second beacon: one that is lost would end it.
    pub fn lease_length(&self) -> Result<Duration, BadOption> {
        if self.fd_lease_ms < 2 * self.fd_beacon_interval_ms {
            return Err(BadOption {
                section: "replication",
                key: "fd_lease_ms",
                reason: format!(
                    "{} is less than twice fd_beacon_interval_ms, which is {}",
                    self.fd_lease_ms, self.fd_beacon_interval_ms
                ),
            });
        }
        Ok(Duration::from_millis(self.fd_lease_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(data_dirs: &[&str]) -> ReplicationSection {
        ReplicationSection {
            data_dirs: data_dirs.iter().map(ToString::to_string).collect(),
            ..ReplicationSection::default()
        }
    }

    #[test]
    fn data_directories_are_tag_and_path() {
        let directories = section(&["ssd1:/a", "ssd2:/b"]).data_directories().unwrap();
        assert_eq!(
            directories[1],
            DataDirectory {
                tag: "ssd2".to_owned(),
                path: "/b".into()
            }
        );
    }

    #[test]
    fn bad_data_directories_are_named() {
        for bad in [
            &["/a"][..],
            &[":/a"],
            &["a:"],
            &["a:/a", "a:/b"],
            &["a:/a", "b:/a"],
            &[],
        ] {
            let error = section(bad).data_directories().unwrap_err().to_string();
            assert!(error.starts_with("[replication] data_dirs: "), "{error}");
        }
    }

    #[test]
    fn meta_servers_are_host_and_port() {
        let mut section = section(&[]);
        assert_eq!(section.meta_list().unwrap().len(), 1);
        for bad in [&[][..], &["nohost"], &["a:34601", "b:notaport"]] {
            section.meta_servers = bad.iter().map(ToString::to_string).collect();
            let error = section.meta_list().unwrap_err().to_string();
            assert!(error.starts_with("[replication] meta_servers: "), "{error}");
        }
    }

    #[test]
    fn units_are_those_of_the_names() {
        let section = ReplicationSection::default();
        assert_eq!(section.beacon_interval(), Duration::from_millis(300));
        assert_eq!(section.lease_length().unwrap(), Duration::from_secs(2));
        assert_eq!(section.shard_count(), 1);
        let all_cores = ReplicationSection {
            shards: 0,
            ..section
        };
        assert!(all_cores.shard_count() >= 1);
    }

    #[test]
    fn a_lease_outlasts_a_lost_beacon() {
        let section = ReplicationSection {
            fd_lease_ms: 599,
            ..ReplicationSection::default()
        };
        let error = section.lease_length().unwrap_err().to_string();
        assert!(error.starts_with("[replication] fd_lease_ms: "), "{error}");
    }

    #[test]
    fn the_old_names_of_upstream_lead_to_the_new_ones() {
        let text = "[replication]\nfd_lease_seconds = 20\n";
        let error = pegasus_common::config::parse::<ReplicaServerConfig>(text, "f").unwrap_err();
        let error = error.to_string();
        assert!(error.contains("did you mean 'fd_lease_ms'?"), "{error}");
    }

    #[test]
    fn storage_options_reach_the_engine() {
        let mut section = StorageSection::default();
        let options = section.engine_options().unwrap();
        let limit = options.range_limits.time_max;
        assert_eq!(limit, Some(Duration::from_secs(30)));
        section.rocksdb_iteration_threshold_time_ms = 0;
        assert_eq!(
            section.engine_options().unwrap().range_limits.time_max,
            None
        );
        section.rocksdb_compression_type = "rar".to_owned();
        let error = section.engine_options().unwrap_err().to_string();
        assert!(
            error.starts_with("[pegasus.server] rocksdb_compression_type: 'rar'"),
            "{error}"
        );
    }
}
