//! A server whose shard is driven by the test.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use pegasus_common::clock::WallMicros;
use pegasus_common::config::RunningConfig;
use pegasus_rpc::ConnectionGate;
use pegasus_rpc::Mailbox;
use tokio::sync::mpsc;

use super::TestServer;
use crate::config::ReplicaServerConfig;
use crate::control::ControlMessage;
use crate::disk::Incarnation;
use crate::learn::Learning;
use crate::learn::message::LearnMessage;
use crate::lease::Lease;
use crate::load::Loaded;
use crate::metrics::ServerMetrics;
use crate::node::Node;
use crate::read_pool::ReadPool;
use crate::router::Router;
use crate::shard::ShardMessage;

/// A server with one shard and one data directory, and what that and its learning thread would be told.
pub struct TestNode {
    pub server: TestServer,
    pub node: Arc<Node>,
    pub learn: mpsc::UnboundedReceiver<LearnMessage>,
    pub mailbox: Mailbox<ShardMessage>,
    _control: mpsc::UnboundedReceiver<ControlMessage>,
}

impl TestNode {
    /// Nothing was ever in its data directory.
    pub fn new() -> Self {
        let server = TestServer::new();
        let Loaded { disks, .. } = server.load_from(&["a"]).unwrap();
        let (control, controlled) = mpsc::unbounded_channel();
        let (learn, learned) = mpsc::unbounded_channel();
        let (shard, mailbox) = Mailbox::new();
        let config = ReplicaServerConfig::default();
        let metrics = ServerMetrics::new();
        let learning = Learning::start(&config, 1, learn, &metrics.learning.pool).unwrap();
        let directory = server.directory("a").path;
        let node = Node {
            address: server.opening.address,
            name: server.opening.name.clone(),
            lease: Arc::new(Lease::new(Duration::from_secs(3_600))),
            disks,
            read_pool: ReadPool::start(1, 10, metrics.read_pool.clone()).unwrap(),
            learning: Arc::new(learning),
            router: Router::default(),
            shards: vec![shard],
            control,
            gate: ConnectionGate::new(&config.network.limits()),
            metrics,
            running_config: RunningConfig::new(config.clone()),
            write_size_max: Arc::new(AtomicU64::new(0)),
            incarnation: Incarnation::begin(&[&directory], WallMicros::now(), Duration::ZERO)
                .unwrap(),
            config,
        };
        Self {
            server,
            node: Arc::new(node),
            learn: learned,
            mailbox,
            _control: controlled,
        }
    }
}
