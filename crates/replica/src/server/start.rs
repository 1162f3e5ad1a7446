//! The start of a replica server, in its two halves: what beacons need, and everything else.

use std::io;
use std::net::SocketAddr;
use std::net::SocketAddrV4;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use pegasus_common::HostPort;
use pegasus_common::RpcAddress;
use pegasus_common::clock::WallMicros;
use pegasus_common::config::RunningConfig;
use pegasus_common::logging::LevelControl;
use pegasus_common::predecessor::PREDECESSOR_PATIENCE;
use pegasus_engine::Shared;
use pegasus_pacifica::Options;
use pegasus_rpc::ConnectionGate;
use pegasus_rpc::Mailbox;
use pegasus_rpc::MailboxSender;
use pegasus_rpc::ShardRuntime;
use pegasus_rpc::listener;
use pegasus_rpc::listener::ReservedAddress;
use pegasus_rpc::names;
use tokio::sync::mpsc;
use tracing::error;
use tracing::info;

use super::ServerError;
use crate::config::DataDirectory;
use crate::config::ReplicaServerConfig;
use crate::config::ReplicationSection;
use crate::control;
use crate::control::ControlMessage;
use crate::disk::Incarnation;
use crate::hosted_replica::HostingLimits;
use crate::instance::InstanceCounter;
use crate::learn;
use crate::learn::Learning;
use crate::lease::Lease;
use crate::load;
use crate::load::Opening;
use crate::metrics::ServerMetrics;
use crate::node::Node;
use crate::read_pool::ReadPool;
use crate::read_pool::yield_to_others;
use crate::router::Router;
use crate::shard;
use crate::shard::ShardMessage;
use crate::stub::StubOptions;

/// A server that holds its data directories, is known to the meta server, and has no data yet.
pub(super) struct Beaconing {
    /// The way into the control thread.
    pub control: mpsc::UnboundedSender<ControlMessage>,
    config: ReplicaServerConfig,
    directories: Vec<DataDirectory>,
    incarnation: Incarnation,
    reserved: ReservedAddress,
    address: SocketAddrV4,
    lease: Arc<Lease>,
    control_thread: JoinHandle<()>,
    tell: mpsc::UnboundedSender<String>,
    ended: mpsc::UnboundedReceiver<String>,
}

/// A server that serves.
pub(super) struct Started {
    pub node: Arc<Node>,
    pub listener: std::net::TcpListener,
    pub threads: Vec<JoinHandle<()>>,
    /// Names of threads that have ended.
    pub ended: mpsc::UnboundedReceiver<String>,
}

/// Takes the data directories and the address, and begins to send beacons.
pub(super) async fn start_beacons(config: ReplicaServerConfig) -> Result<Beaconing, ServerError> {
    let directories = config.replication.data_directories()?;
    let metas = resolve(&config.replication.meta_list()?).await?;
    let lease = Arc::new(Lease::new(config.replication.lease_length()?));
    let paths: Vec<&Path> = directories.iter().map(|it| it.path.as_path()).collect();
    let incarnation = Incarnation::begin(&paths, WallMicros::now(), PREDECESSOR_PATIENCE)?;
    let (reserved, address) = reserve(config.network.socket_address()?)?;
    let options = stub_options(&config.replication, address, &incarnation, metas, &lease);
    info!(%address, start_time = incarnation.start_time(), "data directories locked");
    let (control, messages) = mpsc::unbounded_channel();
    let (tell, ended) = mpsc::unbounded_channel();
    let lease_of_control = Arc::clone(&lease);
    let control_thread = spawn("control".to_owned(), tell.clone(), move || {
        let runtime = ShardRuntime::new()?;
        runtime.block_on(control::run(options, lease_of_control, messages));
        Ok(())
    })?;
    Ok(Beaconing {
        control,
        config,
        directories,
        incarnation,
        reserved,
        address,
        lease,
        control_thread,
        tell,
        ended,
    })
}

fn stub_options(
    section: &ReplicationSection,
    address: SocketAddrV4,
    incarnation: &Incarnation,
    metas: Vec<RpcAddress>,
    lease: &Lease,
) -> StubOptions {
    StubOptions {
        address: RpcAddress::from_v4(address),
        start_time: incarnation.start_time(),
        metas,
        beacon_interval: section.beacon_interval(),
        lease: lease.length(),
        config_sync_interval: Duration::from_millis(section.config_sync_interval_ms),
        gc_memory_replica_interval: Duration::from_millis(section.gc_memory_replica_interval_ms),
    }
}

