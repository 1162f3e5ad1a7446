//! How a primary teaches: it invites a server and judges what that has. What it sends it then is in
//! [`crate::supply`]; when the learner counts, in [`crate::promotion`].

use pegasus_common::{Decree, RpcAddress};

use crate::configuration::Membership;
use crate::digest::DigestAt;
use crate::effect::Effects;
use crate::learner::{CheckpointOffer, LearnSignature, Life};
use crate::message::{LearnOutcome, LearnReply, LearnRequest, Message};
use crate::planted::{self, PlantedBug};
use crate::replica::Replica;
use crate::role::{InactiveReason, PrimaryState, Progress, Role};

/// What a primary knows of a server that it teaches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Learner {
    /// Where it is.
    pub node: RpcAddress,
    /// The present attempt.
    pub signature: LearnSignature,
    /// Its log has everything through here, as this primary has it.
    pub acknowledged: Decree,
    /// Where it gets what it lacks.
    pub supply: Supply,
    /// Whether it counts.
    pub counting: Counting,
    /// The life to which the attempt belongs, once one has answered.
    pub(crate) life: Option<Life>,
    /// Whether what it has is the group's history.
    pub(crate) agreement: Agreement,
    /// The last checkpoint that it was offered.
    pub(crate) offered: Option<DigestAt>,
    /// It needs the log of this primary after this decree.
    pub(crate) keeps_log_after: Option<Decree>,
    /// Whether it moves.
    pub(crate) progress: Progress,
    /// Progress timers since it last answered.
    pub(crate) quiet_ticks: u32,
}

/// Where a learner gets what it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Supply {
    /// It has been told to learn.
    Invited,
    /// Messages may have been lost: it is asked what it has.
    Rejoining,
    /// From this server's log: the driver reads what follows.
    ReadingLog {
        /// What the learner has.
        after: Decree,
    },
    /// From this server's log: mutations are on their way.
    SentLog {
        /// The last of them.
        through: Decree,
    },
    /// The driver makes a checkpoint.
    MakingCheckpoint,
    /// It fetches a checkpoint.
    Checkpoint(CheckpointOffer),
    /// Prepares flow, from the end of what it has.
    Following,
}

/// Whether commits wait for a learner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counting {
    /// They do not.
    Not,
    /// They do: it has everything.
    Counted,
    /// They do, and meta has been asked to make it a member. That may be granted whenever this ballot
    /// lasts, so nothing takes this back under this ballot.
    Asked,
}

/// Whether what a learner has committed is what this primary has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Agreement {
    /// No decree is known that both have a digest of.
    Unknown,
    /// It is.
    Agrees,
    /// It is not.
    Contradicts,
}

impl Learner {
    pub(crate) fn invited(node: RpcAddress, signature: LearnSignature) -> Self {
        Self {
            node,
            signature,
            acknowledged: Decree::ZERO,
            supply: Supply::Invited,
            counting: Counting::Not,
            life: None,
            agreement: Agreement::Unknown,
            offered: None,
            keeps_log_after: None,
            progress: Progress::default(),
            quiet_ticks: 0,
        }
    }

    /// The same learner under the next ballot of the same primary. A checkpoint that it fetches stays
    /// good; everything else is found out again.
    pub(crate) fn under_next_ballot(self) -> Self {
        let is_fetching = matches!(self.supply, Supply::Checkpoint(_));
        Self {
            supply: if is_fetching {
                self.supply
            } else {
                Supply::Invited
            },
            acknowledged: Decree::ZERO,
            counting: Counting::Not,
            progress: Progress::default(),
            ..self
        }
    }

    /// Notes what it has in its log.
    pub(crate) fn note_acknowledged(&mut self, decree: Decree) {
        self.acknowledged = self.acknowledged.max(decree);
        if let Some(after) = &mut self.keeps_log_after {
            *after = (*after).max(decree);
        }
    }
}

impl PrimaryState {
    fn learner(&self, node: RpcAddress) -> Option<&Learner> {
        self.learners.iter().find(|learner| learner.node == node)
    }

    fn learner_mut(&mut self, node: RpcAddress) -> Option<&mut Learner> {
        self.learners
            .iter_mut()
            .find(|learner| learner.node == node)
    }

    fn take_signature(&mut self) -> LearnSignature {
        let signature = self.next_signature;
        self.next_signature = signature.next();
        signature
    }
}

