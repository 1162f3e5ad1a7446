//! What a replica server counts. Names are upstream's where the meaning is the same.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use pegasus_common::metrics::Counter;
use pegasus_common::metrics::CounterInfo;
use pegasus_common::metrics::Entity;
use pegasus_common::metrics::EntityKind;
use pegasus_common::metrics::GaugeInfo;
use pegasus_common::metrics::Registry;
use pegasus_common::metrics::Unit;
use pegasus_log::LogStats;
use pegasus_rpc::ConnectionGate;

use crate::disk::Disk;
use crate::disk_health::DiskHealth;
use crate::read_pool::ReadPoolMetrics;

const DIGEST_MISMATCHES: CounterInfo = CounterInfo::new(
    "digest_mismatches",
    Unit::Requests,
    "group checks that found two replicas with different histories; must stay 0",
);
const READ_REQUESTS: CounterInfo =
    CounterInfo::new("read_requests", Unit::Requests, "data reads that arrived");
const WRITE_REQUESTS: CounterInfo =
    CounterInfo::new("write_requests", Unit::Requests, "data writes that arrived");
const FORWARDED_WRITES: CounterInfo = CounterInfo::new(
    "forwarded_write_requests",
    Unit::Requests,
    "data writes that arrived at another shard than their replica's",
);
const ABNORMAL_READS: CounterInfo = CounterInfo::new(
    "abnormal_read_requests",
    Unit::Requests,
    "data reads that took longer than their table, or the server, calls slow",
);
const BEACON_FAILURES: CounterInfo = CounterInfo::new(
    "beacon_failed_count",
    Unit::Requests,
    "beacons that the meta server did not answer",
);

const READ_POOL_WAITING: GaugeInfo = GaugeInfo::new(
    "read_pool_waiting_requests",
    Unit::Requests,
    "reads that wait for a thread that may touch the disk",
);
const READ_POOL_REFUSED: CounterInfo = CounterInfo::new(
    "read_pool_refused_requests",
    Unit::Requests,
    "reads refused because too many waited already",
);

const UNSENT_REFUSED: CounterInfo = CounterInfo::new(
    "unsent_replies_refused_requests",
    Unit::Requests,
    "slow reads refused because their clients take no answers",
);
const UNSENT_BYTES: GaugeInfo = GaugeInfo::new(
    "unsent_reply_bytes",
    Unit::Bytes,
    "answers that clients have not taken",
);
const OPEN_CONNECTIONS: GaugeInfo = GaugeInfo::new(
    "open_connections",
    Unit::Connections,
    "connections that others have made to this server",
);

const LEARN_POOL_WAITING: GaugeInfo = GaugeInfo::new(
    "learn_pool_waiting_requests",
    Unit::Requests,
    "reads for learners that wait for a thread",
);
const LEARN_POOL_REFUSED: CounterInfo = CounterInfo::new(
    "learn_pool_refused_requests",
    Unit::Requests,
    "reads for learners refused because too many waited already",
);
const LEARN_COPIED_BYTES: CounterInfo = CounterInfo::new(
    "learn_copy_file_bytes",
    Unit::Bytes,
    "bytes of checkpoints that learners of this server have fetched",
);
const LEARN_FETCHED: CounterInfo = CounterInfo::new(
    "learn_lt_app_responses",
    Unit::Requests,
    "checkpoints that learners of this server have installed",
);
const LEARN_FAILED: CounterInfo = CounterInfo::new(
    "learn_recent_fail_count",
    Unit::Requests,
    "checkpoints that learners of this server could not fetch or install",
);
const LEARN_CHECKPOINTS: CounterInfo = CounterInfo::new(
    "learn_checkpoints_made",
    Unit::Requests,
    "checkpoints made here for learners of other servers",
);

/// A number of a mutation log, and how to read it.
type LogGauge = (GaugeInfo, fn(&LogStats) -> &AtomicU64);

/// A number of a disk, and how to read it.
type DiskGauge = (GaugeInfo, fn(&DiskHealth) -> u64);

/// The numbers of each disk.
const DISK_NUMBERS: [DiskGauge; 3] = [
    (
        GaugeInfo::new(
            "disk_capacity_total_mb",
            Unit::MegaBytes,
            "size of the file system of the data directory",
        ),
        |health| health.space().total_bytes >> 20,
    ),
    (
        GaugeInfo::new(
            "disk_capacity_avail_mb",
            Unit::MegaBytes,
            "what can still be written to it",
        ),
        |health| health.space().available_bytes >> 20,
    ),
    (
        GaugeInfo::new(
            "disk_status",
            Unit::Count,
            "0 normal, 1 too little space, 2 the device fails or does not answer",
        ),
        |health| health.status() as u64,
    ),
];