/// Reads the data in, starts the shards, listens, and lets the replicas take part.
pub(super) fn start(beaconing: Beaconing, level: LevelControl) -> Result<Started, ServerError> {
    let Beaconing {
        control,
        config,
        directories,
        incarnation,
        reserved,
        address,
        lease,
        control_thread,
        tell,
        ended,
    } = beaconing;
    let (mailboxes, shards): (Vec<_>, Vec<_>) = (0..config.replication.shard_count())
        .map(|_| {
            let (sender, mailbox) = Mailbox::new();
            (mailbox, sender)
        })
        .unzip();
    let opening = Arc::new(opening(&config, address, shards.clone())?);
    let loaded = load::load(&opening, &directories, &config.replication)?;
    let mut metrics = ServerMetrics::new();
    for disk in &loaded.disks {
        metrics.observe_disk(disk);
    }
    let gate = ConnectionGate::new(&config.network.limits());
    metrics.observe_connections(&gate);
    let write_size_max = Arc::new(AtomicU64::new(config.replication.max_allowed_write_size));
    let (learn, learn_messages) = mpsc::unbounded_channel();
    let learning = Learning::start(&config, loaded.disks.len(), learn, &metrics.learning.pool);
    let learning = Arc::new(learning.map_err(ServerError::Thread)?);
    let node = Arc::new(Node {
        address: opening.address,
        name: opening.name.clone(),
        lease,
        disks: loaded.disks,
        read_pool: ReadPool::start(
            config.replication.read_pool_threads,
            config.replication.read_pool_queue_length_max,
            metrics.read_pool.clone(),
        )
        .map_err(ServerError::Thread)?,
        running_config: running_config(&config, level, &write_size_max, &learning),
        learning,
        router: Router::default(),
        shards,
        control,
        gate,
        metrics,
        write_size_max,
        config,
        incarnation,
    });
    let handles = loaded
        .replicas
        .iter()
        .map(|replica| Arc::clone(&replica.handle));
    node.router.insert(handles);
    for replica in loaded.replicas {
        node.send_to_owner(replica.gpid(), ShardMessage::Install(Box::new(replica)));
    }
    let mut threads = start_shards(&node, mailboxes, &tell)?;
    threads.push(control_thread);
    let (node_of_learn, opening_of_learn) = (Arc::clone(&node), Arc::clone(&opening));
    threads.push(spawn("learn".to_owned(), tell, move || {
        yield_to_others();
        let runtime = ShardRuntime::new()?;
        runtime.block_on(learn::thread::run(
            node_of_learn,
            opening_of_learn,
            learn_messages,
        ));
        Ok(())
    })?);
    let failed = |source| ServerError::Listen {
        address: SocketAddr::V4(address),
        source,
    };
    let listener = reserved.listen().map_err(failed)?;
    let loaded = ControlMessage::Loaded {
        node: Arc::clone(&node),
        opening,
    };
    // Its end is noticed by whoever waits for `ended`.
    drop(node.control.send(loaded));
    Ok(Started {
        node,
        listener,
        threads,
        ended,
    })
}

/// The address, where nothing listens yet, with its real port.
fn reserve(address: SocketAddr) -> Result<(ReservedAddress, SocketAddrV4), ServerError> {
    let failed = |source| ServerError::Listen { address, source };
    let reserved = listener::reserve(address, PREDECESSOR_PATIENCE).map_err(failed)?;
    match reserved.local_addr() {
        Ok(SocketAddr::V4(address)) => Ok((reserved, address)),
        Ok(SocketAddr::V6(_)) => Err(failed(io::ErrorKind::AddrNotAvailable.into())),
        Err(source) => Err(failed(source)),
    }
}

/// What every replica of the server is opened with.
fn opening(
    config: &ReplicaServerConfig,
    address: SocketAddrV4,
    shards: Vec<MailboxSender<ShardMessage>>,
) -> Result<Opening, ServerError> {
    Ok(Opening {
        address: RpcAddress::from_v4(address),
        name: address.to_string(),
        shards,
        storage: Shared::new(&config.storage.engine_options()?)?,
        options: Options {
            mutation_2pc_min_replica_count: config.replication.mutation_2pc_min_replica_count,
            window_mutations: config.replication.staleness_for_commit,
            ..Options::default()
        },
        limits: HostingLimits {
            mutation_bytes_max: config.replication.mutation_size_max_bytes,
        },
        instances: InstanceCounter::default(),
        storages: Arc::default(),
    })
}

fn start_shards(
    node: &Arc<Node>,
    mailboxes: Vec<Mailbox<ShardMessage>>,
    tell: &mpsc::UnboundedSender<String>,
) -> Result<Vec<JoinHandle<()>>, ServerError> {
    mailboxes
        .into_iter()
        .enumerate()
        .map(|(index, mailbox)| {
            let node = Arc::clone(node);
            spawn(format!("shard-{index}"), tell.clone(), move || {
                shard::run(index, node, mailbox)
            })
        })
        .collect()
}

/// Says who follows which option while the server runs.
fn running_config(
    config: &ReplicaServerConfig,
    level: LevelControl,
    write_size_max: &Arc<AtomicU64>,
    learning: &Arc<Learning>,
) -> RunningConfig<ReplicaServerConfig> {
    let write_size_max = Arc::clone(write_size_max);
    let learning = Arc::clone(learning);
    RunningConfig::new(config.clone())
        .subscribe(move |config| level.follow(&config.logger))
        .subscribe(move |config| {
            let bytes = config.replication.max_allowed_write_size;
            write_size_max.store(bytes, Ordering::Relaxed);
        })
        .subscribe(move |config| learning.follow(&config.nfs))
}

/// Tells of the end of a thread, also of one by panic.
struct EndNotice {
    thread: String,
    tell: mpsc::UnboundedSender<String>,
}

impl Drop for EndNotice {
    fn drop(&mut self) {
        // Nobody listens once the server stops.
        drop(self.tell.send(std::mem::take(&mut self.thread)));
    }
}

fn spawn(
    name: String,
    tell: mpsc::UnboundedSender<String>,
    run: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> Result<JoinHandle<()>, ServerError> {
    let notice = EndNotice {
        thread: name.clone(),
        tell,
    };
    thread::Builder::new()
        .name(name)
        .spawn(move || {
            let _notice = notice;
            if let Err(error) = run() {
                error!(%error, "a thread of the server cannot run");
            }
        })
        .map_err(ServerError::Thread)
}

async fn resolve(metas: &[HostPort]) -> Result<Vec<RpcAddress>, ServerError> {
    let mut resolved = Vec::new();
    for name in metas {
        let failed = |reason: String| ServerError::Resolve {
            name: name.clone(),
            reason,
        };
        let found = names::lookup((name.host.as_str(), name.port)).await;
        let found = found.map_err(|error| failed(error.to_string()))?;
        if found.is_empty() {
            return Err(failed("it has no IPv4 address".to_owned()));
        }
        resolved.extend(found);
    }
    Ok(resolved)
}
