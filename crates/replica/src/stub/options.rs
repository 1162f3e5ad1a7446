//! [`StubOptions`]: what the stub is told at its start.

use std::time::Duration;

use pegasus_common::RpcAddress;

/// What the stub is told at its start. The length of the lease is the lease's own.
#[derive(Clone, Debug)]
pub struct StubOptions {
    /// How the other servers know this one.
    pub address: RpcAddress,
    /// Number of this process among those that ever held these data directories, larger than that of
    /// each earlier one: Unix milliseconds of its start.
    pub start_time: i64,
    /// The meta servers; not empty.
    pub metas: Vec<RpcAddress>,
    /// Between two beacons.
    pub beacon_interval: Duration,
    /// How long this server serves after sending a beacon that was answered. Told to the meta server,
    /// which refuses one that does not fit its grace.
    pub lease: Duration,
    /// Between two exchanges of the whole configuration, when nothing happens.
    pub config_sync_interval: Duration,
    /// How long a secondary that the meta server does not list keeps its role.
    pub gc_memory_replica_interval: Duration,
}
