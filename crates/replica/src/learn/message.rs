//! What goes between the shards and the learning thread.

use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_common::Gpid;
use pegasus_common::RpcAddress;
use pegasus_pacifica::CheckpointOffer;
use pegasus_pacifica::Configuration;
use pegasus_pacifica::LearnSignature;
use pegasus_pacifica::Mutation;
use pegasus_pacifica::Recovered;
use pegasus_wire::layer2::AppInfo;
use tokio::sync::oneshot;

use crate::disk::Aside;
use crate::hosted_replica::HostedReplica;
use crate::instance::ReplicaInstance;
use crate::peer_messages::PeerMessage;

/// From a shard to the learning thread.
#[derive(Debug)]
pub enum LearnMessage {
    /// A learner of this server was offered a checkpoint.
    Fetch(Box<Fetch>),
    /// A primary wants to teach this server a partition of which it has nothing.
    MakeEmpty {
        /// The table.
        app: Box<AppInfo>,
        /// What the primary said: the new replica hears it first.
        check: Box<PeerMessage>,
    },
    /// A replica was closed; its directory is to be put aside.
    PutAside {
        /// Which partition.
        gpid: Gpid,
        /// In which data directory.
        disk: usize,
        /// Why.
        why: Aside,
    },
    /// The storage of a replica has failed: it is to be opened again. Its report stands until then.
    Reopen(Box<FailedReplica>),
    /// The server is stopping.
    Stop,
}

/// A replica whose storage has failed. It is closed, or about to be.
#[derive(Clone, Debug)]
pub struct FailedReplica {
    /// Which partition.
    pub gpid: Gpid,
    /// In which data directory it is.
    pub disk: usize,
    /// Its table.
    pub app: AppInfo,
    /// What its state machine had.
    pub remains: Recovered,
}

/// A checkpoint to be fetched and installed.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// The learner.
    pub instance: ReplicaInstance,
    /// In which data directory it is.
    pub disk: usize,
    /// Its table.
    pub app: AppInfo,
    /// Who has the checkpoint.
    pub from: RpcAddress,
    /// The attempt.
    pub signature: LearnSignature,
    /// What the learner learns from.
    pub configuration: Configuration,
    /// Which checkpoint.
    pub offer: CheckpointOffer,
}

/// What storage has for a learner.
#[derive(Debug, Default)]
pub enum Supply {
    /// Nothing now: the learner will ask again.
    #[default]
    Nothing,
    /// What follows its last decree, from the log.
    Mutations(Vec<Mutation>),
    /// A checkpoint on the shelf.
    Checkpoint(CheckpointOffer),
}

/// From the learning thread and its pool to a shard.
#[derive(Debug)]
pub enum LearnEvent {
    /// What a primary wanted for a learner.
    Supplied {
        /// The primary.
        instance: ReplicaInstance,
        /// The learner.
        to: RpcAddress,
        /// Its attempt.
        signature: LearnSignature,
        /// What there is.
        supply: Supply,
    },
    /// A learner's checkpoint could not be fetched.
    FetchFailed(ReplicaInstance),
    /// A learner's checkpoint is here and verified: the replica is to make way for it. The answer is
    /// its ballot; nobody answers if it does not want this checkpoint any more.
    MakeWay {
        /// The learner.
        instance: ReplicaInstance,
        /// The attempt.
        signature: LearnSignature,
        /// The checkpoint.
        offer: CheckpointOffer,
        /// The answer.
        done: oneshot::Sender<Ballot>,
    },
    /// What the log has of this partition is void: a replica that holds everything through `decree`
    /// takes its place. The answer says that this is safe.
    ResetLog {
        /// Which partition.
        gpid: Gpid,
        /// The log of which data directory.
        disk: usize,
        /// The ballot under which the replica was given.
        ballot: Ballot,
        /// What it holds.
        decree: Decree,
        /// The answer.
        done: oneshot::Sender<()>,
    },
    /// A replica with the checkpoint in it: it goes on learning.
    Learned {
        /// The replica.
        replica: Box<HostedReplica>,
        /// What it learns from.
        configuration: Configuration,
        /// The attempt.
        signature: LearnSignature,
    },
    /// A new, empty replica, and what it hears first.
    Made {
        /// The replica.
        replica: Box<HostedReplica>,
        /// The primary's word.
        check: Box<PeerMessage>,
    },
    /// A replica whose storage had failed is open again.
    Reopened {
        /// The replica.
        replica: Box<HostedReplica>,
    },
    /// The directory of a replica that nobody needs is put aside, with everything in it that was
    /// applied: the log may forget the replica. Not before, since a directory without its records would
    /// be loaded as if nothing were missing.
    CollectedGarbage {
        /// Which partition.
        gpid: Gpid,
        /// In which data directory it was.
        disk: usize,
    },
    /// The log of a data directory is too large because of a partition of which nothing else is there.
    Forsaken {
        /// Which partition.
        gpid: Gpid,
        /// Which data directory.
        disk: usize,
    },
    /// Nothing is being made or installed for this partition any more.
    ConstructionEnded(Gpid),
}
