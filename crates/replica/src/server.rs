//! A replica server from start to stop.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;

use pegasus_common::HostPort;
use pegasus_common::RpcAddress;
use pegasus_common::address::ParseAddressError;
use pegasus_common::config::RunningConfig;
use pegasus_common::logging::LevelControl;
use pegasus_engine::EngineError;
use pegasus_engine::Shared;
use pegasus_pacifica::Options;
use pegasus_rpc::ConnectionGate;
use pegasus_rpc::Mailbox;
use pegasus_rpc::MailboxSender;
use pegasus_rpc::ShardRuntime;
use pegasus_rpc::listener;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::config::BadOption;
use crate::config::ReplicaServerConfig;
use crate::control;
use crate::control::ControlMessage;
use crate::hosted_replica::HostingLimits;
use crate::lease::Lease;
use crate::load;
use crate::load::LoadError;
use crate::load::Opening;
use crate::metrics::ServerMetrics;
use crate::node::Node;
use crate::read_pool::ReadPool;
use crate::router::Router;
use crate::shard;
use crate::shard::ShardMessage;

/// A replica server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// An option makes no sense.
    #[error(transparent)]
    Option(#[from] BadOption),
    /// `[network] address`.
    #[error("[network] address: {0}")]
    Address(#[from] ParseAddressError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A meta server's name has no IPv4 address.
    #[error("meta server {name} cannot be resolved: {reason}")]
    Resolve {
        /// As configured.
        name: HostPort,
        /// What the resolver said.
        reason: String,
    },
    /// A data directory cannot be used.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Storage cannot be prepared.
    #[error(transparent)]
    Storage(#[from] EngineError),
    /// The system refuses a thread or an event loop.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// A thread has ended while the server ran: its replicas would be served by nobody, and the
    /// lease would keep others from taking over.
    #[error("thread {0} has ended; the log says why")]
    ThreadEnded(String),
}

/// Runs a replica server until `shutdown` is ready. `level` changes what the process logs.
///
/// # Errors
/// It cannot start, or one of its threads fails.
pub fn run(
    config: ReplicaServerConfig,
    level: LevelControl,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServerError> {
    let runtime = ShardRuntime::new().map_err(ServerError::Thread)?;
    let mut server = runtime.block_on(async { start(config, level).await })?;
    let mut result = Ok(());
    info!(address = %server.node.address, replicas = server.node.router.all().len(),
        shards = server.node.shards.len(), "replica server started");
    runtime.block_on(async {
        let gate = Arc::clone(&server.node.gate);
        let (node, next) = (Arc::clone(&server.node), std::cell::Cell::new(0));
        let accept = listener::accept_connections(server.listener, gate, move |connection| {
            let shard = next.get();
            next.set((shard + 1) % node.shards.len());
            node.shards[shard].send(ShardMessage::Connection(connection));
        });
        tokio::select! {
            () = shutdown => {}
            Some(thread) = server.ended.recv() => {
                error!(thread, "a thread has ended: the server stops");
                result = Err(ServerError::ThreadEnded(thread));
            }
            ended = accept => {
                if let Err(error) = ended {
                    warn!(%error, "the listener has failed: the server stops");
                }
            }
        }
    });
    info!("replica server stops");
    runtime.block_on(stop(server.node, server.threads));
    result
}

struct Started {
    node: Arc<Node>,
    listener: std::net::TcpListener,
    threads: Vec<JoinHandle<()>>,
    /// Names of threads that have ended.
    ended: mpsc::UnboundedReceiver<String>,
}

async fn start(config: ReplicaServerConfig, level: LevelControl) -> Result<Started, ServerError> {
    let address = config.network.socket_address()?;
    let directories = config.replication.data_directories()?;
    let metas = resolve(&config.replication.meta_list()?).await?;
    let (listener, address) = listen(address)?;
    let (mailboxes, shards): (Vec<_>, Vec<_>) = (0..config.replication.shard_count())
        .map(|_| {
            let (sender, mailbox) = Mailbox::new();
            (mailbox, sender)
        })
        .unzip();
    let opening = Arc::new(opening(&config, address, shards.clone())?);
    let loaded = load::load(&opening, &directories, &config.replication)?;
    let (control, control_messages) = mpsc::unbounded_channel();
    let mut metrics = ServerMetrics::new();
    for disk in &loaded.disks {
        metrics.observe_log(&disk.tag, disk.log.stats());
    }
    let write_size_max = Arc::new(AtomicU64::new(config.replication.max_allowed_write_size));
    let node = Arc::new(Node {
        address: opening.address,
        name: opening.name.clone(),
        lease: Lease::new(config.replication.lease_length()),
        disks: loaded.disks,
        read_pool: ReadPool::start(
            config.replication.read_pool_threads,
            config.replication.read_pool_queue_length_max,
            metrics.read_pool.clone(),
        )
        .map_err(ServerError::Thread)?,
        router: Router::default(),
        shards,
        control,
        gate: ConnectionGate::new(&config.network.limits()),
        metrics,
        running_config: running_config(&config, level, &write_size_max),
        write_size_max,
        config,
    });
    node.router.insert(
        loaded
            .replicas
            .iter()
            .map(|replica| Arc::clone(&replica.handle)),
    );
    for replica in loaded.replicas {
        node.send_to_owner(replica.gpid(), ShardMessage::Install(Box::new(replica)));
    }
    let (tell, ended) = mpsc::unbounded_channel();
    let mut threads = start_shards(&node, mailboxes, &tell)?;
    let node_of_control = Arc::clone(&node);
    threads.push(spawn("control".to_owned(), tell, move || {
        let runtime = ShardRuntime::new()?;
        runtime.block_on(control::run(
            node_of_control,
            opening,
            metas,
            control_messages,
        ));
        Ok(())
    })?);
    Ok(Started {
        node,
        listener,
        threads,
        ended,
    })
}

/// The socket, and the address that it really has.
fn listen(address: SocketAddr) -> Result<(std::net::TcpListener, SocketAddrV4), ServerError> {
    let failed = |source| ServerError::Listen { address, source };
    let listener = listener::bind(address).map_err(failed)?;
    match listener.local_addr() {
        Ok(SocketAddr::V4(address)) => Ok((listener, address)),
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
) -> RunningConfig<ReplicaServerConfig> {
    let write_size_max = Arc::clone(write_size_max);
    RunningConfig::new(config.clone())
        .subscribe(move |config| level.follow(&config.logger))
        .subscribe(move |config| {
            let bytes = config.replication.max_allowed_write_size;
            write_size_max.store(bytes, Ordering::Relaxed);
        })
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
        let found = tokio::net::lookup_host((name.host.as_str(), name.port))
            .await
            .map_err(|error| failed(error.to_string()))?;
        let before = resolved.len();
        for address in found {
            if let SocketAddr::V4(address) = address {
                resolved.push(RpcAddress::from_v4(address));
            }
        }
        if resolved.len() == before {
            return Err(failed("it has no IPv4 address".to_owned()));
        }
    }
    Ok(resolved)
}

/// The lease ends first, so that nothing is acknowledged afterwards; then the shards hand over what
/// they have, and the logs write it when the node is dropped.
async fn stop(node: Arc<Node>, threads: Vec<JoinHandle<()>>) {
    node.lease.surrender();
    // The control thread may have ended by itself.
    drop(node.control.send(ControlMessage::Stop));
    for shard in &node.shards {
        let (done, is_done) = oneshot::channel();
        shard.send(ShardMessage::Stop(done));
        drop(is_done.await);
    }
    for thread in threads {
        if thread.join().is_err() {
            warn!("a thread of the server had panicked");
        }
    }
    // Its jobs hold the node too: this way the logs end here, and not on one of its threads.
    node.read_pool.close();
}
