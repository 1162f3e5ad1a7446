//! What all threads of a replica server share.

use std::sync::atomic::AtomicU64;

use pegasus_common::RpcAddress;
use pegasus_common::config::RunningConfig;
use pegasus_rpc::ConnectionGate;
use pegasus_rpc::MailboxSender;
use std::sync::Arc;
use tokio::sync::mpsc;

use crate::config::ReplicaServerConfig;
use crate::control::ControlMessage;
use crate::disk::Disk;
use crate::disk::Incarnation;
use crate::learn::Learning;
use crate::lease::Lease;
use crate::metrics::ServerMetrics;
use crate::read_pool::ReadPool;
use crate::router::Router;
use crate::router::ShardIndex;
use crate::router::shard_of;
use crate::shard::ShardMessage;

/// The server as its shards, its log threads and its control thread see it.
#[derive(Debug)]
pub struct Node {
    /// What it was told at its start.
    pub config: ReplicaServerConfig,
    /// How the other servers know it.
    pub address: RpcAddress,
    /// How clients know it: the `server` field of data answers.
    pub name: String,
    /// Until when, and in which term, it may serve.
    pub lease: Arc<Lease>,
    /// Its data directories.
    pub disks: Vec<Disk>,
    /// Threads for reads that may touch the disk.
    pub read_pool: ReadPool,
    /// How replicas come here from other servers, and go there.
    pub learning: Arc<Learning>,
    /// Which replicas it has.
    pub router: Router,
    /// The way into each shard.
    pub shards: Vec<MailboxSender<ShardMessage>>,
    /// The way into the control thread.
    pub control: mpsc::UnboundedSender<ControlMessage>,
    /// Admission of connections.
    pub gate: Arc<ConnectionGate>,
    /// Its counters.
    pub metrics: ServerMetrics,
    /// The options that change while the server runs, and those who are told.
    pub running_config: RunningConfig<ReplicaServerConfig>,
    /// The largest write body now.
    pub write_size_max: Arc<AtomicU64>,
    /// The locks of the data directories. Last: they are released when all else has ended.
    pub incarnation: Incarnation,
}

impl Node {
    /// The shard that owns a partition.
    #[must_use]
    pub fn shard_of(&self, gpid: pegasus_common::Gpid) -> ShardIndex {
        shard_of(gpid, self.shards.len())
    }

    /// Sends to the shard that owns a partition.
    pub fn send_to_owner(&self, gpid: pegasus_common::Gpid, message: ShardMessage) {
        self.shards[self.shard_of(gpid)].send(message);
    }
}