/// The numbers of each disk's mutation log.
const LOG_NUMBERS: [LogGauge; 9] = [
    (
        GaugeInfo::new(
            "log_waits_for_space",
            Unit::Count,
            "1 while the mutation log cannot go on because its disk is full",
        ),
        |stats| &stats.waits_for_space,
    ),
    (
        GaugeInfo::new(
            "log_batches",
            Unit::Requests,
            "batches written to the mutation log",
        ),
        |stats| &stats.batches,
    ),
    (
        GaugeInfo::new(
            "log_records",
            Unit::Requests,
            "records written to the mutation log",
        ),
        |stats| &stats.records,
    ),
    (
        GaugeInfo::new(
            "log_written_bytes",
            Unit::Bytes,
            "bytes written to the mutation log",
        ),
        |stats| &stats.bytes,
    ),
    (
        GaugeInfo::new("log_flushes", Unit::Requests, "flushes of the mutation log"),
        |stats| &stats.fsyncs,
    ),
    (
        GaugeInfo::new(
            "log_flush_ns_sum",
            Unit::NanoSeconds,
            "time spent in those flushes",
        ),
        |stats| &stats.fsync_ns_sum,
    ),
    (
        GaugeInfo::new(
            "log_queue_bytes",
            Unit::Bytes,
            "records that wait for the log thread",
        ),
        |stats| &stats.queue_bytes,
    ),
    (
        GaugeInfo::new(
            "log_refused_submissions",
            Unit::Requests,
            "times its queue was full",
        ),
        |stats| &stats.refused,
    ),
    (
        GaugeInfo::new("log_segment_bytes", Unit::Bytes, "size of all its segments"),
        |stats| &stats.segment_bytes,
    ),
];

/// What is counted of learning.
#[derive(Clone, Debug)]
pub struct LearnMetrics {
    /// Reads for learners of others.
    pub pool: ReadPoolMetrics,
    /// Bytes that own learners have fetched.
    pub copied_bytes: Counter,
    /// Checkpoints that own learners have installed.
    pub fetched: Counter,
    /// Checkpoints that they could not.
    pub failed: Counter,
    /// Checkpoints made for others.
    pub checkpoints: Counter,
}

/// The counters of one replica server.
#[derive(Debug)]
pub struct ServerMetrics {
    /// Everything that is measured in this process.
    pub registry: Registry,
    /// Broken invariant I8.
    pub digest_mismatches: Counter,
    /// Data reads that arrived.
    pub read_requests: Counter,
    /// Data writes that arrived.
    pub write_requests: Counter,
    /// Data writes that went to another shard.
    pub forwarded_writes: Counter,
    /// Slow reads.
    pub abnormal_reads: Counter,
    /// Beacons without an answer.
    pub beacon_failures: Counter,
    /// Reads that may touch the disk.
    pub read_pool: ReadPoolMetrics,
    /// Slow reads refused because their clients take no answers.
    pub unsent_refused: Counter,
    /// Learning.
    pub learning: LearnMetrics,
    server: Entity,
    disks: Vec<Entity>,
}

impl ServerMetrics {
    /// Registers the counters.
    #[must_use]
    pub fn new() -> Self {
        let registry = Registry::new();
        let server = registry.entity(EntityKind::Server, &[("role", "replica")]);
        Self {
            digest_mismatches: server.counter(&DIGEST_MISMATCHES),
            read_requests: server.counter(&READ_REQUESTS),
            write_requests: server.counter(&WRITE_REQUESTS),
            forwarded_writes: server.counter(&FORWARDED_WRITES),
            abnormal_reads: server.counter(&ABNORMAL_READS),
            beacon_failures: server.counter(&BEACON_FAILURES),
            read_pool: ReadPoolMetrics {
                waiting: server.gauge(&READ_POOL_WAITING),
                refused: server.counter(&READ_POOL_REFUSED),
            },
            unsent_refused: server.counter(&UNSENT_REFUSED),
            learning: LearnMetrics {
                pool: ReadPoolMetrics {
                    waiting: server.gauge(&LEARN_POOL_WAITING),
                    refused: server.counter(&LEARN_POOL_REFUSED),
                },
                copied_bytes: server.counter(&LEARN_COPIED_BYTES),
                fetched: server.counter(&LEARN_FETCHED),
                failed: server.counter(&LEARN_FAILED),
                checkpoints: server.counter(&LEARN_CHECKPOINTS),
            },
            registry,
            server,
            disks: Vec::new(),
        }
    }

    /// Publishes the numbers of connections from now on.
    pub fn observe_connections(&self, gate: &Arc<ConnectionGate>) {
        let observe = |info, read: fn(&ConnectionGate) -> usize| {
            let gate = Arc::clone(gate);
            self.server
                .observe(info, move || i64::try_from(read(&gate)).unwrap_or(i64::MAX));
        };
        observe(&UNSENT_BYTES, ConnectionGate::unsent_reply_bytes);
        observe(&OPEN_CONNECTIONS, ConnectionGate::open_connections);
    }

    /// Publishes the numbers of a disk and its mutation log from now on.
    pub fn observe_disk(&mut self, disk: &Disk) {
        let entity = self
            .registry
            .entity(EntityKind::Disk, &[("disk_tag", &disk.tag)]);
        for (info, read) in &LOG_NUMBERS {
            let (stats, read) = (Arc::clone(disk.log.stats()), *read);
            entity.observe(info, move || {
                i64::try_from(read(&stats).load(Ordering::Relaxed)).unwrap_or(i64::MAX)
            });
        }
        for (info, read) in &DISK_NUMBERS {
            let (health, read) = (Arc::clone(&disk.health), *read);
            entity.observe(info, move || {
                i64::try_from(read(&health)).unwrap_or(i64::MAX)
            });
        }
        self.disks.push(entity);
    }
}

impl Default for ServerMetrics {
    fn default() -> Self {
        Self::new()
    }
}
