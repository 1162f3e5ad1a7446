//! What a server answers that has no such replica.

use pegasus_common::{Decree, RpcAddress};

use crate::configuration::Membership;
use crate::digest::DigestAt;
use crate::message::{GroupCheck, GroupCheckReply, PeerOutcome};
use crate::role::ReplicaStatus;

/// The answer of a server without a replica of the partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AbsentAnswer {
    /// Send this to the primary: a member that has lost its data must first leave the group.
    Reply(GroupCheckReply),
    /// Make a replica from [`crate::Recovered::for_learning`], and give it the group check.
    MakeEmptyForLearning,
    /// Nothing to do.
    Ignore,
}

/// A group check for a partition that this server does not have. Not to be asked while the server
/// still loads its replicas.
#[must_use]
pub fn on_group_check(me: RpcAddress, check: &GroupCheck) -> AbsentAnswer {
    let configuration = &check.configuration;
    if !configuration.is_well_formed() || configuration.primary.is_none() {
        return AbsentAnswer::Ignore;
    }
    match (configuration.membership_of(me), check.learner) {
        (Membership::Secondary, None) => AbsentAnswer::Reply(GroupCheckReply {
            ballot: configuration.ballot,
            outcome: PeerOutcome::NeedsLearning,
            status: ReplicaStatus::Inactive,
            last_committed: Decree::ZERO,
            last_prepared: Decree::ZERO,
            digest: DigestAt::default(),
            learner: None,
        }),
        (Membership::Outside, Some(_)) => AbsentAnswer::MakeEmptyForLearning,
        _ => AbsentAnswer::Ignore,
    }
}

#[cfg(test)]
mod tests {
    use pegasus_common::Ballot;

    use super::*;
    use crate::configuration::Configuration;
    use crate::learner::LearnSignature;

    fn node(number: u64) -> RpcAddress {
        RpcAddress::from_u64((number << 32) + 1)
    }

    fn check(learner: Option<LearnSignature>) -> GroupCheck {
        GroupCheck {
            configuration: Configuration {
                ballot: Ballot(3),
                max_replica_count: 3,
                primary: Some(node(1)),
                secondaries: vec![node(2)],
            },
            last_committed: Decree(7),
            last_prepared: Decree(8),
            digest: DigestAt::default(),
            learner,
        }
    }

    #[test]
    fn a_member_without_data_must_learn_and_a_learner_begins_empty() {
        let AbsentAnswer::Reply(reply) = on_group_check(node(2), &check(None)) else {
            panic!("a member answers");
        };
        assert_eq!(reply.outcome, PeerOutcome::NeedsLearning);
        assert_eq!(reply.ballot, Ballot(3));
        let learner = Some(LearnSignature(9));
        let made = on_group_check(node(3), &check(learner));
        assert_eq!(made, AbsentAnswer::MakeEmptyForLearning);
        assert_eq!(
            on_group_check(node(2), &check(learner)),
            AbsentAnswer::Ignore
        );
        assert_eq!(on_group_check(node(3), &check(None)), AbsentAnswer::Ignore);
    }
}
