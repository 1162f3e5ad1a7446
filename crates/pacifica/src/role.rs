//! What a replica is. Data that only one role has lives inside that role.
//!
//! | From | On | To |
//! |---|---|---|
//! | (opened) | | Inactive(Starting) |
//! | any but Error | configuration with a higher ballot | Inactive(Adopting), ballot to the log |
//! | Inactive(Adopting) | that ballot is safe | Primary, Secondary, Learner, Inactive(Outside or Unproven) |
//! | Inactive(Starting) | configuration of the same ballot: secondary | Secondary |
//! | Inactive(Starting) | configuration of the same ballot: primary | Inactive(AwaitingBallot) |
//! | Inactive(Starting) | configuration of the same ballot: not listed | Inactive(Outside) |
//! | Inactive but not AwaitingBallot | its primary invites it to learn | Learner |
//! | Learner | silence | Inactive(Starting) |
//! | Primary | proposal of meta to step back | Inactive(AwaitingBallot) |
//! | Inactive | proposal of meta to be the truth | Inactive(AwaitingBallot) |
//! | any | log, storage or I8 failed | Error, for good |

use std::sync::Arc;

use pegasus_common::{Decree, RpcAddress};

use crate::adoption::Adoption;
use crate::configuration::Configuration;
use crate::follow::FollowState;
use crate::learner::{LearnSignature, LearnerState};
use crate::lease::LeaseTerm;
use crate::teaching::Learner;

/// What a replica is now.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Holds data, takes no part.
    Inactive(InactiveReason),
    /// Orders the writes.
    Primary(PrimaryState),
    /// Logs what the primary orders.
    Secondary(SecondaryState),
    /// Catches up with the group (potential secondary).
    Learner(LearnerState),
    /// Failed; the driver closes it.
    Error(ErrorReason),
}

impl Role {
    /// The role's name in messages to others.
    #[must_use]
    pub const fn status(&self) -> ReplicaStatus {
        match self {
            Self::Inactive(_) => ReplicaStatus::Inactive,
            Self::Primary(_) => ReplicaStatus::Primary,
            Self::Secondary(_) => ReplicaStatus::Secondary,
            Self::Learner(_) => ReplicaStatus::PotentialSecondary,
            Self::Error(_) => ReplicaStatus::Error,
        }
    }
}

/// The roles by the numbers of upstream's `partition_status` (replication.md section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
pub enum ReplicaStatus {
    /// PS_INACTIVE
    Inactive = 1,
    /// PS_ERROR
    Error = 2,
    /// PS_PRIMARY
    Primary = 3,
    /// PS_SECONDARY
    Secondary = 4,
    /// PS_POTENTIAL_SECONDARY
    PotentialSecondary = 5,
}

impl ReplicaStatus {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// The status of a number from the wire, if a replica can have it.
    #[must_use]
    pub const fn from_code(code: i32) -> Option<Self> {
        match code {
            1 => Some(Self::Inactive),
            2 => Some(Self::Error),
            3 => Some(Self::Primary),
            4 => Some(Self::Secondary),
            5 => Some(Self::PotentialSecondary),
            _ => None,
        }
    }
}

/// Why a replica takes no part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum InactiveReason {
    /// Opened, and has not heard from meta or its primary yet.
    Starting,
    /// It has asked meta for a new ballot and waits (upstream: transient inactive).
    AwaitingBallot,
    /// A ballot is on its way into the log.
    Adopting(Adoption),
    /// The configuration does not list it. What it has may be outdated for ever after.
    Outside,
    /// The configuration lists it, but it may lack what it acknowledged (I6).
    Unproven,
}

/// Why a replica gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorReason {
    /// The log refused an append or a flush.
    LogFailed,
    /// Storage could not apply a committed mutation.
    ApplyFailed,
    /// The group committed other bytes at a decree that is committed here (I8).
    Diverged,
}

/// What a primary knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PrimaryState {
    /// The membership under its ballot.
    pub configuration: Configuration,
    /// The newest decree that it took over; until that is applied here it neither reads nor
    /// accepts writes (I5).
    pub inherited: Decree,
    /// The last lease term in which meta has confirmed it under this ballot (I4).
    pub confirmed_in: LeaseTerm,
    /// The secondaries: a commit waits for each of them.
    pub followers: Vec<Follower>,
    /// The servers that it teaches.
    pub learners: Vec<Learner>,
    pub(crate) next_signature: LearnSignature,
    /// Everyone who gets new prepares at once.
    pub(crate) following: Arc<[RpcAddress]>,
}

/// What the primary knows of a secondary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Follower {
    /// Where it is.
    pub node: RpcAddress,
    /// Its log has everything through here, as this primary has it.
    pub acknowledged: Decree,
    /// Its commit point, as last heard.
    pub committed: Decree,
    /// Whether prepares flow.
    pub link: FollowerLink,
    /// Whether it moves.
    pub(crate) progress: Progress,
}

/// What the progress timer has seen of a peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Progress {
    /// What it had acknowledged at the last tick, if something waited for it then.
    pub waited_at: Option<Decree>,
    /// Whole ticks in which something waited for it and nothing came.
    pub stalled_ticks: u32,
}

/// Whether new prepares are sent to a follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FollowerLink {
    /// Not before it has answered a group check in this ballot, or after a reconnect: until then it
    /// could only drop them.
    Joining,
    /// It has everything that was sent, or will say that it has not.
    Following,
}

/// What a secondary knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecondaryState {
    /// The membership under its ballot.
    pub configuration: Configuration,
    /// How it follows the primary.
    pub follow: FollowState,
}
