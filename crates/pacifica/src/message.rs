//! What the replicas of one partition say to each other.

use pegasus_common::{Ballot, Decree, ErrorCode};

use crate::configuration::Configuration;
use crate::digest::DigestAt;
use crate::learner::{CheckpointOffer, LearnSignature, Life};
use crate::mutation::Mutation;
use crate::role::ReplicaStatus;

/// A message from one replica of a partition to another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// The primary asks to log this.
    Prepare {
        /// Carries the ballot in which it is proposed.
        mutation: Mutation,
    },
    /// A member answers prepares.
    PrepareAck(PrepareAck),
    /// The primary tells its configuration and how far it is.
    GroupCheck(GroupCheck),
    /// A member or learner answers a group check, or a member says by itself that it is ready.
    GroupCheckReply(GroupCheckReply),
    /// A learner begins: it says what it has.
    Learn(LearnRequest),
    /// The primary answers a learner otherwise than by mutations.
    LearnReply(LearnReply),
    /// The primary has a checkpoint for a learner.
    CheckpointOffer(OfferedCheckpoint),
}

/// Answer to prepares: one may stand for many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PrepareAck {
    /// The ballot of the prepares that this answers.
    pub ballot: Ballot,
    /// Cumulative: the sender's log safely holds everything through this decree as the primary of
    /// `ballot` has it. Meaningful for [`PeerOutcome::Ok`] and [`PeerOutcome::Gap`].
    pub decree: Decree,
    /// What became of the prepare.
    pub outcome: PeerOutcome,
    /// The sender's commit point.
    pub last_committed: Decree,
    /// The sender is a learner, in this attempt.
    pub learner: Option<LearnSignature>,
}

/// The primary's view of the group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupCheck {
    /// The primary's configuration: this is how a member hears of a new ballot from its primary.
    pub configuration: Configuration,
    /// The primary's commit point.
    pub last_committed: Decree,
    /// The newest decree that the primary has proposed.
    pub last_prepared: Decree,
    /// The primary's digest (I8).
    pub digest: DigestAt,
    /// The receiver is to learn, in this attempt; it is not a member.
    pub learner: Option<LearnSignature>,
}

/// A member's answer to a group check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupCheckReply {
    /// The sender's ballot.
    pub ballot: Ballot,
    /// [`PeerOutcome::Gap`] asks for everything after `last_prepared` (again).
    pub outcome: PeerOutcome,
    /// What the sender is.
    pub status: ReplicaStatus,
    /// The sender's commit point.
    pub last_committed: Decree,
    /// The sender has everything through this decree as the primary of `ballot` has it, though
    /// perhaps not yet safely logged.
    pub last_prepared: Decree,
    /// The sender's digest (I8).
    pub digest: DigestAt,
    /// The sender is a learner, in this attempt.
    pub learner: Option<LearnSignature>,
}

/// A learner's first word in an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LearnRequest {
    /// The learner's ballot.
    pub ballot: Ballot,
    /// The attempt to which the primary invited it.
    pub signature: LearnSignature,
    /// The learner's life.
    pub life: Life,
    /// What it has committed.
    pub has: DigestAt,
}

/// The primary's word to a learner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LearnReply {
    /// The primary's ballot.
    pub ballot: Ballot,
    /// The attempt: a newer one than the learner named, if another life answered to that one.
    pub signature: LearnSignature,
    /// The life of the learner that this answers.
    pub life: Life,
    /// What becomes of it.
    pub outcome: LearnOutcome,
}

/// What becomes of an attempt to learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LearnOutcome {
    /// The attempt is this life's: what the learner acknowledges from now on is noted.
    Accepted,
    /// The learner has everything, and commits wait for it from now on: the primary asks meta to
    /// make it a member.
    Counted,
    /// What the learner has is not the group's history: a checkpoint will replace it.
    StartOver,
}

/// A checkpoint for one learner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OfferedCheckpoint {
    /// The primary's ballot.
    pub ballot: Ballot,
    /// The attempt.
    pub signature: LearnSignature,
    /// What is offered.
    pub offer: CheckpointOffer,
}

impl LearnOutcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Counted, Self::StartOver];

    /// The outcome as an `err` field of the wire messages.
    #[must_use]
    pub const fn error_code(self) -> ErrorCode {
        match self {
            Self::Accepted => ErrorCode::TryAgain,
            Self::Counted => ErrorCode::Ok,
            Self::StartOver => ErrorCode::InconsistentState,
        }
    }

    /// Inverse of [`LearnOutcome::error_code`].
    #[must_use]
    pub fn from_error_code(code: ErrorCode) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.error_code() == code)
    }
}

/// How a member answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerOutcome {
    /// Done.
    Ok,
    /// Decrees before this one are missing: send again what follows the reported one.
    Gap,
    /// The sender does not know the configuration of this ballot.
    NeedConfiguration,
    /// The sender is not a member of this configuration.
    NotMember,
    /// The sender cannot prove that it has what it once acknowledged (I6), or lacks too much: it
    /// must learn before it can be a member.
    NeedsLearning,
    /// The sender has failed.
    Failed,
}

impl PeerOutcome {
    /// Every outcome.
    pub const ALL: [Self; 6] = [
        Self::Ok,
        Self::Gap,
        Self::NeedConfiguration,
        Self::NotMember,
        Self::NeedsLearning,
        Self::Failed,
    ];

    /// The outcome as an `err` field of the wire messages.
    #[must_use]
    pub const fn error_code(self) -> ErrorCode {
        match self {
            Self::Ok => ErrorCode::Ok,
            Self::Gap => ErrorCode::TryAgain,
            Self::NeedConfiguration => ErrorCode::InactiveState,
            Self::NotMember => ErrorCode::InvalidState,
            Self::NeedsLearning => ErrorCode::IncompleteData,
            Self::Failed => ErrorCode::LocalAppFailure,
        }
    }

    /// Inverse of [`PeerOutcome::error_code`]; every other code is a failure.
    #[must_use]
    pub fn from_error_code(code: ErrorCode) -> Self {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.error_code() == code)
            .unwrap_or(Self::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_survive_the_wire() {
        for outcome in PeerOutcome::ALL {
            assert_eq!(PeerOutcome::from_error_code(outcome.error_code()), outcome);
        }
        assert_eq!(
            PeerOutcome::from_error_code(ErrorCode::Unknown),
            PeerOutcome::Failed
        );
        for outcome in LearnOutcome::ALL {
            let code = outcome.error_code();
            assert_eq!(LearnOutcome::from_error_code(code), Some(outcome));
        }
        assert_eq!(LearnOutcome::from_error_code(ErrorCode::Unknown), None);
    }
}
