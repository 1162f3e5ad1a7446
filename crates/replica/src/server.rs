//! A replica server from start to stop.

mod start;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use pegasus_common::HostPort;
use pegasus_common::address::ParseAddressError;
use pegasus_common::logging::LevelControl;
use pegasus_engine::EngineError;
use pegasus_rpc::ShardRuntime;
use pegasus_rpc::listener;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tracing::error;
use tracing::info;
use tracing::warn;

use self::start::Started;
use self::start::start;
use self::start::start_beacons;
use crate::config::BadOption;
use crate::config::ReplicaServerConfig;
use crate::control::ControlMessage;
use crate::disk::IncarnationError;
use crate::learn::message::LearnMessage;
use crate::load::LoadError;
use crate::node::Node;
use crate::shard::ShardMessage;

/// How long the control thread may take to say goodbye; it gives up by itself before.
const LEAVING_PATIENCE: Duration = Duration::from_secs(2);

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
    /// A data directory is in use, or cannot be locked.
    #[error(transparent)]
    Incarnation(#[from] IncarnationError),
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
/// The order of a start is part of the failure detection (design invariant I4): first the locks of
/// the data directories, which prove that no earlier process is left; then beacons, which tell the
/// meta server so; then the data; then connections. Until then whoever connects is refused, and so
/// asks another server at once.
///
/// # Errors
/// It cannot start, or one of its threads fails.
pub fn run(
    config: ReplicaServerConfig,
    level: LevelControl,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServerError> {
    let runtime = ShardRuntime::new().map_err(ServerError::Thread)?;
    let beaconing = runtime.block_on(async { start_beacons(config).await })?;
    let control = beaconing.control.clone();
    let server = match start(beaconing, level) {
        Ok(server) => server,
        Err(error) => {
            // The meta server need not wait for the grace to end.
            runtime.block_on(leave(&control));
            return Err(error);
        }
    };
    let Started {
        node,
        listener,
        threads,
        ended,
    } = server;
    info!(address = %node.address, start_time = node.incarnation.start_time(),
        replicas = node.router.all().len(), shards = node.shards.len(), "replica server started");
    let result = runtime.block_on(serve(&node, listener, ended, shutdown));
    info!("replica server stops");
    runtime.block_on(stop(node, threads));
    result
}

/// Hands connections to the shards until the server is to stop.
async fn serve(
    node: &Arc<Node>,
    listener: std::net::TcpListener,
    mut ended: mpsc::UnboundedReceiver<String>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServerError> {
    let shards = NonZeroUsize::new(node.shards.len()).unwrap_or(NonZeroUsize::MIN);
    let gate = Arc::clone(&node.gate);
    let accept = listener::accept_connections(listener, gate, shards, |shard, connection| {
        node.shards[shard].send(ShardMessage::Connection(connection));
    });
    tokio::select! {
        () = shutdown => {}
        Some(thread) = ended.recv() => {
            error!(thread, "a thread has ended: the server stops");
            return Err(ServerError::ThreadEnded(thread));
        }
        ended = accept => {
            if let Err(error) = ended {
                warn!(%error, "the listener has failed: the server stops");
            }
        }
    }
    Ok(())
}

/// Ends the lease, and tells the meta server so.
async fn leave(control: &mpsc::UnboundedSender<ControlMessage>) {
    let (done, is_done) = oneshot::channel();
    // The control thread may have ended by itself.
    drop(control.send(ControlMessage::Leave(done)));
    if tokio::time::timeout(LEAVING_PATIENCE, is_done)
        .await
        .is_err()
    {
        warn!("the control thread does not say goodbye");
    }
}

/// The lease ends first, so that the meta server gives away at once what this server was primary of;
/// it goes on acknowledging what others order meanwhile. Then the shards hand over what they have,
/// and the logs write it when the node is dropped.
async fn stop(node: Arc<Node>, threads: Vec<JoinHandle<()>>) {
    leave(&node.control).await;
    node.lease.close();
    drop(node.control.send(ControlMessage::Stop));
    drop(node.learning.thread.send(LearnMessage::Stop));
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
    node.learning.pool.close();
}