impl Replica {
    /// The servers that this primary teaches, and in which attempt; also while it is on its way into
    /// a ballot under which it teaches on.
    pub fn learners(&self) -> impl Iterator<Item = (RpcAddress, LearnSignature)> + '_ {
        self.taught()
            .map(|learner| (learner.node, learner.signature))
    }

    /// What this primary knows of each server that it teaches.
    pub(crate) fn taught(&self) -> impl Iterator<Item = &Learner> {
        let learners = match &self.role {
            Role::Primary(primary) => primary.learners.as_slice(),
            Role::Inactive(InactiveReason::Adopting(adoption)) => adoption.learners.as_slice(),
            _ => &[],
        };
        learners.iter()
    }

    pub(crate) fn learner(&self, node: RpcAddress) -> Option<&Learner> {
        self.as_primary()?.learner(node)
    }

    pub(crate) fn learner_mut(&mut self, node: RpcAddress) -> Option<&mut Learner> {
        self.as_primary_mut()?.learner_mut(node)
    }

    /// The learner, if this is its present attempt and one of its lives was accepted for it.
    pub(crate) fn accepted_learner(
        &mut self,
        node: RpcAddress,
        signature: LearnSignature,
    ) -> Option<&mut Learner> {
        self.learner_mut(node).filter(|learner| {
            (learner.signature == signature || planted::is(PlantedBug::StaleAckAccepted))
                && learner.life.is_some()
                && learner.supply != Supply::Invited
        })
    }

    /// Meta wants this primary to teach a server. `members_max` counts learners too.
    pub(crate) fn add_learner(&mut self, node: RpcAddress, members_max: u32, out: &mut Effects) {
        let me = self.me;
        let Some(primary) = self.as_primary_mut() else {
            return;
        };
        let is_member = primary.configuration.membership_of(node) != Membership::Outside;
        if is_member || node == me {
            return;
        }
        if primary.learner(node).is_none() {
            let present = 1 + primary.followers.len() + primary.learners.len();
            if present >= usize::try_from(members_max).unwrap_or(usize::MAX) {
                return;
            }
            let signature = primary.take_signature();
            primary.learners.push(Learner::invited(node, signature));
        }
        self.invite(node, out);
    }

    /// Tells a learner that it is one, and where the group stands.
    pub(crate) fn invite(&self, node: RpcAddress, out: &mut Effects) {
        if let (Some(learner), Some(mut check)) = (self.learner(node), self.group_check()) {
            check.learner = Some(learner.signature);
            out.send(node, Message::GroupCheck(check));
        }
    }

    /// A learner begins, or asks again.
    pub(crate) fn on_learn(&mut self, from: RpcAddress, request: LearnRequest, out: &mut Effects) {
        let is_present = request.ballot == self.ballot;
        let Some(learner) = self.learner(from).filter(|_| is_present) else {
            return;
        };
        if learner.signature != request.signature {
            return;
        }
        let is_another_life = learner.life.is_some_and(|life| life != request.life);
        if is_another_life {
            if learner.counting == Counting::Asked {
                // Meta may make it a member on the strength of its earlier life. The next ballot
                // tells whether it did.
                self.ask_for_new_ballot(out);
                return;
            }
            self.begin_another_attempt(from);
        }
        if request.has.decree > self.committed() && !self.has_caught_up() {
            // Not known to be committed here yet: the learner asks again at the next group check.
            return;
        }
        self.begin_teaching(from, request, out);
    }

    /// The learner was restarted: what it acknowledged before may be gone, so nothing of the old
    /// attempt counts.
    fn begin_another_attempt(&mut self, node: RpcAddress) {
        let Some(primary) = self.as_primary_mut() else {
            return;
        };
        let signature = primary.take_signature();
        if let Some(learner) = primary.learner_mut(node) {
            *learner = Learner {
                offered: learner.offered,
                ..Learner::invited(node, signature)
            };
            primary.list_following();
        }
    }

    /// Accepts a life of a learner for the present attempt, and sends it what it lacks.
    fn begin_teaching(&mut self, node: RpcAddress, request: LearnRequest, out: &mut Effects) {
        let has = request.has;
        let agreement = self.judge(node, has);
        let Some(learner) = self.learner_mut(node) else {
            return;
        };
        learner.life = Some(request.life);
        learner.quiet_ticks = 0;
        if agreement == Agreement::Contradicts {
            // If it was offered a checkpoint before, that did not help.
            learner.supply = Supply::Rejoining;
            self.start_over(node, out);
            return;
        }
        learner.agreement = agreement;
        learner.keeps_log_after = Some(has.decree);
        learner.note_acknowledged(has.decree);
        let after = learner.acknowledged;
        self.reply_to_learner(node, LearnOutcome::Accepted, out);
        self.supply_after(node, after, out);
        self.count_learners(out);
    }

    /// Whether what a learner has committed is what this primary has committed.
    fn judge(&self, node: RpcAddress, has: DigestAt) -> Agreement {
        let Some(learner) = self.learner(node) else {
            return Agreement::Unknown;
        };
        let compared = self.digest.agrees_with(has);
        let contradicts = learner.agreement == Agreement::Contradicts
            || has.decree > self.committed()
            || compared == Some(false);
        let agrees = learner.agreement == Agreement::Agrees
            || has == DigestAt::default()
            || learner.offered == Some(has)
            || compared == Some(true);
        match (contradicts, agrees) {
            (true, _) => Agreement::Contradicts,
            (false, true) => Agreement::Agrees,
            (false, false) => Agreement::Unknown,
        }
    }

    pub(crate) fn reply_to_learner(
        &self,
        node: RpcAddress,
        outcome: LearnOutcome,
        out: &mut Effects,
    ) {
        let Some(learner) = self.learner(node) else {
            return;
        };
        if let Some(life) = learner.life {
            let reply = LearnReply {
                ballot: self.ballot,
                signature: learner.signature,
                life,
                outcome,
            };
            out.send(node, Message::LearnReply(reply));
        }
    }
}
