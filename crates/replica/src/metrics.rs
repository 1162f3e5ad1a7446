//! What a replica server counts. Names are upstream's where the meaning is the same.

use pegasus_common::metrics::Counter;
use pegasus_common::metrics::CounterInfo;
use pegasus_common::metrics::Entity;
use pegasus_common::metrics::EntityKind;
use pegasus_common::metrics::Registry;
use pegasus_common::metrics::Unit;

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
const BEACON_FAILURES: CounterInfo = CounterInfo::new(
    "beacon_failed_count",
    Unit::Requests,
    "beacons that the meta server did not answer",
);

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
    /// Beacons without an answer.
    pub beacon_failures: Counter,
    _server: Entity,
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
            beacon_failures: server.counter(&BEACON_FAILURES),
            registry,
            _server: server,
        }
    }
}

impl Default for ServerMetrics {
    fn default() -> Self {
        Self::new()
    }
}
