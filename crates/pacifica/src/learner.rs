//! Vocabulary of learning (replication.md section 14): how a replica that is no member yet gets the
//! state of the group. A learner is a secondary whose acknowledgements do not count yet.

use pegasus_common::Ballot;

use crate::configuration::Configuration;
use crate::digest::DigestAt;
use crate::follow::FollowState;

/// One attempt to learn; a later attempt has a larger signature, over all ballots. What carries an
/// older one is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LearnSignature(pub i64);

impl LearnSignature {
    /// The first signature that a primary gives under a ballot.
    #[must_use]
    pub fn first_of(ballot: Ballot) -> Self {
        Self((ballot.0 << 32).wrapping_add(1))
    }

    /// The signature after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// One life of a replica, from its opening to its end: a number that no earlier life of the replica
/// had, on this disk or on one that was lost. The driver draws it at random.
///
/// What a learner acknowledged in an earlier life may be gone, and a primary cannot see that a server
/// was restarted. So an attempt belongs to one life: the learner follows only once the primary has
/// answered that life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Life(pub u64);

/// Names a checkpoint among those that one server offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckpointId(pub i64);

/// A checkpoint that the primary keeps for a learner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CheckpointOffer {
    /// By which the primary's server finds its files.
    pub id: CheckpointId,
    /// Everything through this decree is in it, and nothing after; with the digest there.
    pub at: DigestAt,
}

/// What a learner knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LearnerState {
    /// The membership that it learns from; it is not in it.
    pub configuration: Configuration,
    /// This attempt.
    pub signature: LearnSignature,
    /// How it follows the primary.
    pub follow: FollowState,
    /// How far it is.
    pub phase: LearnPhase,
    /// Progress timers since it last heard from the primary.
    pub(crate) silent_ticks: u32,
}

/// How far a learner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LearnPhase {
    /// It has said what it has, and waits for the primary's answer.
    Asking,
    /// It logs what the primary sends.
    Following,
    /// What it has is not the group's history: it waits for a checkpoint, and acknowledges nothing.
    StartingOver,
    /// The driver fetches this checkpoint.
    Fetching(CheckpointOffer),
    /// The driver could not fetch the checkpoint: it asks again on the next progress timer.
    FetchFailed,
}
