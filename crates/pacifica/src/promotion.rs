//! When a learner counts, becomes a member, or is given up.
//!
//! A learner that follows, agrees and has acknowledged all that is committed is *counted*: from then on
//! commits wait for it, and meta is asked to make it a member. Meta may grant that at any time in this
//! ballot, also when the answer is long overdue. So once meta was asked, the learner stays counted as
//! long as the ballot lasts, and if it is lost only a new ballot ends the wait (I2).

use pegasus_common::RpcAddress;

use crate::effect::Effects;
use crate::message::LearnOutcome;
use crate::planted::{self, PlantedBug};
use crate::reconfiguration::ReconfigurationKind;
use crate::replica::Replica;
use crate::teaching::{Agreement, Counting, Learner, Supply};

impl Replica {
    /// Counts every learner that has everything, and asks meta to make one a member.
    pub(crate) fn count_learners(&mut self, out: &mut Effects) {
        let ready: Vec<RpcAddress> = self
            .taught()
            .filter(|learner| learner.counting == Counting::Not && self.has_everything(learner))
            .map(|learner| learner.node)
            .collect();
        for node in ready {
            if let Some(learner) = self.learner_mut(node) {
                learner.counting = Counting::Counted;
            }
            self.reply_to_learner(node, LearnOutcome::Counted, out);
        }
        self.ask_to_promote(out);
    }

    /// A primary that has not committed what it took over does not know what is committed: it may
    /// have been told so in an earlier life, and have answered clients.
    fn has_everything(&self, learner: &Learner) -> bool {
        let agrees =
            learner.agreement == Agreement::Agrees || planted::is(PlantedBug::LearnerDigestIgnored);
        let is_complete = self.has_caught_up() && learner.acknowledged >= self.committed()
            || planted::is(PlantedBug::LearnerCountedTooEarly);
        learner.supply == Supply::Following && agrees && is_complete
    }

    /// One change of membership at a time; taking members out goes first.
    pub(crate) fn ask_to_promote(&mut self, out: &mut Effects) {
        if self.request.is_some() {
            return;
        }
        let next = self
            .taught()
            .find(|learner| learner.counting == Counting::Counted)
            .map(|learner| learner.node);
        let (Some(node), Some(primary)) = (next, self.as_primary()) else {
            return;
        };
        let mut configuration = primary.configuration.with_next_ballot();
        configuration.secondaries.push(node);
        if let Some(learner) = self.learner_mut(node) {
            learner.counting = Counting::Asked;
        }
        let kind = ReconfigurationKind::UpgradeToSecondary;
        self.ask_for(kind, node, configuration, out);
    }

    /// Gives a learner up. Meta proposes another, or the same, when it sees fit.
    pub(crate) fn drop_learner(&mut self, node: RpcAddress, out: &mut Effects) {
        let Some(learner) = self.learner(node) else {
            return;
        };
        if learner.counting == Counting::Asked && !planted::is(PlantedBug::AskedLearnerDropped) {
            self.ask_for_new_ballot(out);
            return;
        }
        if let Some(primary) = self.as_primary_mut() {
            primary.learners.retain(|learner| learner.node != node);
            primary.list_following();
        }
        self.commit_acknowledged(out);
    }

    /// Asks for the same membership under the next ballot, which ends every request of this one.
    pub(crate) fn ask_for_new_ballot(&mut self, out: &mut Effects) {
        let is_asked = self
            .request
            .as_ref()
            .is_some_and(|request| request.kind != ReconfigurationKind::UpgradeToSecondary);
        let Some(primary) = self.as_primary().filter(|_| !is_asked) else {
            return;
        };
        let configuration = primary.configuration.with_next_ballot();
        let kind = ReconfigurationKind::PrimaryForceUpdateBallot;
        self.ask_for(kind, self.me, configuration, out);
    }
}
