//! What the stub asks of its driver, and the form of what the driver reports back.

use std::time::Duration;

use pegasus_common::Ballot;
use pegasus_common::Gpid;
use pegasus_common::RpcAddress;
use pegasus_pacifica::ReplicaStatus;
use pegasus_wire::failure_detector::BeaconAck;
use pegasus_wire::failure_detector::BeaconMsg;
use pegasus_wire::layer2::AppInfo;
use pegasus_wire::meta_admin::ConfigurationQueryByNodeRequest;
use pegasus_wire::meta_admin::ConfigurationQueryByNodeResponse;
use pegasus_wire::meta_admin::ConfigurationUpdateRequest;
use pegasus_wire::meta_admin::ConfigurationUpdateResponse;
use pegasus_wire::metadata::ReplicaInfo;

use super::instruction::Instruction;
use super::options::StubOptions;

/// How long the answer to a config sync is waited for.
const SYNC_PATIENCE: Duration = Duration::from_secs(3);
/// How long the answer to a replica's request is waited for; it is repeated afterwards.
const REQUEST_PATIENCE: Duration = Duration::from_secs(1);

/// One thing to do, in the order in which they were pushed.
#[derive(Clone, Debug, PartialEq)]
pub enum StubEffect {
    /// Ask a meta server; report with [`super::Stub::on_answer`], in any order.
    Call(MetaCall),
    /// The lease has begun, lapsed or was closed: shards look at it now.
    LeaseChanged,
    /// The connections to the meta servers may be dead without anyone noticing: make new ones. Calls
    /// on the old ones go on.
    Reconnect,
    /// Ask all shards what they have; report with [`super::Stub::on_replicas_gathered`].
    GatherReplicas,
    /// Give this to the replica, if it is still here.
    Instruct {
        /// Which partition.
        gpid: Gpid,
        /// Its table, as the meta server describes it.
        app: Box<AppInfo>,
        /// What to do.
        instruction: Instruction,
    },
    /// The meta server lists this server for the partition no more: if the replica is still as
    /// described, it gives its role up. It stays open, with all that it has.
    StepDown(HeldReplica),
    /// Nobody needs the replica: if it is still as described, flush and close it, put its directory
    /// aside as `.gar`, and only then let the log forget it.
    PutAside(HeldReplica),
    /// Tell a server that its replica was removed from the group (RPC_REMOVE_REPLICA, oneway).
    TellRemoved {
        /// Which server.
        node: RpcAddress,
        /// Which partition.
        gpid: Gpid,
        /// The ballot that removed it.
        ballot: Ballot,
    },
    /// The goodbye was heard, or was said long enough: stop.
    Left,
}

/// A replica as it was when something was decided about it. Whoever carries the decision out leaves a
/// replica alone that has changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeldReplica {
    /// Which partition.
    pub gpid: Gpid,
    /// Its durable ballot.
    pub ballot: Ballot,
    /// Its role.
    pub status: ReplicaStatus,
}

impl HeldReplica {
    /// From a report, if that makes sense.
    #[must_use]
    pub fn of_report(report: &ReplicaInfo) -> Option<Self> {
        Some(Self {
            gpid: report.pid,
            ballot: Ballot(report.ballot),
            status: ReplicaStatus::from_code(report.status.0)?,
        })
    }
}

/// The number of a call; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// A question for a meta server.
#[derive(Clone, Debug, PartialEq)]
pub struct MetaCall {
    /// By which the answer is known.
    pub id: CallId,
    /// Who is asked.
    pub to: RpcAddress,
    /// When the driver gives up and reports [`CallFailure::NoAnswer`].
    pub patience: Duration,
    /// What is asked.
    pub question: MetaQuestion,
}

/// What a meta server is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum MetaQuestion {
    /// RPC_FD_FAILURE_DETECTOR_PING.
    Beacon(BeaconMsg),
    /// RPC_CM_CONFIG_SYNC.
    ConfigSync(Box<ConfigurationQueryByNodeRequest>),
    /// RPC_CM_UPDATE_PARTITION_CONFIGURATION.
    Reconfigure(Box<ConfigurationUpdateRequest>),
}

impl MetaQuestion {
    pub(super) fn patience(&self, options: &StubOptions) -> Duration {
        match self {
            // An answer that comes later than this extends nothing; one that comes earlier does.
            Self::Beacon(_) => options.lease,
            Self::ConfigSync(_) => SYNC_PATIENCE,
            Self::Reconfigure(_) => REQUEST_PATIENCE,
        }
    }
}

/// What a meta server answers.
#[derive(Clone, Debug, PartialEq)]
pub enum MetaAnswer {
    /// To a beacon.
    Beacon(BeaconAck),
    /// To a config sync.
    ConfigSync(Box<ConfigurationQueryByNodeResponse>),
    /// To a request for a new configuration.
    Reconfigured(Box<ConfigurationUpdateResponse>),
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFailure {
    /// The meta server was not reached, or the connection broke.
    NotReached,
    /// It did not answer in time.
    NoAnswer,
    /// It answered something else.
    BadAnswer,
}
