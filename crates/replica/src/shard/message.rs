//! What a shard hears from other threads.

use std::sync::Arc;

use bytes::Bytes;
use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_common::Gpid;
use pegasus_common::RpcAddress;
use pegasus_engine::BackgroundFailure;
use pegasus_engine::StallState;
use pegasus_pacifica::Configuration;
use pegasus_pacifica::ConfigurationSource;
use pegasus_pacifica::Proposal;
use pegasus_rpc::AdmittedConnection;
use pegasus_wire::TaskCode;
use pegasus_wire::frame::RequestHead;
use pegasus_wire::layer2::AppInfo;
use pegasus_wire::metadata::ReplicaInfo;
use tokio::sync::oneshot;

use crate::answers::RemoteAnswer;
use crate::hosted_replica::HostedReplica;
use crate::instance::ReplicaInstance;
use crate::learn::message::LearnEvent;
use crate::peer_messages::PeerMessage;
use crate::stub::HeldReplica;
use crate::stub::Instruction;
use crate::write_request::Requester;

/// A message into a shard.
#[derive(Debug)]
pub enum ShardMessage {
    /// A connection that this shard is to serve.
    Connection(AdmittedConnection),
    /// The log of a disk holds everything that this shard submitted through `ticket`.
    LogSafe {
        /// Which disk.
        disk: usize,
        /// The last safe hand-over.
        ticket: u64,
    },
    /// The log of a disk has failed for good.
    LogFailed {
        /// Which disk.
        disk: usize,
        /// What happened.
        reason: Arc<str>,
    },
    /// The log of a disk is too large because of these replicas: they are to flush.
    LogPinned(Vec<Gpid>),
    /// An answer that another thread or shard made for a connection of this shard.
    Answer(RemoteAnswer),
    /// A write for a replica of this shard, from a connection of another.
    Write(Box<ForwardedWrite>),
    /// A replication message for a replica of this shard, from a connection of another.
    Peer(Box<PeerMessage>),
    /// A link to or from this server was made anew: messages may have been lost.
    PeerConnected(RpcAddress),
    /// The key that a replica's next write waits for is in the block cache.
    KeyCached(ReplicaInstance),
    /// A replica's storage has everything through this decree on disk.
    Flushed(ReplicaInstance, Decree),
    /// A replica's storage holds writes back, or no longer.
    StallChanged(ReplicaInstance, StallState),
    /// A replica's storage failed in the background.
    StorageFailed(ReplicaInstance, BackgroundFailure),
    /// Learning has come to something.
    Learn(LearnEvent),
    /// A replica that was loaded; this shard owns it from now on.
    Install(Box<HostedReplica>),
    /// A replica that was just made; this shard owns it from now on.
    Begin(Box<HostedReplica>),
    /// A configuration from the meta server.
    Configuration {
        /// Which partition.
        gpid: Gpid,
        /// The membership.
        configuration: Configuration,
        /// The table.
        app: Box<AppInfo>,
        /// How it came.
        source: ConfigurationSource,
    },
    /// What the meta server wants a replica to bring about.
    Proposal {
        /// Which partition.
        gpid: Gpid,
        /// What to do.
        proposal: Proposal,
        /// The table.
        app: Box<AppInfo>,
    },
    /// The lease has begun, lapsed or was closed.
    LeaseChanged,
    /// The meta server does not list the replica: it gives its role up, if it is still as described.
    StepDown(HeldReplica),
    /// Nobody needs the replica: if it is still as described, its directory is put aside.
    PutAside(HeldReplica),
    /// The control thread wants to know what this shard has.
    Report(oneshot::Sender<Vec<ReplicaInfo>>),
    /// The control thread wants to know which tables this shard's replicas are of: for each table the
    /// description that its replica with the newest ballot has.
    DescribeTables(oneshot::Sender<Vec<(Ballot, AppInfo)>>),
    /// The server is stopping: hand everything over and say when that is done.
    Stop(oneshot::Sender<()>),
}

impl ShardMessage {
    /// What the meta server wants of one replica.
    #[must_use]
    pub fn instruct(gpid: Gpid, app: Box<AppInfo>, instruction: Instruction) -> Self {
        match instruction {
            Instruction::Configure {
                configuration,
                source,
            } => Self::Configuration {
                gpid,
                configuration,
                app,
                source,
            },
            Instruction::Propose(proposal) => Self::Proposal {
                gpid,
                proposal,
                app,
            },
        }
    }
}

/// A write that arrived at another shard than the replica's.
#[derive(Debug)]
pub struct ForwardedWrite {
    /// Routing of the request.
    pub head: RequestHead,
    /// Which write.
    pub code: TaskCode,
    /// Its argument.
    pub argument: Bytes,
    /// Who asked.
    pub requester: Requester,
}
