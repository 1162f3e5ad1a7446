//! What a beacon says and what it means.

use std::time::Duration;

use pegasus_common::{Room, RpcAddress};

/// Where the life of a replica server's process stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It has locked its data directories and reads its replicas in. No process before it lives.
    Loading,
    /// It has all its replicas.
    Serving,
    /// It has closed its lease for good and ends.
    Leaving,
}

/// One beacon of a replica server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beacon {
    /// The sender.
    pub node: RpcAddress,
    /// Which process of it: later ones have larger numbers. In practice its start, in the
    /// sender's wall clock's milliseconds.
    pub incarnation: Option<i64>,
    /// How long the sender serves after sending this, if it says so.
    pub lease: Option<Duration>,
    /// Where the sender stands.
    pub phase: Phase,
    /// Whether the sender has space.
    pub room: Room,
}

/// A change of a server's liveness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LivenessEvent {
    /// A server was not known, or dead, and lives.
    Alive {
        /// The server.
        node: RpcAddress,
    },
    /// A server that was thought to live is a new process: the old one and its lease are gone,
    /// because the data directories' lock has passed to the new one.
    Restarted {
        /// The server.
        node: RpcAddress,
    },
    /// A living server has read in all its replicas.
    Loaded {
        /// The server.
        node: RpcAddress,
    },
    /// A server is gone, and its lease with it.
    Dead {
        /// The server.
        node: RpcAddress,
        /// How it is known.
        cause: DeathCause,
    },
    /// A living server has run out of space, or has some again.
    RoomChanged {
        /// The server.
        node: RpcAddress,
        /// What it has now.
        room: Room,
    },
}

impl LivenessEvent {
    /// The server.
    #[must_use]
    pub const fn node(self) -> RpcAddress {
        match self {
            Self::Alive { node }
            | Self::Restarted { node }
            | Self::Loaded { node }
            | Self::Dead { node, .. }
            | Self::RoomChanged { node, .. } => node,
        }
    }
}

/// How a server's death is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeathCause {
    /// No beacon arrived for the grace period.
    Silence,
    /// It said so.
    Goodbye,
}

/// What follows from a beacon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeaconOutcome {
    /// It extends the lease and is answered so; it may have changed the server's liveness.
    Accepted(Option<LivenessEvent>),
    /// The sender leaves; this is answered, and extends nothing.
    Farewell(Option<LivenessEvent>),
    /// It comes late, from a process that is gone: no answer.
    Stale,
    /// The sender restarts too often: no answer for a while.
    Unstable,
    /// The sender may not take part, and is told so.
    Refused(RefusalReason),
}

/// Why a server may not take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusalReason {
    /// New servers must be on the allow list.
    #[error("it is not on the allow list (replica_white_list)")]
    NotAllowed,
    /// It would still serve when this meta server gives its roles away.
    #[error(
        "its lease of {lease:?} is not at least 5 % shorter than the grace of {grace:?} here: \
         make fd_lease_ms and fd_grace_ms agree on all servers"
    )]
    LeaseTooLong {
        /// Its lease.
        lease: Duration,
        /// The grace here.
        grace: Duration,
    },
    /// It does not say how long it serves after a beacon.
    #[error("its beacons do not say how long its lease is: it is too old a version")]
    NoLease,
    /// There are too many servers.
    #[error("this meta server keeps track of no more servers")]
    TooManyServers,
}
