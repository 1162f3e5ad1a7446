//! Vocabulary of learning (replication.md section 14): how a replica that is no member yet gets the
//! state of the group.

use pegasus_common::Decree;

use crate::configuration::Configuration;

/// One attempt to learn; a later attempt has a larger signature. Messages of older ones are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LearnSignature(pub i64);

/// What a learner knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LearnerState {
    /// The membership that it learns from; it is not in it.
    pub configuration: Configuration,
    /// This attempt.
    pub signature: LearnSignature,
    /// How far it is.
    pub phase: LearnPhase,
}

/// How far a learner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LearnPhase {
    /// It fetches state and is not sent prepares yet.
    WithoutPrepare,
    /// It takes part in prepares from `prepare_start` on, and closes the gap before that.
    WithPrepare {
        /// The first decree that comes by prepare. Fixed in the step that cut the learned range,
        /// so that nothing falls between the two.
        prepare_start: Decree,
    },
    /// It has everything; the primary asks meta to make it a member.
    Succeeded,
}

/// Where a learner gets what it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LearnSource {
    /// From the primary's prepare list (LT_CACHE).
    PrepareList,
    /// From the primary's log (LT_LOG).
    Log,
    /// From a checkpoint, then the log (LT_APP).
    Checkpoint,
}

/// What a primary can give from memory and from its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LearnCoverage {
    /// The oldest decree in the prepare list; the next one to propose when it is empty.
    pub prepare_list_from: Decree,
    /// The oldest decree in the log, if it holds any.
    pub log_from: Option<Decree>,
}

impl LearnCoverage {
    /// The cheapest source for a learner that has everything through `learner_has`.
    #[must_use]
    pub fn source_for(&self, learner_has: Decree) -> LearnSource {
        let wanted = learner_has.next();
        if wanted >= self.prepare_list_from {
            LearnSource::PrepareList
        } else if self.log_from.is_some_and(|from| wanted >= from) {
            LearnSource::Log
        } else {
            LearnSource::Checkpoint
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_source_that_covers_the_gap_is_chosen() {
        let coverage = LearnCoverage {
            prepare_list_from: Decree(100),
            log_from: Some(Decree(40)),
        };
        assert_eq!(coverage.source_for(Decree(99)), LearnSource::PrepareList);
        assert_eq!(coverage.source_for(Decree(98)), LearnSource::Log);
        assert_eq!(coverage.source_for(Decree(39)), LearnSource::Log);
        assert_eq!(coverage.source_for(Decree(38)), LearnSource::Checkpoint);
    }
}
