//! What a replica server is told at its start. Sections and keys have upstream's names where the
//! meaning is the same.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use pegasus_common::HostPort;
use pegasus_rpc::NetworkLimits;

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
    /// The listening socket, shared by RPC and HTTP.
    "network" => NetworkSection {
        /// IPv4 address and port to listen on, and by which the other servers and the clients find
        /// this one.
        address: String = "127.0.0.1:34801".to_owned(),
        /// The largest request frame; a connection that announces more is closed. Bytes.
        max_frame_bytes: u64 = 64 << 20 => 4_096..=1 << 31,
        /// Connections in all; the next one is closed at once.
        max_connections: u64 = 10_000 => 1..=1_000_000,
        /// Connections from one client address; 0 is no limit.
        conn_threshold_per_ip: u64 = 0,
        /// Unanswered requests of one connection; the next one is answered ERR_BUSY.
        max_requests_in_flight_per_connection: u64 = 10_000 => 1..=1_000_000,
        /// Replies that a client has not taken; past this its connection is not read. Bytes.
        max_unsent_reply_bytes: u64 = 4 << 20 => 65_536..=1 << 30,
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
        shards: u64 = 1 => 0..=256,
        /// When a write may be acknowledged.
        durability: Durability = Durability::Fsync,
        /// Members that must take part in a write, primary included (invariant I7).
        mutation_2pc_min_replica_count: u64 = 2 => 1..=5,
        /// Mutations that may be in two-phase commit at once, for each replica.
        staleness_for_commit: u64 = 256 => 1..=10_000,
        /// The largest write request body; a larger one is answered ERR_INVALID_DATA. 0 is no
        /// limit. Bytes.
        max_allowed_write_size: u64 = 1_048_576; mutable,
        /// The largest mutation: writes of one turn of the event loop share one until it is reached.
        /// Bytes.
        mutation_size_max_bytes: u64 = 1_048_576 => 4_096..=64 << 20,
        /// Between two beacons to the meta server. Milliseconds.
        fd_beacon_interval_ms: u64 = 3_000 => 10..=60_000,
        /// How long this server may serve after sending the last beacon that was answered. Must be
        /// shorter than the meta server's fd_grace_seconds.
        fd_lease_seconds: u64 = 20 => 1..=3_600,
        /// Between two exchanges of the whole configuration with the meta server. Milliseconds.
        config_sync_interval_ms: u64 = 30_000 => 100..=3_600_000,
        /// Between two group checks of an idle primary. Milliseconds.
        group_check_interval_ms: u64 = 10_000 => 100..=3_600_000,
        /// How soon an idle primary tells its secondaries what has been committed. Milliseconds.
        commit_notice_interval_ms: u64 = 100 => 10..=60_000,
        /// Threads for reads that may touch the disk.
        read_pool_threads: u64 = 4 => 1..=256,
        /// Reads that may wait for such a thread; the next one is answered ERR_BUSY.
        read_pool_queue_length_max: u64 = 10_000 => 1..=1_000_000,
        /// Size of one segment of the mutation log. MiB.
        log_segment_size_mb: u64 = 64 => 1..=4_096,
        /// Size of a mutation log above which the replicas that keep it large are flushed. MiB.
        log_size_limit_mb: u64 = 1_024 => 4..=1_048_576,
        /// Fill the `hp_*` host name fields of answers. Released clients cannot read them.
        emit_host_ports: bool = false,
    }
}

pegasus_common::config_section! {
    /// Log files of this process.
    "log" => LogSection {
        /// Where the log files go.
        directory: String = "log".to_owned(),
        /// Lowest level that is written: error, warn, info, debug or trace.
        level: String = "info".to_owned(); mutable,
        /// Size at which a new file is begun. Bytes.
        max_log_file_bytes: u64 = 64 << 20 => 65_536..=1 << 40,
        /// Files that are kept.
        max_number_of_log_files_on_disk: u64 = 20 => 1..=10_000,
    }
}

impl NetworkSection {
    /// The limits in the form that the network code takes.
    #[must_use]
    pub fn limits(&self) -> NetworkLimits {
        NetworkLimits {
            max_frame_bytes: to_usize(self.max_frame_bytes),
            max_connections: to_usize(self.max_connections),
            connections_per_ip_max: to_usize(self.conn_threshold_per_ip),
            requests_in_flight_max: u32::try_from(self.max_requests_in_flight_per_connection)
                .unwrap_or(u32::MAX),
            unsent_reply_bytes_max: to_usize(self.max_unsent_reply_bytes),
        }
    }
}

fn to_usize(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
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

impl NetworkSection {
    /// The address to listen on.
    ///
    /// # Errors
    /// The text is no IPv4 address with a port.
    pub fn socket_address(&self) -> Result<SocketAddr, BadOption> {
        let parsed: Result<pegasus_common::RpcAddress, _> = self.address.parse();
        parsed.map_err(|error| error.to_string()).and_then(|address| {
            address.to_socket_addr().ok_or_else(|| "is no address".to_owned())
        })
        .map_err(|reason| BadOption { section: "network", key: "address", reason })
    }
}

impl ReplicationSection {
    /// The data directories.
    ///
    /// # Errors
    /// There is none, an entry is no `tag:path`, or a tag or path stands there twice.
    pub fn data_directories(&self) -> Result<Vec<DataDirectory>, BadOption> {
        let error = |reason| BadOption { section: "replication", key: "data_dirs", reason };
        let mut directories: Vec<DataDirectory> = Vec::new();
        for entry in &self.data_dirs {
            let (tag, path) = entry.split_once(':').filter(|(tag, path)| {
                !tag.is_empty() && !path.is_empty()
            }).ok_or_else(|| {
                error(format!("'{entry}' is no <tag>:<path>, for example ssd1:/data/pegasus"))
            })?;
            let path = PathBuf::from(path);
            if directories.iter().any(|known| known.tag == tag || known.path == path) {
                return Err(error(format!("'{entry}': the tag or the path stands there twice")));
            }
            directories.push(DataDirectory { tag: tag.to_owned(), path });
        }
        if directories.is_empty() {
            return Err(error("is empty: a replica server needs at least one".to_owned()));
        }
        Ok(directories)
    }

    /// The meta servers.
    ///
    /// # Errors
    /// There is none, or an entry is no `host:port`.
    pub fn meta_list(&self) -> Result<Vec<HostPort>, BadOption> {
        let error = |reason| BadOption { section: "replication", key: "meta_servers", reason };
        if self.meta_servers.is_empty() {
            return Err(error("is empty: a replica server needs at least one".to_owned()));
        }
        let parse = |text: &String| {
            text.parse().map_err(|problem: pegasus_common::address::ParseHostPortError| {
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
            shards => to_usize(shards),
        }
    }

    /// Between two beacons.
    #[must_use]
    pub fn beacon_interval(&self) -> Duration {
        Duration::from_millis(self.fd_beacon_interval_ms)
    }

    /// The lease that an answered beacon gives.
    #[must_use]
    pub fn lease_length(&self) -> Duration {
        Duration::from_secs(self.fd_lease_seconds)
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
        assert_eq!(directories[1], DataDirectory { tag: "ssd2".to_owned(), path: "/b".into() });
    }

    #[test]
    fn bad_data_directories_are_named() {
        for bad in [&["/a"][..], &[":/a"], &["a:"], &["a:/a", "a:/b"], &["a:/a", "b:/a"], &[]] {
            let error = section(bad).data_directories().unwrap_err().to_string();
            assert!(error.starts_with("[replication] data_dirs: "), "{error}");
        }
    }
}
