//! What the core asks its driver to do.

use pegasus_common::{Gpid, RpcAddress};
use pegasus_metastore::Transaction;
use pegasus_wire::meta_admin::{
    ConfigurationCreateAppResponse, ConfigurationDropAppResponse, ConfigurationRecallAppResponse,
    ConfigurationRenameAppResponse, ConfigurationSetAtomicIdempotentResponse,
    ConfigurationSetMaxReplicaCountResponse, ConfigurationUpdateAppEnvResponse,
    ConfigurationUpdateRequest, ConfigurationUpdateResponse,
};
use pegasus_wire::replication::CreateReplicaRequest;

use crate::failure_detector::RefusalReason;
use crate::guardian::all_dead::Refusal;

/// Names a commit until its outcome is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitToken(pub u64);

/// Names a request that is answered later. The driver chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestToken(pub u64);

/// Names one attempt to create a replica until its outcome is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreateCall {
    /// The partition.
    pub pid: Gpid,
    /// The server that shall have a replica.
    pub node: RpcAddress,
    /// Tells the attempts apart.
    pub attempt: u64,
}

/// Something for the driver to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Commit and report success to `MetaCore::on_committed`. Any error ends the reign: the driver
    /// drops the core, and the next leader starts from the store.
    Commit {
        /// For the report.
        token: CommitToken,
        /// What to make durable.
        transaction: Transaction,
    },
    /// Answer a request.
    Reply {
        /// Which one.
        to: RequestToken,
        /// With what.
        answer: Answer,
    },
    /// Call RPC_CREATE_REPLICA and report the outcome to `MetaCore::on_replica_created`.
    CreateReplica {
        /// For the report; names the server.
        call: CreateCall,
        /// The argument.
        request: CreateReplicaRequest,
    },
    /// Send RPC_CONFIG_PROPOSAL, which has no answer. It may get lost.
    Propose {
        /// To whom.
        node: RpcAddress,
        /// The argument.
        request: Box<ConfigurationUpdateRequest>,
    },
    /// Tell the operator.
    Alert(Alert),
}

/// A late answer.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is the answer to the call of its name")]
pub enum Answer {
    CreateApp(ConfigurationCreateAppResponse),
    DropApp(ConfigurationDropAppResponse),
    RecallApp(Box<ConfigurationRecallAppResponse>),
    RenameApp(ConfigurationRenameAppResponse),
    UpdateAppEnv(ConfigurationUpdateAppEnvResponse),
    SetReplicaCount(ConfigurationSetMaxReplicaCountResponse),
    SetAtomicIdempotent(ConfigurationSetAtomicIdempotentResponse),
    UpdateConfiguration(Box<ConfigurationUpdateResponse>),
}

/// Something that an operator should look at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Alert {
    /// A server reports a replica that does not belong to any table. It is left alone: the metadata
    /// may be what is wrong.
    #[error(
        "{node} holds replica {pid}, which belongs to no table known here; it is left alone. \
         If all replicas are unknown, the meta server's own data is lost"
    )]
    UnknownReplica {
        /// The server.
        node: RpcAddress,
        /// The replica.
        pid: Gpid,
    },
    /// A server reports a newer ballot than the metadata has. Only metadata that went back in time
    /// explains it.
    #[error("{node} has replica {pid} in a ballot newer than the metadata's")]
    BallotAhead {
        /// The server.
        node: RpcAddress,
        /// The replica.
        pid: Gpid,
    },
    /// A server refuses to create a replica.
    #[error("{node} refuses to create a replica of {pid}: {reason}")]
    CreationRefused {
        /// The server.
        node: RpcAddress,
        /// The partition.
        pid: Gpid,
        /// Its reason.
        reason: String,
    },
    /// A server's beacons are refused.
    #[error("{node} may not take part: {reason}")]
    BeaconRefused {
        /// The server.
        node: RpcAddress,
        /// Why.
        reason: RefusalReason,
    },
    /// All members of a partition are gone, and no choice of a primary is safe.
    #[error("partition {pid} has lost all members, and nobody is made primary: {reason}")]
    NoSafePrimary {
        /// The partition.
        pid: Gpid,
        /// Why.
        reason: Refusal,
    },
    /// All members of a partition were gone, and none can prove that it has everything.
    #[error(
        "partition {pid} has lost all members and goes on with what {node} has: that is the \
         best there is, but writes that were acknowledged last may be lost"
    )]
    RevivedFrom {
        /// The partition.
        pid: Gpid,
        /// The next primary.
        node: RpcAddress,
    },
}
