//! Who takes part in a run, and what they send each other.

use std::fmt;

use pegasus_common::{Ballot, ErrorCode, Gpid, RpcAddress};
use pegasus_history::key_value::Answer;
use pegasus_pacifica::{CheckpointId, Message};
use pegasus_replica::stub::{MetaAnswer, MetaQuestion};
use pegasus_wire::layer2::QueryCfgResponse;
use pegasus_wire::meta_admin::ConfigurationUpdateRequest;
use pegasus_wire::replication::{CreateReplicaRequest, CreateReplicaResponse};

use crate::disk::storage_model::Snapshot;
use crate::workload::Task;

/// A process of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The meta server.
    Meta,
    /// A replica server.
    Server(usize),
    /// A client.
    Client(usize),
}

const SERVER_HOST: u64 = 0x0a00_0001;
const META_HOST: u64 = 0x0a00_0100;
/// An IPv4 address as [`RpcAddress::to_u64`] has it: host, port 34801, kind 1.
const PORT_AND_KIND: u64 = (34_801 << 16) | 1;

impl Place {
    /// The address of the process.
    #[must_use]
    pub fn address(self) -> RpcAddress {
        let host = match self {
            Self::Meta => META_HOST,
            Self::Server(index) | Self::Client(index) => SERVER_HOST + index as u64,
        };
        RpcAddress::from_u64((host << 32) | PORT_AND_KIND)
    }

    /// The server of an address.
    #[must_use]
    pub fn of(address: RpcAddress) -> Option<Self> {
        let host = address.to_u64() >> 32;
        if host == META_HOST {
            return Some(Self::Meta);
        }
        let index = host.checked_sub(SERVER_HOST)?;
        usize::try_from(index).ok().map(Self::Server)
    }

    /// A number that tells places apart.
    #[must_use]
    pub fn number(self) -> u64 {
        match self {
            Self::Meta => 0,
            Self::Server(index) => 1 + index as u64,
            Self::Client(index) => 101 + index as u64,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Meta => f.write_str("meta"),
            Self::Server(index) => write!(f, "server{index}"),
            Self::Client(index) => write!(f, "client{index}"),
        }
    }
}

/// Names a call of one process until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// One message.
#[derive(Clone, Debug)]
pub enum Packet {
    /// The first message of every link between servers.
    Hello,
    /// A replication message.
    Peer {
        /// Which partition.
        gpid: Gpid,
        /// What it says.
        message: Message,
    },
    /// Something that wants an answer.
    Call {
        /// For the answer.
        id: CallId,
        /// What is wanted.
        request: Box<Request>,
    },
    /// The answer to a call.
    Answer {
        /// Which call.
        id: CallId,
        /// The answer.
        answer: Box<Response>,
    },
    /// Nobody listens at the address that was called.
    Refused {
        /// Which call.
        id: CallId,
    },
    /// The meta server wants a change; there is no answer.
    Proposal(Box<ConfigurationUpdateRequest>),
    /// A primary tells a server that its replica was removed; there is no answer.
    Removed {
        /// Which partition.
        gpid: Gpid,
        /// The ballot that removed it.
        ballot: Ballot,
    },
}

/// A call.
#[derive(Clone, Debug)]
pub enum Request {
    /// Server to meta.
    Meta(MetaQuestion),
    /// Client to meta: where are the partitions?
    QueryConfiguration,
    /// Meta to server.
    CreateReplica(CreateReplicaRequest),
    /// Client to server.
    Data {
        /// Which partition.
        gpid: Gpid,
        /// What to do.
        task: Task,
    },
    /// Server to server: a piece of a checkpoint.
    Fetch {
        /// Which partition.
        gpid: Gpid,
        /// Which checkpoint.
        checkpoint: CheckpointId,
        /// How many pieces are there already.
        pieces: u32,
    },
}

/// An answer.
#[derive(Clone, Debug)]
pub enum Response {
    /// To [`Request::Meta`].
    Meta(MetaAnswer),
    /// To [`Request::QueryConfiguration`].
    QueryConfiguration(QueryCfgResponse),
    /// To [`Request::CreateReplica`].
    CreateReplica(CreateReplicaResponse),
    /// To [`Request::Data`].
    Data(Result<Answer, ErrorCode>),
    /// To [`Request::Fetch`].
    Fetch(Piece),
}

/// A piece of a checkpoint.
#[derive(Clone, Debug)]
pub enum Piece {
    /// There are more.
    More,
    /// The last one: now everything is there.
    Last(Snapshot),
    /// There is no such checkpoint (any more).
    Gone,
}
